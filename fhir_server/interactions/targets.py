"""Where the links of a transaction lead: from the URLs that the client gave to the ids of this server.

https://hl7.org/fhir/R4/http.html#trules, https://hl7.org/fhir/R4/bundle.html#references
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from fhir_server.definitions.registry import Definitions
from fhir_server.interactions.links import links
from fhir_server.resource import Resource

_CRITERIA = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL)
_RESTFUL = re.compile(r"(https?://.+)/[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_HISTORY = "/_history/"


@dataclass(slots=True)
class Rewritten:
    resource: Resource
    # what each link, conditional or versioned reference was replaced by; None: not known yet
    used: dict[str, str | None]


@dataclass(slots=True)
class Targets:
    definitions: Definitions
    references: dict[str, str] = field(default_factory=dict)
    """fullUrl of an entry -> `Type/id`"""
    matches: dict[str, str] = field(default_factory=dict)
    """conditional reference -> `Type/id` of its one match"""
    versions: dict[str, int] = field(default_factory=dict)
    """fullUrl of an entry -> the version that a versioned reference to it names"""

    def rewrite(self, resource: Resource, full_url: str | None) -> Rewritten:
        """The resource of the entry with `full_url`, its links replaced."""
        replace = _Rewriting(self, base_of(full_url))
        return Rewritten(links(self.definitions).replace(resource, replace), replace.used)

    def is_stale(self, rewritten: Rewritten) -> bool:
        """Whether some link would be replaced by something else now."""
        return any(self.now(link) != found for link, found in rewritten.used.items())

    def versioned(self, rewritten: Iterable[Rewritten]) -> set[str]:
        """The fullUrls that links with a version lead to."""
        used = (link for each in rewritten for link in each.used if _HISTORY in link)
        return {link.partition(_HISTORY)[0] for link in used} & self.references.keys()

    def now(self, link: str) -> str | None:
        """What `link` is replaced by; None: nothing yet. Only for links that stand in `Rewritten.used`."""
        found = self.references.get(link) or self.matches.get(link)
        if found is None and _HISTORY in link:
            full_url = link.partition(_HISTORY)[0]
            reference, version = self.references.get(full_url), self.versions.get(full_url)
            return None if version is None else f"{reference}{_HISTORY}{version}"
        return found


def base_of(full_url: str | None) -> str | None:
    """What the relative references of an entry are relative to; None: its fullUrl is not RESTful."""
    found = _RESTFUL.fullmatch(full_url) if full_url else None
    return found[1] if found else None


def criteria_of(definitions: Definitions, reference: str) -> tuple[str, str] | None:
    """(type, criteria) of a conditional reference such as `Patient?identifier=12345`."""
    found = _CRITERIA.fullmatch(reference)
    return (found[1], found[2]) if found and found[1] in definitions.resource_types else None


class _Rewriting:
    def __init__(self, targets: Targets, base: str | None) -> None:
        self._targets = targets
        self._references = targets.references
        self._base = base
        self.used: dict[str, str | None] = {}

    def link(self, link: str) -> str:
        found = self._references.get(link)
        if found is not None:
            self.used[link] = found
            return found
        if self._base is not None and link[:1].isupper():
            return self._known(f"{self._base}/{link}", link)
        return self._known(link, link) if _HISTORY in link else link

    def reference(self, link: str) -> str:
        found = self._references.get(link)
        if found is not None:
            self.used[link] = found
            return found
        if "?" in link and criteria_of(self._targets.definitions, link) is not None:
            match = self.used[link] = self._targets.now(link)
            return match or link
        return self.link(link)

    def _known(self, absolute: str, link: str) -> str:
        """For a relative or versioned link: its replacement, when it leads to an entry."""
        if absolute.partition(_HISTORY)[0] not in self._references:
            return link
        found = self.used[absolute] = self._targets.now(absolute)
        return found or link
