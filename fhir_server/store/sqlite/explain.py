"""How a query runs: it is run once more, and SQLite is asked what it does.

https://sqlite.org/c3ref/trace_v2.html, https://sqlite.org/c3ref/c_stmtstatus_counter.html,
https://sqlite.org/eqp.html
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import apsw

from fhir_server.store.algebra import And, Everything, Query
from fhir_server.store.explanation import Estimate, Explanation, Statement
from fhir_server.store.sqlite import find
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.connection import snapshot
from fhir_server.store.sqlite.plan import collectable
from fhir_server.store.sqlite.reading import Connected

_EVENTS = apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_ROW | apsw.SQLITE_TRACE_PROFILE
_STEPS, _SCANNED, _SORTS = (
    f"SQLITE_STMTSTATUS_{name}" for name in ("VM_STEP", "FULLSCAN_STEP", "SORT")
)  # fmt: skip


def explain(here: Connected, query: Query) -> list[Explanation]:
    """limit 0: how what fits is counted."""
    known = here.estimates
    here.estimates = {}  # counts of late would hide what the planner asks
    try:
        with snapshot(here.connection):
            began = time.perf_counter()
            with _traced(here.connection) as runs:
                found = _found(here, query)
            taken = _since(began)
            resources, estimates = _estimates(here, query)
            statements = tuple(_statement(here.connection, text, run) for text, run in runs.items())
    finally:
        here.estimates = known
    return [Explanation(resources, found, estimates, statements, taken)]


def _found(here: Connected, query: Query) -> int:
    if query.limit == 0:
        return find.count(here, query.resource_types, query.where)
    return len(find.find(here, query).hits)


def _estimates(here: Connected, query: Query) -> tuple[int, tuple[Estimate, ...]]:
    compiler = Compiler(here)
    universe = compiler.universe(query.resource_types)
    if universe is None:
        return 0, ()
    most = collectable(universe)
    nodes = query.where.terms if isinstance(query.where, And) else (query.where,)
    found = (
        Estimate(node, compiler.term(node, universe).estimate(most), most)
        for node in nodes
        if not isinstance(node, Everything)
    )
    return universe.count(), tuple(found)


@dataclass(slots=True)
class _Runs:
    """Of one statement."""

    milliseconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)


@contextmanager
def _traced(connection: apsw.Connection) -> Iterator[dict[str, _Runs]]:
    """What runs inside, by its text."""
    runs: dict[str, _Runs] = {}
    running: dict[int, tuple[str, float]] = {}

    def seen(event: dict[str, Any]) -> None:
        id_ = event["id"]
        if event["code"] == apsw.SQLITE_TRACE_STMT:
            if not event["trigger"]:  # what a virtual table asks of its own tables
                running[id_] = event["sql"], time.perf_counter()
                runs.setdefault(event["sql"], _Runs())
        elif id_ in running and event["code"] == apsw.SQLITE_TRACE_ROW:
            runs[running[id_][0]].counts["rows"] += 1
        elif id_ in running:
            text, began = running.pop(id_)
            # SQLite's own clock of it counts whole milliseconds
            runs[text].milliseconds += _since(began)
            runs[text].counts.update(event["stmt_status"], runs=1)

    connection.trace_v2(_EVENTS, seen, id=seen)
    try:
        yield runs
    finally:
        connection.trace_v2(0, None, id=seen)


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _statement(connection: apsw.Connection, text: str, run: _Runs) -> Statement:
    from apsw.ext import query_info  # few ever ask

    # without values, as the plan never hangs on them: see `connection.py`
    details = query_info(connection, text, explain_query_plan=True)
    counts = run.counts
    return Statement(
        text.strip(),
        details.bindings_count,
        tuple(_lines(details.query_plan)),
        counts["runs"],
        counts["rows"],
        counts[_STEPS],
        counts[_SCANNED],
        counts[_SORTS],
        run.milliseconds,
    )


def _lines(step: Any, depth: int = 0) -> Iterator[str]:
    for below in step.sub or ():
        yield "  " * depth + below.detail
        yield from _lines(below, depth + 1)
