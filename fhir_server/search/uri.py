"""URI parameters: exact and whole.

https://hl7.org/fhir/R4/search.html#uri

A canonical with a version (`url|1.0`) is found with and without it. The lexicon keeps the texts, for
`:below` and `:above`.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.values import unescape
from fhir_server.store.algebra import Node, Present, TokenIn
from fhir_server.store.rows import Rows, hash64

MODIFIERS: frozenset[str] = frozenset()

_TYPES = frozenset(("uri", "url", "canonical", "oid", "uuid", "id", "string"))


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    if value_type not in _TYPES:
        return None

    @lru_cache(maxsize=512)
    def rows_of(value: str) -> tuple[list[tuple[str, int]], list[tuple[str, str, int]]]:
        texts = [value]
        if value_type == "canonical" and "|" in value:
            texts.append(value.partition("|")[0])
        hashes = [hash64(text) for text in texts]
        return [(column, hashed) for hashed in hashes], [
            (column, text, hashed) for text, hashed in zip(texts, hashes, strict=True)
        ]

    def emit(value: Any, rows: Rows) -> None:
        tokens, texts = rows_of(value)
        rows.tokens.update(tokens)
        rows.lexicon.update(texts)

    return emit


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    return TokenIn(column.name, tuple({hash64(unescape(value)): None for value in values}))


def present(column: Column) -> Node:
    return Present("token", column.name)
