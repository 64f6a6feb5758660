"""What is above what in a code system: by nesting, and by the properties parent, child and subsumedBy.

https://hl7.org/fhir/R4/codesystem.html#hierarchy
"""

from collections.abc import Iterable, Mapping

from fhir_server.outcome import business_rule

UPWARD = ("parent", "subsumedBy")
DOWNWARD = "child"

_SHOWN = 6  # codes of a cycle that a message names


class Hierarchy:
    """Direct parents by code; every code is a key. Raises 422 when a code would be above itself."""

    def __init__(self, canonical: str, parents: Mapping[str, Iterable[str]]) -> None:
        self.parents: dict[str, tuple[str, ...]] = {
            code: tuple(dict.fromkeys(above for above in parents[code] if above in parents))
            for code in parents
        }
        self.children: dict[str, list[str]] = {}
        for code, above in self.parents.items():
            for parent in above:
                self.children.setdefault(parent, []).append(code)
        _require_no_cycle(canonical, self.parents, self.children)

    def above(self, code: str) -> frozenset[str]:
        return _reached(code, self.parents)

    def below(self, code: str) -> frozenset[str]:
        return _reached(code, self.children)


def _reached(code: str, edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found: set[str] = set()
    pending = [*edges.get(code, ())]
    while pending:
        next_ = pending.pop()
        if next_ not in found:
            found.add(next_)
            pending.extend(edges.get(next_, ()))
    return frozenset(found)


def _require_no_cycle(
    canonical: str, parents: Mapping[str, tuple[str, ...]], children: Mapping[str, list[str]]
) -> None:
    waiting = {code: len(above) for code, above in parents.items() if above}
    free = [code for code in parents if code not in waiting]
    while free:
        for child in children.get(free.pop(), ()):
            waiting[child] -= 1
            if waiting[child] == 0:
                del waiting[child]
                free.append(child)
    if waiting:
        # every code that still waits has a parent that waits: going up leads into the cycle
        code, path = next(iter(waiting)), []
        while code not in path:
            path.append(code)
            code = next(parent for parent in parents[code] if parent in waiting)
        cycle = [*path[path.index(code) :], code]
        shown = cycle if len(cycle) <= _SHOWN else [*cycle[: _SHOWN - 1], "…", code]
        raise business_rule(f"the hierarchy of {canonical} has a cycle: {' is below '.join(shown)}")
