"""https://hl7.org/fhir/R4/http.html#parameters"""

import pytest

from fhir_server.search.subset import SUBSETTED
from tests.interactions.fhir import Fhir, codes, content, patient


@pytest.fixture
def stored(fhir: Fhir) -> Fhir:
    fhir("PUT", "Patient/1", patient(id="1", active=True, gender="female", multipleBirthBoolean=True))
    return fhir


@pytest.mark.parametrize("path", ["Patient/1", "Patient/1/_history/1"])
def test_elements_of_a_version(stored: Fhir, path: str) -> None:
    answer = stored("GET", f"{path}?_elements=gender")
    assert answer.version is not None
    found = content(answer)
    assert found["gender"] == "female" and "multipleBirthBoolean" not in found
    assert found["active"] is True  # a modifier
    assert found["meta"]["tag"] == [SUBSETTED]


def test_summary_of_a_version(stored: Fhir) -> None:
    found = content(stored("GET", "Patient/1?_summary=true"))
    assert found["gender"] == "female" and "multipleBirthBoolean" not in found
    assert found["meta"]["tag"] == [SUBSETTED]


@pytest.mark.parametrize("query", ["_summary=false", "_format=json", "_pretty=true"])
def test_all_of_it_otherwise(stored: Fhir, query: str) -> None:
    answer = stored("GET", f"Patient/1?{query}")
    assert answer.resource is None and content(answer)["multipleBirthBoolean"] is True


def test_304_is_of_the_version_not_of_the_part(stored: Fhir) -> None:
    assert stored("GET", "Patient/1?_elements=gender", if_none_match='W/"1"').status == 304


@pytest.mark.parametrize("query", ["_summary=count", "_summary=nonsense", "_elements=nonsense"])
def test_400_for_a_part_that_there_is_not(stored: Fhir, query: str) -> None:
    assert codes(stored.refused("GET", f"Patient/1?{query}")) == (400, "value")
