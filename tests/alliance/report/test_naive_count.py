"""The totals of a report are those of a count that is written from the rules alone, resource by resource."""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.alliance import systems
from fhir_server.resource import Resource
from tests.alliance.report.network import (
    COUNTY,
    HTEST,
    TOWNSHIP,
    UPPER,
    VILLAGE,
    activity,
    directory,
    made,
    request,
    rotation,
    store,
    task,
)
from tests.interactions.fhir import Fhir

MEMBERS = (UPPER, COUNTY, TOWNSHIP, VILLAGE)
SHANGHAI = timezone(timedelta(hours=8))
YEAR = datetime(2018, 1, 1, tzinfo=SHANGHAI), datetime(2019, 1, 1, tzinfo=SHANGHAI)

# the borders of the year and what lies around them, with other offsets too
TIMES = st.one_of(
    st.sampled_from(
        ["2017-12-31T23:59:59+08:00", "2018-01-01T00:00:00+08:00", "2017-12-31T16:30:00Z",
         "2018-12-31T15:59:59Z", "2018-12-31T16:00:00Z", "2019-01-01T00:00:00+08:00"]
    ),
    st.datetimes(datetime(2017, 11, 1), datetime(2019, 2, 1)).map(
        lambda moment: moment.replace(microsecond=0, tzinfo=SHANGHAI).isoformat()
    ),
)  # fmt: skip
STATUSES = st.sampled_from(
    ["submitted", "accepted", "bed-reserved", "appointment-booked", "arrived", "admitted", "visited",
     "outcome-returned", "down-referred", "no-show", "died"]
)  # fmt: skip
DOCTORS = st.sampled_from(["role-upper", "role-county", "role-township", "role-village", "role-outside"])
OWNERS = st.sampled_from([*MEMBERS, "Organization/outside"])
TASKS = st.fixed_dictionaries(
    {
        "reached": st.dictionaries(STATUSES, TIMES, min_size=1, max_size=5),
        "direction": st.sampled_from(["up", "down", "horizontal"]),
        "setting": st.sampled_from(["I", "O", "E"]),
        "kind": st.sampled_from(["referral", "referral", "transfer", "teleconsult"]),
        "green": st.sampled_from([None, "stroke"]),
        "patient": st.sampled_from(["Patient/p", "Patient/q"]),
        "by": DOCTORS,
        "owner": OWNERS,
    },
    optional={"meta": st.just(HTEST), "status": st.just("entered-in-error")},
)
ACTIVITIES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["outpatient", "free-clinic", "surgery", "lecture", "training",
                                 "case-discussion", "consult", "teaching-round", "circuit-guidance"]),
        "roles": st.lists(
            st.sampled_from(["r-wang", "r-wang-2", "r-li"]), min_size=1, max_size=2, unique=True
        ),
        "start": TIMES,
        "status": st.sampled_from(["fulfilled", "fulfilled", "booked"]),
    },
    optional={"served": st.integers(1, 50), "attended": st.integers(1, 50)},
)  # fmt: skip
ROTATIONS = [rotation("r-wang", "wang"), rotation("r-wang-2", "wang"), rotation("r-li", "li")]
HOMES = {f"role-{each.split('/')[1]}": each for each in MEMBERS}


def inside(text: str | None) -> bool:
    return text is not None and YEAR[0] <= datetime.fromisoformat(text) < YEAR[1]


# ---- the naive count: every function reads one resource as A.3 of the specification says


def values(resource: Resource, name: str) -> list[Resource]:
    return [each for each in resource.get("extension", []) if each["url"] == systems.extension_url(name)]


def first(one: Resource, statuses: tuple[str, ...]) -> str | None:
    """The earliest milestone of these."""
    found = []
    for mark in values(one, "milestone"):
        status, time = (part.get("valueCode") or part.get("valueDateTime") for part in mark["extension"])
        if status in statuses:
            found.append(str(time))
    return min(found, key=datetime.fromisoformat, default=None)


def arrival(one: Resource) -> str | None:
    return first(one, ("arrived",)) or first(one, ("admitted", "visited"))


def is_counted(one: Resource) -> bool:
    return one["status"] != "entered-in-error" and "security" not in one.get("meta", {})


