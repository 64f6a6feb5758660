"""Rotations lead away from home, lie in an agreement, do not overlap; activities lie in their rotation."""

from typing import Any

import pytest

from fhir_server.interactions.request import OPERATOR
from fhir_server.resource import Resource
from tests.alliance.report.network import COUNTY, TOWNSHIP, activity, concept, extension, ref, rotation
from tests.interactions.fhir import Fhir, codes, put

RULE = (422, "business-rule")
YEAR: Any = {"start": "2018-01-01", "end": "2018-12-31"}


def posted(id_: str = "one", person: str = "wang", **given: Any) -> Resource:
    """In 2018, unless `start` and `end` say otherwise; `more` extensions."""
    start, end = given.pop("start", YEAR["start"]), given.pop("end", YEAR["end"])
    more = given.pop("more", [])
    made = rotation(id_, person, given.pop("mode", "periodic"), start, **given)
    made["period"] = {"start": start} | ({"end": end} if end else {})
    return made | {"extension": [*made["extension"], *more]}


def agreed(name: str) -> Resource:
    return extension("agreement", valueReference=ref(name))


def contract(id_: str, start: str, end: str | None = None, **elements: Any) -> Resource:
    applies = {"start": start} | ({"end": end} if end else {})
    return {"resourceType": "Contract", "id": id_, "status": "executed", "applies": applies} | elements


def write(alliance: Fhir, resource: Resource) -> int:
    return alliance("PUT", f"{resource['resourceType']}/{resource['id']}", resource).status


def refused(alliance: Fhir, resource: Resource) -> str:
    """What the 422 says."""
    error = alliance.refused("PUT", f"{resource['resourceType']}/{resource['id']}", resource)
    assert codes(error) == RULE
    return error.issues[0].diagnostics


# ---- the place


def test_a_rotation_leads_away_from_home(alliance: Fhir) -> None:
    assert write(alliance, posted(home=COUNTY)) == 201
    assert "away from home" in refused(alliance, posted("two", "li", home=TOWNSHIP))


def test_a_department_of_the_home_is_home(alliance: Fhir) -> None:
    alliance.transaction(
        put({"resourceType": "Organization", "id": "county", "name": "x"}),
        put({"resourceType": "Organization", "id": "ward", "name": "y", "partOf": ref(COUNTY)}),
    )
    wrong = posted(home=COUNTY, organization=ref("Organization/ward"))
    assert "away from home" in refused(alliance, wrong)


# ---- the agreement


def test_the_period_lies_in_that_of_the_agreement(alliance: Fhir) -> None:
    alliance.transaction(put(contract("three-years", "2018-01-01", "2020-12-31")))
    more = [agreed("Contract/three-years")]
    assert write(alliance, posted(more=more)) == 201
    assert "2021-01-01" in refused(alliance, posted(more=more, end="2021-01-01"))
    assert "2017-12-31" in refused(alliance, posted(more=more, start="2017-12-31"))
    assert "is in no agreement" in refused(alliance, posted(more=more, end=None))


def test_one_of_several_agreements_is_enough(alliance: Fhir) -> None:
    alliance.transaction(put(contract("old", "2010", "2012")), put(contract("open", "2018")))
    assert write(alliance, posted(more=[agreed("Contract/old"), agreed("Contract/open")])) == 201


@pytest.mark.parametrize("status", ["terminated", "revoked", "cancelled"])
def test_an_agreement_that_is_no_more_in_force(alliance: Fhir, status: str) -> None:
    alliance.transaction(put(contract("c", "2018", status=status)))
    assert f"Contract/c is {status}" in refused(alliance, posted(more=[agreed("Contract/c")]))


def test_an_agreement_that_is_not_here(alliance: Fhir) -> None:
    assert "is not here" in refused(alliance, posted(more=[agreed("Contract/nowhere")]))


# ---- overlap


def test_rotations_of_a_person_do_not_overlap(alliance: Fhir) -> None:
    write(alliance, posted())
    assert "PractitionerRole/one" in refused(alliance, posted("two", start="2018-12-31", end="2019-06-30"))
    assert write(alliance, posted("two", start="2019-01-01", end="2019-06-30")) == 201


