"""Index rows of resources that are there already: added and removed some at a time."""

import re
from collections.abc import Callable
from typing import Any

from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import index
from fhir_server.store.sqlite.names import stored_id
from fhir_server.store.sqlite.writing import Writing, whole

_STATE = "SELECT key, seq, live FROM resource WHERE type = ? AND id = ?"
TABLES = {table: ", ".join(re.findall(r"(\w+) = \?", delete)) for table, delete in index.DELETE.items()}
"""What tells a row of a table from others, in the order in which `index.DELETE` names it."""
_TEXTS = "lexicon"
_DELETE_TEXTS = "DELETE FROM lexicon WHERE column = ? AND text = ? AND hash = ?"


@whole
def add_rows(here: Writing, resource_type: str, id_: str, sequence: int, rows: Rows) -> bool:
    index.require_few_instances(rows)
    type_id = here.names.type_id(here.connection, resource_type)
    row: Any = here.connection.execute(_STATE, (type_id, stored_id(id_))).get
    if row is None or row[1] != sequence or not row[2]:
        return False
    here.before_write()
    here.replace((resource_type, id_), row[0], None, rows)
    return True


@whole
def drop_rows(here: Writing, of: Callable[[str], bool], limit: int, texts: bool) -> int:
    here.before_write()
    every: list[Any] = here.connection.execute("SELECT id, name FROM column_name").fetchall()
    statements = [(table, names, index.DELETE[table]) for table, names in TABLES.items()]
    if texts:
        statements.append((_TEXTS, "column, text, hash", _DELETE_TEXTS))
    dropped = 0
    for column in [id_ for id_, name in every if of(name)]:
        for table, names, delete in statements:
            select = f"SELECT {names} FROM {table} WHERE column = ? LIMIT ?"
            rows: list[Any] = here.connection.execute(select, (column, limit - dropped)).fetchall()
            here.connection.executemany(delete, rows)
            dropped += len(rows)
            if dropped >= limit:
                return dropped
    return dropped
