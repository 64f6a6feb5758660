"""FHIR packages in npm's format: a `.tgz` file or the folder it unpacks to.

https://confluence.hl7.org/display/FHIR/NPM+Package+Specification

A package comes from strangers: its entries are bounded in number and size, none may point outside, and
nothing is ever written to disk from a name that stands in it.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec
from msgspec import Struct

from fhir_server.outcome import DefinitionError, FhirError, exhausting, unsafe
from fhir_server.resource import Resource, decode

ENTRY_LIMIT = 20_000
ENTRY_SIZE_LIMIT_BYTES = 64 << 20
TOTAL_SIZE_LIMIT_BYTES = 1 << 30

ROOT = "package"
MANIFEST = "package.json"

DEFINITIONAL_TYPES = frozenset(
    (
        "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "ImplementationGuide",
        "OperationDefinition", "SearchParameter", "StructureDefinition", "StructureMap", "ValueSet",
    )
)  # fmt: skip
"""Types whose instances define, wherever they stand. Other canonicals (a Questionnaire, a Measure) define
in a package of definitions and are examples in a package of examples."""


@dataclass(frozen=True, slots=True)
class Package:
    path: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        return str(self.manifest["version"])

    @property
    def holds_examples(self) -> bool:
        return self.manifest.get("type") == "fhir.examples"

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The JSON files that stand directly in the package, by name, without manifest and index.

        Examples of a package of definitions stand in a folder of their own and are not among them.
        """
        for name, body in _entries(self.path):
            if name.endswith(".json") and name != MANIFEST and not name.startswith("."):
                yield name, body

    def canonicals(self) -> Iterator[tuple[str, Resource]]:
        """(file, resource) of every resource that defines something; the first of a type and id wins.

        Raises DefinitionError for a file that is not a resource.
        """
        seen = set()
        for name, body in self.files():
            where = f"{self.name}: {name}"
            head = _head(body, where)
            if (head.resource_type, head.id) not in seen and self._defines(head):
                seen.add((head.resource_type, head.id))
                yield name, _json_object(body, where)

    def _defines(self, head: "_Head") -> bool:
        if head.resource_type in DEFINITIONAL_TYPES:
            return True
        # a NamingSystem of R4 defines, and has no url
        return not self.holds_examples and (head.url is not None or head.resource_type == "NamingSystem")


class _Head(Struct, rename={"resource_type": "resourceType"}):
    """What tells whether a resource needs to be decoded as a whole."""

    resource_type: str
    id: str | None = None
    url: str | None = None


_decode_head = msgspec.json.Decoder(_Head).decode


def _head(body: bytes, where: str) -> _Head:
    try:
        return _decode_head(body)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"{where} is not a resource: {error}") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise DefinitionError(f"{where} is not JSON: {error}") from None


def open_package(path: Path) -> Package:
    """The package in a `.tgz` file or a folder; raises DefinitionError when it is none."""
    if not path.exists():
        raise DefinitionError(f"{path.name}: there is no such package file or folder")
    for name, body in _entries(path):
        if name == MANIFEST:
            manifest = _json_object(body, f"{path.name}: {MANIFEST}")
            for wanted in ("name", "version"):
                if not isinstance(manifest.get(wanted), str):
                    raise DefinitionError(f"{path.name}: {MANIFEST} has no {wanted}")
            return Package(path, manifest)
    raise DefinitionError(f"{path.name}: no {ROOT}/{MANIFEST} in it, so it is not a FHIR package")


def _json_object(body: bytes, where: str) -> dict[str, Any]:
    try:
        found = decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError, FhirError) as error:
        raise DefinitionError(f"{where} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise DefinitionError(f"{where} is not a JSON object")
    return found


def _entries(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the files directly in the package's folder."""
    if path.is_dir():
        yield from _folder_entries(path)
        return
    try:
        with gzip.open(path) as stream, tarfile.open(fileobj=_bounded(stream), mode="r:") as archive:
            yield from _archive_entries(archive)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DefinitionError(f"{path.name} is not a gzipped tar archive: {error}") from None


def _folder_entries(folder: Path) -> Iterator[tuple[str, bytes]]:
    root = folder if (folder / MANIFEST).is_file() else folder / ROOT
    if not root.is_dir():
        return
    for count, path in enumerate(sorted(root.iterdir())):
        _check_count(count)
        if path.is_symlink():
            raise unsafe(f"{path.name} in the package is a link")
        if path.is_file():
            _check_size(path.name, path.stat().st_size)
            yield path.name, path.read_bytes()


def _archive_entries(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    total = 0
    for count, entry in enumerate(archive):
        _check_count(count)
        # each header stays in memory otherwise
        archive.members = []  # type: ignore[attr-defined]
        path = PurePosixPath(entry.name)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.name:
            raise unsafe(f"{entry.name!r} points outside of the package")
        if entry.isdir():
            continue
        if not entry.isfile():
            raise unsafe(f"{entry.name!r} in the package is a link or a device")
        _check_size(entry.name, entry.size)
        total += entry.size
        if total > TOTAL_SIZE_LIMIT_BYTES:
            raise exhausting(f"the package unpacks to more than {TOTAL_SIZE_LIMIT_BYTES} bytes")
        file = archive.extractfile(entry) if path.parent == PurePosixPath(ROOT) else None
        if file is not None:
            yield path.name, file.read()


def _check_count(count: int) -> None:
    if count >= ENTRY_LIMIT:
        raise exhausting(f"the package holds more than {ENTRY_LIMIT} entries")


def _check_size(name: str, size_bytes: int) -> None:
    if size_bytes > ENTRY_SIZE_LIMIT_BYTES:
        raise exhausting(f"{name!r} is larger than {ENTRY_SIZE_LIMIT_BYTES} bytes")


class _Bounded(io.RawIOBase):
    """A stream that refuses to be read further than a package may unpack to."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self.stream = stream

    def read(self, size: int = -1, /) -> bytes:
        # an extended header says itself how long it is, and is read whole
        if size > ENTRY_SIZE_LIMIT_BYTES:
            raise exhausting(f"a header of the package is larger than {ENTRY_SIZE_LIMIT_BYTES} bytes")
        return self.stream.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if offset > TOTAL_SIZE_LIMIT_BYTES + ENTRY_LIMIT * 1024:
            raise exhausting(f"the package unpacks to more than {TOTAL_SIZE_LIMIT_BYTES} bytes")
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        return self.stream.tell()


def _bounded(stream: gzip.GzipFile) -> IO[bytes]:
    return _Bounded(stream)  # type: ignore[return-value]
