"""One file per operation; this table says which there are.

https://hl7.org/fhir/R4/operations.html
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.operation import Operation
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


def operation_of(context: Context, code: str | None) -> Operation | None:
    """Of this table, or of what is built on the interactions; None: there is none."""
    return OPERATIONS.get(code or "") or context.operations.get(code or "")
