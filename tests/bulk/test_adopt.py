"""Another time zone, base URL, release or package: the index is made anew where it depends on them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_server.app import Parts
from fhir_server.bulk.adopt import OtherIndexError
from fhir_server.bulk.packages import add_package
from fhir_server.config import Settings
from fhir_server.outcome import FhirError
from fhir_server.search import fingerprint
from fhir_server.search.column import Indexing
from fhir_server.search.fingerprint import STRUCTURE, WORDS
from fhir_server.search.rules import decode
from fhir_server.search.types import TYPES
from tests.bulk.indexed import BASE, Indexed, parameter, patient
from tests.definitions.archives import archive, files

Open = Callable[..., Indexed]

pytestmark = pytest.mark.usefixtures("small_core")


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fingerprint of what concerns all kinds takes its time, and has tests of its own."""

    def quick(indexing: Indexing) -> dict[str, str]:
        found = {kind: fingerprint._of_kind(kind, set(), indexing) for kind in TYPES}
        return found | {STRUCTURE: "same", WORDS: "same"}

    monkeypatch.setattr("fhir_server.bulk.adopt.extraction", quick)


@pytest.fixture
def reopen(runner: asyncio.Runner, tmp_path: Path) -> Any:
    opened: list[Indexed] = []

    def make(**settings: Any) -> Indexed:
        for each in opened:
            each.close()
        opened[:] = [Indexed(runner, tmp_path / "data", **settings)]
        return opened[0]

    yield make
    for each in opened:
        each.close()


def observation(id_: str, moment: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "x"},
        "effectiveDateTime": moment, "subject": {"reference": f"{BASE}/Patient/a"},
    }  # fmt: skip


def unavailable(server: Indexed, url: str) -> bool:
    error = server.refused("GET", url)
    return (error.status, error.issues[0].code) == (503, "transient")


def test_the_same_settings_change_nothing(reopen: Open) -> None:
    server = reopen()
    server.put(observation("o", "2026-11-23"))
    kept = server.run(server.opened.main.rules())
    server = reopen()
    assert server.run(server.opened.main.rules()) == kept and server.jobs(open_only=False) == []


def test_another_time_zone_makes_the_dates_anew(reopen: Open) -> None:
    server = reopen()
    server.put(observation("o", "2026-11-23"), patient("a", gender="male"))
    server.run(server.opened.adoption.complete(server.opened.main))
    assert server.found("Observation?date=lt2026-11-22T18:00:00Z") == {"Observation/o"}  # it began at 16:00Z
    server = reopen(time_zone="UTC")
    assert unavailable(server, "Observation?date=2026-11-23")
    # what does not depend on it goes on
    assert server.found("Patient?gender=male") == {"Patient/a"}
    server.put(observation("new", "2026-11-23"))
    server.work_off()
    assert server.found("Observation?date=lt2026-11-22T18:00:00Z") == set()
    assert server.found("Observation?date=ge2026-11-23T00:00:00Z") == {"Observation/o", "Observation/new"}
    assert server.findings() == []


def test_another_base_url_makes_the_references_anew(reopen: Open) -> None:
    server = reopen()
    server.put(patient("a", gender="male"), observation("o", "2026-11-23"))
    server.run(server.opened.adoption.complete(server.opened.main))
    assert server.found("Observation?subject.gender=male") == set()
    server = reopen(base_url=BASE)
    assert unavailable(server, "Observation?subject.gender=male")
    assert server.found("Observation?date=2026-11-23") == {"Observation/o"}
    server.work_off()
    assert server.found("Observation?subject.gender=male") == {"Observation/o"}
    assert server.findings() == []


def test_an_index_of_which_nothing_is_known_is_made_anew(reopen: Open) -> None:
    server = reopen()
    server.put(observation("o", "2026-11-23"))
    server.run(server.opened.main.transaction(lambda tx: tx.set_rules(b"")))
    server = reopen()
    for url in ("Observation?date=2026", "Observation?status=final", "Observation?subject:missing=true"):
        assert unavailable(server, url)
    assert server.found("Observation?_id=o") == {"Observation/o"}
    assert server.content("Observation?_summary=count")["total"] == 1
    server("PUT", "Observation/new", observation("new", "2026-11-24"))
    server.work_off()
    assert server.found("Observation?date=2026") == {"Observation/o", "Observation/new"}
    assert server.findings() == []


