"""The check of every write against the base specification.

https://hl7.org/fhir/R4/validation.html: structure, cardinality, value domains, required bindings, invariants.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import Issue
from fhir_server.validation.accept import Acceptance
from fhir_server.validation.explain import Explanation

ISSUES_LIMIT = 100  # a body of 16 MiB can hold a million mistakes


class Validator:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._resource_types = definitions.resource_types
        self._accepts = Acceptance(definitions).resource
        self._explain = Explanation(definitions).resource

    def check(self, resource: dict[str, Any], at: str | None = None) -> list[Issue]:
        """What is wrong with `resource`; [] when nothing is. Errors only.

        at: the FHIRPath of the resource within what the client sent; None: it is what the client sent.
        """
        if self._accepts(resource):
            return []
        return _limited(self._explain(resource, at or self._name(resource)))

    def review(self, resource: dict[str, Any], at: str | None = None) -> list[Issue]:
        """The same with warnings: constraints that need not hold."""
        accepts, explain = self._reviewing
        if accepts(resource):
            return []
        return _limited(explain(resource, at or self._name(resource)))

    @cached_property
    def _reviewing(self) -> Any:
        """Compiled when first wanted: a server that only writes does not need it."""
        return (
            Acceptance(self._definitions, warnings=True).resource,
            Explanation(self._definitions, warnings=True).resource,
        )

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
