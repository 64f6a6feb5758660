"""The nearest known names, for whoever wrote an unknown one."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean birthdate or death-date?`, or what there is when nothing is near."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if not near:
        folded = name.casefold().replace("-", "").replace("_", "")
        near = [each for each in names if folded and folded in each.casefold().replace("-", "")][:3]
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; there are {', '.join(names)}" if names else ""
