"""What every store offers. Nothing here names a database.

All state changes run inside `Store.transaction`, whose unit of work sees one state and is atomic, durable
when it returns, and serialised against every other writer. The sequence numbers of versions are the change
log: they grow in the order of commit, and so do the times (`last_updated_ms`); a reader of the log never
passes a transaction that is still in flight.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from fhir_server.store.algebra import FullText, Moment, Node, Query
from fhir_server.store.closures import ClosureReader, ClosureWriter
from fhir_server.store.concepts import ConceptReader, ConceptWriter
from fhir_server.store.explanation import Explanation
from fhir_server.store.jobs import Job
from fhir_server.store.rows import Rows, hash64

T = TypeVar("T")

Method = Literal["POST", "PUT", "PATCH", "DELETE"]


class Version(NamedTuple):
    """One version of one resource; a deletion is a version too."""

    sequence: int
    resource_type: str
    id: str
    version_id: int
    last_updated_ms: int
    method: Method
    body: bytes  # the JSON that clients get, `meta.versionId` and `.lastUpdated` in it; b"" for a deletion

    @property
    def deleted(self) -> bool:
        return self.method == "DELETE"


class Content(NamedTuple):
    """What a write brings: the bytes of `resource.content` and the index rows."""

    resource_type: str
    id: str
    body: bytes
    rows: Rows


class Written(NamedTuple):
    version: Version
    created: bool  # the resource was absent or deleted before
    changed: bool  # False: the content was the current one already, and no version was made


class Hit(NamedTuple):
    version: Version
    position: tuple[object, ...]  # for `Query.after`


class Page(NamedTuple):
    hits: list[Hit]
    more: bool
    moment: Moment | None = None  # the state of the log that it shows; given when there is more


class HistoryRange(NamedTuple):
    """Which versions: of one resource, of a type, of the whole store; newest first."""

    resource_type: str | None = None
    id: str | None = None
    since_ms: int | None = None  # last_updated >= this
    before_ms: int | None = None  # last_updated < this
    at_ms: int | None = None  # only versions that were current at this instant
    before_sequence: int | None = None  # paging: only versions with a lower sequence
    up_to_sequence: int | None = None  # paging: the state of the log at the first page
    at_last_ms: int | None = None  # with at_ms: current at some instant from at_ms to this; None: at at_ms


def mark_of(rules: bytes) -> int:
    """0 for no rules."""
    return hash64(rules.decode()) if rules else 0


class Extract(Protocol):
    """Index rows for the content bytes of a resource, as `search/` computes them.

    columns: only their rows are wanted, and others may be missing; (): all
    """

    def __call__(self, resource_type: str, body: bytes, columns: tuple[str, ...] = ()) -> Rows: ...


class Words(NamedTuple):
    """The words of a resource in their order, as `algebra.FullText` compares them."""

    narrative: tuple[str, ...]
    content: tuple[str, ...]  # of everything but the narrative


class Wording(NamedTuple):
    """What `search/` knows of the words of a resource's content bytes."""

    words: Callable[[bytes], Words]
    has: Callable[[bytes, FullText], bool]  # whether they have these, which is faster than to make them all


NO_WORDING = Wording(lambda _: Words((), ()), lambda _body, _node: False)
"""For stores that nobody searches by text."""


