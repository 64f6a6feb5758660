"""Which term drives a search, the others being tested on each key that it finds.

Pages come in the order of keys unless they are sorted. An index that has one value's keys in that order is
read only as far as the page goes. A range has no such order: few keys are collected and sorted first; for
many the resources of the type are walked, and each is sought in the index.
"""

from collections.abc import Iterator, Sized

from fhir_server.store.sqlite.combined import All, Instance, rarest, terms_of
from fhir_server.store.sqlite.combined import Any as Either
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.terms import Leaf, Sql, Term, Universe, join, tests

COLUMNS = "r.key AS key, r.seq AS seq, r.type AS type, r.id AS id"

COLLECTED_AT_LEAST = 300  # keys, however small the store
COLLECTED_AT_MOST = 20_000
PROBED = 200  # keys: so few that fit a range lie together, those that a stream has lie apart
BEGINNING = 400  # keys
READ_AT_MOST = 4000  # keys of a stream, where by its first ones these have a page of what fits


def selected(
    compiler: Compiler, universe: Universe, term: Term, last_key: int, limit: int | None = None
) -> Sql:
    """Rows of `resource` for the keys that fit, ascending from `last_key`; at least `limit`, None: all."""
    driver, rest = driven(compiler, universe, term)
    if limit is None or not isinstance(driver, Either) or _is_ordered(driver):
        return _rows(universe, driver.stream(last_key, 1), rest)
    # each is read as far as the page goes: merged before, those of instances would be read to their end
    arms = [_rows(universe, each.stream(last_key, 1), rest) for each in driver.terms]
    both = join(" UNION ", (Sql(f"SELECT * FROM ({arm.text} LIMIT ?)", (*arm.values, limit)) for arm in arms))
    return Sql(f"{both.text} ORDER BY 1", both.values)


def alternatives(universe: Universe, term: Term) -> tuple[Term, ...]:
    """What can be searched one after the other, as streams that SQLite could not merge unread."""
    return term.terms if isinstance(term, Either) and not _is_ordered(term) else (term,)


def page(
    compiler: Compiler, universe: Universe, term: Term, last_key: int, limit: int, found: Sized
) -> Iterator[Sql]:
    """Statements whose rows, one after the other, are `limit` rows that fit, ascending from `last_key`.

    Where one term streams and others are tested, its first keys often have a page of what fits: that costs
    less than to count how many fit the others. A key that one statement had last may be the next one's first.

    found: the rows so far; how many there are among the first keys tells how many keys a page takes
    """
    if isinstance(term, All | Instance) and all(each.estimate(PROBED) >= PROBED for each in term.terms):
        read, most = 0, BEGINNING
        while (begun := term.begin(last_key, 1, most)) is not None:
            yield _rows(universe, begun.keys, [])
            reached = compiler.first(begun.reached)
            if reached is None:
                return
            # a resource may have more instances than are read at once
            stuck, last_key, read = reached <= last_key, max(reached, last_key), read + most
            most = _rest(read, len(found), limit)
            if stuck or read + most > READ_AT_MOST:
                break
    yield selected(compiler, universe, term, last_key, limit + 1)


def _rest(read: int, found: int, limit: int) -> int:
    """How many more keys have the rest of a page, by what `read` ones had, and a quarter more to be sure."""
    return read * (limit - found) * 5 // (found * 4) + 1 if found else READ_AT_MOST


def _is_ordered(term: Term) -> bool:
    """Whether SQLite knows that a stream is ascending: the key of an instance tells it nothing."""
    if isinstance(term, All | Either):
        return all(_is_ordered(each) for each in term.terms)
    return not isinstance(term, Instance)


def _rows(universe: Universe, keys: Sql, rest: list[Term]) -> Sql:
    # the plus keeps SQLite from seeking the keys of a condition instead, in which order they ever come
    types, tested = universe.of_type("r"), tests(rest, "+d.key", 1)
    return Sql(
        f"SELECT {COLUMNS} FROM ({keys.text}) d CROSS JOIN resource r ON r.key = d.key"
        f" WHERE r.live AND {types.text}{tested.text}",
        keys.values + types.values + tested.values,
    )


def counted(compiler: Compiler, universe: Universe, term: Term) -> Sql:
    """A statement that counts what fits."""
    terms = terms_of(universe, term)
    driver, rest = rarest(terms, COLLECTED_AT_MOST) if terms else (universe, [])
    if not isinstance(driver, Leaf) or not compiler.only_of(driver, universe):
        found = selected(compiler, universe, term, -1)
        return Sql(f"SELECT count(*) FROM ({found.text})", found.values)
    keys, tested = driver.keys(1), tests(rest, "d.key", 1)
    what = "DISTINCT d.key" if compiler.repeats(driver) else "*"
    return Sql(f"SELECT count({what}) FROM ({keys.text}) d WHERE 1{tested.text}", keys.values + tested.values)


def driven(compiler: Compiler, universe: Universe, term: Term) -> tuple[Term, list[Term]]:
    """The term that drives, which streams, and those that are tested."""
    terms = terms_of(universe, term)
    if not terms:
        return universe, []
    if len(terms) == 1 and isinstance(terms[0], Leaf) and terms[0].streams:
        return terms[0], []
    enough = collectable(universe)
    if len(terms) == 1 and not terms[0].streams:  # nothing to compare it with: not counted before
        alone = compiler.collected(terms[0], enough)
        return (universe, [terms[0]]) if alone is None else (alone, [])
    driver, rest = rarest(terms, enough)
    if driver.streams and not (isinstance(driver, Instance) and driver.estimate(enough) < enough):
        return driver, rest
    collected = compiler.collected(driver, enough) if driver.estimate(enough) < enough else None
    if collected is not None:
        return collected, rest
    driver = next((found for found in terms if found.streams), universe)
    return driver, [found for found in terms if found is not driver]


def collectable(universe: Universe) -> int:
    """From how many keys on it costs less to walk the universe until a page is full."""
    return max(COLLECTED_AT_LEAST, min(COLLECTED_AT_MOST, int((100 * universe.count()) ** 0.5)))
