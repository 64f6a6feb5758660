"""Contained resources: used, one level deep, without a version of their own, and not in a ring.

https://hl7.org/fhir/R4/references.html#contained, constraints dom-2 to dom-5 and ref-1
"""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from fhir_server.outcome import Issue
from fhir_server.validation.scope import Contained, Scope, shown

_META = {"versionId": "dom-4", "lastUpdated": "dom-4", "security": "dom-5"}


def own_issues(resource: dict[str, Any], at: str) -> Iterator[Issue]:
    """What a contained resource may not have."""
    if "contained" in resource:
        text = f"{at}.contained: a contained resource contains no others (dom-2)"
        yield Issue("error", "invariant", text, f"{at}.contained")
    if not resource.get("id"):
        yield Issue("error", "required", f"{at}.id: found 0, a contained resource needs 1", f"{at}.id")
    meta = resource.get("meta")
    if isinstance(meta, dict):
        for name in sorted(meta.keys() & _META.keys()):
            text = f"{at}.meta.{name}: a contained resource has none ({_META[name]})"
            yield Issue("error", "invariant", text, f"{at}.meta.{name}")


def issues(scope: Scope, at: str) -> Iterator[Issue]:
    """What is wrong between a resource and those it contains."""
    contained = scope.contained or []
    ids = {one.id for one in contained}
    for text, place in scope.fragments:
        if text[1:] not in ids:
            yield _dangling(text, place)
    for one in contained:
        for text, place in one.scope.fragments:
            if text != "#" and text[1:] not in ids:
                yield _dangling(text, place)
    if contained:
        yield from _repeated(contained, at)
        yield from _unused(scope, contained, at)
        yield from _rings(contained, at)


def _dangling(text: str, at: str) -> Issue:
    return Issue(
        "error", "invariant", f"{at}: no contained resource has the id {shown(text[1:])} (ref-1)", at
    )


def _repeated(contained: list[Contained], at: str) -> Iterator[Issue]:
    seen: set[str] = set()
    for one in contained:
        if one.id in seen:
            place = f"{at}.contained[{one.place}].id"
            text = f"{place}: another contained resource has the id {shown(one.id)}"
            yield Issue("error", "invariant", text, place)
        seen.add(one.id)


def _unused(scope: Scope, contained: list[Contained], at: str) -> Iterator[Issue]:
    """A use counts when it starts at the resource, or when the contained one refers to the resource."""
    used = scope.uses() | {one.id for one in contained if "" in one.scope.uses()}
    pending = list(used)
    by_id = {one.id: one for one in contained}
    while pending:
        one = by_id.get(pending.pop())
        further = (one.scope.uses() if one else set()) - used
        used |= further
        pending.extend(further)
    for one in contained:
        if one.id not in used:
            place = f"{at}.contained[{one.place}]"
            text = f"{place}: nothing refers to #{one.id}, a contained resource is used by its owner (dom-3)"
            yield Issue("error", "invariant", text, place)


def _rings(contained: list[Contained], at: str) -> Iterator[Issue]:
    """Contained resources that refer to each other in a circle: none of them has an owner."""
    within = {one.id for one in contained}
    try:
        TopologicalSorter({one.id: one.scope.uses() & within for one in contained}).prepare()
    except CycleError as error:
        ring = " → ".join(f"#{id_}" for id_ in reversed(error.args[1]))
        place = f"{at}.contained"
        yield Issue("error", "invariant", f"{place}: {ring} is a ring of references", place)
