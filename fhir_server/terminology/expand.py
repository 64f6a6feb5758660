"""$expand: the codes of a value set, written out.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import xxhash

from fhir_server.outcome import too_costly
from fhir_server.resource import Resource, encode
from fhir_server.terminology import languages
from fhir_server.terminology.compose import Composed, Entry
from fhir_server.terminology.concepts import Designation
from fhir_server.terminology.languages import Languages
from fhir_server.terminology.snapshot import Snapshot
from fhir_server.terminology.terminology import Terminology
from fhir_server.terminology.value_set import NO_CHOICE, Choice, composed, composed_of
from fhir_server.terminology.words import phrases

LANGUAGE_SYSTEM = "urn:ietf:bcp:47"

_LONG = 5_000  # codes
_HEAD = (
    "resourceType", "id", "language", "url", "identifier", "version", "name", "title", "status",
    "experimental", "date", "publisher", "copyright",
)  # fmt: skip
"""Of the value set, shown beside the expansion; all of it is shown where it is asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, beside the value set."""

    filter: str | None = None
    offset: int | None = None
    count: int | None = None
    active_only: bool = False
    nested: bool = False
    selectable_only: bool = False
    definition: bool = False
    designations: bool = False
    designation_tokens: tuple[str, ...] = ()  # `system|code` of uses or languages; (): all
    languages: Languages = ()
    choice: Choice = NO_CHOICE
    # as they came, for `expansion.parameter`
    echo: tuple[tuple[str, Any], ...] = ()

    @property
    def paged(self) -> bool:
        return self.count is not None or bool(self.offset)


async def expand(
    terminology: Terminology,
    snapshot: Snapshot,
    value_set: Resource,
    wanted: Wanted,
    timestamp: str,
    *,
    stored: bool = True,
) -> Resource:
    """The value set with an expansion; stored: it is the one that its canonical means in the snapshot.

    Raises 400 `too-costly` when the codes are too many and no page of them is asked for.
    """
    found, total = await _page(terminology, snapshot, value_set, wanted, stored)
    expansion: dict[str, Any] = {
        "identifier": _identifier(value_set, wanted, snapshot),
        "timestamp": timestamp,
    }
    if total is not None:
        expansion["total"] = total
    if wanted.paged:
        expansion["offset"] = wanted.offset or 0
    parameter = [_parameter(name, value) for name, value in wanted.echo] + _versions(found)
    if parameter:
        expansion["parameter"] = parameter
    show = await _show(snapshot, found, wanted)
    contains = (
        await _nested(snapshot, found, show) if wanted.nested and not wanted.paged else list(map(show, found))
    )
    if contains:
        expansion["contains"] = contains
    shown = value_set if wanted.definition else {name: value_set[name] for name in _HEAD if name in value_set}
    return shown | {"expansion": expansion}


async def _page(
    terminology: Terminology, snapshot: Snapshot, value_set: Resource, wanted: Wanted, stored: bool
) -> tuple[Sequence[Entry], int | None]:
    """The entries to show, and how many there are of all pages; None: more than are counted."""
    looked_for = phrases(wanted.filter or "")
    keep = _keep(wanted)
    if stored and wanted.choice == NO_CHOICE and "url" in value_set:
        name: str | None = _canonical(value_set)
        assert name is not None
        members = await composed(snapshot, name)
        # what is long is not held for the sake of pages: it may be read page by page
        small = not looked_for and not (wanted.paged and await _is_long(snapshot, name, members))
        listed = await terminology.entries(snapshot, members, name) if small else None
        if listed is not None:
            kept: Sequence[Entry] = listed if keep is None else list(filter(keep, listed))
            return _cut(kept, wanted), len(kept)
    else:
        name, members = None, await composed_of(snapshot, value_set, wanted.choice)
    counted = None if keep is not None else await _count(snapshot, name, members, looked_for)
    found, total = await _streamed(members, looked_for, keep, wanted, counted, terminology.limit)
    if total is None and not wanted.paged:
        raise too_costly(
            f"the expansion has more than {terminology.limit} codes: ask for pages of it by count and "
            "offset, or for fewer codes by filter"
        )
    return found, total


def _cut(entries: Sequence[Entry], wanted: Wanted) -> Sequence[Entry]:
    start = wanted.offset or 0
    return entries[start:] if wanted.count is None else entries[start : start + wanted.count]


async def _streamed(
    members: Composed,
    looked_for: tuple[str, ...],
    keep: Callable[[Entry], bool] | None,
    wanted: Wanted,
    total: int | None,
    limit: int,
) -> tuple[Sequence[Entry], int | None]:
    """Without listing more than what is asked for, beyond the limit; total: None: it was not counted."""
    if total is not None and total > limit and not wanted.paged:
        return (), None
    size = limit if wanted.count is None else min(wanted.count, limit)
    if total is not None and (page := await members.slice(looked_for, wanted.offset or 0, size)) is not None:
        return page, total
    last = (wanted.offset or 0) + size
    # up to the limit all are listed where only that tells how many there are
    enough = last if total is not None else max(last, limit + 1)
    found: list[Entry] = []
    async for entries in members.chunks(looked_for):
        found += entries if keep is None else filter(keep, entries)
        if len(found) >= enough:
            break
    if total is None and len(found) <= limit:
        total = len(found)
    return _cut(found, wanted)[:limit], total


async def _count(
    snapshot: Snapshot, name: str | None, members: Composed, looked_for: tuple[str, ...]
) -> int | None:
    """How many have the phrases, counted once for all pages; name: canonical, None: there is none."""
    if name is None:
        return await members.count(looked_for)
    key = name, looked_for
    found = snapshot.counts.get(key)
    if found is None:
        found = (await members.count(looked_for),)
        snapshot.counts.put(key, found)
    return found[0]


async def _is_long(snapshot: Snapshot, name: str, members: Composed) -> bool:
    counted = await _count(snapshot, name, members, ())
    return counted is not None and counted > _LONG


def _keep(wanted: Wanted) -> Callable[[Entry], bool] | None:
    """None: every entry."""
    if not wanted.active_only and not wanted.selectable_only:
        return None

    def keep(entry: Entry) -> bool:
        concept = entry.concept
        return not (wanted.active_only and concept.inactive) and not (
            wanted.selectable_only and concept.abstract
        )

    return keep


def _canonical(value_set: Resource) -> str:
    url: str = value_set["url"]
    return f"{url}|{value_set['version']}" if "version" in value_set else url


def _identifier(value_set: Resource, wanted: Wanted, snapshot: Snapshot) -> str:
    """The same for the pages of one expansion, another one once any definition has changed."""
    asked = [each for each in wanted.echo if each[0] not in ("offset", "count")]
    text = encode(
        [value_set.get("url"), value_set.get("version"), value_set.get("id"), asked, snapshot.stamp]
    )
    digits = xxhash.xxh3_128_hexdigest(text)
    # version 8 of RFC 9562: made by a rule of our own
    return f"urn:uuid:{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


_KINDS = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
_URIS = frozenset(
    ("exclude-system", "system-version", "check-system-version", "force-system-version", "version")
)


def _parameter(name: str, value: Any) -> dict[str, Any]:
    kind = "valueUri" if name in _URIS else "valueCode" if name == "displayLanguage" else _KINDS[type(value)]
    return {"name": name, kind: value}


def _versions(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Which versions of code systems the codes are of."""
    used = dict.fromkeys((entry.system, entry.version) for entry in entries if entry.version is not None)
    return [_parameter("version", f"{system}|{version}") for system, version in used]