class Reader(Protocol):
    async def read(self, resource_type: str, id_: str) -> Version | None:
        """The current version, also when it is a deletion; None when there never was one."""

    async def read_many(self, identities: Sequence[tuple[str, str]]) -> list[Version]:
        """The current versions of those that exist and are not deleted, in the order asked for."""

    async def vread(self, resource_type: str, id_: str, version_id: int) -> Version | None: ...

    async def history(self, range_: HistoryRange, limit: int) -> list[Version]: ...

    async def history_count(self, range_: HistoryRange) -> int: ...

    async def find(self, query: Query) -> Page: ...

    async def explain(self, query: Query) -> list[Explanation]:
        """How `find` runs the query in each store that is asked; limit 0: how `count` does."""

    async def identities(self, resource_type: str, where: Node, limit: int) -> list[tuple[str, str]]:
        """(type, id) of resources that fit: what conditional interactions need."""

    async def count(self, resource_types: tuple[str, ...], where: Node) -> int:
        """How many fit; for `Everything` from the counts that are kept, without a scan."""

    async def changes(self, after_sequence: int, limit: int) -> list[Version]:
        """The change log in its own order, oldest first."""

    async def totals(self) -> dict[str, int]:
        """Resources that exist, by type."""

    async def moment(self) -> Moment:
        """The state of the change log; `Moment(0, 0)` of an empty one."""

    async def last_sequence(self, resource_types: tuple[str, ...] = ()) -> int:
        """Of the log, or of the versions of some types; 0 when there is none."""

    async def rules(self) -> bytes:
        """What index rows depend on beside the resources, as it was last set; b"" at first."""

    async def job(self, id_: str) -> Job | None: ...

    async def jobs(self, kind: str | None = None, *, open_only: bool = False) -> list[Job]:
        """In the order in which they were first put."""


AtEnd = Callable[["Transaction", list[Any]], Awaitable[None]]
"""Looks at the state at the end of a unit of work, with all that was given for it; may write, and raise."""


class Transaction(Reader, Protocol):
    """Reads see what the same unit of work wrote."""

    def at_end(self, check: AtEnd, item: Any) -> None:
        """Have `check` called once, after all that the unit does, for what only the whole can show.

        When another one of them puts it off again, by what it writes, it is called again.
        """

    @property
    def concepts(self) -> ConceptWriter:
        """Of large code systems."""

    @property
    def closures(self) -> ClosureWriter: ...

    @property
    def rules_mark(self) -> int:
        """`mark_of` the rules that hold for this unit of work; nobody can change them meanwhile."""

    async def put(
        self, content: Content, *, method: Method, if_match: int | None = None, force: bool = False
    ) -> Written:
        """Add the next version and replace the index rows; the same content as now makes no version.

        if_match: the version the client saw; None writes whatever is there. Raises 412 `conflict` when the
        current version is another. force: make a version even when nothing changed.
        """

    async def delete(self, resource_type: str, id_: str, *, if_match: int | None = None) -> Version | None:
        """Add the deletion as a version; None when the resource is absent or deleted already."""

    async def set_rules(self, rules: bytes) -> None:
        """From the commit on every unit of work, of whichever process, sees these."""

    async def add_rows(self, resource_type: str, id_: str, sequence: int, rows: Rows) -> bool:
        """Add index rows to those that a resource has; what is there already stays.

        False, and nothing is done, when `sequence` is not that of its current version.
        """

    async def drop_rows(self, of: Callable[[str], bool], limit: int, *, texts: bool = False) -> int:
        """Remove index rows of the columns that `of` is true of, some `limit`; 0: none was left.

        texts: also what the lexicon has of the columns, which nobody must be writing to then.
        """

    async def drop_words(self) -> None:
        """Forget all words of texts; they are taken anew when somebody searches by them."""

    async def put_job(self, job: Job) -> None:
        """Add a job, or write down how it stands now."""

    async def drop_job(self, id_: str) -> None: ...


class Store(Reader, Protocol):
    @property
    def concepts(self) -> ConceptReader:
        """Of large code systems."""

    @property
    def closures(self) -> ClosureReader: ...

    @property
    def rules_sign(self) -> int:
        """Another number when `rules()` may have changed, by whichever process. Costs next to nothing."""

    @property
    def commits(self) -> int | None:
        """Another number when anything may have been committed since, by whichever process.

        None: just now something may be. Costs next to nothing.
        """

    def lead(self) -> bool:
        """Whether this is the one process that works on jobs; once it is, until the store is closed."""

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` once, atomically. What it raises rolls all of it back and is raised here.

        Raises 503 `lock-error` when the lock cannot be had in time and 503 `no-store` when the disk refuses;
        in both cases nothing of the unit was kept.
        """

    async def close(self) -> None: ...
