"""What index rows depend on beside the resources, and which of them are not all there yet.

The store keeps it as one value (`Reader.rules`) that every process follows: search parameters beside those of
R4, a fingerprint of how values become rows, and the columns that jobs are filling.
"""

from functools import cached_property

import msgspec
from msgspec import Struct, structs

from fhir_server.definitions.types import SearchParameter
from fhir_server.outcome import FhirError, overloaded

KIND = "reindex"
"""Of the jobs that fill and empty columns."""


class Part(Struct, frozen=True, omit_defaults=True):
    """Columns that one job works on."""

    job: str  # its id
    columns: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()  # all columns of these parameter types; `composite`: of parts of composites
    everything: bool = False
    drop: tuple[str, ...] = ()  # columns that no parameter has any more, and that still have rows

    def holds(self, column: str) -> bool:
        """column: the name of a column, or of rows that stand beside it (`Patient.name[string][parts]`)."""
        if self.everything or any(_is_of_kind(column, kind) for kind in self.kinds):
            return True
        return any(belongs(column, to) for to in self.columns)


def belongs(rows: str, column: str) -> bool:
    """Whether rows of this name are those of a column or stand beside it."""
    return rows.startswith(column) and rows[len(column) : len(column) + 1] in ("", "[")


def _is_of_kind(column: str, kind: str) -> bool:
    return is_composite(column) if kind == "composite" else f"[{kind}]" in column


def is_composite(column: str) -> bool:
    """Whether the rows are of the elements that a composite parameter is about."""
    return "{" in column


class Task(Struct, frozen=True, omit_defaults=True):
    """What a job of the kind `reindex` is to do: first empty what it will fill, then fill it, then `drop`."""

    build: dict[str, tuple[str, ...]] = {}  # columns to fill, by resource type; ignored with the next two
    kinds: tuple[str, ...] = ()  # fill all columns of these parameter types
    everything: bool = False  # fill all columns
    drop: tuple[str, ...] = ()  # columns that no parameter has any more
    words: bool = False  # forget the words of texts

    def part(self, job: str) -> Part:
        columns = sorted({column for columns in self.build.values() for column in columns})
        return Part(job, tuple(columns), self.kinds, self.everything, self.drop)

    @property
    def fills(self) -> bool:
        return bool(self.build or self.kinds or self.everything)


def merged(one: Task, other: Task) -> Task:
    build = {
        name: tuple(sorted({*one.build.get(name, ()), *other.build.get(name, ())}))
        for name in sorted(one.build.keys() | other.build.keys())
    }
    kinds = tuple(sorted({*one.kinds, *other.kinds}))
    drop = tuple(sorted({*one.drop, *other.drop}))
    everything, words = one.everything or other.everything, one.words or other.words
    return Task(build, kinds, everything, drop, words)


class Rules(Struct, frozen=True, omit_defaults=True, dict=True):
    made_by: str = ""  # release and settings of who made the index; "": not known
    extraction: dict[str, str] = {}  # fingerprint of the rows, by parameter type; empty: not known
    parameters: tuple[SearchParameter, ...] = ()  # beside those of R4, built or not
    left_out: dict[str, str] = {}  # definitions that cannot be used, by URL, and why
    packages: tuple[str, ...] = ()  # whose definitions are among them
    building: tuple[Part, ...] = ()

    @cached_property
    def _jobs(self) -> dict[str, str | None]:
        return {}

    def job_of(self, column: str) -> str | None:
        """The job that fills the column; None: it is whole."""
        if not self.building:
            return None
        if column not in self._jobs:
            self._jobs[column] = next((part.job for part in self.building if part.holds(column)), None)
        return self._jobs[column]

    def is_in_work(self, column: str) -> bool:
        """Whether some job fills or empties the column."""
        dropped = (part.drop for part in self.building)
        return self.job_of(column) is not None or any(belongs(column, to) for drop in dropped for to in drop)

    def with_part(self, part: Part) -> "Rules":
        return structs.replace(self, building=(*self.building, part))

    def without_part(self, job: str) -> "Rules":
        return structs.replace(self, building=tuple(part for part in self.building if part.job != job))


NO_RULES = Rules()

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(Rules).decode
_decode_task = msgspec.json.Decoder(Task).decode


def encode_task(task: Task) -> bytes:
    return _encode(task)


def decode_task(kept: bytes) -> Task:
    return _decode_task(kept)


def encode(rules: Rules) -> bytes:
    return b"" if rules == NO_RULES else _encode(rules)


def decode(kept: bytes) -> Rules:
    return _decode(kept) if kept else NO_RULES


class BuildingError(FhirError):
    """503 for what needs an index that a job is filling: never an answer with a part of what there is."""

    def __init__(self, what: str, job: str, progress: str = "", retry_after_s: int = 5) -> None:
        text = f"the index of {what} is being built{progress and f': {progress}'}; ask again when it is done"
        error = overloaded(text, retry_after_s)
        super().__init__(error.status, *error.issues, headers=error.headers)
        self.what = what
        self.job = job
