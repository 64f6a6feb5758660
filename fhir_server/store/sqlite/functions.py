"""Functions that our SQL calls."""

from functools import lru_cache
from typing import Any

import apsw
import msgspec

from fhir_server.store.earth import metres
from fhir_server.store.matching import sort_texts
from fhir_server.store.protocol import Extract
from fhir_server.store.sqlite.bodies import Bodies
from fhir_server.store.sqlite.names import Names, id_text

_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=64)
def _columns(text: str) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(text))


def install(connection: apsw.Connection, names: Names, bodies: Bodies, extract: Extract) -> None:
    """Adds to `connection`:

    - id_text(id): the text of a stored id
    - identity_text(type, id): `Patient/1`
    - metres(latitude, longitude, latitude, longitude): how far two places are apart
    - extracted_text(columns, type, body, pick): the `min` or `max` of the texts of a version's tokens in
      some columns, a JSON array; NULL: none
    - token_hashes(column, type, body): the hashes of a version's tokens in a column, as a JSON array
    """

    def identity_text(type_id: int, stored: str | bytes) -> str:
        return f"{names.type_name(connection, type_id)}/{id_text(stored)}"

    def token_hashes(column: str, type_id: int, body: bytes) -> str:
        rows = extract(names.type_name(connection, type_id), bodies.expand(body), (column,))
        return _encode([hash_ for name, hash_ in rows.tokens if name == column]).decode()

    def extracted_text(columns: str, type_id: int, body: bytes, pick: str) -> str | None:
        wanted = _columns(columns)
        rows = extract(names.type_name(connection, type_id), bodies.expand(body), wanted)
        texts = sort_texts(rows, wanted)
        return max(texts, default=None) if pick == "max" else min(texts, default=None)

    functions: list[Any] = [
        (id_text, 1),
        (identity_text, 2),
        (metres, 4),
        (extracted_text, 4),
        (token_hashes, 3),
    ]
    for function, arguments in functions:
        connection.create_scalar_function(function.__name__, function, arguments, deterministic=True)
