"""Sort keys as SQL: their value for a resource, their order, and where a page goes on.

The order is the same however a page is found, for the plan may change from one page to the next: by the
values, what has none last, then by key in the direction of the first sort key, as indexes have it.
"""

import json
from dataclasses import dataclass
from typing import Any

from fhir_server.store.algebra import SortKey
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.terms import Leaf, Sql, Universe, equal, join

VALUE_COLUMNS = {"string": "text", "date": "low", "number": "low"}

# A token's text, with its hash so that tokens with one text have an order too; {a} is a row of the lexicon.
# Another sort key behind it decides among those with one text instead.
TOKEN_TEXT = "{a}.text || char(0) || printf('%d%019d', {a}.hash >= 0, {a}.hash & 9223372036854775807)"


def text_of(value: str) -> str:
    """The text of a value of `TOKEN_TEXT`."""
    return value.rpartition("\0")[0]


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key; `value` is an expression on `r`, a row of `resource`."""

    key: SortKey
    columns: tuple[tuple[str, int], ...]  # those that the store knows, by name and number
    value: Sql
    last: bool  # no sort key follows
    ranges: tuple[Leaf, ...] = ()  # only rows count that lie in one of these


def orders_of(compiler: Compiler, universe: Universe, sort: tuple[SortKey, ...]) -> list[Order]:
    return [_order(compiler, universe, key, place == len(sort)) for place, key in enumerate(sort, 1)]


def _order(compiler: Compiler, universe: Universe, key: SortKey, last: bool) -> Order:
    found = ((name, compiler.column(name)) for name in dict.fromkeys(key.columns))
    columns = tuple((name, id_) for name, id_ in found if id_ is not None)
    if not key.fitting:
        return Order(key, columns, _value(key, columns, last), last)
    terms = (compiler.term(node, universe) for node in key.fitting)
    ranges = tuple(term for term in terms if isinstance(term, Leaf))
    return Order(key, columns, _lowest_in(ranges, key), last, ranges)


def _lowest_in(ranges: tuple[Leaf, ...], key: SortKey) -> Sql:
    """Of a resource's rows that lie in one of the ranges."""
    if not ranges:
        return Sql("NULL")
    pick, value = "max" if key.descending else "min", VALUE_COLUMNS[key.kind]
    arms = []
    for leaf in ranges:
        rows = leaf.rows("s")
        arms.append(Sql(f"SELECT s.{value} AS v FROM {rows.text} AND s.key = r.key", rows.values))
    both = join(" UNION ALL ", arms)
    return Sql(f"(SELECT {pick}(v) FROM ({both.text}))", both.values)


def _value(key: SortKey, columns: tuple[tuple[str, int], ...], last: bool) -> Sql:
    pick = "max" if key.descending else "min"
    match key.kind:
        case "id":
            return Sql("id_text(r.id)")
        case "updated":
            return Sql("r.seq")
        case "text":
            body = "(SELECT body FROM version WHERE seq = r.seq)"
            return Sql(f"extracted_text(?, r.type, {body}, ?)", (json.dumps(key.columns), pick))
        case _ if not columns:
            return Sql("NULL")
        case "token":
            return lowest_text(columns, pick, TOKEN_TEXT if last else "{a}.text")
        case "distance":
            value, source = _distance(key.places), "position s INDEXED BY position_by_key"
        case "reference":
            value, source = "identity_text(t.type, t.id)", "reference s INDEXED BY reference_by_key"
            source += " CROSS JOIN resource t ON t.key = s.target"
        case kind:
            value, source = f"s.{VALUE_COLUMNS[kind]}", f"{kind} s INDEXED BY {kind}_by_key"
    where = equal("s.column", tuple(id_ for _, id_ in columns))
    return Sql(f"(SELECT {pick}({value}) FROM {source} WHERE s.key = r.key AND {where.text})", where.values)


def _distance(places: tuple[tuple[float, float], ...]) -> str:
    """To the nearest place. They are numbers of ours, and an expression may be repeated: not bound."""
    each = [f"metres(s.latitude, s.longitude, {latitude!r}, {longitude!r})" for latitude, longitude in places]
    return each[0] if len(each) == 1 else f"min({', '.join(each)})"


def lowest_text(columns: tuple[tuple[str, int], ...], pick: str, text: str) -> Sql:
    """The lowest text of a token of `r`. No index has the tokens of a key: they are extracted again."""
    select = (
        f"SELECT {pick}({text.format(a='m')}) AS text"
        " FROM json_each(token_hashes(?, r.type, (SELECT body FROM version WHERE seq = r.seq))) h"
        " CROSS JOIN lexicon m INDEXED BY lexicon_by_hash ON m.column = ? AND m.hash = h.value"
    )
    if len(columns) == 1:
        return Sql(f"({select})", columns[0])
    arms = join(" UNION ALL ", (Sql(select, column) for column in columns))
    return Sql(f"(SELECT {pick}(text) FROM ({arms.text}))", arms.values)


def order_by(orders: list[Order], values: list[Sql], key: str, first: tuple[str, ...] = ()) -> Sql:
    """`ORDER BY`; `first` are columns of an index that stand for the first value and are never NULL."""
    parts = [Sql(f"{column} {_direction(orders[0])}") for column in first]
    for found, value in list(zip(orders, values, strict=True))[bool(first) :]:
        parts.append(Sql(f"{value.text} IS NULL", value.values))
        parts.append(Sql(f"{value.text} {_direction(found)}", value.values))
    parts.append(Sql(f"{key} {_direction(orders[0])}"))
    return join(", ", parts)


def _direction(found: Order) -> str:
    return "DESC" if found.key.descending else "ASC"


def after(orders: list[Order], values: list[Sql], key: str, position: tuple[Any, ...]) -> Sql:
    """What comes behind a position: later in the first sort key, or there alike and later in the rest."""
    *reached, last_key = position
    found = Sql(f"{key} {_beyond(orders[0])} ?", (last_key,))
    for ordered, value, last in reversed(list(zip(orders, values, reached, strict=True))):
        if last is None:  # what has no value comes last
            found = Sql(f"({value.text} IS NULL AND {found.text})", value.values + found.values)
            continue
        parts = (
            Sql(f"{value.text} {_beyond(ordered)} ?", (*value.values, last)),
            Sql(f"{value.text} IS NULL", value.values),
            Sql(f"({value.text} = ? AND {found.text})", (*value.values, last, *found.values)),
        )
        found = join(" OR ", parts)
        found = Sql(f"({found.text})", found.values)
    return found


def _beyond(ordered: Order) -> str:
    return "<" if ordered.key.descending else ">"
