"""What comes again: of most that comes nothing does so soon, and to keep that would drive out what does."""

from collections.abc import Hashable


class Recurring:
    """Knows by their hashes what came once, among the last ones: at most `most`."""

    __slots__ = ("_most", "_once")

    def __init__(self, most: int) -> None:
        self._most = most
        self._once: set[int] = set()

    def has_come(self, what: Hashable) -> bool:
        """Whether it came before, as far as that is known."""
        sign = hash(what)
        if sign in self._once:
            return True
        if len(self._once) >= self._most:
            self._once.clear()
        self._once.add(sign)
        return False
