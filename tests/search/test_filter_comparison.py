"""https://hl7.org/fhir/R4/search_filter.html"""

from typing import Any
from urllib.parse import quote

import pytest

from fhir_server.search.filter_comparison import OPERATORS_OF
from fhir_server.search.filter_expression import OPERATORS
from fhir_server.search.types import TYPES
from tests.search.searching import compiled, fits, found, refused

PETER: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "peter",
    "text": {"div": "<div>Tall man</div>"},
    "identifier": [{"system": "urn:mrn", "value": "12,3"}],
    "name": [{"family": "Chalmers", "given": ["Peter", "James"]}, {"family": "张", "given": ["三"]}],
    "gender": "male",
    "active": True,
    "birthDate": "1974-12-25",
    "managingOrganization": {"reference": "Organization/1"},
    "generalPractitioner": [{"reference": "http://elsewhere.org/fhir/Practitioner/9"}],
}
WEIGHT: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "weight",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Weight"},
    "subject": {"reference": "Patient/peter"},
    "effectivePeriod": {"start": "2026-03-01", "end": "2026-03-10"},
    "valueQuantity": {"value": 72.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
}
HOSPITAL: dict[str, Any] = {"resourceType": "Organization", "id": "1", "name": "General Hospital"}
EVERYTHING = [PETER, WEIGHT, HOSPITAL]


def selects(resource: dict[str, Any], text: str) -> bool:
    return fits(resource, f"_filter={quote(text)}")


@pytest.mark.parametrize(
    "text",
    [
        'name co "ete"', "name co CHAL", "name sw pet", "name ew ames", "name eq peter", "name eq PETER",
        "name ne anna", "name pr true", "family eq 张", "name sw zhangsan", "name co 三", "name eq 三",
        "phonetic sw chalm", "gender eq male", "gender eq http://hl7.org/fhir/administrative-gender|male",
        "gender ne female", "gender pr true", "active eq true", 'identifier eq "urn:mrn|12,3"',
        'identifier eq "12,3"', "identifier eq urn:mrn|12,3", "birthdate eq 1974-12-25",
        "birthdate eq 1974", "birthdate ne 1975", "birthdate gt 1974-12-24", "birthdate lt 1975",
        "birthdate ge 1974-12-25",
        "birthdate le 1974-12-25", "birthdate sa 1974-12-24", "birthdate eb 1974-12-26",
        "birthdate po 1974-12",
        "birthdate ap 1974-12-25", "organization re Organization/1", "organization eq 1",
        "general-practitioner re http://elsewhere.org/fhir/Practitioner/9", "organization pr true",
        "deceased pr true", "death-date pr false", "_id eq peter", "_id ne other", "_id pr true",
        "_lastUpdated gt 2020", "_lastUpdated po 2026", "_text co tall", '_content co "peter -anna"',
        "name co pet and gender eq male", "name co xyz or gender eq male", "not (gender eq female)",
        "gender eq female or gender eq male and active eq true",
        "(name eq x or name eq peter) and active eq true",
        "not (name eq x) and not (name eq y)",
    ],
)  # fmt: skip
def test_found(text: str) -> None:
    assert selects(PETER, text)


@pytest.mark.parametrize(
    "text",
    [
        "name co xyz", "name sw ete", "name ew jam", "name eq pete", "name pr false", "name ne peter",
        "name eq zhangsan", "given ne peter", "death-date ne 2020", "gender eq female", "gender ne male",
        'identifier eq "urn:other|12,3"', "identifier eq 12", "birthdate eq 1975",
        "birthdate gt 1975",
        "_lastUpdated po 2020",
        "birthdate lt 1974", "birthdate sa 1974-12-25", "birthdate eb 1974-12-25", "birthdate po 1975",
        "organization re Organization/2", "organization re Practitioner/1", "death-date pr true",
        "_id eq Peter",
        "_id ne peter", "_id pr false", "_lastUpdated lt 2020", "_text co short", 
        "gender eq male and active eq false",
        "not (gender eq male)", "gender eq male or active eq true and name eq x",
    ],
)  # fmt: skip
def test_not_found(text: str) -> None:
    assert not selects(PETER, text)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("code eq http://loinc.org|29463-7", ["weight"]),
        ("value-quantity gt 70", ["weight"]),
        ("value-quantity eq 72.5|http://unitsofmeasure.org|kg", ["weight"]),
        ("value-quantity ap 70", ["weight"]),
        ("value-quantity le 70", []),
        ("date po 2026-03-05", ["weight"]),
        ("date po 2026-03-10T23:00", ["weight"]),
        ("date po 2026-02", []),
        ("date eq 2026-03-05", []),
        ("code-value-quantity eq 29463-7$gt70", ["weight"]),
        ("code-value-quantity eq 29463-7$gt80", []),
        ("subject.name co pet", ["weight"]),
        ("subject.name co xyz", []),
        ("patient.organization.name sw general", ["weight"]),
        ("patient[gender eq male].organization.name sw general", ["weight"]),
        ("patient[gender eq female].organization.name sw general", []),
        ("patient[gender eq male and active eq true].birthdate lt 1980", ["weight"]),
        ("patient[organization[active pr false].name eq 'x'].birthdate lt 1980 or code pr true", ["weight"]),
        ("not (subject.name co pet)", []),
        ("subject._id eq peter", ["weight"]),
    ],
)
def test_observations(text: str, ids: list[str]) -> None:
    assert found(EVERYTHING, f"Observation?_filter={quote(text)}") == ids


