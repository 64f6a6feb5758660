"""`_explain=true`: how the store runs a search, in the OperationOutcome of its Bundle.

Not of FHIR. https://hl7.org/fhir/R4/bundle.html#searchset: "additional information about the processing of a
search" stands in an entry whose search mode is `outcome`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, get_args

from fhir_server.clock import format_instant
from fhir_server.interactions.request import Request
from fhir_server.outcome import Issue, not_supported
from fhir_server.store.algebra import Node, Query, SortKey
from fhir_server.store.explanation import Estimate, Explanation, Statement
from fhir_server.store.protocol import Reader

LINES = 200  # of a question; large value sets make many
NAMES = 5  # of columns, types or texts in one of them
_INSTANT = range(-62_135_596_800_000, 253_402_300_800_000)  # years 1 to 9999, ms

_NODES = get_args(Node)
_TIMES = {"low_from", "low_to", "high_from", "high_to"}


def require_sight(request: Request) -> None:
    if request.access is not None:
        raise not_supported(
            "_explain is not for clients that may not see everything: what is read tells of it"
        )


async def explained(reader: Reader, queries: Sequence[Query]) -> list[Issue]:
    """Of each query the question, then how each store runs it; they are run once more for it."""
    return [
        Issue("information", "informational", text, message=f"explain-{piece}")
        for query in queries
        for piece, text in _pieces(query, await reader.explain(query))
    ]


def _pieces(query: Query, stores: list[Explanation]) -> Iterator[tuple[str, str]]:
    yield "question", _question(query)
    for number, store in enumerate(stores, 1):
        yield "store", _store(query, store, f"store {number} of {len(stores)}")
        for estimate in store.estimates:
            yield "estimate", _estimate(estimate)
        for statement in store.statements:
            yield "statement", _statement(statement)


def _question(query: Query) -> str:
    what = "the total" if query.limit == 0 else f"a page of {query.limit}"
    types = _names(query.resource_types) if query.resource_types else "every type"
    order = "".join(f", by {_sort_key(key)}" for key in query.sort)
    return _cut([f"{what} of {types}{order}", *question(query.where)])


def _sort_key(key: SortKey) -> str:
    what = f"{key.kind} {_names(key.columns)}" if key.columns else key.kind
    what += " that fits" if key.fitting else ""
    return f"{what} descending" if key.descending else what


def question(node: Node, depth: int = 0) -> Iterator[str]:
    """Lines of a tree: each node with its comparison, what it is made of indented below it."""
    words, below = [type(node).__name__], []
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, _NODES):
            below.append(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], _NODES):
            below += value
        elif value is not None and value != each.default:
            words.append(f"{each.name}={_shown(node, each.name, value)}")
    yield "  " * depth + " ".join(words)
    for term in below:
        yield from question(term, depth + 1)


def _shown(node: Node, name: str, value: Any) -> str:
    match name:
        case "hashes" | "units" | "written":
            return f"{len(value)} hashed" if isinstance(value, tuple) else "hashed"
        case "ids" | "targets" if len(value) > 1:
            return f"{len(value)}"  # they may come from a hierarchy, not from the client
        case "ids":
            return str(value[0])
        case "targets":
            return "/".join(value[0])
        case "first" | "last":
            return _instant(value)
        case _ if name in _TIMES and getattr(node, "kind", "") == "date":
            return _instant(value // 1000)
        case _ if isinstance(value, tuple):
            return _names(value)
        case _:
            return str(value)


def _instant(milliseconds: float) -> str:
    return format_instant(int(milliseconds)) if int(milliseconds) in _INSTANT else str(milliseconds)


def _names(names: tuple[str, ...]) -> str:
    rest = len(names) - NAMES
    return ",".join(names[:NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _cut(lines: list[str]) -> str:
    rest = len(lines) - LINES
    return "\n".join(lines[:LINES] + ([f"… {rest} more lines"] if rest > 0 else []))


def _store(query: Query, store: Explanation, which: str) -> str:
    found = "counted" if query.limit == 0 else "hits"
    steps = sum(each.steps for each in store.statements)
    return (
        f"{which}: {store.found} {found} of {store.resources} resources in {store.milliseconds:.3f} ms,"
        f" {len(store.statements)} statements of {steps} steps"
    )


def _estimate(estimate: Estimate) -> str:
    count = f"{estimate.rows} or more" if estimate.rows >= estimate.at_most else f"about {estimate.rows}"
    return _cut([f"{count}, counted up to {estimate.at_most}", *question(estimate.node)])


def _statement(statement: Statement) -> str:
    read = (
        f"{statement.rows} rows in {statement.milliseconds:.3f} ms, {statement.runs} runs,"
        f" {statement.steps} steps, {statement.scanned} scanned, {statement.sorts} sorts,"
        f" {statement.values} values"
    )
    return "\n".join((statement.text, *(f"  {step}" for step in statement.plan), read))
