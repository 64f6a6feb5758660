"""https://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

import pytest

from fhir_server.validation.structure import Validator
from tests.interactions.fhir import Fhir, definitions
from tests.interactions.operations.terminologies import ANIMALS, CHINESE, all_outs, outs, parameters, put
from tests.terminology.memory import ANIMALS as CONCEPTS
from tests.terminology.memory import URL, code_system, concept

SIZES = code_system(
    "sizes",
    concept("S", definition="Not large", property=[{"code": "rank", "valueInteger": 1}]),
    version="3",
    property=[{"code": "rank", "type": "integer", "description": "From small to large"}],
)


@pytest.fixture
def animals(fhir: Fhir) -> Fhir:
    put(fhir, CONCEPTS | {"name": "Animals"}, CHINESE, SIZES)
    return fhir


def test_a_code(animals: Fhir) -> None:
    found = animals("GET", f"CodeSystem/$lookup?system={ANIMALS}&code=dog").resource
    assert found is not None and Validator(definitions()).check(found) == []
    assert outs(found)["name"] == "Animals" and outs(found)["display"] == "Dog"
    assert "version" not in outs(found)
    assert all_outs(found, "designation") == [
        {"language": "zh-CN", "value": "狗"},
        {"language": "de", "value": "Hund"},
    ]
    assert all_outs(found, "property") == [
        {"code": "parent", "value": "animal"},
        {"code": "child", "value": "poodle"},
        {"code": "child", "value": "robot-dog"},
    ]


def test_properties_and_version(animals: Fhir) -> None:
    found = animals("GET", f"CodeSystem/$lookup?system={URL}sizes&code=S&version=3").resource
    assert outs(found)["version"] == "3"
    assert all_outs(found, "property") == [
        {"code": "definition", "value": "Not large"},
        {"code": "rank", "value": 1, "description": "From small to large"},
    ]


@pytest.mark.parametrize(
    ("asked", "properties", "designations"),
    [
        ("property=parent", ["parent"], []),
        ("property=child&property=inactive", ["child", "child", "inactive"], []),
        ("property=designation", [], ["狗", "Hund"]),
        ("property=lang.zh", [], ["狗"]),
        ("property=nothing", [], []),
    ],
)
def test_what_is_asked_for(animals: Fhir, asked: str, properties: list[str], designations: list[str]) -> None:
    found = animals("GET", f"CodeSystem/$lookup?system={ANIMALS}&code=dog&{asked}").resource
    assert [each["code"] for each in all_outs(found, "property")] == properties
    assert [each["value"] for each in all_outs(found, "designation")] == designations


def test_by_coding_and_language(animals: Fhir) -> None:
    body = parameters(coding={"system": ANIMALS, "code": "dog"}, displayLanguage=("Code", "zh-CN"))
    assert outs(animals("POST", "CodeSystem/$lookup", body).resource)["display"] == "狗"
    by_header = animals("GET", f"CodeSystem/$lookup?system={ANIMALS}&code=dog", accept_language="de-AT")
    assert outs(by_header.resource)["display"] == "Hund"


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        (f"system={ANIMALS}&code=dragon", 404, "'dragon' is not a code of http://example.org/animals"),
        ("system=http://nowhere.org&code=a", 404, "there is no CodeSystem http://nowhere.org"),
        (f"system={URL}sizes&code=S&version=4", 404, "there is no version 4 of the CodeSystem"),
        ("code=dog", 400, "the system of the code is required"),
        (f"system={ANIMALS}", 400, "one of code, coding and codeableConcept is required, found none of them"),
        (f"system={ANIMALS}&code=dog&coding=x", 400, "found code and coding"),
        (f"system={ANIMALS}&code=dog&propery=x", 400, "did you mean property?"),
        (f"system={ANIMALS}&coding=dog", 400, "coding takes a Coding with a code"),
    ],
)
def test_what_is_refused(animals: Fhir, query: str, status: int, text: str) -> None:
    error = animals.refused("GET", f"CodeSystem/$lookup?{query}")
    assert error.status == status and text in str(error)


def test_codes_that_are_not_here(animals: Fhir) -> None:
    put(
        animals,
        code_system("large", content="not-present"),
        code_system("part", concept("a"), content="fragment"),
    )
    error = animals.refused("GET", f"CodeSystem/$lookup?system={URL}large&code=a")
    assert str(error) == "the codes of http://example.org/large are not here, only its description"
    error = animals.refused("GET", f"CodeSystem/$lookup?system={URL}part&code=b")
    assert str(error) == "'b' is not a code of http://example.org/part, of which a fragment is here"


def test_only_the_type_has_it(animals: Fhir) -> None:
    assert animals.refused("GET", "CodeSystem/animals/$lookup?code=dog").status == 404
