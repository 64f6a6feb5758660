"""https://hl7.org/fhir/R4/terminologycapabilities.html"""

from fhir_server.resource import Resource
from tests.interactions.fhir import Fhir
from tests.interactions.operations.terminologies import put
from tests.terminology.memory import ANIMALS, URL, code_system, concept


def statement(fhir: Fhir) -> Resource:
    return fhir.read("metadata?mode=terminology")


def systems(fhir: Fhir) -> dict[str, list[str]]:
    """Versions by url."""
    return {
        each["uri"]: [version["code"] for version in each.get("version", ())]
        for each in statement(fhir).get("codeSystem", ())
    }


def test_what_can_be_asked(fhir: Fhir) -> None:
    found = statement(fhir)
    names = {each["name"] for each in found["expansion"]["parameter"]}
    assert {"filter", "count", "offset", "activeOnly", "system-version", "displayLanguage"} <= names
    assert found["expansion"]["paging"] is True
    assert found["translation"] == {"needsMap": True}
    assert found["codeSearch"] == "all"


def test_code_systems_whose_codes_are_here(fhir: Fhir) -> None:
    assert systems(fhir) == {}
    put(
        fhir,
        ANIMALS,
        *(
            code_system("sizes", concept("S"), version=version) | {"id": f"s{version}"}
            for version in ("10", "9")
        ),
        code_system("large", content="not-present"),
        code_system("names", concept("dog"), content="supplement", supplements=URL + "animals"),
    )
    assert systems(fhir) == {URL + "animals": [], URL + "sizes": ["9", "10"]}


def test_the_tag_changes_with_the_definitions(fhir: Fhir) -> None:
    put(fhir, ANIMALS)
    tag = fhir("GET", "metadata?mode=terminology").headers["ETag"]
    assert fhir("GET", "metadata?mode=terminology", if_none_match=tag).status == 304
    put(fhir, code_system("sizes", concept("S")))
    again = fhir("GET", "metadata?mode=terminology", if_none_match=tag)
    assert again.status == 200 and again.headers["ETag"] != tag


def test_those_of_the_core(hl7: Fhir) -> None:
    found = systems(hl7)
    assert found["http://hl7.org/fhir/administrative-gender"] == ["4.0.1"]
    assert "http://snomed.info/sct" not in found
