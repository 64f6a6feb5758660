"""What a writer said, compared with what its store has."""

import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from fhir_server.clock import system_clock
from fhir_server.store.algebra import TokenIn
from fhir_server.store.sqlite import check, open_store
from tests.faults.writer import PARTS, part
from tests.store.resources import decoded, extract

ROOT = Path(__file__).parents[2]


def writer(
    store: Path, oracle: Path, name: str, *more: str, under: tuple[str, ...] = ()
) -> "subprocess.Popen[bytes]":
    command = [*under, sys.executable, "-m", "tests.faults.writer", str(store), str(oracle), name, *more]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


@dataclass
class Known:
    """By writer: units that were tried, acknowledged and refused. What was tried only may be there or not."""

    tried: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    acknowledged: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def read(self, name: str, oracle: Path) -> None:
        lines = oracle.read_text().splitlines() if oracle.exists() else []
        for line in lines:
            # a line that the kill cut off was not said
            if match := re.fullmatch(r"(try|ok|failed) (\d+)(?: \d+)?", line):
                kind, unit = match[1], int(match[2])
                {"try": self.tried, "ok": self.acknowledged, "failed": self.refused}[kind][name].add(unit)


async def compare(path: Path, known: Known) -> None:
    """Raises AssertionError when something acknowledged lacks, or a unit is there in part."""
    store = open_store(path, extract=extract, clock=system_clock)
    for name, units in known.tried.items():
        kept = set()
        for unit in sorted(units):
            found = await store.read_many([("Patient", f"{name}-{unit}-{n}") for n in range(PARTS)])
            assert len(found) in (0, PARTS), f"unit {name}-{unit} is there in part"
            if found:
                kept.add(unit)
                assert [decoded(version) for version in found] == [part(name, unit, n) for n in range(PARTS)]
        assert known.acknowledged[name] <= kept, f"lost: {known.acknowledged[name] - kept}"
        assert not known.refused[name] & kept, f"refused and kept: {known.refused[name] & kept}"
        counter = await store.read("Patient", f"{name}-counter")
        assert (0 if counter is None else counter.version_id) == len(kept)
    # a write after all that
    last = await store.last_sequence()
    assert [v.sequence for v in await store.changes(0, last + 1)] == list(range(1, last + 1))
    assert await store.count(("Patient",), TokenIn("Patient.unit", (-1,))) == 0
    await store.close()
    assert [str(finding) for finding in check(path, extract)] == []
