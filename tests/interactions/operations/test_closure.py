"""https://hl7.org/fhir/R4/conceptmap-operation-closure.html"""

from typing import Any

import pytest

from fhir_server.interactions.request import Request
from fhir_server.resource import Resource
from fhir_server.validation.structure import Validator
from tests.interactions.fhir import BASE, Fhir, definitions, request
from tests.interactions.operations.terminologies import ANIMALS, parameters, put
from tests.terminology.memory import ANIMALS as CONCEPTS


@pytest.fixture
def animals(fhir: Fhir) -> Fhir:
    put(fhir, CONCEPTS)
    return fhir


def asked(*codes: str, name: str = "mine", **more: Any) -> Resource:
    return parameters(name=name, concept=[{"system": ANIMALS, "code": code} for code in codes], **more)


def entries(found: Resource | None) -> set[tuple[str, str]]:
    """(code, code above it)"""
    assert found is not None and Validator(definitions()).check(found) == []
    return {
        (element["code"], target["code"])
        for group in found.get("group", ())
        for element in group["element"]
        for target in element["target"]
        if target["equivalence"] == "subsumes" and group["source"] == group["target"] == ANIMALS
    }


def test_a_table_grows(animals: Fhir) -> None:
    def post(*codes: str, **more: Any) -> tuple[str, set[tuple[str, str]]]:
        found = animals("POST", "$closure", asked(*codes, **more)).resource
        assert found is not None and found["resourceType"] == "ConceptMap" and found["name"] == "mine"
        return found["version"], entries(found)

    assert post() == ("0", set())
    assert post("poodle") == ("1", set())
    assert post("animal", "cat") == ("2", {("poodle", "animal"), ("cat", "animal")})
    assert post("dog") == ("3", {("poodle", "dog"), ("dog", "animal")})
    assert post("dog", "cat") == ("3", set())  # they were there
    assert post(version="0") == (
        "3",
        {("poodle", "animal"), ("cat", "animal"), ("poodle", "dog"), ("dog", "animal")},
    )
    assert post(version="2") == ("3", {("poodle", "dog"), ("dog", "animal")})
    assert post(version="3") == ("3", set())
    assert post() == ("0", set())  # begun anew
    assert post("animal") == ("1", set())


def test_tables_are_apart(animals: Fhir) -> None:
    for name in ("one", "two"):
        animals("POST", "$closure", asked(name=name))
    animals("POST", "$closure", asked("animal", name="one"))
    assert entries(animals("POST", "$closure", asked("dog", name="one")).resource) == {("dog", "animal")}
    assert entries(animals("POST", "$closure", asked("dog", name="two")).resource) == set()


def test_additions_at_once_lose_nothing(animals: Fhir) -> None:
    animals("POST", "$closure", asked())
    codes = ("animal", "dog", "poodle", "cat")
    requests: list[Request] = [request("POST", "$closure", asked(code), base_url=BASE) for code in codes]
    for answer in animals.together(requests):
        assert not isinstance(answer, Exception)
    everything = animals("POST", "$closure", asked(version="0")).resource
    assert everything is not None and everything["version"] == "4"
    assert entries(everything) == {
        ("dog", "animal"), ("poodle", "animal"), ("poodle", "dog"), ("cat", "animal"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (
            asked("dog", name="nobody"),
            404,
            "there is no closure table 'nobody': a request with its name alone makes it",
        ),
        (asked(name="nobody", version="0"), 404, "there is no closure table 'nobody'"),
        (asked("dragon"), 400, "'dragon' is not a code of http://example.org/animals"),
        (asked("dog", version="0"), 400, "concepts are added, or a version is asked for"),
        (asked(version="7"), 400, "version is '7', the closure table mine is at version 0"),
        (asked(name="x" * 300), 400, "the name has 300 characters"),
        (parameters(name="mine", concept={"code": "dog"}), 400, "the system of 'dog' is required"),
        (
            parameters(name="mine", concept={"system": "http://b.org", "code": "b"}),
            404,
            "there is no CodeSystem",
        ),
        (parameters(), 400, "the parameter name is required"),
    ],
)
def test_what_is_refused(animals: Fhir, body: Resource, status: int, text: str) -> None:
    animals("POST", "$closure", asked())
    error = animals.refused("POST", "$closure", body)
    assert error.status == status and text in str(error)


def test_it_changes_what_is_kept(animals: Fhir) -> None:
    assert animals.refused("GET", "$closure?name=mine").status == 405
