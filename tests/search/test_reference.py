"""https://hl7.org/fhir/R4/search.html#reference"""

import pytest

from tests.search.searching import BASE, compiled, fits, found, refused, rows

URN = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


def about(reference: object, **more: object) -> dict[str, object]:
    subject = {"reference": reference} if isinstance(reference, str) else reference
    return {"resourceType": "Observation", "subject": subject} | more


@pytest.mark.parametrize(
    ("reference", "search"),
    [
        ("Patient/23", "subject=23"),
        ("Patient/23", "subject=Patient/23"),
        ("Patient/23", f"subject={BASE}/Patient/23"),
        (f"{BASE}/Patient/23", "subject=Patient/23"),
        (f"{BASE}/Patient/23", "subject=23"),
        ("Patient/23", "subject:Patient=23"),
        ("Patient/23", "subject:Patient=Patient/23"),
        ("Patient/23", "patient=23"),
        ("Patient/23/_history/4", "subject=Patient/23"),
        ("http://other.org/fhir/Patient/23", "subject=http://other.org/fhir/Patient/23"),
        ("http://other.org/Patient/23/_history/4", "subject=http://other.org/Patient/23"),
        (URN, f"subject={URN}"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, "subject:identifier=urn:mrn|7"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, "subject:identifier=7"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, "subject:missing=false"),
        ("Patient/23", "subject:missing=false"),
        ("Patient/23", "patient:missing=false"),
        ("Group/23", "patient:missing=true"),
        ("http://other.org/fhir/Patient/23", "patient:missing=false"),
        ("http://other.org/fhir/Group/23", "patient:missing=true"),
        ("Patient?identifier=23", "patient:missing=false"),
        ("Group?identifier=23", "patient:missing=true"),
        ("#me", "subject:missing=true"),
    ],
)  # fmt: skip
def test_E15_found(reference: object, search: str) -> None:
    assert fits(about(reference), search)


@pytest.mark.parametrize(
    ("reference", "search"),
    [
        ("Patient/23", "subject=Group/23"),
        ("Group/23", "patient=23"),
        ("Group/23", "patient=Group/23"),
        ("Group/23", "subject:Patient=23"),
        ("Patient/23", "subject=http://other.org/fhir/Patient/23"),
        ("http://other.org/fhir/Patient/23", "subject=Patient/23"),
        ("http://other.org/fhir/Patient/23", "subject=23"),
        ("http://other.org/fhir/Patient/23", "subject=Patient/"),
        ("Patient/23", "subject=2"),
        ("Patient/23", "subject=' OR 1=1--"),
        ("Patient/23", "subject=%25"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, "subject:identifier=urn:other|7"),
        ({"identifier": {"system": "urn:mrn", "value": "7"}}, "subject=7"),
        ("Patient/23", "subject:identifier=23"),
        ("#me", "subject=me"),
    ],
)
def test_E15_not_found(reference: object, search: str) -> None:
    assert not fits(about(reference), search)


def test_an_absolute_reference_is_found_also_when_the_index_did_not_know_the_base() -> None:
    resource = about("http://moved.org/fhir/Patient/23")
    where = compiled("Observation?subject=Patient/23", base_url="http://moved.org/fhir").where
    assert any(row[1] in where.terms[1].hashes for row in rows(resource).tokens)  # type: ignore[union-attr,index]


def test_canonicals_with_and_without_their_version() -> None:
    report = {"resourceType": "MeasureReport", "measure": "http://x.org/Measure/m|1.2"}
    assert fits(report, "measure=http://x.org/Measure/m")
    assert fits(report, "measure=http://x.org/Measure/m|1.2")
    assert not fits(report, "measure=http://x.org/Measure/m|2")
    assert not fits(report, "measure=m")


def test_canonicals_below_a_version() -> None:
    """https://hl7.org/fhir/R4/search.html#versions"""
    stored = [
        {"resourceType": "MeasureReport", "id": version, "measure": f"http://x.org/Measure/m|{version}"}
        for version in ("1.0", "1.1-beta", "10", "2")
    ]
    stored.append({"resourceType": "MeasureReport", "id": "none", "measure": "http://x.org/Measure/m"})
    assert found(stored, "MeasureReport?measure:below=http://x.org/Measure/m|1") == ["1.0", "1.1-beta"]
    assert found(stored, "MeasureReport?measure:below=http://x.org/Measure/m|1.1") == ["1.1-beta"]
    assert found(stored, "MeasureReport?measure:below=http://x.org/Measure/m|2") == ["2"]
    assert len(found(stored, "MeasureReport?measure:below=http://x.org/Measure/m")) == 5


def test_a_resource_inside_is_a_reference() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Composition", "id": "c"}}, {}],
    }
    assert fits(bundle, "composition=c") and fits(bundle, "composition=Composition/c")
    second = {
        "resourceType": "Bundle",
        "entry": [{}, {"resource": {"resourceType": "Composition", "id": "c"}}],
    }
    assert not fits(second, "composition=c")


