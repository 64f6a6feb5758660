"""Hypothesis strategies: small stores with random index rows, and random questions to them."""

from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fhir_server.store import algebra
from fhir_server.store.algebra import Node, SortKey
from tests.store.resources import START, Resource, make

TYPES = ("Patient", "Observation", "Group")
# one id is a UUID, which stores may keep in another form, and one looks like it
IDS = ("a", "A", "b", "0b9e5c1e-7c6a-4d0e-9a52-3f6e2b1c0d4f", "0B9E5C1E-7C6A-4D0E-9A52-3F6E2B1C0D4F")
KINDS = ("token", "string", "date", "number", "reference", "position")
DAY = 86_400_000_000
SPANS = (0, 999, DAY - 1, DAY, 3 * DAY, 400 * DAY)
LETTERS = ("", "a", "ab", "abc", "b", "ba", "张", "张三", "a%", "_", "\U0010ffff")

hashes = st.integers(-2, 2)
types = st.sampled_from(TYPES)
ids = st.sampled_from(IDS)
texts = st.sampled_from(LETTERS)
instants = st.integers(-3, 3).map(lambda day: day * DAY)
TEXTS = ("", "x", "y", "z", "x y", "y x", "xy 高血 血压 压", "x x y", "压")
words = st.sampled_from(("x", "y", "xy", "z", "高血", "血压", "压"))
values = st.sampled_from((-10.0, -1.5, 0.0, 0.1, 1.0, 1.1, 2.5, 1e9))


latitudes = st.sampled_from((-90.0, -0.1, 0.0, 0.1, 31.5, 31.6, 89.9, 90.0))
longitudes = st.sampled_from((-180.0, -179.9, -0.1, 0.0, 0.1, 118.5, 179.9, 180.0))
distances = st.sampled_from((0.0, 1.0, 12_000.0, 25_000.0, 4_000_000.0, 2e7, 3e7))