def of_members(one: Resource) -> bool:
    by = one["requester"]["reference"].removeprefix("PractitionerRole/")
    return by in HOMES or one["owner"]["reference"] in MEMBERS


def is_referral(one: Resource, direction: str, *, inpatient: bool = True) -> bool:
    (way,), (setting,), (kind,) = (
        values(one, name) for name in ("referral-direction", "care-setting", "focus-category")
    )
    return (
        is_counted(one)
        and of_members(one)
        and way["valueCode"] == direction
        and (setting["valueCode"] == "I") == inpatient
        and kind["valueCodeableConcept"]["coding"][0]["code"] in ("referral", "transfer")
    )


def naive(tasks: list[Resource], activities: list[Resource]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, way in (("R-UP", "up"), ("R-DOWN", "down")):
        all_ = [each for each in tasks if is_referral(each, way)]
        here = [each for each in all_ if inside(arrival(each))]
        found[name] = len(here)
        found[f"{name}-PATIENTS"] = len({each["for"]["reference"] for each in here})
        found[f"{name}-SUBMITTED"] = sum(inside(first(each, ("submitted",))) for each in all_)
        accepted = ("accepted", "bed-reserved", "appointment-booked")
        found[f"{name}-ACCEPTED"] = sum(inside(first(each, accepted)) for each in all_)
        done = ("outcome-returned", "down-referred")
        found[f"{name}-COMPLETED"] = sum(inside(first(each, done)) for each in all_)
        others = [each for each in tasks if is_referral(each, way, inpatient=False)]
        found[f"{name}-OTHER"] = sum(inside(arrival(each)) for each in others)
    green = [
        each for each in tasks if is_counted(each) and of_members(each) and values(each, "green-channel")
    ]
    found["GRN-CASES"] = sum(inside(arrival(each)) for each in green)
    done_ = [each for each in activities if each["status"] == "fulfilled" and inside(each["start"])]
    kinds: dict[str, Callable[[str], bool]] = {
        "ROT-SESSIONS": lambda kind: kind in ("outpatient", "free-clinic", "circuit-guidance"),
        "EDU-COURSES": lambda kind: kind in ("lecture", "training"),
        "ACT-CASE": lambda kind: kind == "case-discussion",
        "ACT-CONSULT": lambda kind: kind == "consult",
        "ACT-ROUND": lambda kind: kind == "teaching-round",
    }
    kind_of: Callable[[Resource], str] = lambda each: each["serviceType"][0]["coding"][0]["code"]  # noqa: E731
    for name, fits in kinds.items():
        found[name] = sum(fits(kind_of(each)) for each in done_)
    people = {"r-wang": "wang", "r-wang-2": "wang", "r-li": "li"}
    found["ROT-EXPERTS"] = len(
        {people[each["actor"]["reference"].split("/")[1]] for one in done_ for each in one["participant"]}
    )
    number: Callable[[Resource, str], int] = lambda each, name: sum(  # noqa: E731
        mark["valueUnsignedInt"] for mark in values(each, name)
    )
    found["ROT-SERVED"] = sum(number(each, "served-count") for each in done_)
    taught = [each for each in done_ if kinds["EDU-COURSES"](kind_of(each))]
    found["EDU-ATTEND"] = sum(number(each, "attendee-count") for each in taught)
    return found


@given(st.lists(TASKS, max_size=12), st.lists(ACTIVITIES, max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_totals_are_those_of_a_naive_count(tasks: list[Any], activities: list[Any]) -> None:
    written = [task(f"t{number}", **each) for number, each in enumerate(tasks)]
    acts = [
        activity(f"a{number}", each["kind"], each["roles"],
                 **{name: value for name, value in each.items() if name not in ("kind", "roles")})
        for number, each in enumerate(activities)
    ]  # fmt: skip
    for each in acts:
        each["end"] = each["start"]
    requests = [request(f"sr-{each['id']}") for each in written]
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        fhir = Fhir(runner, Path(folder) / "fhir.sqlite")
        store(fhir, *directory(), *ROTATIONS, *written, *requests, *acts)
        found = made(fhir)
        expected = naive(written, acts)
        assert {name: found.total(name).value for name in expected} == expected
        fhir.close()
