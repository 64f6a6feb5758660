"""https://hl7.org/fhir/R4/codesystem-operation-validate-code.html,
https://hl7.org/fhir/R4/valueset-operation-validate-code.html"""

from typing import Any
from urllib.parse import quote

import pytest

from tests.interactions.fhir import Fhir
from tests.interactions.operations.terminologies import (
    ALL,
    ANIMALS,
    CHINESE,
    DOGS,
    GENDER,
    GROUPED,
    outs,
    parameters,
    put,
)
from tests.terminology.memory import ANIMALS as CONCEPTS
from tests.terminology.memory import URL, code_system, concept, value_set


@pytest.fixture
def animals(fhir: Fhir) -> Fhir:
    put(fhir, CONCEPTS, CHINESE, DOGS, ALL, GROUPED, value_set("groups", {"system": URL + "grouped"}))
    return fhir


OF_A_CODE_SYSTEM: list[tuple[str, bool, str]] = [
    ("code=dog", True, ""),
    ("code=dog&display=Dog", True, ""),
    ("code=dog&display=dOg", True, ""),
    ("code=dog&display=狗", True, ""),  # in another language
    ("code=dog&display=cat", False, "'cat' is not a display of 'dog', but 'Dog', '狗', 'Hund'"),
    ("code=dragon", False, "'dragon' is not a code of http://example.org/animals"),
    ("code=DOG", False, "'DOG' is not a code of http://example.org/animals"),  # the case counts
    ("code=plant", True, "http://example.org/animals|plant is inactive"),
]


@pytest.mark.parametrize(("query", "result", "message"), OF_A_CODE_SYSTEM)
def test_codes_of_a_code_system(animals: Fhir, query: str, result: bool, message: str) -> None:
    for url in (f"CodeSystem/$validate-code?url={ANIMALS}&", "CodeSystem/animals/$validate-code?"):
        found = outs(animals("GET", url + quote(query, "=&")).resource)
        assert (found["result"], found.get("message", "")) == (result, message)


@pytest.mark.parametrize(
    ("query", "result", "message"),
    [
        (f"system={ANIMALS}&code=dog", True, ""),
        (
            f"system={ANIMALS}&code=cat",
            False,
            "http://example.org/animals|cat is not in http://example.org/dogs",
        ),
        ("code=dog", True, ""),
        ("code=cat", False, "cat is not in http://example.org/dogs"),
        (f"system={ANIMALS}&code=dog&display=Hund", True, ""),
        (
            f"system={ANIMALS}&code=dog&display=Hond",
            False,
            "'Hond' is not a display of 'dog', but 'Dog', '狗', 'Hund'",
        ),
        (
            f"system={ANIMALS}&code=dragon",
            False,
            "http://example.org/animals|dragon is not in http://example.org/dogs; "
            "'dragon' is not a code of http://example.org/animals",
        ),
        ("system=http://nowhere.org&code=a", False, "http://nowhere.org|a is not in http://example.org/dogs"),
    ],
)
def test_codes_of_a_value_set(animals: Fhir, query: str, result: bool, message: str) -> None:
    for url in (f"ValueSet/$validate-code?url={URL}dogs&", "ValueSet/dogs/$validate-code?"):
        found = outs(animals("GET", url + query).resource)
        assert (found["result"], found.get("message", "")) == (result, message)


def test_the_display_to_use(animals: Fhir) -> None:
    assert (
        outs(animals("GET", f"CodeSystem/$validate-code?url={ANIMALS}&code=dog").resource)["display"] == "Dog"
    )
    url = f"ValueSet/dogs/$validate-code?code=dog&system={ANIMALS}"
    assert outs(animals("GET", f"{url}&displayLanguage=zh-CN").resource)["display"] == "狗"
    assert outs(animals("GET", url, accept_language="de").resource)["display"] == "Hund"
    of_another = outs(animals("GET", f"ValueSet/dogs/$validate-code?code=cat&system={ANIMALS}").resource)
    assert of_another["display"] == "Cat"


def test_codeable_concepts(animals: Fhir) -> None:
    dog, cat = ({"system": ANIMALS, "code": code} for code in ("dog", "cat"))
    body = parameters(url=URL + "dogs", codeableConcept={"coding": [cat, dog]})
    found = outs(animals("POST", "ValueSet/$validate-code", body).resource)
    assert found["result"] is True and found["display"] == "Dog"
    body = parameters(url=URL + "dogs", codeableConcept={"coding": [cat]})
    assert outs(animals("POST", "ValueSet/$validate-code", body).resource)["result"] is False
    body = parameters(codeableConcept={"coding": [dog]})
    assert outs(animals("POST", "CodeSystem/$validate-code", body).resource)["result"] is True
    body = parameters(codeableConcept={"coding": [dog, {"system": "http://b.org", "code": "b"}]})
    assert "say which one is meant by url" in str(animals.refused("POST", "CodeSystem/$validate-code", body))
    body = parameters(url=URL + "dogs", codeableConcept={"text": "a dog"})
    assert "codeableConcept has no coding" in str(animals.refused("POST", "ValueSet/$validate-code", body))


