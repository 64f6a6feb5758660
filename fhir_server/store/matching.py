"""The algebra evaluated in memory: whether one resource, of which the index rows are at hand, fits a node.

A page of a search shows the state of the log at its first page. The index knows the present only, so the
resources that were changed meanwhile are judged here, by the rows of the version that was current then.
What lies outside a resource (chains, texts of hashes) is asked of `Around`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fhir_server.store import algebra
from fhir_server.store.algebra import Node, SortKey
from fhir_server.store.earth import metres, nearest
from fhir_server.store.protocol import Words
from fhir_server.store.rows import Rows

Identity = tuple[str, str]
"""(resource type, id)"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A version of a resource, as the index would have it."""

    resource_type: str
    id: str
    sequence: int
    last_updated_ms: int
    rows: Rows
    body: bytes = b""  # as it was put, for its words

    @property
    def identity(self) -> Identity:
        return self.resource_type, self.id


class Around(Protocol):
    """The rest of the store, at the time of the subject's version."""

    def texts(self, column: str, hash_: int) -> Collection[str]:
        """The texts of a hash in the lexicon."""

    def words(self, body: bytes) -> Words:
        """The words of a body."""

    def any_fits(self, identities: Iterable[Identity], where: Node) -> bool:
        """Whether one of these resources was there and fitted."""

    def is_referred(self, identity: Identity, node: "algebra.Backward | algebra.Referred") -> bool:
        """Whether some resource that `node` is about referred to this one."""


def fits(node: Node, subject: Subject, around: Around) -> bool:
    return TESTS[type(node)](node, subject, around)


def sort_value(key: SortKey, subject: Subject, around: Around) -> Any:
    """What the subject is sorted by: the lowest value, or in descending order the highest; None: none."""
    values = SORT_VALUES[key.kind](key, subject, around)
    return max(values, default=None) if key.descending else min(values, default=None)


def _everything(_node: algebra.Everything, _subject: Subject, _around: Around) -> bool:
    return True


def _nothing(_node: algebra.Nothing, _subject: Subject, _around: Around) -> bool:
    return False


def _token_in(node: algebra.TokenIn, subject: Subject, _around: Around) -> bool:
    return any((node.column, hash_) in subject.rows.tokens for hash_ in node.hashes)


def _lexicon_in(node: algebra.LexiconIn, subject: Subject, around: Around) -> bool:
    return any(
        text.startswith(wanted) if node.prefix else text == wanted
        for column, hash_ in subject.rows.tokens
        if column == node.column
        for text in around.texts(node.lexicon or node.column, hash_)
        for wanted in node.texts
    )


def _string_is(node: algebra.StringIs, subject: Subject, _around: Around) -> bool:
    return any(
        (column, text) == (node.column, node.text) and node.written in (None, written)
        for column, text, written in subject.rows.strings
    )


def _string_starts(node: algebra.StringStarts, subject: Subject, _around: Around) -> bool:
    return any(
        column == node.column and text.startswith(node.text) for column, text, _ in subject.rows.strings
    )


def _string_ends(node: algebra.StringEnds, subject: Subject, _around: Around) -> bool:
    return any(column == node.column and text.endswith(node.text) for column, text, _ in subject.rows.strings)


def _string_contains(node: algebra.StringContains, subject: Subject, _around: Around) -> bool:
    return any(column == node.column and node.text in text for column, text, _ in subject.rows.strings)


def _between(node: algebra.Between, subject: Subject, around: Around) -> bool:
    if node.kind == "date":
        return any(c == node.column and _lies(node, low, high) for c, low, high in subject.rows.dates)
    return any(
        column == node.column and _lies(node, low, high) and _has_unit(node, unit, around)
        for column, unit, low, high in subject.rows.numbers
    )


def _lies(node: algebra.Between, low: float, high: float) -> bool:
    return (
        (node.low_from is None or low >= node.low_from)
        and (node.low_to is None or low <= node.low_to)
        and (node.high_from is None or high >= node.high_from)
        and (node.high_to is None or high <= node.high_to)
    )


def _has_unit(node: algebra.Between, unit: int, around: Around) -> bool:
    if node.units is None and not node.unit_texts:
        return True
    return unit in (node.units or ()) or any(t in node.unit_texts for t in around.texts(node.column, unit))


def _reference_in(node: algebra.ReferenceIn, subject: Subject, _around: Around) -> bool:
    return any((node.column, *target) in subject.rows.references for target in node.targets)


def _reference_of_type(node: algebra.ReferenceOfType, subject: Subject, _around: Around) -> bool:
    return any(
        column == node.column and resource_type in node.resource_types
        for column, resource_type, _ in subject.rows.references
    )


def _near(node: algebra.Near, subject: Subject, _around: Around) -> bool:
    return any(
        column == node.column and metres(latitude, longitude, node.latitude, node.longitude) <= node.metres
        for column, latitude, longitude in subject.rows.positions
    )


def _present(node: algebra.Present, subject: Subject, _around: Around) -> bool:
    table: set[Any] = getattr(subject.rows, f"{node.kind}s")
    return any(row[0] == node.column for row in table)


def _forward(node: algebra.Forward, subject: Subject, around: Around) -> bool:
    targets = [
        (resource_type, id_)
        for column, resource_type, id_ in subject.rows.references
        if column == node.column and resource_type == node.resource_type
    ]
    return bool(targets) and around.any_fits(targets, node.where)


def _referred(node: algebra.Backward | algebra.Referred, subject: Subject, around: Around) -> bool:
    return around.is_referred(subject.identity, node)


