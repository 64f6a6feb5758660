"""Members of R4's value sets, as the official Java engine knows them.

The answers are those of its FHIRPath function memberOf() to 600 codings: for value sets that can be listed
from the code systems of R4, a code that is in it and one that is not, drawn once.
"""

import asyncio
import json
import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.bulk.packages import CORE_CANONICALS
from fhir_server.definitions.registry import load
from fhir_server.interactions.canonicals import StoredCanonicals
from fhir_server.search.index import Indexer
from fhir_server.store.sqlite import open_store
from fhir_server.terminology.terminology import Terminology

ANSWERS = Path(__file__).parents[1] / "cases" / "terminology" / "members.jsonl.xz"


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


def test_members(runner: asyncio.Runner) -> None:
    definitions = load()
    core = open_store(CORE_CANONICALS, extract=Indexer(definitions).extract, clock=lambda: 0, readonly=True)
    terminology = Terminology(StoredCanonicals(core, definitions))
    with lzma.open(ANSWERS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    assert len(rows) == 600 and 200 < sum(row["member"] for row in rows) < 400

    async def ask() -> list[str]:
        wrong = []
        for row in rows:
            found = await terminology.contains(row["value_set"], row["system"], row["code"])
            if found is not row["member"]:
                wrong.append(f"{row['system']}|{row['code']} in {row['value_set']}: {found}")
        await core.close()
        return wrong

    assert runner.run(ask()) == []
