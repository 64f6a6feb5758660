"""Files of resources: JSON and NDJSON, plain or gzip, one by one or in folders.

http://ndjson.org; a `.json` file holds one resource, often a Bundle.
"""

import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

_LINES = (".ndjson", ".jsonl")
_KNOWN = (".json", *_LINES)


@dataclass(frozen=True, slots=True)
class Source:
    path: Path
    name: str  # relative to the folder that was named, `2026/patients.ndjson.gz`
    size_bytes: int
    changed_ns: int

    @property
    def lines(self) -> bool:
        return _suffix(self.path) in _LINES


class Item(NamedTuple):
    line: int | None  # from 1; None: the whole file
    body: bytes
    read_bytes: int  # of the file as it lies on the disk, up to here


class UnknownFileError(Exception):
    """A file that was named and is none of ours."""


def sources(paths: Sequence[Path]) -> list[Source]:
    """The files of `paths`, folders with all that is under them, in the order of their names.

    Raises UnknownFileError for a path that is named and has another suffix, OSError for one that is missing.
    """
    return [source for path in paths for source in _sources(path)]


def _sources(path: Path) -> Iterator[Source]:
    if path.is_dir():
        for found in sorted(path.rglob("*")):
            if _suffix(found) in _KNOWN and found.is_file():
                yield _source(found, found.relative_to(path).as_posix())
    elif path.exists() and _suffix(path) not in _KNOWN:
        raise UnknownFileError(f"{path} is none of {', '.join(_KNOWN)}, with or without .gz")
    else:
        yield _source(path, path.name)


def _source(path: Path, name: str) -> Source:
    found = path.stat()
    return Source(path, name, found.st_size, found.st_mtime_ns)


def _suffix(path: Path) -> str:
    return path.with_suffix("").suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()


def items(source: Source) -> Iterator[Item]:
    """The lines of an NDJSON file that are not empty, or the whole of a JSON file."""
    with source.path.open("rb") as raw:
        packed = source.path.suffix.lower() == ".gz"
        text = cast(IO[bytes], gzip.GzipFile(fileobj=raw) if packed else raw)
        if not source.lines:
            yield Item(None, text.read(), source.size_bytes)
            return
        for number, line in enumerate(text, start=1):
            if line.strip():
                yield Item(number, line, raw.tell())
