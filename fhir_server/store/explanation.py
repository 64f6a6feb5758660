"""What a store says of how it runs a query."""

from dataclasses import dataclass

from fhir_server.store.algebra import Node


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many resources a term of the query's conjunction fits, as the plan is chosen by."""

    node: Node
    rows: int
    at_most: int  # it is counted up to this: `rows` that are as many may be any number from there on


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that the query was answered by, those that estimate among them."""

    text: str  # with a place for every value; no value stands in it
    values: int  # that are bound
    plan: tuple[str, ...]  # steps, those of a step's own indented below it
    runs: int
    rows: int  # that it gave
    steps: int  # of the store's machine
    scanned: int  # rows that were stepped over in a scan of a table or an index
    sorts: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    resources: int  # there are, of the query's types
    found: int  # hits of the page; of a count: what it came to
    estimates: tuple[Estimate, ...]
    statements: tuple[Statement, ...]  # in the order in which they first ran
    milliseconds: float
