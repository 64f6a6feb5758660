"""The index rows of versions that were written lately: many a resource is changed soon after it came."""

from fhir_server.store.rows import Rows

GENERATION = 500  # versions; that many to twice as many are kept
FEW_ROWS = 200  # of one version; those that have more are not kept


class RecentRows:
    """By sequence number, in two generations."""

    def __init__(self) -> None:
        self._young: dict[int, Rows] = {}
        self._old: dict[int, Rows] = {}

    def keep(self, sequence: int, rows: Rows) -> None:
        if rows.instances or len(rows.tokens) + len(rows.strings) + len(rows.references) > FEW_ROWS:
            return
        if len(self._young) >= GENERATION:
            self._old, self._young = self._young, {}
        self._young[sequence] = rows

    def take(self, sequence: int) -> Rows | None:
        """The rows of a version that is about to be replaced; None: they are not known."""
        return self._young.pop(sequence, None) or self._old.pop(sequence, None)

    def forget(self) -> None:
        self._young.clear()
        self._old.clear()