def test_patient_and_subject_share_their_rows() -> None:
    made = rows(about("Patient/23"))
    assert made.references == {("Observation.subject[reference]", "Patient", "23")}


def to(reference: str) -> dict[str, str]:
    return {"reference": reference}


def person(resource_type: str, name: str, **elements: object) -> dict[str, object]:
    return {"resourceType": resource_type, "id": name, "name": [{"family": name}]} | elements


def organization(id_: str, name: str, **elements: object) -> dict[str, object]:
    return {"resourceType": "Organization", "id": id_, "name": name} | elements


AUDIT = {
    "resourceType": "AuditEvent",
    "id": "audit",
    "entity": [{"what": to("Observation/1")}],
    "agent": [{"altId": "me"}],
}
PEOPLE = [
    person("Patient", "eve", generalPractitioner=[to("Practitioner/joe")]),
    person("Patient", "bob", managingOrganization=to("Organization/h")),
    person("Practitioner", "joe"),
    organization("h", "Hospital", partOf=to("Organization/all")),
    organization("all", "Alliance"),
    about("Patient/eve", id="1", status="final", code={"coding": [{"code": "a"}]}),
    about("Patient/bob", id="2", status="final", code={"coding": [{"code": "b"}]}),
    about("Group/eve", id="3"),
    {"resourceType": "Group", "id": "eve", "actual": True},
    AUDIT,
]


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("Observation?subject:Patient.name=eve", ["1"]),
        ("Observation?subject.name=eve", ["1"]),
        ("Observation?patient.name=bob", ["2"]),
        ("Observation?subject:Group.actual=true", ["3"]),
        ("Observation?subject:Patient.name:exact=Eve", []),
        ("Observation?patient.general-practitioner.name=joe", ["1"]),
        ("Observation?patient.organization.partof.name=alliance", ["2"]),
        ("Patient?_has:Observation:patient:code=a", ["eve"]),
        ("Patient?_has:Observation:patient:code=a,b", ["bob", "eve"]),
        ("Patient?_has:Observation:patient:code=a&_has:Observation:patient:code=b", []),
        ("Patient?_has:Observation:subject:_has:AuditEvent:entity:altid=me", ["eve"]),
        ("Organization?_has:Patient:organization:_has:Observation:patient:code=b", ["h"]),
        ("Observation?patient._has:Observation:patient:code=b", ["2"]),
        ("Practitioner?_has:Patient:general-practitioner:name=eve", ["joe"]),
        ("Observation?subject:Patient._id=eve", ["1"]),
        ("Observation?subject:Patient.name:missing=false", ["1", "2"]),
    ],
)
def test_chains(search: str, expected: list[str]) -> None:
    assert found(PEOPLE, search) == expected


def test_E08_chains_and_has_go_three_steps() -> None:
    compiled("Observation?patient.organization.partof.name=x")
    for search in (
        "Observation?patient.organization.partof.partof.name=x",
        "Patient?_has:Observation:patient:_has:AuditEvent:entity:_has:Provenance:target:agent.name=x",
    ):
        assert refused(search).issues[0].code == "too-costly"


@pytest.mark.parametrize(
    "search",
    [
        "Observation?code.text=a",  # E02: a chain on a non-reference
        "Observation?subject:Practitioner=1",
        "Observation?subject:Practitioner.name=1",
        "Observation?subject:Patient.nmae=1",
        "Observation?subject.nmae=1",
        "Observation?subject.=1",
        "Observation?subject:=1",
        "Observation?subject:text=1",
        "Patient?_has:Observation:patient=1",
        "Patient?_has:Observation:code:code=1",
        "Patient?_has:Observation:pateint:code=1",
        "Patient?_has:Observaton:patient:code=1",
        "Patient?_has:Observation:encounter:code=1",
        "Patient?_has:Observation:patient:coed=1",
        "Patient?_has=1",
    ],
)
def test_400_for_what_no_reference_can_mean(search: str) -> None:
    assert refused(search, strict=False).issues[0].code == "not-supported"


def test_400_when_value_and_modifier_contradict() -> None:
    assert refused("Observation?subject:Patient=Group/1").issues[0].code == "value"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("urn:s|1", "s"), ("1", "sn"), ("|1", "n"), ("urn:s|", "s"), ("urn:t|1", ""), ("urn:t|1,|1", "n"),
    ],
)  # fmt: skip
def test_identifiers_of_references(value: str, expected: str) -> None:
    stored = [
        {
            "resourceType": "Observation",
            "id": "s",
            "subject": {"identifier": {"system": "urn:s", "value": "1"}},
        },
        {"resourceType": "Observation", "id": "n", "subject": {"identifier": {"value": "1"}}},
        {"resourceType": "Observation", "id": "r", "subject": {"reference": "Patient/1"}},
    ]
    assert sorted(found(stored, f"Observation?subject:identifier={value}")) == sorted(expected)