def _few(row: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    return st.lists(row, max_size=3)


def _rows(column: SearchStrategy[str]) -> dict[str, SearchStrategy[Any]]:
    return {
        "tokens": _few(st.tuples(column, hashes)),
        "strings": _few(st.tuples(column, texts, hashes)),
        "dates": _few(
            st.tuples(column, instants, st.sampled_from(SPANS)).map(lambda d: (d[0], d[1], d[1] + d[2]))
        ),
        "numbers": _few(
            st.tuples(column, hashes, values, values).map(lambda n: (*n[:2], min(n[2:]), max(n[2:])))
        ),
        "positions": _few(st.tuples(column, latitudes, longitudes)),
        "references": _few(st.tuples(column, types, ids)),
        "texts": _few(st.tuples(column, texts)),
        "lexicon": _few(st.tuples(column, texts, hashes)),
    }


@st.composite
def resources(draw: st.DrawFn) -> Resource:
    resource_type = draw(types)
    columns = st.sampled_from((f"{resource_type}.one", f"{resource_type}.two"))
    part = st.fixed_dictionaries(_rows(st.just(f"{resource_type}.part")))
    instances = st.lists(part, max_size=draw(st.sampled_from((0, 0, 2, 3))))
    rows = draw(st.fixed_dictionaries(_rows(columns)))
    return make(
        resource_type,
        draw(ids),
        note=draw(st.sampled_from(TEXTS)),
        told=draw(st.sampled_from(TEXTS)),
        **rows,
        instances=draw(instances),
    )


# writes, and deletions by identity
worlds = st.lists(st.one_of(resources(), resources(), resources(), st.tuples(types, ids)), max_size=14)


def _bounds(of: SearchStrategy[Any]) -> dict[str, SearchStrategy[Any]]:
    bound = st.none() | of
    return {name: bound for name in ("low_from", "low_to", "high_from", "high_to")}


def comparisons(column: SearchStrategy[str]) -> SearchStrategy[Node]:
    return st.one_of(
        st.builds(algebra.TokenIn, column, st.lists(hashes, max_size=3).map(tuple)),
        st.builds(algebra.LexiconIn, column, st.lists(texts, max_size=2).map(tuple), st.booleans()),
        st.builds(algebra.StringIs, column, texts, st.none() | hashes),
        st.builds(algebra.StringStarts, column, texts),
        st.builds(algebra.StringEnds, column, texts),
        st.builds(algebra.StringContains, column, texts),
        st.builds(
            algebra.Between, st.just("date"), column,
            **_bounds(st.tuples(instants, st.sampled_from((-1, 0, 1, 999))).map(sum)),
        ),
        st.builds(
            algebra.Between, st.just("number"), column, **_bounds(values),
            units=st.none() | st.lists(hashes, max_size=2).map(tuple),
            unit_texts=st.lists(texts, max_size=1).map(tuple),
        ),
        st.builds(algebra.ReferenceIn, column, st.lists(st.tuples(types, ids), max_size=2).map(tuple)),
        st.builds(algebra.ReferenceOfType, column, st.lists(types, max_size=2).map(tuple)),
        st.builds(algebra.Near, column, latitudes, longitudes, distances),
        st.builds(algebra.Present, st.sampled_from(KINDS), column),
    )  # fmt: skip


def ranges(column: SearchStrategy[str]) -> SearchStrategy[Node]:
    """Comparisons that an index has an order for, one or several of a kind."""
    bounds = _bounds(st.tuples(instants, st.sampled_from((-1, 0, 1, 999))).map(sum))
    kinds: list[SearchStrategy[Any]] = [
        st.builds(algebra.StringStarts, column, texts) | st.builds(algebra.StringContains, column, texts),
        st.builds(algebra.Between, st.just("date"), column, **bounds),
        st.builds(
            algebra.Between, st.just("number"), column, **_bounds(values), units=st.none() | st.tuples(hashes)
        ),
    ]
    several = (st.lists(kind, min_size=2, max_size=3).map(tuple).map(algebra.Or) for kind in kinds)
    return st.one_of(*kinds, *several)


full_texts = st.builds(
    algebra.FullText,
    st.sampled_from(("narrative", "anywhere")),
    st.lists(words, min_size=1, max_size=2).map(tuple),
    st.booleans(),
)


@st.composite
def _joins(draw: st.DrawFn) -> Node:
    there, column = draw(types), draw(st.sampled_from(("one", "two")))
    where = draw(nodes(there))
    if draw(st.booleans()) and draw(st.booleans()):
        there_too = draw(st.sampled_from(((there,), tuple(sorted({there, "Group"})))))
        columns = tuple(f"{each}.{name}" for each in there_too for name in ("one", "two"))
        return algebra.Referred(draw(st.sampled_from((columns, columns[:1]))), there_too, where)
    if draw(st.booleans()):
        return algebra.Forward(f"{draw(types)}.{column}", there, where)
    return algebra.Backward(f"{there}.{column}", there, where)


@st.composite
def _parts(draw: st.DrawFn, resource_type: str) -> Node:
    comparison = comparisons(st.just(f"{resource_type}.part"))
    first = draw(comparison | st.builds(lambda a, b: algebra.Or((a, b)), comparison, comparison))
    others = st.recursive(comparison, _combined, max_leaves=3)
    return algebra.Together((first, *draw(st.lists(others, max_size=2))))


def _combined(inner: SearchStrategy[Node]) -> SearchStrategy[Node]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.builds(algebra.And, several) | st.builds(algebra.Or, several) | st.builds(algebra.Not, inner)


@st.composite
def nodes(draw: st.DrawFn, resource_type: str) -> Node:
    """Questions about a type, some about columns of another one."""
    return draw(_nodes(resource_type))


@cache
def _nodes(resource_type: str) -> SearchStrategy[Node]:
    column = st.sampled_from((f"{resource_type}.one", f"{resource_type}.two", "Group.one", "Nowhere.one"))
    updated = st.none() | st.integers(START - 1, START + 16)
    leaves = st.one_of(
        comparisons(column),
        comparisons(column),
        ranges(column),
        st.just(algebra.Everything()),
        st.just(algebra.Nothing()),
        st.builds(algebra.OfType, st.lists(types, max_size=2, unique=True).map(tuple)),
        st.builds(algebra.IdIn, st.lists(ids, max_size=2).map(tuple)),
        st.builds(algebra.UpdatedBetween, updated, updated),
        full_texts,
        _parts(resource_type),
        st.deferred(_joins),
    )
    return st.recursive(leaves, _combined, max_leaves=4)


@st.composite
def sorts(draw: st.DrawFn, resource_type: str) -> SortKey:
    kind = draw(
        st.sampled_from(
            ("token", "string", "date", "number", "reference", "id", "updated", "distance", "text")
        )
    )
    names = (f"{resource_type}.one", f"{resource_type}.two", "Group.one")
    columns = draw(st.sampled_from(((names[0],), (names[1],), names[:2], names)))
    places = draw(st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=2).map(tuple))
    return SortKey(
        kind,
        () if kind in ("id", "updated") else columns,
        draw(st.booleans()),
        places if kind == "distance" else (),
    )
