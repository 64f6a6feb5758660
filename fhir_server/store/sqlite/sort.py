"""Sort keys as SQL: their value for a resource, their order, and where a page goes on."""

from dataclasses import dataclass
from typing import Any

from fhir_server.store.algebra import SortKey
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.terms import Sql, equal, join

NULL = Sql("NULL")

VALUE_COLUMNS = {"string": "text", "date": "low", "number": "low"}


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key; `value` is an expression on `r`, a row of `resource`."""

    key: SortKey
    columns: tuple[int, ...]  # those that the store knows
    value: Sql

    @property
    def direction(self) -> str:
        return "DESC" if self.key.descending else "ASC"


def order(compiler: Compiler, key: SortKey) -> Order:
    known = {name: id_ for name in key.columns if (id_ := compiler.column(name)) is not None}
    columns = tuple(known.values())
    return Order(key, columns, _value(key, known))


def _value(key: SortKey, columns: dict[str, int]) -> Sql:
    pick = "max" if key.descending else "min"
    match key.kind:
        case "id":
            return Sql("id_text(r.id)")
        case "updated":
            return Sql("r.seq")
        case _ if not columns:
            return NULL
        case "token":
            return _lowest_text(columns, pick)
        case "reference":
            value, source = "identity_text(t.type, t.id)", "reference s INDEXED BY reference_by_key"
            source += " CROSS JOIN resource t ON t.key = s.target"
        case kind:
            value, source = f"s.{VALUE_COLUMNS[kind]}", f"{kind} s INDEXED BY {kind}_by_key"
    where = equal("s.column", tuple(columns.values()))
    return Sql(f"(SELECT {pick}({value}) FROM {source} WHERE s.key = r.key AND {where.text})", where.values)


def _lowest_text(columns: dict[str, int], pick: str) -> Sql:
    """The lowest text behind a token; no index has the tokens of a key, so they are extracted again."""
    arms = [Sql(f"SELECT (SELECT {pick}(l.text) FROM {LEXICON}) AS text", found) for found in columns.items()]
    if len(arms) == 1:
        return Sql(arms[0].text.removeprefix("SELECT ").removesuffix(" AS text"), arms[0].values)
    found = join(" UNION ALL ", arms)
    return Sql(f"(SELECT {pick}(text) FROM ({found.text}))", found.values)


# the lexicon's rows for the tokens of `r` in a column, given by name and by number
LEXICON = (
    "json_each(token_hashes(?, r.type, (SELECT body FROM version WHERE seq = r.seq))) h"
    " CROSS JOIN lexicon l INDEXED BY lexicon_by_hash ON l.column = ? AND l.hash = h.value"
)


def after(orders: list[Order], position: tuple[Any, ...]) -> Sql:
    """What comes behind a position: later in the first sort key, or there alike and later in the rest."""
    *values, last_key = position
    found = Sql("key > ?", (last_key,))
    for place in range(len(orders) - 1, -1, -1):
        name, value = f"s{place}", values[place]
        if value is None:  # what has no value comes last
            found = Sql(f"({name} IS NULL AND {found.text})", found.values)
        else:
            beyond = "<" if orders[place].key.descending else ">"
            found = Sql(
                f"({name} {beyond} ? OR {name} IS NULL OR ({name} = ? AND {found.text}))",
                (value, value, *found.values),
            )
    return found
