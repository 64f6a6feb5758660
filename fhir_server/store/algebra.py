"""What can be asked of a store: comparisons on index rows, combined. Frozen values, ignorant of FHIR.

`search/` makes them from search strings; each store runs them its own way. Columns and kinds of rows are
those of `rows.py`. Comparisons are true of a resource when at least one of its rows in the column fits.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["token", "string", "date", "number", "reference", "position"]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every resource of the query's types."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No resource."""


@dataclass(frozen=True, slots=True)
class TokenIn:
    column: str
    hashes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LexiconIn:
    """A token row whose text, kept in the lexicon, equals or begins with (`prefix`) one of `texts`."""

    column: str
    texts: tuple[str, ...]
    prefix: bool = False
    lexicon: str | None = None  # the column under whose name the lexicon has the texts; None: `column`


@dataclass(frozen=True, slots=True)
class StringIs:
    column: str
    text: str  # normalised
    written: int | None = None  # hash of the text as written; None: any text that normalises to `text`


@dataclass(frozen=True, slots=True)
class StringStarts:
    column: str
    text: str  # normalised


@dataclass(frozen=True, slots=True)
class StringEnds:
    column: str
    text: str  # normalised


@dataclass(frozen=True, slots=True)
class StringContains:
    column: str
    text: str  # normalised


@dataclass(frozen=True, slots=True)
class Between:
    """A row whose low end and high end each lie in a range, bounds inclusive, None: unbounded.

    The nine prefixes of FHIR are made of it: `gt b` is high ≥ next(b), `eq a..b` is low ≥ a and high ≤ b.
    """

    kind: Literal["date", "number"]
    column: str
    low_from: float | None = None
    low_to: float | None = None
    high_from: float | None = None
    high_to: float | None = None
    units: tuple[int, ...] | None = None  # numbers only: hashes of units; None: any unit
    unit_texts: tuple[str, ...] = ()  # beside `units`: any unit with one of these texts in the lexicon


@dataclass(frozen=True, slots=True)
class ReferenceIn:
    column: str
    targets: tuple[tuple[str, str], ...]  # (resource type, id)


@dataclass(frozen=True, slots=True)
class ReferenceOfType:
    """A reference to a resource of one of these types, there or not."""

    column: str
    resource_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """A position not farther away than this, along the surface of the earth."""

    column: str
    latitude: float
    longitude: float
    metres: float


@dataclass(frozen=True, slots=True)
class Present:
    """Any row at all."""

    kind: Kind
    column: str


@dataclass(frozen=True, slots=True)
class Forward:
    """A reference in `column` whose target, of `resource_type`, fits `where` (a chain)."""

    column: str
    resource_type: str
    where: "Node"


@dataclass(frozen=True, slots=True)
class Backward:
    """Some resource of `resource_type` that fits `where` refers here by `column` (`_has`)."""

    column: str
    resource_type: str
    where: "Node"


@dataclass(frozen=True, slots=True)
class Referred:
    """Some resource of `resource_types` that fits `where` refers here by one of many `columns`."""

    columns: tuple[str, ...]
    resource_types: tuple[str, ...]
    where: "Node"


@dataclass(frozen=True, slots=True)
class Together:
    """All of `terms` (comparisons on columns of `Rows.instances`) hold in one and the same instance."""

    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class OfType:
    """A resource of one of these types."""

    resource_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FullText:
    """These words stand one after the other in the narrative, or in the text of the whole resource."""

    where: Literal["narrative", "anywhere"]
    words: tuple[str, ...]  # at least one
    prefix: bool = False  # the last one may go on


@dataclass(frozen=True, slots=True)
class IdIn:
    ids: tuple[str, ...]
    resource_type: str | None = None  # None: any of the query's types


@dataclass(frozen=True, slots=True)
class UpdatedBetween:
    """The current version's time, ms since the epoch, bounds inclusive, None: unbounded."""

    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: "Node"


Node = (
    Everything | Nothing | TokenIn | LexiconIn | StringIs | StringStarts | StringEnds | StringContains
    | Between | ReferenceIn | ReferenceOfType | Near | Present | Forward | Backward | Referred | Together
    | OfType | FullText | IdIn | UpdatedBetween | And | Or | Not
)  # fmt: skip

Ranged = Between | StringStarts | StringContains
"""What an index reads as a range of its order, or as a part of one."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """Order by the lowest row of the column (descending: by the highest); resources without one come last.

    `token` goes by the lexicon; `text` by it and by `Rows.texts`, which no index has: what fits is extracted
    again.
    """

    kind: Literal["token", "string", "date", "number", "reference", "id", "updated", "distance", "text"]
    columns: tuple[str, ...] = ()  # more than one: the same parameter over several types or columns
    descending: bool = False
    places: tuple[tuple[float, float], ...] = ()  # distances: to the nearest of these, (latitude, longitude)
    # strings, dates and numbers: of the rows only those count that fit one of these comparisons of `columns`
    fitting: tuple[Ranged, ...] = ()


class Moment(NamedTuple):
    """A state of the change log: its last version. The time tells the log of this store from another's."""

    sequence: int
    last_updated_ms: int


@dataclass(frozen=True, slots=True)
class Query:
    resource_types: tuple[str, ...]  # (): every type
    where: Node
    limit: int
    sort: tuple[SortKey, ...] = ()
    # the `position` of the last hit of the page before; None: the first page. Plain JSON values, opaque.
    after: tuple[object, ...] | None = None
    # show what there was at this moment, however it was changed since; None: what there is
    as_of: Moment | None = None
    # what must hold of a resource now too, though it is shown as it was: what the client may see
    allowed: Node = Everything()
