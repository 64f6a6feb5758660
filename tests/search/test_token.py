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


def test_a_coding_without_a_display_takes_one_row() -> None:
    made = rows({"resourceType": "Observation", "code": {"coding": [{"system": LOINC, "code": "8302-2"}]}})
    assert [column for column, _ in made.tokens] == ["Observation.code[token]"]


def test_codes_of_a_case_sensitive_system_are_compared_exactly() -> None:
    observation = {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://unitsofmeasure.org", "code": "Pa"}]},
    }
    assert fits(observation, "code=http://unitsofmeasure.org|Pa")
    assert not fits(observation, "code=http://unitsofmeasure.org|pA")


@pytest.mark.parametrize("plain", [True, False])
def test_a_bar_in_a_value_is_none_between_system_and_value(plain: bool) -> None:
    written, other = (r"a\|b", "a|b") if plain else ("a|b", r"a\|b")
    patient = {
        "resourceType": "Patient",
        "identifier": [{"value": "a|b"} if plain else {"system": "a", "value": "b"}],
    }
    tagged = {
        "resourceType": "Patient",
        "meta": {"tag": [{"code": "a|b"} if plain else {"system": "a", "code": "b"}]},
    }
    assert fits(patient, f"identifier={written}")
    assert not fits(patient, f"identifier={other}")
    assert fits(tagged, f"_tag={written}")
    assert not fits(tagged, f"_tag={other}")


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


NAMED = {
    "resourceType": "Condition",
    "code": {
        "coding": [
            {"system": "urn:s", "code": "25064002", "display": "Headache  (finding)"},
            {"display": "头 痛"},
        ],
        "text": "Cephalgie légère",
    },
}


@pytest.mark.parametrize(
    "text", ["headache", "HEADACHE (f", "头痛", "cephalgie legere", "none,head", "Ｈead"]
)
def test_text_begins_a_display_or_the_text(text: str) -> None:
    """https://hl7.org/fhir/R4/search.html#token: "the search functions as a normal string search"."""
    assert fits(NAMED, f"code:text={text}")


@pytest.mark.parametrize("text", ["finding", "ache", "25064002", "%", "none"])
def test_text_is_nothing_else(text: str) -> None:
    assert not fits(NAMED, f"code:text={text}")


def test_text_is_that_of_the_resource_and_not_of_the_code_elsewhere() -> None:
    bare = {
        "resourceType": "Condition",
        "id": "bare",
        "code": {"coding": [{"system": "urn:s", "code": "25064002"}]},
    }
    assert found([NAMED | {"id": "named"}, bare], "Condition?code:text=headache") == ["named"]


def test_text_of_an_identifier_is_that_of_its_type() -> None:
    type_ = {"text": "病历号", "coding": [{"display": "Medical record number"}]}
    patient = {"resourceType": "Patient", "identifier": [{"value": "7", "type": type_}]}
    assert fits(patient, "identifier:text=病历")
    assert not fits(patient, "identifier:text=medical") and not fits(patient, "identifier:text=7")


def test_400_for_a_text_without_a_character() -> None:
    assert refused("Condition?code:text=%20").issues[0].code == "value"


V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{V2}|MR|446053", True), (f"{V2}|mr|446053", True), ("urn:local|chart|446053", True),
        (f"1|2|3,{V2}|MR|446053", True), (f"{V2}|chart|446053", False), (f"{V2}|MR|1", False),
        (f"{V2}|SS|446053", False), (f"{V2}|SS|1", True), ("urn:mrn|MR|446053", False),
    ],
)  # fmt: skip
def test_of_type(value: str, expected: bool) -> None:
    coding = [{"system": V2, "code": "MR"}, {"system": "urn:local", "code": "chart"}]
    identifiers = [
        {"system": "urn:mrn", "value": "446053", "type": {"coding": coding}},
        {"value": "1", "type": {"coding": [{"system": V2, "code": "SS"}, {"code": "MR"}]}},
        {"type": {"coding": coding}},
        {"value": "2", "type": {"text": "unknown"}},
    ]
    assert (
        fits({"resourceType": "Patient", "identifier": identifiers}, f"identifier:of-type={value}")
        == expected
    )


@pytest.mark.parametrize("value", ["446053", "MR|446053", f"{V2}|MR|", "|MR|1", f"{V2}|MR|1|2", f"{V2}||1"])
def test_400_unless_all_three_parts_of_a_typed_identifier_are_there(value: str) -> None:
    issue = refused(f"Patient?identifier:of-type={value}").issues[0]
    assert issue.code == "value"
    assert "system|code|value" in issue.diagnostics


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/xml", "012"),
        ("text", "012"),
        ("text/xm", ""),
        ("application", "3"),
        ("TEXT/XML,none/none", "012"),
    ],
)
def test_a_mime_type_is_above_those_with_parameters(value: str, expected: str) -> None:
    types = ("text/xml", "text/xml; charset=UTF-8", "text/xml ;charset=UTF-8", "application/json")
    stored = [
        {
            "resourceType": "DocumentReference",
            "id": str(n),
            "content": [{"attachment": {"contentType": each}}],
        }
        for n, each in enumerate(types)
    ]
    assert "".join(found(stored, f"DocumentReference?contenttype:below={value}")) == expected


def test_values_of_composites_have_no_rows_for_modifiers() -> None:
    code = {"coding": [{"system": LOINC, "code": "8302-2", "display": "Body height"}]}
    made = rows({"resourceType": "Observation", "code": code, "component": [{"code": code}]})
    assert made.instances
    assert not [column for each in made.instances for column, _ in each.tokens if column.endswith("[text]")]
