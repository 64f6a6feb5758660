"""A fingerprint of how resources become index rows: when it changes, the rows that are there may be wrong.

It is taken of what comes out: the rows of samples, and the way of every column through its type. So it
changes with the rules and not with the code that keeps them, and nobody can forget to change it. As it takes
half a second, it is only taken when code or settings are others than those that made the index (`made_by`).
"""

import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import xxhash

from fhir_server.definitions.registry import Definitions, load
from fhir_server.search.column import Indexing
from fhir_server.search.columns import Columns as Columns
from fhir_server.search.columns import Composite, Parameter, Source
from fhir_server.search.index import Indexer
from fhir_server.search.samples import RESOURCES, VALUES
from fhir_server.search.types import TYPES
from fhir_server.search.words import words_of
from fhir_server.store.rows import Rows

STRUCTURE = "structure"
"""What concerns columns of every kind."""
WORDS = "words"
"""What `_text` and `_content` find."""

_PACKAGE = Path(__file__).parents[1]
_CODE = ("search", "fhirpath", "ucum", "definitions", "resource.py", "store/rows.py", "store/earth.py")
_NO_CODE = (".pyc", ".canonicals")


def made_by(indexing: Indexing) -> str:
    """What the rows may depend on: code, data, libraries, settings."""
    found = xxhash.xxh3_128(_code().encode())
    found.update(repr((str(indexing.zone), indexing.bases)).encode())
    return found.hexdigest()


@cache
def _code() -> str:
    found = xxhash.xxh3_128(sys.version.encode())
    libraries = Path(msgspec.__file__).parents[1].glob("*.dist-info")
    found.update(" ".join(sorted(path.name for path in libraries)).encode())
    for name in _CODE:
        root = _PACKAGE / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and path.suffix not in _NO_CODE:
                found.update(path.relative_to(_PACKAGE).as_posix().encode())
                found.update(path.read_bytes())
    return found.hexdigest()


@cache
def extraction(indexing: Indexing) -> dict[str, str]:
    """Fingerprints by parameter type, and of what concerns all of them."""
    # definitions of its own: they are many, and wanted once
    definitions = load()
    columns = Columns(definitions)
    structure = xxhash.xxh3_128()
    ends: dict[str, set[str]] = {kind: set() for kind in TYPES}
    for name in sorted(definitions.resource_types):
        for parameter in columns.parameters(name):
            for text in _ways(parameter, ends):
                structure.update(text.encode())
    for text in _resources(definitions, indexing):
        structure.update(text.encode())
    found = {kind: _of_kind(kind, types, indexing) for kind, types in ends.items()}
    texts = repr([words_of(resource) for resource in RESOURCES])
    return found | {STRUCTURE: structure.hexdigest(), WORDS: xxhash.xxh3_128_hexdigest(texts)}


def _ways(parameter: Parameter, ends: dict[str, set[str]]) -> Iterator[str]:
    """Where the values of each column come from; adds the types that stand there to `ends`."""
    yield parameter.code
    for source in parameter.sources:
        yield _way(source, ends)
    for composite in parameter.composites:
        yield _composite(composite)
        for component in composite.components:
            yield str(component.of_resource)
            for source in component.sources:
                yield _way(source, ends)


def _way(source: Source, ends: dict[str, set[str]]) -> str:
    ends[source.column.type].update(walk.type_name for walk in source.walks)
    return repr(
        (source.column.name, [(walk.moves, walk.type_name) for walk in source.walks], source.expression)
    )


def _composite(composite: Composite) -> str:
    return repr((composite.text, [walk.moves for walk in composite.items]))


def _resources(definitions: Definitions, indexing: Indexing) -> Iterator[str]:
    # neither time zone nor base URL: what hangs on them shows in the kinds
    indexer = Indexer(definitions)
    for resource in RESOURCES:
        yield _text(indexer.rows(resource))


def _of_kind(kind: str, types: set[str], indexing: Indexing) -> str:
    found = xxhash.xxh3_128()
    if kind == "date":
        found.update(str(indexing.zone).encode())
    for type_name in sorted({*types, *VALUES}):
        emit = TYPES[kind].emitter("x", type_name, indexing)
        if emit is None:
            continue
        for value in VALUES.get(type_name, _ANY):
            rows = Rows()
            try:
                emit(value, rows)
            except (TypeError, AttributeError, KeyError, ValueError):
                continue  # a value of another type
            found.update(f"{type_name} {_text(rows)}".encode())
    return found.hexdigest()


_ANY = [value for values in VALUES.values() for value in values]


def _text(rows: Rows) -> str:
    """The same for the same rows."""
    parts: list[Any] = [
        sorted(getattr(rows, field.name)) for field in fields(rows) if field.name != "instances"
    ]
    return repr((parts, [_text(instance) for instance in rows.instances]))
