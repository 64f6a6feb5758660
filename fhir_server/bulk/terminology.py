"""Loads tables of codes into the store, in the place of the version that was there.

The concepts go into rows of their own; the CodeSystem resource stays small and says how many there are. Until
all of them are there, and right, nobody sees any of them.
"""

import fcntl
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import xxhash

from fhir_server.bulk.concept_tables import FACTS, read_table
from fhir_server.bulk.concepts import BadRow, Numbered, Row, by_prefix, decoded
from fhir_server.bulk.nested import read_resource
from fhir_server.bulk.rf2 import SNOMED, kind_of, read_release
from fhir_server.interactions.context import Context
from fhir_server.interactions.write import check
from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource
from fhir_server.store.concepts import Ancestry, NewConcept
from fhir_server.store.protocol import Transaction

T = TypeVar("T")

ROWS_AT_ONCE = 2000
"""In one transaction: others write between."""

_ID_LENGTH = 64
_NAME_LENGTH = 255
_PROPERTIES = {
    "status": {"uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"},
    "inactive": {"uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"},
    "notSelectable": {"uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "boolean"},
}
_TYPES = {
    "valueCode": "code", "valueCoding": "Coding", "valueString": "string", "valueInteger": "integer",
    "valueBoolean": "boolean", "valueDateTime": "dateTime", "valueDecimal": "decimal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the files are to be read; what they say of themselves comes second."""

    facts: Mapping[str, str] = field(default_factory=dict)  # see FACTS
    columns: Mapping[str, str] = field(default_factory=dict)  # of a CSV: their names, and what they are
    parents: Literal["column", "prefix"] = "column"
    skip_bad_rows: bool = False


@dataclass
class Tables:
    """What the files hold."""

    facts: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loaded:
    canonical: str
    id: str | None  # of the CodeSystem; None: nothing was loaded
    concepts: int
    bad: list[BadRow]


async def load(
    context: Context, paths: Sequence[Path], wanted: Wanted, progress: Callable[[int, int], None]
) -> Loaded:
    """All files together are one version of one code system.

    Raises DefinitionError for files that are no tables, and FhirError for a hierarchy with a cycle.
    """
    with _alone(context.settings.data_folder):
        tables = _read(paths, wanted)
        facts = {**tables.facts, **wanted.facts}
        if "system" not in facts:
            raise DefinitionError("which code system it is must be said, by --system or in the file")
        canonical = "|".join(filter(None, (facts["system"], facts.get("version"))))
        parents = _parents(tables, wanted)
        if tables.bad and not wanted.skip_bad_rows:
            return Loaded(canonical, None, 0, tables.bad)
        numbered = Numbered(canonical, tables.rows, parents)
        resource = await _resource(context, facts, tables.rows, hierarchical=any(parents.values()))
        await _store(context, numbered, resource, progress)
        return Loaded(canonical, resource["id"], len(numbered), tables.bad)


@contextmanager
def _alone(data_folder: Path) -> Iterator[None]:
    """One load at a time: each removes what those before it have left unfinished."""
    with (data_folder / "terminology.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DefinitionError("another load of terminology is running") from None
        yield


def _read(paths: Sequence[Path], wanted: Wanted) -> Tables:
    found = Tables()
    release = []
    for path in paths:
        if path.suffix == ".json":
            facts, rows = read_resource(path.name, path.read_bytes())
            found.facts |= facts
            found.rows += rows
        elif (kind := kind_of(path)) is not None:
            release.append((path, kind))
        else:
            try:
                table = read_table(path.name, decoded(path.read_bytes()), wanted.columns)
            except UnicodeDecodeError:
                raise DefinitionError(f"{path.name} is text neither in UTF-8 nor in GB 18030") from None
            found.facts |= table.facts
            found.rows += table.rows
            found.bad += table.bad
    if release:
        read = read_release(release)
        found.facts.setdefault("system", SNOMED)
        found.rows += read.rows()
        found.bad += read.bad
    _require_once(found, ", ".join(path.name for path in paths))
    return found


def _require_once(tables: Tables, files: str) -> None:
    """A code may stand in one file only."""
    seen: set[str] = set()
    kept = []
    for row in tables.rows:
        if row.code in seen:
            tables.bad.append(BadRow(files, row.line, f"the code {row.code!r} is in another file too"))
        else:
            seen.add(row.code)
            kept.append(row)
    tables.rows = kept


def _parents(tables: Tables, wanted: Wanted) -> dict[str, Sequence[str]]:
    """Of each code; one that names a parent that there is not is a bad row."""
    codes = {row.code for row in tables.rows}
    found: dict[str, Sequence[str]] = {row.code: row.parents for row in tables.rows if row.parents}
    if wanted.parents == "prefix":
        prefixes = by_prefix([row.code for row in tables.rows])
        found = {code: (parent,) for code, parent in prefixes.items()} | found
    for row in tables.rows:
        for parent in row.parents:
            if parent not in codes:
                text = f"{row.code!r} is below {parent!r}, which is no code of the table"
                tables.bad.append(BadRow(row.file, row.line, text))
    return found


async def _resource(
    context: Context, facts: Mapping[str, str], rows: Sequence[Row], *, hierarchical: bool
) -> Resource:
    """The CodeSystem as it is to be; what is known of it beside the concepts stays."""
    snapshot = await context.terminology.snapshot()
    there = await snapshot.found("CodeSystem", facts["system"], facts.get("version"))
    kept: Resource = {}
    if there is not None and there.resource.get("version") == facts.get("version"):
        kept = {
            name: value for name, value in there.resource.items() if name not in ("meta", "concept", "text")
        }
    title = facts.get("title") or kept.get("title")
    id_ = kept.get("id") or await _id(context, facts)
    found: Resource = {
        "resourceType": "CodeSystem",
        "id": id_,
        "url": facts["system"],
        "name": facts.get("name") or kept.get("name") or _name(id_),
        "status": kept.get("status", "active"),
        "caseSensitive": kept.get("caseSensitive", True),
        # the resource has no concepts in it, see docs/terminology.md
        "content": "not-present",
        "count": len(rows),
    }
    found |= {
        name: facts[name] for name in FACTS if name in facts and name not in ("system", "name", "title")
    }
    if title:
        found["title"] = title
    if hierarchical:
        found.setdefault("hierarchyMeaning", "is-a")
    if properties := _properties(kept, rows):
        found["property"] = properties
    return kept | found


def _properties(kept: Resource, rows: Sequence[Row]) -> list[dict[str, Any]]:
    known = {each["code"]: each for each in kept.get("property", ())}
    types = {each.code: each.type for row in rows for each in row.concept.properties}
    for code, type_ in types.items():
        known.setdefault(code, {"code": code, **_PROPERTIES.get(code, {"type": _TYPES[type_]})})
    return [*known.values()]


async def _id(context: Context, facts: Mapping[str, str]) -> str:
    """One that tells what it is, and that nothing else has."""
    tail = re.split(r"[/:#]", facts["system"].rstrip("/"))[-1]
    canonical = "|".join((facts["system"], facts.get("version", "")))
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(filter(None, (tail, facts.get("version"))))).strip("-")
    if plain and len(plain) <= _ID_LENGTH and await context.store.read("CodeSystem", plain) is None:
        return plain
    digest = xxhash.xxh3_64_hexdigest(canonical.encode())
    return f"{plain[: _ID_LENGTH - len(digest) - 1]}-{digest}".strip("-")


def _name(id_: str) -> str:
    """As invariant csd-0 wants it: it could be the name of a type in a programming language."""
    return ("CodeSystem_" + re.sub(r"\W", "_", id_, flags=re.ASCII))[:_NAME_LENGTH]


async def _store(
    context: Context, numbered: Numbered, resource: Resource, progress: Callable[[int, int], None]
) -> None:
    store, total, done = context.store, 2 * len(numbered), 0
    while await store.transaction(lambda tx: tx.concepts.drop_unpublished(ROWS_AT_ONCE)):
        pass
    version = resource.get("version", "")
    table = await store.transaction(lambda tx: tx.concepts.begin(resource["url"], version))
    for concepts in _some(numbered.concepts()):
        await store.transaction(partial(_add, table=table, concepts=concepts))
        done += len(concepts)
        progress(done, total)
    for ancestries in _some(numbered.ancestries()):
        await store.transaction(partial(_add_ancestries, table=table, ancestries=ancestries))
        done += len(ancestries)
        progress(done, total)
    checked = await check(context, resource)

    async def publish(tx: Transaction) -> None:
        await tx.concepts.publish(table)
        # also when nothing else has changed: the new version tells every process
        await tx.put(checked.content(resource["id"]), method="PUT", force=True)

    await store.transaction(publish)
    while await store.transaction(lambda tx: tx.concepts.drop_unpublished(ROWS_AT_ONCE)):
        pass


async def _add(tx: Transaction, *, table: int, concepts: Sequence[NewConcept]) -> None:
    await tx.concepts.add(table, concepts)


async def _add_ancestries(tx: Transaction, *, table: int, ancestries: Sequence[Ancestry]) -> None:
    await tx.concepts.add_ancestries(table, ancestries)


def _some(found: Iterator[T]) -> Iterator[list[T]]:
    while some := list(islice(found, ROWS_AT_ONCE)):
        yield some
