"""Who may change which element, once the placer has handed the referral over.

What is not named here is fixed then. Server: `lastModified`, `restriction`, milestones and the copies in
extensions, the number of the filler; what a client sends there is not looked at.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from fhir_server.alliance.referral.table import Actor
from fhir_server.resource import Resource

Way = Literal["set", "append", "raise"]


class Right(NamedTuple):
    way: Way
    actors: tuple[Actor, ...]
    moves: bool = False  # who makes a change of the table sets it with that


_BOTH: tuple[Actor, ...] = ("placer", "filler")
_ALL: tuple[Actor, ...] = ("placer", "filler", "dispatch", "server")

TASK_RIGHTS: dict[str, Right] = {
    "status": Right("set", ("filler",), moves=True),
    "businessStatus": Right("set", ("filler",), moves=True),
    "statusReason": Right("set", ("filler",), moves=True),
    "owner": Right("set", ("filler",)),
    "executionPeriod": Right("set", ("filler",)),
    "output": Right("append", ("filler",)),
    "note": Right("append", (*_BOTH, "dispatch")),
    "contained": Right("append", _BOTH),
    "input": Right("append", ("placer",)),
    "priority": Right("raise", ("placer",)),
    "meta": Right("set", _ALL),
    "text": Right("set", _ALL),
}
REQUEST_RIGHTS: dict[str, Right] = {
    "status": Right("set", ("placer", "server")),
    "note": Right("append", ("placer",)),
    "supportingInfo": Right("append", ("placer",)),
    "priority": Right("raise", ("placer",)),
    "meta": Right("set", ("placer", "server")),
    "text": Right("set", ("placer", "server")),
}

_PRIORITIES = ("routine", "urgent", "asap", "stat")
_STAMPS = frozenset(("versionId", "lastUpdated"))


def content_of(resource: Resource) -> Resource:
    """Without what the store sets."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _STAMPS}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return rest | {"meta": meta} if meta else rest


def changed(before: Resource, after: Resource) -> list[str]:
    """Names of the elements that differ; both as `content_of` gives them. `_x` counts as `x`."""
    names = [*before, *(name for name in after if name not in before)]
    return list(
        dict.fromkeys(name.removeprefix("_") for name in names if before.get(name) != after.get(name))
    )


class Breach(NamedTuple):
    element: str
    text: str
    actors: tuple[Actor, ...]  # who may change it, though not so; (): nobody


def breaches(before: Resource, after: Resource, rights: dict[str, Right]) -> Iterator[Breach]:
    """Changes that nobody may make: of fixed elements, or in a way in which the element is not changed."""
    for name in changed(before, after):
        right = rights.get(name)
        if right is None:
            yield Breach(name, "is fixed", ())
        elif right.way == "append" and not _is_appended(before.get(name), after.get(name)):
            yield Breach(name, "can only be added to", right.actors)
        elif right.way == "raise" and not _is_raised(before.get(name), after.get(name)):
            yield Breach(name, "can only be raised", right.actors)


def _is_appended(before: Any, after: Any) -> bool:
    before, after = before or [], after or []
    return isinstance(after, list) and after[: len(before)] == before


def _is_raised(before: Any, after: Any) -> bool:
    return after in _PRIORITIES and _PRIORITIES.index(after) > _PRIORITIES.index(before or "routine")
