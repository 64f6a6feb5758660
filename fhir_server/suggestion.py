"""The nearest known names, for whoever wrote an unknown one."""

from collections.abc import Iterable

_LONGEST = 64  # characters; what is longer is no slip of the pen, and comparing it takes long


def nearest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Up to `most` of the known names that `name` may stand for, the likeliest first."""
    from difflib import get_close_matches  # 5 ms that only a mistake has to pay

    if len(name) > _LONGEST:
        return []
    by_lower = {one.lower(): one for one in sorted(known, reverse=True)}
    for lower, one in by_lower.items():
        if _bare(lower) == _bare(name.lower()):
            return [one]
    return [by_lower[each] for each in get_close_matches(name.lower(), by_lower, most, cutoff=0.7)]


def _bare(name: str) -> str:
    return name.replace("-", "").replace("_", "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean birthdate?`, or nothing when no known name is near."""
    near = nearest(name, known)
    return f"; did you mean {near[0]}?" if near else ""


def choices(name: str, known: Iterable[str]) -> str:
    """`; did you mean birthdate or death-date?`, or all there are when none is near."""
    names = sorted(set(known))
    if near := nearest(name, names, 3):
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are {', '.join(names)}" if names else ""
