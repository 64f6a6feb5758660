"""URI parameters: exact and whole, or by what stands above and below a URL.

https://hl7.org/fhir/R4/search.html#uri

A canonical with a version (`url|1.0`) is found with and without it. The lexicon has the texts, for `:below`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.values import unescape
from fhir_server.store.algebra import LexiconIn, Node, Present, TokenIn
from fhir_server.store.rows import Rows, hash64

MODIFIERS = frozenset(("above", "below"))

_TYPES = frozenset(("uri", "url", "canonical", "oid", "uuid", "id", "string"))
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#|]+")
_OID = "urn:oid:"
_IN_URL = ("/", "?", "#", "|")  # what may follow a URL in those below it
_IN_VERSION = (".", "-", "+")


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
    texts = [unescape(value) for value in values]
    if modifier == "above":
        texts = [each for text in texts for each in _above(text)]
    exact = TokenIn(column.name, tuple({hash64(text): None for text in texts}))
    if modifier != "below":
        return exact
    beginnings = tuple(dict.fromkeys(each for text in texts for each in below(text)))
    return any_of((exact, LexiconIn(column.name, beginnings, prefix=True)))


def below(text: str) -> Iterator[str]:
    """How the texts begin that are below a URL, or below an OID by its arcs.

    "The :above and :below modifiers only apply to URLs": a `urn:uuid` has nothing above or below it. `url|1`
    is the versions of a canonical that begin so: 1.0 and 1.1, not 10.
    """
    if text.startswith(_OID):
        yield f"{text.rstrip('.')}."
    elif "|" in text and _is_url(text):
        yield from (text + each for each in _IN_VERSION)
    elif text.endswith("/") and _is_url(text):
        yield text
    else:
        _require_url(text)
        yield from (text + each for each in _IN_URL)


def _above(text: str) -> Iterator[str]:
    """`text`, and every URL whose path leads to it."""
    yield text
    if text.startswith(_OID):
        arcs = text.removeprefix(_OID).split(".")
        yield from (_OID + ".".join(arcs[:count]) for count in range(1, len(arcs)))
        return
    root = _require_url(text)
    path, found = re.split(r"[?#|]", text[len(root) :], maxsplit=1)[0], root
    yield from (found, f"{found}/")
    for segment in path.strip("/").split("/"):
        found += f"/{segment}"
        yield from (found, f"{found}/")


def _is_url(text: str) -> bool:
    return _URL.match(text) is not None


def _require_url(text: str) -> str:
    """The scheme and the host."""
    found = _URL.match(text)
    if found is None:
        raise bad_value(f"{text!r} is neither a URL nor an OID: nothing is above or below it")
    return found[0]


def present(column: Column) -> Node:
    return Present("token", column.name)
