"""What was computed, kept while it is used, up to a weight."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The least recently used goes first; what is heavier than all room is kept alone."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._weight = 0
        self._found: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._found.get(key)
        if found is None:
            return None
        self._found.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        _, before = self._found.pop(key, (None, 0))
        self._weight += weight - before
        self._found[key] = value, weight
        while self._weight > self._room and len(self._found) > 1:
            _, (_, gone) = self._found.popitem(last=False)
            self._weight -= gone
