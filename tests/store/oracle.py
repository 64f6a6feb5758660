"""The algebra evaluated on rows in Python, row by row: slow, and plainly right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from fhir_server.store import algebra
from fhir_server.store.algebra import Node, Query, SortKey
from fhir_server.store.earth import metres, nearest
from fhir_server.store.protocol import Words
from fhir_server.store.rows import Rows
from tests.store.resources import Resource, rows_of, words_of

Identity = tuple[str, str]


NO_WORDS = Words((), ())


@dataclass
class Kept:
    rows: Rows
    sequence: int
    updated_ms: int
    words: Words = NO_WORDS


@dataclass
class Oracle:
    kept: dict[Identity, Kept] = field(default_factory=dict)  # in the order of their last change
    lexicon: set[tuple[str, str, int]] = field(default_factory=set)

    def put(self, found: Resource, sequence: int, updated_ms: int) -> None:
        rows = rows_of(found["rows"])
        for one in (rows, *rows.instances):
            self.lexicon |= one.lexicon
        self.kept[found["resourceType"], found["id"]] = Kept(rows, sequence, updated_ms, words_of(found))

    def delete(self, identity: Identity) -> None:
        self.kept.pop(identity, None)

    def find(self, resource_types: tuple[str, ...], where: Node) -> set[Identity]:
        return {
            identity
            for identity, kept in self.kept.items()
            if (not resource_types or identity[0] in resource_types) and self.fits(where, identity, kept.rows)
        }

    def fits(self, node: Node, identity: Identity, rows: Rows) -> bool:
        return _TESTS[type(node)](self, node, identity, rows)

    def is_sorted(self, query: Query, found: list[Identity]) -> bool:
        """Whether each one's sort keys are not above the next one's; those without a value last."""
        keys = [[self._rank(key, identity) for key in query.sort] for identity in found]
        return all(_compare(one, other, query.sort) <= 0 for one, other in pairwise(keys))

    def _rank(self, key: SortKey, identity: Identity) -> Any:
        kept = self.kept[identity]
        values = list(_SORT_VALUES[key.kind](self, key, identity, kept))
        if not values:
            return None
        return max(values) if key.descending else min(values)

    def texts(self, column: str, hash_: int) -> set[str]:
        return {text for name, text, found in self.lexicon if (name, found) == (column, hash_)}


def _compare(one: list[Any], other: list[Any], sort: tuple[SortKey, ...]) -> int:
    for a, b, key in zip(one, other, sort, strict=True):
        if a == b:
            continue
        if a is None or b is None:
            return 1 if a is None else -1
        return -1 if (a < b) != key.descending else 1
    return 0


def _sort_tokens(oracle: Oracle, key: SortKey, _identity: Identity, kept: Kept) -> Iterator[str]:
    for column, hash_ in kept.rows.tokens:
        if column in key.columns:
            yield from oracle.texts(column, hash_)


def _ranked(oracle: Oracle, key: SortKey, kind: str, value: int, kept: Kept) -> Iterator[Any]:
    """Of the rows in the columns; of those that a comparison is true of, where there are comparisons."""
    for row in getattr(kept.rows, kind):
        lone = Rows(**{kind: {row}})
        if row[0] in key.columns and (
            not key.fitting or any(oracle.fits(node, ("", ""), lone) for node in key.fitting)
        ):
            yield row[value]


_SORT_VALUES: dict[str, Callable[[Oracle, SortKey, Identity, Kept], Iterator[Any]]] = {
    "id": lambda _oracle, _key, identity, _kept: iter((identity[1],)),
    "updated": lambda _oracle, _key, _identity, kept: iter((kept.sequence,)),
    "string": lambda oracle, key, _identity, kept: _ranked(oracle, key, "strings", 1, kept),
    "date": lambda oracle, key, _identity, kept: _ranked(oracle, key, "dates", 1, kept),
    "number": lambda oracle, key, _identity, kept: _ranked(oracle, key, "numbers", 2, kept),
    "distance": lambda _oracle, key, _identity, kept: (
        nearest(*place, key.places) for c, *place in kept.rows.positions if c in key.columns
    ),
    "reference": lambda _oracle, key, _identity, kept: (
        f"{t}/{i}" for c, t, i in kept.rows.references if c in key.columns
    ),
    "text": lambda _oracle, key, _identity, kept: (
        text for c, text, *_ in kept.rows.texts | kept.rows.lexicon if c in key.columns
    ),
    "token": _sort_tokens,
}


def _lexicon_in(oracle: Oracle, node: algebra.LexiconIn, _identity: Identity, rows: Rows) -> bool:
    lexicon = node.lexicon or node.column
    return any(
        text.startswith(wanted) if node.prefix else text == wanted
        for column, hash_ in rows.tokens
        if column == node.column
        for text in oracle.texts(lexicon, hash_)
        for wanted in node.texts
    )


def _string_is(_oracle: Oracle, node: algebra.StringIs, _identity: Identity, rows: Rows) -> bool:
    return any(
        (column, text) == (node.column, node.text) and node.written in (None, written)
        for column, text, written in rows.strings
    )


def _between(oracle: Oracle, node: algebra.Between, _identity: Identity, rows: Rows) -> bool:
    def inside(low: float, high: float) -> bool:
        return (
            (node.low_from is None or low >= node.low_from)
            and (node.low_to is None or low <= node.low_to)
            and (node.high_from is None or high >= node.high_from)
            and (node.high_to is None or high <= node.high_to)
        )

    if node.kind == "date":
        return any(column == node.column and inside(low, high) for column, low, high in rows.dates)
    any_unit = node.units is None and not node.unit_texts
    return any(
        column == node.column
        and (
            any_unit
            or unit in (node.units or ())
            or bool(oracle.texts(node.column, unit) & set(node.unit_texts))
        )
        and inside(low, high)
        for column, unit, low, high in rows.numbers
    )


def _present(_oracle: Oracle, node: algebra.Present, _identity: Identity, rows: Rows) -> bool:
    table: set[Any] = getattr(rows, f"{node.kind}s")
    return any(row[0] == node.column for row in table)


def _forward(oracle: Oracle, node: algebra.Forward, _identity: Identity, rows: Rows) -> bool:
    return any(
        column == node.column
        and target[0] == node.resource_type
        and target in oracle.kept
        and oracle.fits(node.where, target, oracle.kept[target].rows)
        for column, *rest in rows.references
        for target in [(rest[0], rest[1])]
    )


def _backward(oracle: Oracle, node: algebra.Backward, identity: Identity, _rows: Rows) -> bool:
    return any(
        other[0] == node.resource_type
        and (node.column, *identity) in kept.rows.references
        and oracle.fits(node.where, other, kept.rows)
        for other, kept in oracle.kept.items()
    )


def _referred(oracle: Oracle, node: algebra.Referred, identity: Identity, _rows: Rows) -> bool:
    return any(
        other[0] in node.resource_types
        and any((column, *identity) in kept.rows.references for column in node.columns)
        and oracle.fits(node.where, other, kept.rows)
        for other, kept in oracle.kept.items()
    )


def _together(oracle: Oracle, node: algebra.Together, identity: Identity, rows: Rows) -> bool:
    return any(
        all(oracle.fits(term, identity, instance) for term in node.terms) for instance in rows.instances
    )


def _updated(oracle: Oracle, node: algebra.UpdatedBetween, identity: Identity, _rows: Rows) -> bool:
    updated = oracle.kept[identity].updated_ms
    return (node.first is None or updated >= node.first) and (node.last is None or updated <= node.last)


def _full_text(oracle: Oracle, node: algebra.FullText, identity: Identity, _rows: Rows) -> bool:
    words = oracle.kept[identity].words
    wanted = f" {' '.join(node.words)}{'' if node.prefix else ' '}"
    texts = words[:1] if node.where == "narrative" else words
    return any(wanted in f" {' '.join(text)} " for text in texts)


_TESTS: dict[type[Any], Callable[[Oracle, Any, Identity, Rows], bool]] = {
    algebra.Everything: lambda *_: True,
    algebra.Nothing: lambda *_: False,
    algebra.TokenIn: lambda _o, node, _i, rows: any((node.column, h) in rows.tokens for h in node.hashes),
    algebra.LexiconIn: _lexicon_in,
    algebra.StringIs: _string_is,
    algebra.StringStarts: lambda _o, node, _i, rows: any(
        column == node.column and text.startswith(node.text) for column, text, _ in rows.strings
    ),
    algebra.StringEnds: lambda _o, node, _i, rows: any(
        column == node.column and text[len(text) - len(node.text) :] == node.text
        for column, text, _ in rows.strings
        if len(text) >= len(node.text)
    ),
    algebra.StringContains: lambda _o, node, _i, rows: any(
        column == node.column and node.text in text for column, text, _ in rows.strings
    ),
    algebra.Between: _between,
    algebra.FullText: _full_text,
    algebra.ReferenceIn: lambda _o, node, _i, rows: any(
        column == node.column and (type_, id_) in node.targets for column, type_, id_ in rows.references
    ),
    algebra.ReferenceOfType: lambda _o, node, _i, rows: any(
        column == node.column and type_ in node.resource_types for column, type_, _ in rows.references
    ),
    algebra.Near: lambda _o, node, _i, rows: any(
        column == node.column and metres(*place, node.latitude, node.longitude) <= node.metres
        for column, *place in rows.positions
    ),
    algebra.Present: _present,
    algebra.Forward: _forward,
    algebra.Backward: _backward,
    algebra.Referred: _referred,
    algebra.Together: _together,
    algebra.OfType: lambda _o, node, identity, _r: identity[0] in node.resource_types,
    algebra.IdIn: lambda _o, node, identity, _r: identity[1] in node.ids,
    algebra.UpdatedBetween: _updated,
    algebra.And: lambda o, node, i, r: all(o.fits(term, i, r) for term in node.terms),
    algebra.Or: lambda o, node, i, r: any(o.fits(term, i, r) for term in node.terms),
    algebra.Not: lambda o, node, i, r: not o.fits(node.term, i, r),
}
