"""A naive count of what the work report has to print, by the definitions alone.

Written apart from the generator and from the report: it goes through the resources one after the other and
knows nothing of how they came about.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import Any

from fhir_server.resource import Resource
from tests.alliance.sample.networks import codes, name_of, parts, value

_SHANGHAI = timezone(timedelta(hours=8))
START = datetime(2018, 1, 1, tzinfo=_SHANGHAI)
END = datetime(2019, 7, 1, tzinfo=_SHANGHAI)


def is_counted(resource: Resource) -> bool:
    labels = resource["meta"].get("security", ())
    return resource.get("status") != "entered-in-error" and all(label["code"] != "HTEST" for label in labels)


def in_period(text: str) -> bool:
    if len(text) == 10:
        return START.date() <= date.fromisoformat(text) < END.date()
    return START <= datetime.fromisoformat(text) < END


def moments(task: Resource) -> dict[str, str]:
    return {value(found, "businessStatus"): value(found, "time") for found in parts(task, "milestone")}


def arrival(task: Resource) -> str | None:
    """When the patient arrived; that he was admitted or seen tells it too."""
    reached = moments(task)
    for status in ("arrived", "admitted", "visited"):
        if status in reached:
            return reached[status]
    return None


def has_come(task: Resource) -> bool:
    when = arrival(task)
    return when is not None and in_period(when)


def kind(task: Resource) -> str | None:
    """None: of a Task that follows no request, a wish to cancel."""
    category = value(task, "focus-category")
    return str(category["coding"][0]["code"]) if category else None


def referrals(found: Iterable[Resource], direction: str) -> list[Resource]:
    """Those of inpatients that have come in the period."""
    return [
        task
        for task in found
        if task["resourceType"] == "Task"
        and task["code"]["coding"][0]["code"] == "fulfill"
        and is_counted(task)
        and kind(task) in ("referral", "transfer")
        and value(task, "referral-direction") == direction
        and value(task, "care-setting") == "I"
        and has_come(task)
    ]


def green_channel(found: Iterable[Resource], of: str) -> list[Resource]:
    return [
        task
        for task in found
        if task["resourceType"] == "Task"
        and is_counted(task)
        and has_come(task)
        and any(value(channel, "type")["coding"][0]["code"] == of for channel in parts(task, "green-channel"))
    ]


def teleconsults(found: Iterable[Resource]) -> list[Resource]:
    return [
        task
        for task in found
        if task["resourceType"] == "Task"
        and is_counted(task)
        and kind(task) == "teleconsult"
        and in_period(moments(task).get("outcome-returned", "1900-01-01"))
    ]


def sessions(found: Iterable[Resource], *kinds: str) -> list[Resource]:
    """Fulfilled activities of the period."""
    return [
        appointment
        for appointment in found
        if appointment["resourceType"] == "Appointment"
        and appointment["status"] == "fulfilled"
        and is_counted(appointment)
        and in_period(appointment["start"])
        and (not kinds or codes(appointment["serviceType"], "rotation-activity") & set(kinds))
    ]


def total(appointments: list[Resource], name: str) -> int:
    return sum(value(appointment, name) or 0 for appointment in appointments)


def experts(found: list[Resource]) -> set[str]:
    """The practitioners who held a session."""
    roles = {name_of(role): role for role in found if role["resourceType"] == "PractitionerRole"}
    actors = (
        participant["actor"]["reference"]
        for appointment in sessions(found)
        for participant in appointment["participant"]
    )
    return {roles[actor]["practitioner"]["reference"] for actor in actors if actor in roles}


def posted(found: Iterable[Resource], *, away: bool) -> set[str]:
    """The practitioners whose posting began in the period; away: who were sent to learn."""
    return {
        role["practitioner"]["reference"]
        for role in found
        if role["resourceType"] == "PractitionerRole"
        and is_counted(role)
        and (mode := codes(role["code"], "rotation-mode"))
        and (mode == {"outbound-training"}) == away
        and in_period(role["period"]["start"])
    }


def batches(found: Iterable[Resource]) -> set[str]:
    return {
        batch
        for role in found
        if role["resourceType"] == "PractitionerRole" and (batch := value(role, "batch"))
    }


def long_posted(found: Iterable[Resource]) -> set[str]:
    """For six months or more."""
    return {
        role["practitioner"]["reference"]
        for role in found
        if role["resourceType"] == "PractitionerRole"
        and (mode := codes(role["code"], "rotation-mode"))
        and mode != {"outbound-training"}
        and _days(role["period"]) >= 184
    }


def _days(period: dict[str, Any]) -> int:
    return (date.fromisoformat(period["end"]) - date.fromisoformat(period["start"])).days


def techniques(found: Iterable[Resource]) -> list[Resource]:
    return [
        service
        for service in found
        if service["resourceType"] == "HealthcareService"
        and is_counted(service)
        and in_period(value(service, "new-technology") or "1900-01-01")
    ]


def surgeons(found: Iterable[Resource], level: str) -> set[str]:
    return {
        performer["actor"]["reference"]
        for procedure in found
        if procedure["resourceType"] == "Procedure"
        and procedure["status"] == "completed"
        and is_counted(procedure)
        and value(procedure, "surgical-level")["coding"][0]["code"] == level
        and in_period(procedure["performedDateTime"])
        for performer in procedure["performer"]
    }


def cases_discussed(found: Iterable[Resource]) -> tuple[int, int]:
    """How many were asked about, and how many of them somebody answered."""
    messages = [
        message
        for message in found
        if message["resourceType"] == "Communication"
        and codes(message["category"], "communication-category") == {"case-discussion"}
        and is_counted(message)
    ]
    answered = {link["reference"] for message in messages for link in message.get("inResponseTo", ())}
    asked = [message for message in messages if "inResponseTo" not in message and in_period(message["sent"])]
    return len(asked), sum(f"Communication/{message['id']}" in answered for message in asked)