def test_an_index_that_another_release_made_alike_is_kept(
    reopen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = reopen()
    server.put(observation("o", "2026-11-23"))
    server.run(server.opened.adoption.complete(server.opened.main))
    monkeypatch.setattr("fhir_server.bulk.adopt.made_by", lambda _: "another release")
    server = reopen()
    assert server.jobs() == []
    assert decode(server.run(server.opened.main.rules())).made_by == "another release"
    assert server.found("Observation?date=2026") == {"Observation/o"}


def test_rules_of_one_kind_that_change_concern_that_kind(
    reopen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = reopen()
    server.put(observation("o", "2026-11-23"))
    server.run(server.opened.adoption.complete(server.opened.main))
    taken = decode(server.run(server.opened.main.rules())).extraction
    monkeypatch.setattr("fhir_server.bulk.adopt.made_by", lambda _: "another release")
    monkeypatch.setattr("fhir_server.bulk.adopt.extraction", lambda _: taken | {"token": "other"})
    server = reopen()
    assert unavailable(server, "Observation?status=final")
    assert unavailable(server, "Observation?code-value-date=x$2020")
    assert server.found("Observation?date=2026") == {"Observation/o"}
    server.work_off()
    assert server.found("Observation?status=final") == {"Observation/o"}
    assert server.findings() == []


def test_other_words_of_texts_are_taken_when_they_are_searched(
    reopen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = reopen()
    server.put(*(observation(f"o{number}", "2026") for number in range(300)))
    assert len(server.found("Observation?_content=final")) == 300
    server.run(server.opened.adoption.complete(server.opened.main))
    taken = decode(server.run(server.opened.main.rules())).extraction
    monkeypatch.setattr("fhir_server.bulk.adopt.made_by", lambda _: "another release")
    monkeypatch.setattr("fhir_server.bulk.adopt.extraction", lambda _: taken | {WORDS: "other"})
    server = reopen()
    assert len(server.found("Observation?status=final")) == 300
    server.work_off()
    state = server.opened.main._here.connection.execute("SELECT count(*) FROM full_text_state").get
    assert state == 0
    assert len(server.found("Observation?_content=final")) == 300
    assert server.findings() == []


def test_who_does_not_own_the_index_leaves_it_alone(reopen: Open) -> None:
    server = reopen()
    server.put(observation("o", "2026-11-23"))
    other = Parts(Settings(data=server.parts.settings.data, time_zone="UTC"))
    with pytest.raises(OtherIndexError, match="fhir-server reindex"):
        server.run(other.open_context(owner=False))
    assert server.found("Observation?date=2026") == {"Observation/o"}


def test_a_process_whose_settings_were_replaced_says_so(
    reopen: Open, runner: asyncio.Runner, tmp_path: Path
) -> None:
    server = reopen()
    server.put(observation("o", "2026-11-23"))
    with Indexed(runner, tmp_path / "data", time_zone="UTC") as other:
        for work in (lambda: server("GET", "Observation?_id=o"), lambda: server.put(patient("a"))):
            with pytest.raises(FhirError) as caught:
                work()
            assert caught.value.status == 503
        other.work_off()
        assert other.findings() == []


def test_parameters_of_packages_can_be_used(reopen: Open, tmp_path: Path) -> None:
    server = reopen()
    server.put(patient("a", "blue"))
    clash = parameter(id="clash", code="name", expression="Patient.gender")
    package = archive(tmp_path / "eyes.tgz", files(parameter(), clash))
    indexer, check = server.parts.indexer, server.parts.validator.check
    asyncio.run(add_package(tmp_path / "data", str(package), indexer=indexer, check=check))
    server = reopen()
    assert unavailable(server, "Patient?eye-colour=blue")
    server.work_off()
    assert server.found("Patient?eye-colour=blue") == {"Patient/a"}
    left_out = decode(server.run(server.opened.main.rules())).left_out
    assert list(left_out) == ["http://example.org/SearchParameter/clash (SearchParameter/clash)"]
    # what a client writes under the same id takes its place
    server.put(parameter(status="retired"))
    assert server.refused("GET", "Patient?eye-colour=blue").status == 400