def test_together_with_other_parameters() -> None:
    assert found(EVERYTHING, "Patient?gender=male&_filter=name%20co%20pet") == ["peter"]
    assert found(EVERYTHING, "Patient?gender=female&_filter=name%20co%20pet") == []
    assert found(EVERYTHING, "Observation?subject:Patient._filter=name%20co%20pet") == ["weight"]
    assert found(EVERYTHING, "Patient?_has:Observation:patient:_filter=code%20eq%2029463-7") == ["peter"]
    assert found(EVERYTHING, "Patient,Organization?_filter=name%20co%20e") == ["1", "peter"]


def test_it_is_the_same_search_as_without_it() -> None:
    for text, parameters in (
        ("birthdate ge 1970", "birthdate=ge1970"),
        ("name sw zhang and gender eq male", "name=zhang&gender=male"),
        ("name co zhang or gender eq male", None),
        ("general-practitioner.name sw x", "general-practitioner.name=x"),
        ("identifier eq urn:mrn|1", "identifier=urn:mrn|1"),
        ("name pr false", "name:missing=true"),
    ):
        where = compiled(f"Patient?_filter={quote(text)}").where
        if parameters is not None:
            assert where == compiled(f"Patient?{parameters}").where


@pytest.mark.parametrize("handling", [True, False])
@pytest.mark.parametrize(
    ("text", "what", "code"),
    [
        ("nmae eq x", "did you mean name?, at 1", "not-supported"),
        ("gender co male", "co does not compare gender, a token parameter", "not-supported"),
        ("name gt a", "gt does not compare name, a string parameter", "not-supported"),
        ("birthdate co 1974", "a date parameter", "not-supported"),
        ("gender eq male and birthdate ge x", "at 30", "invalid"),
        ("birthdate ge ge1974", "begins with letters", "invalid"),
        ("birthdate po ge1974", "begins with letters", "invalid"),
        ("name pr maybe", "neither true nor false", "invalid"),
        ('name eq " "', "no character", "invalid"),
        ("gender.name eq x", "only references chain, at 1", "not-supported"),
        ("organization.nmae eq x", "did you mean name?, at 1", "not-supported"),
        ("name[use eq official].given eq x", "only references chain, at 1", "not-supported"),
        ("_filter eq x", "_filter", "not-supported"),
        ("_has eq x", "_has", "not-supported"),
        ("_list eq x", "_list", "not-supported"),
        ("_text eq x", "eq does not compare _text", "not-supported"),
        ("organization.partof.partof.partof.name eq x", "steps", "too-costly"),
    ],
)
def test_E02_400_says_what_and_where(text: str, what: str, code: str, handling: bool) -> None:
    issue = refused(f"Patient?_filter={quote(text)}", strict=handling).issues[0]
    assert issue.code == code
    assert what in issue.diagnostics
    assert issue.diagnostics.count(", at ") <= 1, issue.diagnostics


@pytest.mark.parametrize("name", ["_filter:not", "_filter.name", "_filter:missing"])
def test_it_has_no_modifiers(name: str) -> None:
    assert refused(f"Patient?{name}=name%20eq%20x").issues[0].code == "not-supported"


def test_every_operator_compares_something() -> None:
    assert {operator for operators in OPERATORS_OF.values() for operator in operators} == {*OPERATORS}
    assert OPERATORS_OF.keys() == {*TYPES, "composite"} - {"special"}
