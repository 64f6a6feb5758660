"""Many clients book one Slot on two workers: one has it. https://hl7.org/fhir/R4/slot.html"""

from typing import Any

from tests.races.crowd import CLIENTS, all_at_once, statuses, with_crowd
from tests.server import Server
from tests.wire import Answer, Connection

SLOTS = 12
TIMES = {"start": "2026-12-01T08:00:00+08:00", "end": "2026-12-01T08:30:00+08:00"}
PARTICIPANT = [{"actor": {"reference": "Location/1"}, "status": "accepted"}]


def test_E10_30_one_slot_is_booked_once_under_load(server: Server) -> None:
    async def race(clients: list[Connection]) -> None:
        for number in range(SLOTS):
            slot = {"resourceType": "Slot", "id": f"race-{number}", "status": "free", **TIMES}
            made = await clients[0].request(
                "PUT", f"/fhir/Slot/race-{number}", slot | {"schedule": {"reference": "Schedule/1"}}
            )
            assert made.status == 201, made.body
            reference = f"Slot/race-{number}"

            async def book(_: int, client: Connection, reference: str = reference) -> Answer:
                appointment: dict[str, Any] = {
                    "resourceType": "Appointment", "status": "booked", "slot": [{"reference": reference}],
                    "participant": PARTICIPANT, **TIMES,
                }  # fmt: skip
                return await client.request("POST", "/fhir/Appointment", appointment)

            answers = await all_at_once(clients, book)
            assert statuses(answers) == {201: 1, 409: CLIENTS - 1}
            found = await clients[1].request("GET", f"/fhir/Appointment?slot={reference}&_total=accurate")
            assert found.json()["total"] == 1
            held = await clients[1].request("GET", f"/fhir/{reference}")
            assert held.json()["status"] == "busy"

    with_crowd(server, race)