def _together(node: algebra.Together, subject: Subject, around: Around) -> bool:
    sequence, updated = subject.sequence, subject.last_updated_ms
    instances = (Subject(*subject.identity, sequence, updated, rows) for rows in subject.rows.instances)
    return any(all(fits(term, instance, around) for term in node.terms) for instance in instances)


def _of_type(node: algebra.OfType, subject: Subject, _around: Around) -> bool:
    return subject.resource_type in node.resource_types


def _full_text(node: algebra.FullText, subject: Subject, around: Around) -> bool:
    return stands_in(node, around.words(subject.body))


def stands_in(node: algebra.FullText, words: Words) -> bool:
    """Whether the words of the node stand in these, one after the other."""
    before, last = node.words[:-1], node.words[-1]
    for text in (words.narrative,) if node.where == "narrative" else words:
        if not node.prefix and last not in text:
            continue
        for end, word in enumerate(text):
            if word != last and not (node.prefix and word.startswith(last)):
                continue
            if end >= len(before) and text[end - len(before) : end] == before:
                return True
    return False


def _id_in(node: algebra.IdIn, subject: Subject, _around: Around) -> bool:
    return subject.id in node.ids and node.resource_type in (None, subject.resource_type)


def _updated_between(node: algebra.UpdatedBetween, subject: Subject, _around: Around) -> bool:
    updated = subject.last_updated_ms
    return (node.first is None or updated >= node.first) and (node.last is None or updated <= node.last)


def _and(node: algebra.And, subject: Subject, around: Around) -> bool:
    return all(fits(term, subject, around) for term in node.terms)


def _or(node: algebra.Or, subject: Subject, around: Around) -> bool:
    return any(fits(term, subject, around) for term in node.terms)


def _not(node: algebra.Not, subject: Subject, around: Around) -> bool:
    return not fits(node.term, subject, around)


TESTS: dict[type[Any], Callable[[Any, Subject, Around], bool]] = {
    algebra.Everything: _everything,
    algebra.Nothing: _nothing,
    algebra.TokenIn: _token_in,
    algebra.LexiconIn: _lexicon_in,
    algebra.StringIs: _string_is,
    algebra.StringStarts: _string_starts,
    algebra.StringEnds: _string_ends,
    algebra.StringContains: _string_contains,
    algebra.Between: _between,
    algebra.ReferenceIn: _reference_in,
    algebra.ReferenceOfType: _reference_of_type,
    algebra.Near: _near,
    algebra.Present: _present,
    algebra.Forward: _forward,
    algebra.Backward: _referred,
    algebra.Referred: _referred,
    algebra.Together: _together,
    algebra.OfType: _of_type,
    algebra.FullText: _full_text,
    algebra.IdIn: _id_in,
    algebra.UpdatedBetween: _updated_between,
    algebra.And: _and,
    algebra.Or: _or,
    algebra.Not: _not,
}
"""By the type of a node; a test sees to it that none is missing."""


def _ids(_key: SortKey, subject: Subject, _around: Around) -> Iterator[str]:
    yield subject.id


def _updates(_key: SortKey, subject: Subject, _around: Around) -> Iterator[int]:
    yield subject.sequence


def _strings(key: SortKey, subject: Subject, around: Around) -> Iterator[str]:
    return (row[1] for row in _counting(key, "strings", subject, around))


def _dates(key: SortKey, subject: Subject, around: Around) -> Iterator[int]:
    return (row[1] for row in _counting(key, "dates", subject, around))


def _numbers(key: SortKey, subject: Subject, around: Around) -> Iterator[float]:
    return (row[2] for row in _counting(key, "numbers", subject, around))


def _counting(key: SortKey, kind: str, subject: Subject, around: Around) -> Iterator[Any]:
    """The rows that a sort key goes by."""
    for row in getattr(subject.rows, kind):
        if row[0] not in key.columns:
            continue
        if key.fitting:
            rows = Rows()
            setattr(rows, kind, {row})
            alone = replace(subject, rows=rows)
            if not any(fits(node, alone, around) for node in key.fitting):
                continue
        yield row


def _distances(key: SortKey, subject: Subject, _around: Around) -> Iterator[float]:
    return (
        nearest(latitude, longitude, key.places)
        for column, latitude, longitude in subject.rows.positions
        if column in key.columns
    )


def _references(key: SortKey, subject: Subject, _around: Around) -> Iterator[str]:
    return (f"{type_}/{id_}" for column, type_, id_ in subject.rows.references if column in key.columns)


def _tokens(key: SortKey, subject: Subject, around: Around) -> Iterator[tuple[str, int]]:
    """Texts with their hashes, which decide among those with one text."""
    for column, hash_ in subject.rows.tokens:
        if column in key.columns:
            for text in around.texts(column, hash_):
                yield text, hash_


def _texts(key: SortKey, subject: Subject, _around: Around) -> Iterator[str]:
    return sort_texts(subject.rows, key.columns)


def sort_texts(rows: Rows, columns: Collection[str]) -> Iterator[str]:
    """The texts of tokens that the rows themselves know."""
    yield from (text for column, text in rows.texts if column in columns)
    yield from (text for column, text, _ in rows.lexicon if column in columns)


SORT_VALUES: dict[str, Callable[[SortKey, Subject, Around], Iterator[Any]]] = {
    "id": _ids,
    "updated": _updates,
    "string": _strings,
    "date": _dates,
    "number": _numbers,
    "distance": _distances,
    "reference": _references,
    "text": _texts,
    "token": _tokens,
}
"""By the kind of a sort key; texts compare by code points, which is the order of their UTF-8 bytes."""