def test_codings_and_definitions_of_the_body(animals: Fhir) -> None:
    body = parameters(coding={"system": ANIMALS, "code": "dog"}, valueSet=DOGS)
    assert outs(animals("POST", "ValueSet/$validate-code", body).resource)["result"] is True
    unstored = code_system("unstored", concept("x"))
    body = parameters(code=("Code", "x"), codeSystem=unstored)
    assert outs(animals("POST", "CodeSystem/$validate-code", body).resource)["result"] is True
    body = parameters(coding={"system": ANIMALS, "code": "x"}, codeSystem=unstored)
    found = outs(animals("POST", "CodeSystem/$validate-code", body).resource)
    assert found["message"] == "http://example.org/animals|x is not a code of http://example.org/unstored"


@pytest.mark.parametrize(
    ("abstract", "result"), [("", False), ("&abstract=false", False), ("&abstract=true", True)]
)
def test_abstract_codes(animals: Fhir, abstract: str, result: bool) -> None:
    for url in (f"CodeSystem/$validate-code?url={URL}grouped&", "ValueSet/groups/$validate-code?"):
        found = outs(animals("GET", f"{url}code=group{abstract}").resource)
        assert found["result"] is result
        if not result:
            assert found["message"] == f"{URL}grouped|group is abstract: it groups other codes"


def test_versions(animals: Fhir) -> None:
    url = f"ValueSet/groups/$validate-code?system={URL}grouped&code=one&systemVersion="
    assert outs(animals("GET", url + "2").resource)["result"] is True
    found = outs(animals("GET", url + "1").resource)
    assert found["result"] is False
    assert found["message"] == f"{URL}groups has {URL}grouped|one of version 2, not of version 1"
    error = animals.refused("GET", f"CodeSystem/$validate-code?url={URL}grouped&code=one&version=1")
    assert str(error) == f"there is no version 1 of the CodeSystem {URL}grouped, but 2"


def test_a_code_of_two_systems(animals: Fhir) -> None:
    put(animals, code_system("robots", concept("dog")))
    put(animals, value_set("both", {"system": ANIMALS}, {"system": URL + "robots"}))
    found = outs(animals("GET", "ValueSet/both/$validate-code?code=dog").resource)
    assert found["message"] == f"'dog' is a code of {ANIMALS}, {URL}robots: say which system is meant"
    assert outs(animals("GET", "ValueSet/both/$validate-code?code=cat").resource)["result"] is True


def test_a_list_with_a_code_that_its_system_does_not_have(animals: Fhir) -> None:
    put(animals, value_set("wrong", {"system": ANIMALS, "concept": [{"code": "dragon"}, {"code": "dog"}]}))
    found = outs(animals("GET", f"ValueSet/wrong/$validate-code?code=dragon&system={ANIMALS}").resource)
    assert (found["result"], found["message"]) == (False, f"'dragon' is not a code of {ANIMALS}")


def test_a_fragment_says_that_it_is_one(animals: Fhir) -> None:
    put(animals, code_system("part", concept("a"), content="fragment"))
    found = outs(animals("GET", f"CodeSystem/$validate-code?url={URL}part&code=b").resource)
    assert (
        found["message"] == f"'b' is not among the codes of {URL}part that are here: they are a fragment only"
    )


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        (
            "ValueSet/$validate-code?url=http://nowhere.org&code=a",
            404,
            "there is no ValueSet http://nowhere.org",
        ),
        ("CodeSystem/$validate-code?url=http://nowhere.org&code=a", 404, "there is no CodeSystem"),
        ("ValueSet/$validate-code?code=a", 400, "one of url, valueSet and context is required"),
        ("CodeSystem/$validate-code?code=a", 400, "which code system is meant is not said"),
        (
            "CodeSystem/animals/$validate-code?url=http://b.org&code=a",
            400,
            "is not the url of CodeSystem/animals",
        ),
        (f"CodeSystem/$validate-code?url={ANIMALS}", 400, "one of code, coding and codeableConcept"),
        (f"CodeSystem/$validate-code?system={ANIMALS}&code=dog", 400, "'system' is not a parameter here"),
        ("CodeSystem/nobody/$validate-code?code=a", 404, "CodeSystem/nobody is not known"),
        ("Patient/$validate-code?code=a", 404, "there is no operation"),
    ],
)
def test_what_is_refused(animals: Fhir, url: str, status: int, text: str) -> None:
    error = animals.refused("GET", url)
    assert error.status == status and text in str(error)


def test_a_code_of_an_element(hl7: Fhir) -> None:
    def result(**values: Any) -> bool:
        found = outs(hl7("POST", "ValueSet/$validate-code", parameters(**values)).resource)["result"]
        assert isinstance(found, bool)
        return found

    assert result(context="Patient.gender", code="male")
    assert result(context="Patient.gender", coding={"system": GENDER, "code": "male", "display": "Male"})
    assert not result(context="Patient.gender", code="mail")
