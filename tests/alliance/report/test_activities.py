"""Activities, postings, techniques, surgeons, members, discussions: one that counts, one that does not."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fhir_server.alliance import systems
from fhir_server.resource import Resource
from tests.alliance.report.network import (
    COUNTY,
    HTEST,
    NETWORK,
    OUTSIDE,
    TOWNSHIP,
    UPPER,
    activity,
    affiliation,
    concept,
    directory,
    extension,
    made,
    organization,
    parts,
    ref,
    rotation,
    store,
    strata,
    total,
)
from tests.interactions.fhir import Fhir

WANG = rotation("rotation-wang", "wang")
LI = rotation("rotation-li", "li", "sink-team", batch="2018-1")
LATE = "2019-01-01T00:00:00+08:00"


def session(
    id_: str, kind: str = "outpatient", roles: tuple[str, ...] = ("rotation-wang",), **more: Any
) -> Any:
    return activity(id_, kind, roles, **more)


def service(id_: str, since: str) -> Resource:
    return {
        "resourceType": "HealthcareService", "id": id_, "providedBy": ref(COUNTY),
        "extension": [extension("new-technology", valueDate=since)],
    }  # fmt: skip


def surgery(id_: str, level: str, by: str = "role-county", **elements: Any) -> Resource:
    return {
        "resourceType": "Procedure", "id": id_, "status": "completed", "subject": ref("Patient/p"),
        "performedDateTime": "2018-05-05", "performer": [{"actor": ref(f"PractitionerRole/{by}")}],
        "extension": [extension("surgical-level", valueCodeableConcept=concept("surgical-level", level))],
    } | elements  # fmt: skip


def group(id_: str, **elements: Any) -> Resource:
    return {
        "resourceType": "Group", "id": id_, "type": "practitioner", "actual": True, "quantity": 1980,
        "managingEntity": ref(COUNTY),
    } | elements  # fmt: skip


def discussion(id_: str, sent: str, by: str = "role-township", **elements: Any) -> Resource:
    return {
        "resourceType": "Communication", "id": id_, "status": "completed", "sent": sent,
        "category": [concept("communication-category", "case-discussion")],
        "sender": ref(f"PractitionerRole/{by}"), "recipient": [ref("PractitionerRole/role-county")],
    } | elements  # fmt: skip


def answer(id_: str, to: str, sent: str, by: str = "role-county") -> Resource:
    return discussion(id_, sent, by, inResponseTo=[ref(f"Communication/{to}")])


def diagnostic(id_: str, recognised: bool) -> Resource:
    mark = parts(
        "mutual-recognition",
        recognized={"valueBoolean": recognised},
        by={"valueReference": ref(TOWNSHIP)},
    )
    return {
        "resourceType": "DiagnosticReport", "id": id_, "status": "final", "code": {"text": "x"},
        "issued": "2018-06-01T00:00:00+08:00", "performer": [ref(COUNTY)], "extension": [mark],
    }  # fmt: skip


def timeline(id_: str, **components: Any) -> Resource:
    return {
        "resourceType": "Observation", "id": id_, "status": "final",
        "code": concept("observation-kind", "emergency-timeline"),
        "effectiveDateTime": "2018-06-01T08:00:00+08:00", "performer": [ref(COUNTY)],
        "component": [
            {"code": concept("timeline-event", code.replace("_", "-"))} | value
            for code, value in components.items()
        ],
    }  # fmt: skip


def at(time: str) -> Resource:
    return {"valueDateTime": f"2018-06-01T{time}:00+08:00"}


def sized(name: str, number: int) -> Callable[[str], Resource]:
    return lambda member: organization(member, extension=[extension(name, valueUnsignedInt=number)])


OPENED, ANSWERED = "2018-07-01T08:00:00+08:00", "2018-07-02T08:00:00+08:00"
BEDS, PEOPLE = sized("bed-count", 300), sized("catchment-population", 90_000)

# measure: resources that count, what they come to, resources that do not
ROWS: dict[str, tuple[list[Resource], float, list[Resource]]] = {
    "ROT-EXPERTS": (
        [session("a"), session("b"), session("c", roles=("rotation-li", "rotation-wang"))], 2,
        [session("d", roles=("rotation-li",), status="booked")],
    ),
    "ROT-SESSIONS": (
        [session("a"), session("b", "free-clinic"), session("c", "circuit-guidance")], 3,
        [session("d", "ward-round"), session("e", start=LATE.replace("T00", "T09"))],
    ),
    "ROT-SERVED": (
        [session("a", served=30), session("b", "surgery", served=2)], 32,
        [session("c", served=9, meta=HTEST)],
    ),
    "EDU-COURSES": ([session("a", "lecture"), session("b", "training")], 2, [session("c", "consult")]),
    "EDU-ATTEND": ([session("a", "lecture", attended=40)], 40, [session("b", "case-discussion", attended=9)]),
    "EVT-ATTEND": ([session("a", "case-discussion", attended=9)], 9, [session("b", "training", attended=40)]),
    "ACT-CASE": ([session("a", "case-discussion")], 1, [session("b", "consult")]),
    "ACT-CONSULT": ([session("a", "consult")], 1, [session("b", "consult", status="cancelled")]),
    "ACT-ROUND": ([session("a", "teaching-round")], 1, [session("b", "ward-round")]),
    "ROT-OUT-TRAIN": (
        [rotation("r", "x", "outbound-training"), rotation("s", "x", "outbound-training", "2018-12-31")], 1,
        [rotation("t", "y", "residency"), rotation("u", "z", "outbound-training", "2019-01-01")],
    ),
    "ROT-DOWN-POSTED": (
        [rotation("r", "x"), rotation("s", "y", "secondment")], 2,
        [rotation("t", "z", "outbound-training"), rotation("u", "v", start="2017-12-31")],
    ),
    "ROT-LONGTERM": (
        [rotation("r", "x", start="2017-08-31", end="2018-02-27"), rotation("s", "y", start="2018-11-01")], 2,
        [rotation("t", "z", start="2017-08-31", end="2018-02-26"),
         rotation("u", "v", start="2017-01-01", end="2017-12-31")],
    ),
    "ROT-BATCH": (
        [rotation("r", "x", batch="1"), rotation("s", "y", batch="1"), rotation("t", "z", batch="2")], 2,
        [rotation("u", "v"), rotation("w", "q", batch="3", start="2019-01-01")],
    ),
    "CAP-NEWTECH": ([service("a", "2018-01-01")], 1, [service("b", "2019-01-01")]),
    "CAP-SURGEON-3": (
        [surgery("a", "3"), surgery("b", "3")], 1,
        [surgery("c", "4", "role-upper"), surgery("d", "2", "role-upper")],
    ),
    "CAP-SURGEON-4": (
        [surgery("a", "4")], 1, [surgery("b", "4", "role-upper", status="not-done")],
    ),
    "MEM-BY-MODE": (
        [], 4,
        [affiliation(OUTSIDE, period={"start": "2017-01-01", "end": "2018-12-30"})],
    ),
    "GRP-SIZE": (
        [group("a"), group("b", quantity=20)], 2000,
        [group("c", active=False), group("d", managingEntity=ref(OUTSIDE))],
    ),
    "STA-BEDS": ([BEDS(COUNTY), BEDS(TOWNSHIP)], 600, [BEDS(OUTSIDE)]),
    "STA-POPULATION": ([PEOPLE(COUNTY)], 90_000, [PEOPLE(OUTSIDE)]),
    "COM-CASES": ([discussion("a", OPENED)], 1, [answer("b", "a", ANSWERED), discussion("c", LATE)]),
    "COM-SOLVED": (
        [discussion("a", OPENED), answer("b", "a", ANSWERED), answer("c", "a", ANSWERED)], 1,
        [discussion("d", OPENED), answer("e", "d", ANSWERED, "role-township")],
    ),
    "REC-RESULTS": ([diagnostic("a", True)], 1, [diagnostic("b", False)]),
    "GRN-FMC-ECG": (
        [timeline("a", fmc=at("08:00"), first_ecg=at("08:09"))], 9, [timeline("b", fmc=at("08:00"))],
    ),
    "GRN-DOOR-IN-DOOR-OUT": (
        [timeline("a", door_in_door_out={"valueQuantity": {"value": Decimal("31.5"), "unit": "min"}})], 31.5,
        [timeline("b", door_in=at("09:00"), transfer_out=at("08:30"))],
    ),
    "GRN-DOOR-TO-WIRE": (
        [timeline("a", door_in=at("08:00"), wire_crossing=at("09:10"))], 70,
        [timeline("b", wire_crossing=at("09:10"))],
    ),
    "GRN-FMC-TO-WIRE": (
        [timeline("a", fmc=at("08:00"), wire_crossing=at("09:50"))], 110,
        [timeline("b", fmc=at("08:00"))],
    ),
    "GRN-DOOR-TO-NEEDLE": (
        [timeline("a", door_in=at("08:00"), needle=at("08:45"))], 45,
        [timeline("b", needle=at("08:45"))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("measure", ROWS)
def test_what_counts_and_what_does_not(fhir: Fhir, measure: str) -> None:
    counted, value, passed_over = ROWS[measure]
    written = {f"{each['resourceType']}/{each['id']}" for each in (*counted, *passed_over)}
    before = [
        *directory(),
        WANG | {"period": {"start": "2017-01-01", "end": "2017-02-01"}},
        LI | {"period": {"start": "2017-01-01", "end": "2017-02-01"}},
    ]
    others = [each for each in before if f"{each['resourceType']}/{each['id']}" not in written]
    store(fhir, *others, *counted)
    assert total(fhir, measure) == value
    if passed_over:
        store(fhir, *passed_over)
    assert total(fhir, measure) == value


def test_a_median_is_of_all_cases(fhir: Fhir) -> None:
    cases = [timeline(f"t{end}", fmc=at("08:00"), first_ecg=at(f"08:{end}")) for end in ("05", "07", "30")]
    store(fhir, *directory(), *cases)
    assert total(fhir, "GRN-FMC-ECG") == 7


def test_sessions_are_from_the_home_to_the_receiving_organisation(fhir: Fhir) -> None:
    store(fhir, *directory(), WANG, session("a"))
    found = made(fhir, asking=COUNTY)
    assert strata(found, "ROT-SESSIONS", "from-member") == {COUNTY: 1}
    assert strata(found, "ROT-SESSIONS", "to-member") == {TOWNSHIP: 1}
    assert strata(found, "ROT-SESSIONS", "tier-pair") == {"county>township": 1}
    assert strata(found, "ROT-SESSIONS", "specialty") == {"心血管内科": 1}
    assert strata(found, "ROT-SESSIONS", "activity") == {"outpatient": 1}


def test_members_by_mode_and_tier_at_the_end_of_the_period(fhir: Fhir) -> None:
    store(fhir, *directory())
    store(fhir, affiliation(UPPER, mode="paired-support"))
    found = made(fhir)
    assert strata(found, "MEM-BY-MODE", "mode") == {"tight": 3, "paired-support": 1}
    assert strata(found, "MEM-BY-MODE", "tier") == {"prefecture": 1, "county": 1, "township": 1, "village": 1}


def test_a_member_that_left_in_the_period_was_one(fhir: Fhir) -> None:
    store(fhir, *directory(), WANG | {"period": {"start": "2017-01-01", "end": "2017-02-01"}})
    store(fhir, affiliation(UPPER, active=False, period={"start": "2017", "end": "2018-03-01"}))
    assert made(fhir).members == 4
    assert total(fhir, "MEM-BY-MODE") == 3
    store(fhir, affiliation(UPPER, active=False, period={"start": "2017", "end": "2017-12-31"}))
    assert made(fhir).members == 3


def test_a_network_of_another_lead_is_not_reported_on(fhir: Fhir) -> None:
    other = organization(
        "Organization/other", extension=[extension("lead-organization", valueReference=ref(UPPER))]
    )
    store(fhir, *directory(), other, affiliation(OUTSIDE, network="Organization/other"))
    assert made(fhir, of=COUNTY).members == 4
    assert made(fhir, of=UPPER).members == 2
    assert made(fhir, of=NETWORK).members == 4


def test_displays_are_those_of_the_code_systems(fhir: Fhir) -> None:
    system = {
        "resourceType": "CodeSystem", "id": "x", "url": systems.code_system("rotation-activity"),
        "status": "active", "content": "complete", "concept": [{"code": "outpatient", "display": "坐诊"}],
    }  # fmt: skip
    store(fhir, *directory(), system)
    labels = made(fhir).labels
    assert labels.of("activity", "outpatient") == "坐诊"
    assert labels.of("activity", "surgery") == "surgery"
    assert labels.of("icd-chapter", "IX") == "IX 循环系统疾病"
    assert labels.of("specialty", "-") == "未标明"