async def _show(
    snapshot: Snapshot, entries: Sequence[Entry], wanted: Wanted
) -> Callable[[Entry], dict[str, Any]]:
    """What makes an item of `expansion.contains`."""
    spoken: dict[tuple[str, str | None], str | None] = {}
    if wanted.languages:
        for key in dict.fromkeys((entry.system, entry.version) for entry in entries):
            system = await snapshot.code_system(*key)
            spoken[key] = None if system is None else system.about.language

    def show(entry: Entry) -> dict[str, Any]:
        concept = entry.concept
        found: dict[str, Any] = {"system": entry.system} if entry.system else {}
        if concept.abstract:
            found["abstract"] = True
        if concept.inactive:
            found["inactive"] = True
        found["code"] = concept.code
        text = concept.display
        if wanted.languages:
            text = languages.display(concept, wanted.languages, spoken[entry.system, entry.version])
        if text is not None:
            found["display"] = text
        if wanted.designations and concept.designations:
            designations = [designation(each) for each in concept.designations if _asked_for(each, wanted)]
            if designations:
                found["designation"] = designations
        return found

    return show


def designation(given: Designation) -> dict[str, Any]:
    found: dict[str, Any] = {} if given.language is None else {"language": given.language}
    if given.use is not None:
        found["use"] = given.use
    return found | {"value": given.value}


def _asked_for(given: Designation, wanted: Wanted) -> bool:
    if not wanted.designation_tokens:
        return True
    for token in wanted.designation_tokens:
        system, _, code = token.rpartition("|")
        if system in ("", LANGUAGE_SYSTEM) and languages.speaks(given.language, code.lower()):
            return True
        use = given.use or {}
        if use.get("code") == code and system in ("", use.get("system", "")):
            return True
    return False


async def _nested(
    snapshot: Snapshot, entries: Sequence[Entry], show: Callable[[Entry], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Each code below its parent, where that is in the value set too."""
    shown = {entry.key: show(entry) for entry in entries}
    top = []
    for entry in entries:
        system = await snapshot.code_system(entry.system, entry.version)
        parents = () if system is None else await system.parents(entry.concept.code)
        parent = next((shown[entry.system, code] for code in parents if (entry.system, code) in shown), None)
        if parent is None:
            top.append(shown[entry.key])
        else:
            parent.setdefault("contains", []).append(shown[entry.key])
    return top