OTHERS: dict[str, Resource] = {
    "of another person": posted("two", "li"),
    "not active": posted("two", active=False),
    "no rotation": {
        "resourceType": "PractitionerRole", "id": "two", "practitioner": ref("Practitioner/wang"),
        "organization": ref(COUNTY),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_may_overlap(alliance: Fhir, name: str) -> None:
    write(alliance, posted())
    assert write(alliance, OTHERS[name]) == 201


def test_practice_at_several_sites_overlaps_when_both_say_so(alliance: Fhir) -> None:
    several = [extension("multi-site-practice", valueBoolean=True)]
    write(alliance, posted(more=several))
    other = ref("Organization/elsewhere")
    refused(alliance, posted("two", organization=other))
    refused(alliance, posted("two", more=several))  # at the same site
    assert write(alliance, posted("two", more=several, organization=other)) == 201


def test_an_update_does_not_overlap_with_itself(alliance: Fhir) -> None:
    write(alliance, posted())
    assert write(alliance, posted(end="2019-01-31")) == 200


def test_what_an_operator_loads_is_history(alliance: Fhir) -> None:
    write(alliance, posted())
    for each in (posted("two"), session("2019-01-01T09:00:00+08:00")):
        name = f"{each['resourceType']}/{each['id']}"
        assert alliance("PUT", name, each, organization=OPERATOR).status == 201


# ---- activities


def session(start: str = "2018-03-01T09:00:00+08:00", **given: Any) -> Resource:
    return activity("a", given.pop("kind", "outpatient"), ["one"], start, **({"served": 3} | given))


def test_an_activity_lies_in_its_rotation(alliance: Fhir) -> None:
    write(alliance, posted())
    assert write(alliance, session()) == 201
    assert write(alliance, session("2018-12-31T09:00:00+08:00")) == 200
    assert "PractitionerRole/one is posted" in refused(alliance, session("2019-01-01T09:00:00+08:00"))
    assert write(alliance, session("2019-01-01T09:00:00+08:00", status="cancelled")) == 200


def test_an_activity_may_last_until_the_last_midnight(alliance: Fhir) -> None:
    write(alliance, posted())
    evening = session("2018-12-31T21:00:00+08:00") | {"end": "2019-01-01T00:00:00+08:00"}
    assert write(alliance, evening) == 201
    assert "is posted" in refused(alliance, evening | {"end": "2019-01-01T00:00:01+08:00"})


def test_an_activity_is_written_after_its_rotation(alliance: Fhir) -> None:
    late = session("2019-01-01T09:00:00+08:00")
    assert codes(alliance.refused_transaction(put(late), put(posted()))) == RULE
    alliance.transaction(put(session()), put(posted()))


def test_a_doctor_of_the_house_has_no_rotation_to_lie_in(alliance: Fhir) -> None:
    role = {"resourceType": "PractitionerRole", "id": "one", "period": {"end": "2017-01-01"}}
    write(alliance, role)
    assert write(alliance, session()) == 201


def test_a_rotation_is_not_cut_off_before_its_activities(alliance: Fhir) -> None:
    write(alliance, posted())
    write(alliance, session())
    assert "Appointment/a" in refused(alliance, posted(end="2018-02-28"))
    assert "Appointment/a" in refused(alliance, posted(start="2018-03-02"))
    write(alliance, session(status="cancelled"))
    assert write(alliance, posted(end="2018-02-28")) == 200


def test_a_fulfilled_activity_is_counted(alliance: Fhir) -> None:
    uncounted = {name: value for name, value in session().items() if name != "extension"}
    assert "served-count" in refused(alliance, uncounted)
    assert write(alliance, uncounted | {"status": "booked"}) == 201
    assert (
        write(alliance, uncounted | {"extension": [extension("attendee-count", valueUnsignedInt=0)]}) == 200
    )


def test_no_patient_takes_part_in_an_activity(alliance: Fhir) -> None:
    patient = {"actor": ref("Patient/p"), "status": "accepted"}
    assert "Patient/p" in refused(alliance, session() | {"participant": [patient]})
    visit = {
        "resourceType": "Appointment", "id": "visit", "status": "proposed",
        "serviceType": [concept("service-type", "department")], "participant": [patient],
    }  # fmt: skip
    assert write(alliance, visit) == 201
