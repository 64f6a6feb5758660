"""Reference and canonical: what they may point to, by type and profile, and how.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.type.targetProfile
https://hl7.org/fhir/R4/valueset-resource-aggregation-mode.html,
https://hl7.org/fhir/R4/valueset-reference-version-rules.html

Whether a target exists is no matter of a profile; one that is not found is not checked.
"""

from dataclasses import dataclass, field
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.snapshot import TYPE_URL
from fhir_server.definitions.types import Element
from fhir_server.fhirpath.reference import target_type
from fhir_server.resource import Resource
from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, behind, later, problem
from fhir_server.validation.profile.run import Run, entry_resource
from fhir_server.validation.scope import shown


@dataclass(frozen=True, slots=True)
class Target:
    profiles: tuple[str, ...]  # (): anything
    aggregation: frozenset[str]  # empty: any
    versioning: str


def reference(
    definitions: Definitions, listed: list[dict[str, Any]], element: Element, source: str
) -> Rule | None:
    """None: the profile says no more than the base, by which references are checked already."""
    targets = [
        Target(
            tuple(map(str, type_.get("targetProfile", ()))),
            frozenset(map(str, type_.get("aggregation", ()))),
            str(type_.get("versioning", "either")),
        )
        for type_ in listed
        if type_.get("code") == "Reference"
    ]
    if not targets or _is_that_of_base(definitions, targets, element):
        return None

    pointing = _Pointing(targets, source)

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if type_ != "Reference" or not isinstance(value, dict):
            return NOTHING
        return pointing.check(value, run)

    return rule


def _is_that_of_base(definitions: Definitions, targets: list[Target], element: Element) -> bool:
    names = {
        profile.partition("|")[0].removeprefix(TYPE_URL) for target in targets for profile in target.profiles
    }
    allowed = set(element.targets) or {"Resource"}
    plain = all(not target.aggregation and target.versioning == "either" for target in targets)
    return plain and (not names or (all(map(definitions.has_type, names)) and names >= allowed))


@dataclass(slots=True, eq=False)
class _Pointing:
    """The rules of one element for its references."""

    targets: list[Target]
    source: str
    _profiles: list[str] = field(init=False)
    _kinds: frozenset[str] = field(init=False)  # manners of aggregation; empty: any
    _versioning: set[str] = field(init=False)
    # by type of FHIR: the profiles that allow it, and whether a type itself is among them
    _allowing: dict[str, tuple[list[str], bool]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._profiles = [profile for target in self.targets for profile in target.profiles]
        some = all(target.aggregation for target in self.targets)
        kinds = (kind for target in self.targets for kind in target.aggregation)
        self._kinds = frozenset(kinds) if some else frozenset()
        self._versioning = {target.versioning for target in self.targets}

    def check(self, value: dict[str, Any], run: Run) -> Found:
        text = value.get("reference")
        known = target_type(text) if isinstance(text, str) else None
        found = None
        if isinstance(text, str) and self._is_to_be_read(run, known):
            if run.waits_for(text):
                return later(lambda: self.check(value, run))
            found = run.resolve(text)
        type_ = _type(value, known, found)
        told = NOTHING
        if type_ is not None and self._profiles:
            allowing, plain = self._of_type(run, type_)
            if not allowing:
                wanted = ", ".join(self._profiles)
                pointed = f"points to {type_}, {self.source} wants {wanted}"
                told = problem("error", "value", pointed, "reference-type")
            elif found is not None and not plain:
                told = self._of_target(run, str(text), found, allowing)
        if isinstance(text, str) and (manner := self._of_manner(run, text)):
            told = [*told, *manner]
        return told

    def _of_type(self, run: Run, type_: str) -> tuple[list[str], bool]:
        known = self._allowing.get(type_)
        if known is None:
            allowing = [one for one in self._profiles if _allows(run, type_, one)]
            known = allowing, any(_is_plain(run, one) for one in allowing)
            if run.library.definitions.has_type(type_):  # clients can think of any number of others
                self._allowing[type_] = known
        return known

    def _is_to_be_read(self, run: Run, known: str | None) -> bool:
        """Whether the text does not say the type of the target, or more than its type is asked of it."""
        if known is None:
            return True
        allowing, plain = self._of_type(run, known)
        return bool(allowing) and not plain

    def _of_target(self, run: Run, text: str, found: Resource, profiles: list[str]) -> Found:
        """The target conforms to one of the profiles that are of its type."""
        key = id(found), profiles[0]
        if key in run.gathered.conforming:
            return NOTHING  # a ring of references: it is being decided above
        run.gathered.conforming.add(key)
        told = NOTHING
        try:
            inner = run.within(found, contained=text.startswith("#"))
            for profile in profiles:
                conforms, unknown_ones = inner.tries(profile, found, None, str(found["resourceType"]))
                told = [*told, *behind(".resolve()", unknown_ones)]
                if conforms:
                    return told
        finally:
            run.gathered.conforming.discard(key)
        wanted = f"the target does not conform to {' or '.join(profiles)}, as {self.source} wants"
        return [*told, *problem("error", "value", wanted, "reference-profile")]

    def _of_manner(self, run: Run, text: str) -> Found:
        """aggregation and versioning."""
        told = NOTHING
        if kinds := self._kinds:
            manner = (
                "contained" if text.startswith("#") else "bundled" if _is_bundled(run, text) else "referenced"
            )
            # what is in the bundle is referenced as well
            if manner not in kinds and not (manner == "bundled" and "referenced" in kinds):
                wanted = f"{shown(text)} is {manner}, {self.source} wants {' or '.join(sorted(kinds))}"
                told = problem("error", "value", wanted, "reference-aggregation")
        versioned = "/_history/" in text
        if self._versioning == _SPECIFIC and not versioned:
            wanted = f"{shown(text)} names no version, {self.source} wants one"
            return [*told, *problem("error", "value", wanted, "reference-versioning")]
        if self._versioning == _INDEPENDENT and versioned:
            wanted = f"{shown(text)} names a version, {self.source} wants none"
            return [*told, *problem("error", "value", wanted, "reference-versioning")]
        return told


_SPECIFIC, _INDEPENDENT = {"specific"}, {"independent"}


def _type(value: dict[str, Any], known: str | None, found: Resource | None) -> str | None:
    """The type of the target; None: nothing says it."""
    if found is not None:
        return str(found.get("resourceType"))
    declared = value.get("type")
    return known or (declared if isinstance(declared, str) and declared.isalpha() else None)


def _allows(run: Run, type_: str, profile: str) -> bool:
    """Whether a profile is of the type; one that is not known may be."""
    wanted = run.library.type_of(profile)
    definitions = run.library.definitions
    return wanted is None or not definitions.has_type(type_) or definitions.is_a(type_, wanted)


def _is_plain(run: Run, profile: str) -> bool:
    """Whether it is a type and no profile."""
    return run.library.definitions.has_type(profile.partition("|")[0].removeprefix(TYPE_URL))


def _is_bundled(run: Run, text: str) -> bool:
    return run.bundle is not None and entry_resource(run.bundle, text, run.full_url()) is not None
