"""Reference and canonical: what they may point to, by type and profile, and how.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.type.targetProfile
https://hl7.org/fhir/R4/valueset-resource-aggregation-mode.html,
https://hl7.org/fhir/R4/valueset-reference-version-rules.html

Whether a target exists is no matter of a profile; one that is not found is not checked.
"""

from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.snapshot import TYPE_URL
from fhir_server.definitions.types import Element
from fhir_server.fhirpath.reference import target_type
from fhir_server.resource import Resource
from fhir_server.validation.profile.focus import Focus
from fhir_server.validation.profile.run import Check, Run, entry_resource
from fhir_server.validation.scope import shown


@dataclass(frozen=True, slots=True)
class Target:
    profiles: tuple[str, ...]  # (): anything
    aggregation: frozenset[str]  # empty: any
    versioning: str


def reference(
    definitions: Definitions, listed: list[dict[str, Any]], element: Element, source: str
) -> Check | None:
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

    def check(focus: Focus, run: Run) -> None:
        if focus.type == "Reference" and isinstance(focus.value, dict):
            _check(focus, run, targets, source)

    return check


def _is_that_of_base(definitions: Definitions, targets: list[Target], element: Element) -> bool:
    names = {
        profile.partition("|")[0].removeprefix(TYPE_URL) for target in targets for profile in target.profiles
    }
    allowed = set(element.targets) or {"Resource"}
    plain = all(not target.aggregation and target.versioning == "either" for target in targets)
    return plain and (not names or (all(map(definitions.has_type, names)) and names >= allowed))


def _check(focus: Focus, run: Run, targets: list[Target], source: str) -> None:
    text = focus.value.get("reference")
    profiles = [profile for target in targets for profile in target.profiles]
    found = run.resolve(text) if isinstance(text, str) and _is_to_be_read(run, text, profiles) else None
    type_ = _type(focus.value, text, found)
    if type_ is not None and profiles and not any(_allows(run, type_, profile) for profile in profiles):
        wanted = ", ".join(profiles)
        problem = f"points to {type_}, {source} wants {wanted}"
        run.report("error", "value", problem, focus.at, "reference-type")
    elif found is not None and type_ is not None:
        _check_profiles(focus, run, found, [one for one in profiles if _allows(run, type_, one)], source)
    if isinstance(text, str):
        _check_manner(focus, run, text, targets, source)


def _is_to_be_read(run: Run, text: str, profiles: list[str]) -> bool:
    """Whether the text does not say the type of the target, or more than its type is asked of it."""
    type_ = target_type(text)
    if type_ is None:
        return True
    of_type = [one for one in profiles if _allows(run, type_, one)]
    return bool(of_type) and not any(_is_plain(run, one) for one in of_type)


def _type(value: dict[str, Any], text: Any, found: Resource | None) -> str | None:
    """The type of the target; None: nothing says it."""
    if found is not None:
        return str(found.get("resourceType"))
    known = target_type(text) if isinstance(text, str) else None
    declared = value.get("type")
    return known or (declared if isinstance(declared, str) and declared.isalpha() else None)


def _allows(run: Run, type_: str, profile: str) -> bool:
    """Whether a profile is of the type; one that is not known may be."""
    wanted = run.library.type_of(profile)
    definitions = run.library.definitions
    return wanted is None or not definitions.has_type(type_) or definitions.is_a(type_, wanted)


def _check_profiles(focus: Focus, run: Run, found: Resource, profiles: list[str], source: str) -> None:
    """The target conforms to one of the profiles that are of its type."""
    if not profiles or any(_is_plain(run, profile) for profile in profiles):
        return
    key = id(found), profiles[0]
    if key in run.conforming:
        return  # a ring of references: it is being decided above
    run.conforming.add(key)
    try:
        inner = run.within(found, contained=str(focus.value.get("reference")).startswith("#"))
        at = Focus(found, None, str(found["resourceType"]), f"{focus.at}.resolve()")
        if not any(inner.conforms(at, profile) for profile in profiles):
            text = f"the target does not conform to {' or '.join(profiles)}, as {source} wants"
            run.report("error", "value", text, focus.at, "reference-profile")
    finally:
        run.conforming.discard(key)


def _is_plain(run: Run, profile: str) -> bool:
    """Whether it is a type and no profile."""
    return run.library.definitions.has_type(profile.partition("|")[0].removeprefix(TYPE_URL))


def _check_manner(focus: Focus, run: Run, text: str, targets: list[Target], source: str) -> None:
    """aggregation and versioning."""
    kinds = frozenset(kind for target in targets for kind in target.aggregation)
    if kinds and all(target.aggregation for target in targets):
        manner = (
            "contained" if text.startswith("#") else "bundled" if _is_bundled(run, text) else "referenced"
        )
        # what is in the bundle is referenced as well
        if manner not in kinds and not (manner == "bundled" and "referenced" in kinds):
            problem = f"{shown(text)} is {manner}, {source} wants {' or '.join(sorted(kinds))}"
            run.report("error", "value", problem, focus.at, "reference-aggregation")
    rules = {target.versioning for target in targets}
    versioned = "/_history/" in text
    if rules == {"specific"} and not versioned:
        problem = f"{shown(text)} names no version, {source} wants one"
        run.report("error", "value", problem, focus.at, "reference-versioning")
    elif rules == {"independent"} and versioned:
        problem = f"{shown(text)} names a version, {source} wants none"
        run.report("error", "value", problem, focus.at, "reference-versioning")


def _is_bundled(run: Run, text: str) -> bool:
    return run.bundle is not None and entry_resource(run.bundle, text, run.full_url()) is not None
