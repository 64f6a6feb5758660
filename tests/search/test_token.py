"""https://hl7.org/fhir/R4/search.html#token"""

import pytest

from tests.search.searching import compiled, fits, found, refused, rows

LOINC = "http://loinc.org"
CODED = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "8302-2"}, {"code": "Local"}], "text": "height"},
    "category": [{"coding": [{"system": "urn:x"}]}],
}


@pytest.mark.parametrize(
    "search",
    [
        "code=8302-2", f"code={LOINC}|8302-2", f"code={LOINC}|", "code=|local", "code=Local", "code=LOCAL",
        "code=nothing,8302-2", "category=urn:x|", "status=final", "status=FINAL", "status=|final",
        "status=http://hl7.org/fhir/observation-status|final", "status=http://hl7.org/fhir/observation-status|",
        "code:not=1", "category:not=8302-2", "code:missing=false", "method:missing=true", "method:not=1",
    ],
)  # fmt: skip
def test_found(search: str) -> None:
    assert fits(CODED, search)


@pytest.mark.parametrize(
    "search",
    [
        "code=8302", "code=|8302-2", "code=urn:x|8302-2", f"code={LOINC}|local", "code=urn:x|",
        "status=http://loinc.org|final", "status=http://loinc.org|", "code:not=8302-2", "code:not=1,8302-2",
        "code:missing=true", "category=8302-2", f"code={LOINC.upper()}|8302-2",
    ],
)  # fmt: skip
def test_not_found(search: str) -> None:
    assert not fits(CODED, search)


def test_a_coding_takes_one_row() -> None:
    made = rows({"resourceType": "Observation", "code": {"coding": [{"system": LOINC, "code": "8302-2"}]}})
    assert [column for column, _ in made.tokens] == ["Observation.code[token]"]


def test_codes_of_a_case_sensitive_system_are_compared_exactly() -> None:
    observation = {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://unitsofmeasure.org", "code": "Pa"}]},
    }
    assert fits(observation, "code=http://unitsofmeasure.org|Pa")
    assert not fits(observation, "code=http://unitsofmeasure.org|pA")


def test_identifiers_are_compared_exactly() -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2", "value": "A,b|c$d\\e"}]}
    assert fits(patient, r"identifier=A\,b\|c\$d\\e")
    assert fits(patient, r"identifier=urn:oid:1.2|A\,b\|c\$d\\e")
    assert fits(patient, "identifier=urn:oid:1.2|")
    assert not fits(patient, r"identifier=a\,b\|c\$d\\e")
    assert not fits(patient, r"identifier=|A\,b\|c\$d\\e")
    assert fits({"resourceType": "Patient", "identifier": [{"value": "7"}]}, "identifier=|7")


def test_contact_points_without_punctuation_and_case() -> None:
    telecom = [
        {"system": "phone", "value": "(0539) 555-1234"},
        {"system": "email", "value": "Eve@Example.org"},
    ]
    patient = {"resourceType": "Patient", "telecom": telecom}
    assert fits(patient, "telecom=05395551234") and fits(patient, "phone=0539-5551234")
    assert fits(patient, "email=eve@example.org") and fits(patient, "telecom=phone|05395551234")
    assert not fits(patient, "email=05395551234")
    assert not fits(patient, "phone=eve@example.org")


def test_booleans() -> None:
    patient = {"resourceType": "Patient", "active": True}
    assert fits(patient, "active=true") and not fits(patient, "active=false")
    assert fits(patient, "active=http://hl7.org/fhir/special-values|true")
    assert fits(patient, "deceased=false") and not fits(patient, "deceased=true")
    assert fits(patient | {"deceasedDateTime": "2020"}, "deceased=true")
    assert fits(patient | {"deceasedBoolean": False}, "deceased=false")


def test_E04_escapes_and_forms() -> None:
    observation = {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "urn:s", "code": "a,b|c$d"}]},
    }
    assert fits(observation, r"code=a\,b\|c\$d") and fits(observation, r"code=urn:s|a\,b\|c\$d")
    assert not fits(observation, "code=a,b")
    assert refused("Observation?code=a|b|c").issues[0].code == "value"
    assert refused("Observation?code=|").issues[0].code == "value"


def test_negation_is_of_the_whole_set() -> None:
    """A resource with several values is left out by :not when any of them fits."""
    many = {
        "resourceType": "Composition",
        "section": [{"code": {"coding": [{"code": "48765-2"}]}}, {"code": {"coding": [{"code": "1"}]}}],
    }
    assert not fits(many, "section:not=48765-2")
    assert fits(many, "section:not=2")


def test_tags_security_and_profiles() -> None:
    meta = {"tag": [{"system": "urn:t", "code": "demo"}], "security": [{"code": "R"}], "source": "urn:src#1"}
    patient = {"resourceType": "Patient", "meta": meta | {"profile": ["http://x.org/p|1.0"]}}
    for search in (
        "_tag=urn:t|demo",
        "_tag=demo",
        "_security=R",
        "_source=urn:src%231",
        "_profile=http://x.org/p",
    ):
        assert fits(patient, search)
    assert fits(patient, "_profile=http://x.org/p|1.0") and not fits(patient, "_profile=http://x.org/p|2.0")


def test_one_comparison_for_all_values_of_an_or() -> None:
    where = compiled("Observation?status=final,amended").where
    assert len(where.hashes) == 2  # type: ignore[union-attr]


def test_several_types_are_searched_by_a_parameter_that_they_share() -> None:
    people = [
        {"resourceType": "Patient", "id": "p", "gender": "female"},
        {"resourceType": "Practitioner", "id": "q", "gender": "female"},
        {"resourceType": "Practitioner", "id": "r", "gender": "male"},
        {"resourceType": "Organization", "id": "o"},
    ]
    assert found(people, "Patient,Practitioner?gender=female") == ["p", "q"]
    assert found(people, "Patient,Practitioner?gender:not=female") == ["r"]
