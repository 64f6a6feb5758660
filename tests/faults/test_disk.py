"""A disk that fills up, and one that fails (fault suites K6 and K7)."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.clock import system_clock
from fhir_server.outcome import FhirError
from fhir_server.store.algebra import Everything
from fhir_server.store.sqlite import open_store
from tests.faults.known import Known, compare, writer
from tests.store.resources import extract, patient, put


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_503_while_the_disk_is_full_and_reads_go_on(small_disk: Path) -> None:
    path = small_disk / "store.db"

    async def test() -> None:
        store = open_store(path, extract=extract, clock=system_clock)
        kept, refused = [], 0
        for number in range(400):
            try:
                note = os.urandom(20_000).hex()
                kept.append((await put(store, patient(f"p{number}", note=note))).version)
            except FhirError as error:
                assert (error.status, error.issues[0].code) == (503, "no-store")
                assert error.headers["Retry-After"]
                refused += 1
                if refused == 5:
                    break
        assert refused == 5
        for version in kept:
            assert await store.read("Patient", version.id) == version
        assert await store.count(("Patient",), Everything()) == len(kept)
        # room again
        subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
        kept.append((await put(store, patient("after", note=os.urandom(20_000).hex()))).version)
        assert await store.changes(0, 1000) == kept
        await store.close()

    asyncio.run(test())
    asyncio.run(compare(path, Known()))


# calls of a writer that the kernel refuses: which, and with what
FAULTS = [
    (call, error, when)
    for call, error in (("fdatasync", "EIO"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("fsync", "EIO"))
    for when in (8, 30)
]
# a sync of the last commit: nothing that comes later takes the place of its pages in the log
LAST_COMMIT = pytest.param("fdatasync", "EIO", 10, id="last-commit")
MORE_FAULTS = [
    pytest.param(call, error, when, marks=pytest.mark.long)
    for call in ("fdatasync", "pwrite64", "fsync", "ftruncate")
    for error in ("EIO", "ENOSPC")
    for when in (*range(1, 40, 3), 60, 100, 150)
]


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes system calls fail")
@pytest.mark.parametrize(("call", "error", "when"), [*FAULTS[::3], LAST_COMMIT, *MORE_FAULTS])
def test_a_system_call_that_fails_loses_nothing(tmp_path: Path, call: str, error: str, when: int) -> None:
    """The writer goes on where it can; what it was told is true, now and after a kill."""
    path, oracle = tmp_path / "store.db", tmp_path / "oracle"
    inject = f"inject={call}:error={error}:when={when}..{when + 2}"
    strace = ("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-P", str(path), "-P", f"{path}-wal")
    process = writer(path, oracle, "w", "40", under=(*strace, "-e", f"trace={call}", "-e", inject))
    process.communicate(timeout=120)
    known = Known()
    known.read("w", oracle)
    asyncio.run(compare(path, known))
