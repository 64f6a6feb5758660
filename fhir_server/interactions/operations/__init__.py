"""One file per operation; this table says which there are.

https://hl7.org/fhir/R4/operations.html
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.closure import closure
from fhir_server.interactions.operations.everything import everything
from fhir_server.interactions.operations.expand import expand
from fhir_server.interactions.operations.fhirpath import fhirpath
from fhir_server.interactions.operations.jobs import jobs
from fhir_server.interactions.operations.lookup import lookup
from fhir_server.interactions.operations.subsumes import subsumes
from fhir_server.interactions.operations.translate import translate
from fhir_server.interactions.operations.validate import validate
from fhir_server.interactions.operations.validate_code import validate_code
from fhir_server.interactions.request import Request, Response


@dataclass(frozen=True, slots=True)
class Operation:
    perform: Callable[[Context, Request], Awaitable[Response]]
    # canonical of the OperationDefinition; `{type}` in it stands for the type, where each has its own
    definition: str
    levels: frozenset[str]  # of "system", "type", "instance", "version"
    resource_types: frozenset[str] = frozenset()  # empty: any
    affects_state: bool = False  # True: POST only
    # of types for which R4 has no definition
    own_definitions: Mapping[str, str] = field(default_factory=dict)

    def concerns(self, resource_type: str | None) -> bool:
        """Whether a URL with this type can go on with the operation; None: a URL without a type."""
        if resource_type is None:
            return "system" in self.levels
        return self.levels != {"system"} and (not self.resource_types or resource_type in self.resource_types)

    def definition_of(self, resource_type: str | None) -> str:
        own = self.own_definitions.get(resource_type or "")
        return own or self.definition.replace("{type}", resource_type or "")


_HL7 = "http://hl7.org/fhir/OperationDefinition/"
_TYPE = frozenset(("type",))
_TYPE_AND_INSTANCE = frozenset(("type", "instance"))

OPERATIONS: dict[str, Operation] = {
    # R4 says that it leaves the state as it is, and describes how it keeps one: so by POST only
    "closure": Operation(closure, f"{_HL7}ConceptMap-closure", frozenset(("system",)), affects_state=True),
    "everything": Operation(
        everything,
        f"{_HL7}{{type}}-everything",
        _TYPE_AND_INSTANCE,
        frozenset(("Patient", "Encounter", "Organization")),
        own_definitions={"Organization": "urn:fhir-server:OperationDefinition:Organization-everything"},
    ),
    "expand": Operation(expand, f"{_HL7}ValueSet-expand", _TYPE_AND_INSTANCE, frozenset(("ValueSet",))),
    "fhirpath": Operation(
        fhirpath, "urn:fhir-server:OperationDefinition:fhirpath", frozenset(("system", "instance"))
    ),
    "jobs": Operation(jobs, "urn:fhir-server:OperationDefinition:jobs", frozenset(("system",))),
    "lookup": Operation(lookup, f"{_HL7}CodeSystem-lookup", _TYPE, frozenset(("CodeSystem",))),
    "subsumes": Operation(
        subsumes, f"{_HL7}CodeSystem-subsumes", _TYPE_AND_INSTANCE, frozenset(("CodeSystem",))
    ),
    "translate": Operation(
        translate, f"{_HL7}ConceptMap-translate", _TYPE_AND_INSTANCE, frozenset(("ConceptMap",))
    ),
    "validate": Operation(validate, f"{_HL7}Resource-validate", _TYPE_AND_INSTANCE),
    "validate-code": Operation(
        validate_code,
        f"{_HL7}{{type}}-validate-code",
        _TYPE_AND_INSTANCE,
        frozenset(("CodeSystem", "ValueSet")),
    ),
}
"""By code, without the `$`."""
