"""What a load has done so far, in a file beside the store, so that a killed one goes on where it was."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import xxhash

from fhir_server.bulk.files import Source
from fhir_server.resource import Resource


class Progress:
    """One JSON line for each step: the file, how many of its items are done, what of them failed.

    Written after the store has committed, so it may lag behind the store and is never ahead of it.
    """

    def __init__(self, folder: Path, sources: Sequence[Source]) -> None:
        named = "\n".join(str(source.path.absolute()) for source in sources)
        self.path = folder / f"load-{xxhash.xxh3_64_hexdigest(named.encode())}.state"
        self._done: dict[tuple[str, int, int], int] = {}
        self.resources = 0
        for step in self._steps():
            self._done[tuple(step["file"])] = step["items"]
            self.resources += step["resources"]

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        if self._file.tell():
            self._file.write(b"\n")  # ends a line that was cut off
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def done(self, source: Source) -> int:
        """How many items of the file need not be loaded again; a file that has changed begins anew."""
        return self._done.get(_identity(source), 0)

    def record(self, source: Source, items: int, resources: int, failures: Sequence[Resource]) -> None:
        step = {
            "file": _identity(source),
            "items": items,
            "resources": resources,
            "failures": failures,
        }
        self.resources += resources
        self._file.write(json.dumps(step, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        self._file.flush()

    def failures(self) -> Iterator[Resource]:
        """Everything that failed, also before the load was interrupted."""
        for step in self._steps():
            yield from step["failures"]

    def forget(self) -> None:
        """The load is complete: the next one of the same files begins anew."""
        self.path.unlink(missing_ok=True)

    def _steps(self) -> Iterator[Any]:
        if not self.path.exists():
            return
        with self.path.open("rb") as lines:
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:  # empty, or cut off by the end of the process
                    continue


def _identity(source: Source) -> tuple[str, int, int]:
    return str(source.path.absolute()), source.size_bytes, source.changed_ns
