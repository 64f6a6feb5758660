"""https://hl7.org/fhir/R4/slot.html: of those who book a Slot one has it."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_server.alliance.booking import BOOKING_RULES
from fhir_server.interactions.request import OPERATOR
from fhir_server.resource import Resource
from tests.interactions.fhir import Fhir, codes, content, entry, post

TIMES = {"start": "2026-12-01T08:00:00+08:00", "end": "2026-12-01T08:30:00+08:00"}


def slot(id_: str, status: str = "free") -> Resource:
    schedule = {"reference": "Schedule/1"}
    return {"resourceType": "Slot", "id": id_, "status": status, "schedule": schedule, **TIMES}


def appointment(*slots: str, status: str = "booked", **elements: Any) -> Resource:
    participant = [{"actor": {"reference": "Location/1"}, "status": "accepted"}]
    found = {"resourceType": "Appointment", "status": status, "participant": participant, **TIMES}
    return found | {"slot": [{"reference": f"Slot/{each}"} for each in slots]} | elements


@pytest.fixture
def clinic(fhir: Fhir) -> Fhir:
    """With the free Slots a and b, and c, which its owner has closed."""
    for each in (slot("a"), slot("b"), slot("c", "busy-unavailable")):
        fhir("PUT", f"Slot/{each['id']}", each)
    fhir.context = replace(fhir.context, rules=BOOKING_RULES)
    return fhir


def statuses(clinic: Fhir) -> str:
    return " ".join(clinic.read(f"Slot/{each}")["status"] for each in "abc")


def test_who_books_a_slot_has_it(clinic: Fhir) -> None:
    made = clinic("POST", "Appointment", appointment("a"))
    assert made.status == 201
    assert statuses(clinic) == "busy free busy-unavailable"


def test_E10_30_a_slot_is_not_booked_twice(clinic: Fhir) -> None:
    clinic("POST", "Appointment", appointment("a"))
    error = clinic.refused("POST", "Appointment", appointment("b", "a"))
    assert codes(error) == (409, "conflict")
    assert "Slot/a is booked" in str(error)
    assert statuses(clinic) == "busy free busy-unavailable"  # nor is the other one
    assert clinic.total("Appointment") == 1


def test_a_slot_that_is_closed_cannot_be_booked(clinic: Fhir) -> None:
    error = clinic.refused("POST", "Appointment", appointment("c"))
    assert codes(error) == (409, "conflict")
    assert "busy-unavailable" in str(error)


def test_a_slot_that_was_sold_elsewhere_cannot_be_booked(clinic: Fhir) -> None:
    """By its owner's own system, which says so in the Slot alone."""
    clinic("PUT", "Slot/a", slot("a", "busy"))
    assert codes(clinic.refused("POST", "Appointment", appointment("a"))) == (409, "conflict")


def test_one_transaction_does_not_book_twice_either(clinic: Fhir) -> None:
    error = clinic.refused_transaction(post(appointment("a")), post(appointment("a")))
    assert codes(error) == (409, "conflict")
    assert statuses(clinic) == "free free busy-unavailable"


def test_a_request_holds_its_slot_until_it_is_answered(clinic: Fhir) -> None:
    clinic("PUT", "Appointment/1", appointment("a", status="pending", id="1"))
    assert statuses(clinic) == "busy-tentative free busy-unavailable"
    assert codes(clinic.refused("POST", "Appointment", appointment("a"))) == (409, "conflict")
    clinic("PUT", "Appointment/1", appointment("a", id="1"))
    assert statuses(clinic) == "busy free busy-unavailable"


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "proposed"])
def test_what_is_held_no_more_is_free(clinic: Fhir, status: str) -> None:
    clinic("PUT", "Appointment/1", appointment("a", id="1"))
    clinic("PUT", "Appointment/1", appointment("a", id="1", status=status))
    assert statuses(clinic) == "free free busy-unavailable"
    assert clinic("POST", "Appointment", appointment("a")).status == 201


def test_a_deleted_appointment_gives_its_slot_back(clinic: Fhir) -> None:
    clinic("PUT", "Appointment/1", appointment("a", id="1"))
    clinic("DELETE", "Appointment/1")
    assert statuses(clinic) == "free free busy-unavailable"


def test_an_appointment_is_moved_to_another_slot(clinic: Fhir) -> None:
    clinic("PUT", "Appointment/1", appointment("a", id="1"))
    clinic("PUT", "Appointment/1", appointment("b", id="1"))
    assert statuses(clinic) == "free busy busy-unavailable"
    error = clinic.refused("PUT", "Appointment/1", appointment("c", id="1"))
    assert codes(error) == (409, "conflict")
    assert statuses(clinic) == "free busy busy-unavailable"


def test_what_its_owner_closed_meanwhile_stays_closed(clinic: Fhir) -> None:
    clinic("PUT", "Appointment/1", appointment("a", id="1"))
    clinic("PUT", "Slot/a", slot("a", "busy-unavailable"))
    clinic("DELETE", "Appointment/1")
    assert statuses(clinic) == "busy-unavailable free busy-unavailable"


def test_a_patch_books_and_frees_too(clinic: Fhir) -> None:
    clinic("PUT", "Appointment/1", appointment("a", id="1"))
    patch = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    clinic("PATCH", "Appointment/1", patch=patch)
    assert statuses(clinic) == "free free busy-unavailable"


def test_slots_that_are_not_here_are_nobodys(clinic: Fhir) -> None:
    assert clinic("POST", "Appointment", appointment("elsewhere")).status == 201


def test_what_an_operator_loads_is_taken_as_it_is(clinic: Fhir) -> None:
    clinic("PUT", "Slot/a", slot("a", "busy"))
    loaded = clinic("PUT", "Appointment/1", appointment("a", id="1"), organization=OPERATOR)
    assert loaded.status == 201
    assert statuses(clinic) == "busy free busy-unavailable"


def test_the_slot_of_the_same_transaction(clinic: Fhir) -> None:
    found = clinic.transaction(
        entry("POST", "Appointment", appointment("d")), entry("PUT", "Slot/d", slot("d"))
    )
    assert [each["response"]["status"][:3] for each in found] == ["201", "201"]
    assert content(clinic("GET", "Slot/d"))["status"] == "busy"
