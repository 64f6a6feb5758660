"""The check of every write against the base specification.

https://hl7.org/fhir/R4/validation.html: structure, cardinality, value domains, required bindings, invariants.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import Issue
from fhir_server.validation import constraint
from fhir_server.validation.accept import Acceptance
from fhir_server.validation.explain import Explanation
from fhir_server.validation.scope import Scope

# the only types with constraints below the resource that are warnings
_WARNED_WITHIN = frozenset(("StructureDefinition",))
ISSUES_LIMIT = 100  # a body of 16 MiB can hold a million mistakes


class Validator:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._resource_types = definitions.resource_types
        self._accepts = Acceptance(definitions).resource
        self._accepts_envelope = Acceptance(definitions, envelope=True).resource
        self._explain = Explanation(definitions).resource
        self._of_type: dict[str, tuple[constraint.Warning, ...]] = {}

    def check(self, resource: dict[str, Any], at: str | None = None) -> list[Issue]:
        """What is wrong with `resource`; [] when nothing is. Errors only.

        at: the FHIRPath of the resource within what the client sent; None: it is what the client sent.
        """
        if self._accepts(resource):
            return []
        return _limited(self._explain(resource, at or self._name(resource)))

    def accepts_envelope(self, bundle: dict[str, Any]) -> bool:
        """Whether a Bundle is surely fine, its resources and its own constraints left aside."""
        return self._accepts_envelope(bundle)

    def review(self, resource: dict[str, Any], at: str | None = None) -> list[Issue]:
        """The same with the constraints that are warnings."""
        at = at or self._name(resource)
        if not self._accepts(resource):
            return _limited(self._explain_all(resource, at))
        return _limited(self._warnings(resource, at))

    @cached_property
    def _explain_all(self) -> Callable[[Any, str], Iterator[Issue]]:
        return Explanation(self._definitions, warnings=True).resource

    def _warnings(self, resource: dict[str, Any], at: str) -> Iterator[Issue]:
        """Of a resource without errors, and of the entries of a Bundle."""
        type_name = resource["resourceType"]
        if type_name in _WARNED_WITHIN:
            yield from self._explain_all(resource, at)
            return
        scope = Scope(resource)
        for warning in self._warnings_of(type_name):
            if (found := warning(resource, at, scope)) is not None:
                yield found
        if type_name == "Bundle":
            for index, entry in enumerate(resource.get("entry", ())):
                if "resource" in entry:
                    yield from self._warnings(entry["resource"], f"{at}.entry[{index}].resource")

    def _warnings_of(self, type_name: str) -> tuple[constraint.Warning, ...]:
        found = self._of_type.get(type_name)
        if found is None:
            constraints = self._definitions.type(type_name).constraints
            found = self._of_type[type_name] = constraint.warnings(self._definitions, constraints, type_name)
        return found

    def _name(self, resource: dict[str, Any]) -> str:
        """Where the paths of a resource start."""
        found = resource.get("resourceType")
        return found if isinstance(found, str) and found in self._resource_types else "Resource"


def _limited(issues: Iterator[Issue]) -> list[Issue]:
    found = list(islice(issues, ISSUES_LIMIT + 1))
    if len(found) > ISSUES_LIMIT:
        found[ISSUES_LIMIT:] = [
            Issue("information", "incomplete", f"only the first {ISSUES_LIMIT} issues are listed")
        ]
    return found
