"""Objects of one shape, with the same properties in the same order, come again and again.

What is asked of them is written out as one function: without a loop, a look-up by name, or a question that
their names answer. It takes three quarters of what the loop over any properties takes.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

from fhir_server.validation.primitive import STRING_LIMIT, Accept

SEEN = 16  # objects of a shape, before its function is made: that takes as long as to judge some hundred
MOST = 4000  # functions: clients can think of any number of shapes
_COUNTED = 256  # shapes of one type

Shape = tuple[str, ...]
"""Names of properties in their order, `("system", "code")`."""


class Shapes:
    """Makes the functions of all types."""

    def __init__(self, seen: int) -> None:
        self._seen = seen
        self._made = 0

    def remembering(self, judged: Accept, write: Callable[[Shape], Accept]) -> Accept:
        """The predicate of a type; `judged` takes objects of any shape, `write` makes the function of one."""
        written: dict[Shape, Accept] = {}
        written_of = written.get
        counts: Counter[Shape] = Counter()

        def accepts(value: Any, scope: Any) -> bool:
            if type(value) is not dict:
                return False
            shape = tuple(value)
            if (known := written_of(shape)) is not None:
                return known(value, scope)
            if not judged(value, scope):
                return False
            if self._is_due(counts, shape):
                written[shape] = write(shape)
            return True

        return accepts

    def _is_due(self, counts: Counter[Shape], shape: Shape) -> bool:
        if self._made >= MOST:
            return False
        counts[shape] += 1
        if counts[shape] < self._seen:
            if len(counts) > _COUNTED:
                counts.clear()
            return False
        del counts[shape]
        self._made += 1
        return True


def written_out(
    shape: Shape,
    texts: Mapping[str, Collection[str]],
    checks: Mapping[str, Accept],
    items: Mapping[str, Accept],
    holds: Accept | None,
) -> Accept:
    """The predicate of the objects of a shape, of which one was accepted.

    texts: by property, those that are fine; when there are none, all that are not too long.
    checks: of any value of a property. items: of one value, where any number of them may stand in a list.
    holds: what is asked of the whole object beyond what its names tell.
    """
    within: dict[str, Any] = {"holds": holds}
    lines = []
    for number, name in enumerate(shape):
        value, check = f"value{number}", f"check{number}(value{number}, scope)"
        within[f"check{number}"] = checks[name]
        if name in texts:
            within[f"fine{number}"] = texts[name]
            fine = f"{value} in fine{number}" if texts[name] else f"0 < len({value}) <= {STRING_LIMIT}"
            lines.append(f" if not (type({value}) is str and {fine} or {check}): return False")
        elif name in items:
            within[f"item{number}"] = items[name]
            lines.append(f" if type({value}) is list and {value}:")
            lines.append(f"  for each in {value}:")
            lines.append(f"   if not item{number}(each, scope): return False")
            lines.append(f" elif not {check}: return False")
        else:
            lines.append(f" if not {check}: return False")
    values = ", ".join(f"value{number}" for number in range(len(shape)))
    last = " return True" if holds is None else " return holds(value, scope)"
    head = ["def accepts(value, scope):", f" {values}, = value.values()"]
    exec(_compiled("\n".join([*head, *lines, last])), within)
    found: Accept = within["accepts"]
    return found


@lru_cache(MOST)
def _compiled(text: str) -> CodeType:
    """Shapes of which the same is asked share it: numbers alone are in the text, no names."""
    return compile(text, "<shape>", "exec")
