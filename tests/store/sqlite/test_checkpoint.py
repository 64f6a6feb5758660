"""The log is copied while writes go on, and begins anew."""

import asyncio
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fhir_server.store.sqlite import check, checkpoint, open_store
from fhir_server.store.sqlite.checkpoint import log_pages
from tests.store.conftest import Run
from tests.store.resources import Ticking, extract, patient, put


def big(number: int) -> Any:
    """Some pages, for it does not compress."""
    return patient(f"p{number}", note=Random(number).randbytes(20_000).hex())


def test_the_log_is_copied_in_the_background_and_begins_anew(
    tmp_path: Path, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "LOG_PAGES", 40)
    store = open_store(tmp_path / "store.db", extract=extract, clock=Ticking())
    assert store._units is not None
    units = store._units

    async def test() -> list[int]:
        found = []
        for number in range(40):
            await put(store, big(number))
            if units._checkpoints.copying is not None:
                await asyncio.wait((units._checkpoints.copying,))
            assert units._writing is not None
            found.append(log_pages(units._writing.connection))
        return found

    pages = run(test())
    assert 40 <= max(pages) < 100
    assert any(later < earlier for earlier, later in pairwise(pages))
    assert run(store.totals()) == {"Patient": 40}
    run(store.close())
    assert list(check(tmp_path / "store.db", extract)) == []


def test_a_short_log_is_left_alone(tmp_path: Path, run: Run[Any]) -> None:
    store = open_store(tmp_path / "store.db", extract=extract, clock=Ticking())
    for number in range(5):
        run(put(store, big(number)))
    assert store._units is not None
    assert store._units._checkpoints.copying is None
    assert store._units._checkpoints._connection is None
    run(store.close())
