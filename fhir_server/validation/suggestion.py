"""The nearest known name, for a client that misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 64  # characters; what is longer is no slip of the pen, and comparing it takes long


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'status'?`, or nothing when no known name is near."""
    if len(name) > _LONGEST:
        return ""
    by_lower = {one.lower(): one for one in known}
    nearest = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return f"; did you mean {by_lower[nearest[0]]!r}?" if nearest else ""
