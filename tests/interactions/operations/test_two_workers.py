"""What one worker changes, the others see with their next request."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.bulk.terminology import Wanted, load
from tests.interactions.fhir import Fhir, content
from tests.interactions.operations.terminologies import ANIMALS, outs, put
from tests.terminology.memory import ANIMALS as CONCEPTS
from tests.terminology.memory import code_system, concept, value_set

EXPAND = "ValueSet/all/$expand"


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[tuple[Fhir, Fhir]]:
    with asyncio.Runner() as runner:
        both = Fhir(runner, tmp_path / "fhir.sqlite"), Fhir(runner, tmp_path / "fhir.sqlite")
        for worker in both:
            worker.settings(data=str(tmp_path))
        put(both[0], CONCEPTS, value_set("all", {"system": ANIMALS}))
        yield both
        for worker in both:
            worker.close()


def codes(worker: Fhir) -> list[str]:
    return [each["code"] for each in content(worker("GET", EXPAND))["expansion"].get("contains", ())]


def test_resources_and_supplements(workers: tuple[Fhir, Fhir]) -> None:
    one, other = workers
    assert codes(one) == codes(other) and "poodle" in codes(other)
    put(one, code_system("animals", concept("unicorn")))
    assert codes(other) == ["unicorn"]
    put(other, value_set("all", {"system": ANIMALS, "concept": [{"code": "unicorn", "display": "Horse"}]}))
    assert content(one("GET", EXPAND))["expansion"]["contains"][0]["display"] == "Horse"
    names = {"code": "unicorn", "designation": [{"language": "zh", "value": "独角兽"}]}
    put(one, code_system("names", names, content="supplement", supplements=ANIMALS))
    assert (
        outs(other("GET", f"CodeSystem/$lookup?system={ANIMALS}&code=unicorn&displayLanguage=zh").resource)[
            "display"
        ]
        == "独角兽"
    )
    one("DELETE", "ValueSet/all")
    assert other.refused("GET", EXPAND).status == 410


def test_tables_of_codes(workers: tuple[Fhir, Fhir], tmp_path: Path) -> None:
    one, other = workers
    put(one, value_set("all", {"system": "http://a.org"}))
    file = tmp_path / "a.csv"
    for text, found in (("code\na\nb\n", ["a", "b"]), ("code\nb\nc\n", ["b", "c"])):
        file.write_text(text, encoding="utf-8")
        one.run(load(one.context, [file], Wanted({"system": "http://a.org"}), lambda done, total: None))
        assert codes(other) == codes(one) == found
