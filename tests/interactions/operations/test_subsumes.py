"""https://hl7.org/fhir/R4/codesystem-operation-subsumes.html"""

import pytest

from tests.interactions.fhir import Fhir
from tests.interactions.operations.terminologies import ANIMALS, outs, parameters, put
from tests.terminology.memory import ANIMALS as CONCEPTS
from tests.terminology.memory import URL, code_system, concept


@pytest.fixture
def animals(fhir: Fhir) -> Fhir:
    put(fhir, CONCEPTS)
    return fhir


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [
        ("animal", "poodle", "subsumes"),
        ("poodle", "animal", "subsumed-by"),
        ("dog", "robot-dog", "subsumes"),
        ("cat", "dog", "not-subsumed"),
        ("cat", "cat", "equivalent"),
    ],
)
def test_outcomes(animals: Fhir, a: str, b: str, outcome: str) -> None:
    found = animals("GET", f"CodeSystem/$subsumes?system={ANIMALS}&codeA={a}&codeB={b}").resource
    assert outs(found) == {"outcome": outcome}
    found = animals("GET", f"CodeSystem/animals/$subsumes?codeA={a}&codeB={b}").resource
    assert outs(found) == {"outcome": outcome}
    codings = {f"coding{which}": {"system": ANIMALS, "code": code} for which, code in (("A", a), ("B", b))}
    assert outs(animals("POST", "CodeSystem/$subsumes", parameters(**codings)).resource) == {
        "outcome": outcome
    }


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        (f"CodeSystem/$subsumes?system={ANIMALS}&codeA=dog&codeB=dragon", 404, "'dragon' is not a code"),
        ("CodeSystem/$subsumes?codeA=dog&codeB=cat", 400, "the system of the codes is required"),
        (f"CodeSystem/$subsumes?system={ANIMALS}&codeA=dog", 400, "one of codeB and codingB is required"),
        ("CodeSystem/animals/$subsumes?system=http://a.org&codeA=dog&codeB=cat", 400, "is not the url of"),
    ],
)
def test_what_is_refused(animals: Fhir, url: str, status: int, text: str) -> None:
    error = animals.refused("GET", url)
    assert error.status == status and text in str(error)


def test_codes_of_two_code_systems(animals: Fhir) -> None:
    body = parameters(
        codingA={"system": ANIMALS, "code": "dog"}, codingB={"system": "http://b.org", "code": "b"}
    )
    error = animals.refused("POST", "CodeSystem/$subsumes", body)
    assert "are codes of different code systems" in str(error)


def test_a_cycle_is_an_error_and_no_hang(fhir: Fhir) -> None:
    ring = [concept(a, property=[{"code": "parent", "valueCode": b}]) for a, b in ("ab", "bc", "ca")]
    put(fhir, code_system("ring", *ring))
    error = fhir.refused("GET", "CodeSystem/ring/$subsumes?codeA=a&codeB=b")
    assert error.status == 422
    assert str(error) == f"the hierarchy of {URL}ring has a cycle: a is below b is below c is below a"
