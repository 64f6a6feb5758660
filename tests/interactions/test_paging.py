"""Pages show what there was at the first one. https://hl7.org/fhir/R4/http.html#paging"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_server.store.algebra import Everything, Node, TokenIn
from fhir_server.store.rows import hash64
from fhir_server.store.sqlite import past
from tests.interactions.fhir import BASE, Fhir, codes, content, observation, patient

Resource = dict[str, Any]
Write = Callable[[Fhir], object]


def links(bundle: Resource) -> dict[str, str]:
    return {link["relation"]: link["url"].removeprefix(f"{BASE}/") for link in bundle["link"]}


def matched(bundle: Resource) -> list[str]:
    return [
        f"{entry['resource']['id']}/{entry['resource']['meta']['versionId']}"
        for entry in bundle.get("entry", ())
        if entry["search"]["mode"] == "match"
    ]


def walk(fhir: Fhir, url: str, between: list[Write]) -> list[str]:
    """`id/version` of all hits; before each page but the first one something is written."""
    found, later = [], iter(between)
    page = fhir.read(url)
    while True:
        found += matched(page)
        if "next" not in links(page):
            return found
        next(later, lambda fhir: None)(fhir)
        page = fhir.read(links(page)["next"])


def put(id_: str, **elements: Any) -> Write:
    return lambda fhir: fhir("PUT", f"Patient/{id_}", patient(id=id_, **elements))


def delete(id_: str) -> Write:
    return lambda fhir: fhir("DELETE", f"Patient/{id_}")


@pytest.fixture
def six(fhir: Fhir) -> Fhir:
    for number in range(6):
        put(str(number), gender="female", birthDate=f"198{number}-01-01", active=True)(fhir)
    return fhir


SORTS = ("", "_sort=birthdate", "_sort=-birthdate", "_sort=gender", "_sort=_id", "_sort=-_lastUpdated")


@pytest.mark.parametrize("sort", SORTS)
def test_D20_nothing_is_lost_and_nothing_comes_twice_under_writers(six: Fhir, sort: str) -> None:
    found = walk(
        six,
        f"Patient?gender=female&_count=1&{sort}",
        [
            put("0", gender="male", birthDate="1999-01-01"),  # matches no more
            put("5", gender="female", birthDate="1970-01-01"),  # is sorted elsewhere
            delete("3"),
            put("new", gender="female", birthDate="1985-06-01"),  # is too late
            put("2", gender="female", birthDate="1999-01-01"),
        ],
    )
    assert sorted(found) == [f"{number}/1" for number in range(6)]


def test_D20_what_a_chain_goes_through_is_as_it_was(fhir: Fhir) -> None:
    for number in range(4):
        put(str(number), active=True)(fhir)
        fhir("PUT", f"Observation/{number}", observation(f"Patient/{number}", id=str(number)))
    asked = "Observation?subject:Patient.active=true&_count=1"
    found = walk(fhir, asked, [put("1", active=False), delete("2"), put("9", active=True)])
    assert sorted(found) == [f"{number}/1" for number in range(4)]


def test_D20_has_is_as_it_was(fhir: Fhir) -> None:
    for number in range(3):
        put(str(number), active=True)(fhir)
        fhir("PUT", f"Observation/{number}", observation(f"Patient/{number}", id=str(number)))

    def moved(fhir: Fhir) -> None:
        fhir("PUT", "Observation/1", observation("Patient/0", id="1"))
        fhir("DELETE", "Observation/2")

    found = walk(fhir, "Patient?_has:Observation:subject:status=final&_count=1", [moved])
    assert sorted(found) == ["0/1", "1/1", "2/1"]


def test_first_and_previous_show_the_same_state(six: Fhir) -> None:
    one = six.read("Patient?gender=female&_count=2&_total=accurate")
    two = six.read(links(one)["next"])
    put("0", gender="male")(six)
    delete("1")(six)
    for relation in ("first", "previous"):
        back = six.read(links(two)[relation])
        assert (matched(back), back["total"]) == (["0/1", "1/1"], 6)
        assert links(back)["first"] == links(back)["self"]
        assert matched(six.read(links(back)["next"])) == matched(two)
    assert links(one)["first"] == links(one)["self"] == "Patient?gender=female&_count=2&_total=accurate"
    assert six.read("Patient?gender=female&_count=2&_total=accurate")["total"] == 4


def test_the_time_of_the_first_page_is_now_on_all(fhir: Fhir) -> None:
    """`ap` widens a date by its distance from now: it must not leave what the first page took for meant."""
    for number in range(3):
        put(str(number), birthDate="1980-01-01")(fhir)
    page = fhir.read("Patient?birthdate=ap1980-01-01&_count=1")
    fhir.clock.now_ms += 10_000_000
    assert matched(fhir.read(links(page)["next"])) == ["1/1"]


def test_400_for_the_cursor_of_another_client(six: Fhir) -> None:
    page = content(six("GET", "Patient?_count=2", client="one"))
    assert matched(content(six("GET", links(page)["next"], client="one"))) == ["2/1", "3/1"]
    assert codes(six.refused("GET", links(page)["next"], client="two")) == (400, "invalid")
    assert codes(six.refused("GET", links(page)["next"])) == (400, "invalid")


def everyone(_resource_type: str) -> Node:
    return Everything()


def active(resource_type: str) -> Node:
    return TokenIn(f"{resource_type}.active[token]", (hash64("true"),))


def test_410_when_the_rights_are_others_than_they_were(six: Fhir) -> None:
    page = content(six("GET", "Patient?_count=2", access=active))
    assert matched(content(six("GET", links(page)["next"], access=active))) == ["2/1", "3/1"]
    for access in (everyone, None):
        error = six.refused("GET", links(page)["next"], access=access)
        assert codes(error) == (410, "not-found")
        assert "rights" in error.issues[0].diagnostics


def test_410_when_too_much_was_changed_since(six: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    page = six.read("Patient?_count=2")
    monkeypatch.setattr(past, "CHANGED_AT_MOST", 2)
    put("new")(six)  # what came later is not in the way
    put("0", active=False)(six)
    delete("1")(six)
    assert matched(six.read(links(page)["next"])) == ["2/1", "3/1"]
    put("5", active=False)(six)
    error = six.refused("GET", links(page)["next"])
    assert codes(error) == (410, "not-found")
    assert "search again" in error.issues[0].diagnostics


def test_410_when_the_log_is_too_long_since(six: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    page = six.read("Patient?_count=2")
    monkeypatch.setattr(past, "LOG_AT_MOST", 1)
    put("6")(six)
    assert matched(six.read(links(page)["next"])) == ["2/1", "3/1"]
    put("7")(six)
    assert codes(six.refused("GET", links(page)["next"])) == (410, "not-found")


def test_410_after_a_restore_of_another_store(six: Fhir, tmp_path: Path) -> None:
    page = six.read("Patient?_count=2")
    other = Fhir(six._runner, tmp_path / "other.sqlite")
    other.context = replace(other.context, secret=six.context.secret)
    other.clock.now_ms += 86_400_000
    for numbers in (range(3), range(20)):  # a shorter log, and one that has gone on by itself
        for number in numbers:
            put(str(number), birthDate=f"19{number + 10}-02-02")(other)
        error = other.refused("GET", links(page)["next"])
        assert codes(error) == (410, "not-found")
        assert "restored" in error.issues[0].diagnostics
    other.close()
