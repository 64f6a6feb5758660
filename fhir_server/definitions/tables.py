"""The file of tables: what `build.py` writes and `registry.py` reads.

A header names every section and where it stands; each section is MessagePack, compressed by itself, so that
one type can be read without the others. Nothing in it depends on the time or place of the build.
"""

import struct
from pathlib import Path
from typing import TypeVar

import msgspec
import zstandard
from msgspec import Struct

from fhir_server.definitions.types import (
    Constraint,
    Element,
    Operation,
    SearchParameter,
    TypeKind,
)
from fhir_server.outcome import DefinitionError

T = TypeVar("T")

MAGIC = b"FHIRTAB1"
_LENGTH = struct.Struct("<I")
_LEVEL = 19

Span = tuple[int, int]
"""(offset, length) of a section, counted from the end of the header"""


class TypeRecord(Struct, frozen=True, array_like=True):
    name: str
    kind: TypeKind
    base: str | None
    abstract: bool
    elements: tuple[Element, ...]
    constraints: tuple[int, ...]  # places in the table of constraints, which types share
    pattern: str | None


class TypeEntry(Struct, frozen=True, array_like=True):
    """A type that has a definition of its own; the section also holds its backbone types."""

    kind: TypeKind
    base: str | None
    abstract: bool
    span: Span


class Header(Struct, frozen=True, array_like=True):
    release: str
    types: dict[str, TypeEntry]
    codes: dict[str, Span | None]  # by value set; None: its codes cannot be listed
    constraints: Span
    search_parameters: Span
    operations: Span
    compartments: Span


class Content(Struct, frozen=True):
    """Everything that a file of tables holds."""

    release: str
    types: tuple[tuple[TypeRecord, ...], ...]  # each: a type, then its backbone types
    constraints: tuple[Constraint, ...]
    search_parameters: tuple[SearchParameter, ...]
    operations: tuple[Operation, ...]
    compartments: dict[str, dict[str, tuple[str, ...]]]
    codes: dict[str, tuple[tuple[str, tuple[str, ...]], ...] | None]  # value set -> [(system, codes)]


def to_bytes(tables: Content) -> bytes:
    sections: list[bytes] = []
    compress = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=False).compress
    encode = msgspec.msgpack.Encoder(order="deterministic").encode

    def add(value: object) -> Span:
        offset = sum(map(len, sections))
        sections.append(compress(encode(value)))
        return offset, len(sections[-1])

    header = Header(
        release=tables.release,
        types={
            records[0].name: TypeEntry(records[0].kind, records[0].base, records[0].abstract, add(records))
            for records in tables.types
        },
        codes={
            url: None if systems is None else add(systems) for url, systems in sorted(tables.codes.items())
        },
        constraints=add(tables.constraints),
        search_parameters=add(tables.search_parameters),
        operations=add(tables.operations),
        compartments=add(tables.compartments),
    )
    head = compress(encode(header))
    return b"".join((MAGIC, _LENGTH.pack(len(head)), head, *sections))


class Tables:
    """A file of tables, its header decoded, its sections not yet."""

    def __init__(self, body: bytes, name: str) -> None:
        if not body.startswith(MAGIC):
            raise DefinitionError(f"{name} is not a file of definition tables")
        start = len(MAGIC) + _LENGTH.size
        (length,) = _LENGTH.unpack_from(body, len(MAGIC))
        self._start = start + length
        self._body = body
        self._decompress = zstandard.ZstdDecompressor().decompress
        self.header = msgspec.msgpack.decode(self._decompress(body[start : self._start]), type=Header)

    def decode(self, span: Span, type_: type[T]) -> T:
        """The section at `span`, which holds a value of this type."""
        offset, length = self._start + span[0], span[1]
        return msgspec.msgpack.decode(self._decompress(self._body[offset : offset + length]), type=type_)


def read_tables(path: Path) -> Tables:
    return Tables(path.read_bytes(), path.name)
