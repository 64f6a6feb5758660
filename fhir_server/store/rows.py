"""Index rows of one resource, by kind of value.

A *column* names one indexed expression of one resource type, `Observation.subject`; several search parameters
may share it. What a column means is the business of `search/`; the store only compares.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import xxhash

_SIGN = 1 << 63


def hash64(text: str, *within: str) -> int:
    """A signed 64-bit hash, the same in every process and release.

    within: what the text is of, a system say; `hash64("b", "a")` is neither that of `a|b` nor of any other
    text alone
    """
    unsigned = xxhash.xxh3_64_intdigest(text, _seed(within) if within else 0)
    return unsigned - (1 << 64) if unsigned & _SIGN else unsigned


@lru_cache(maxsize=4096)
def _seed(within: tuple[str, ...]) -> int:
    found = 0
    for each in within:
        found = xxhash.xxh3_64_intdigest(each, found)
    return found


@dataclass(slots=True)
class Rows:
    tokens: set[tuple[str, int]] = field(default_factory=set)
    """(column, hash of the value)"""
    strings: set[tuple[str, str, int]] = field(default_factory=set)
    """(column, normalised text, hash of the text as written)"""
    dates: set[tuple[str, int, int]] = field(default_factory=set)
    """(column, first, last), both inclusive, in microseconds since the epoch, UTC"""
    numbers: set[tuple[str, int, float, float]] = field(default_factory=set)
    """(column, hash of the unit or 0, lowest, highest), both inclusive"""
    references: set[tuple[str, str, str]] = field(default_factory=set)
    """(column, resource type, id) of a local target, there or not"""
    positions: set[tuple[str, float, float]] = field(default_factory=set)
    """(column, latitude, longitude), in degrees, -90 to 90 and -180 to 180"""
    lexicon: set[tuple[str, str, int]] = field(default_factory=set)
    """(column, text, hash): the distinct texts behind hashes of a column, kept once for all resources"""
    texts: set[tuple[str, str]] = field(default_factory=set)
    """(column, text): what tokens are sorted by whose texts the lexicon does not keep; not stored"""
    instances: list["Rows"] = field(default_factory=list)
    """Rows that belong together, one for each element of a composite, with columns of their own"""
