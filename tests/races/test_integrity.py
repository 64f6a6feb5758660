"""Catalogue C10: one deletes what another refers to at the same time; one of them wins, and nothing dangles.

https://hl7.org/fhir/R4/http.html#delete, docs/validation.md `referential_integrity`
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.races.crowd import all_at_once, with_crowd
from tests.server import Server
from tests.wire import Answer, Connection

SIZE = 8


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two processes on one file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FHIR_SERVER_REFERENTIAL_INTEGRITY", "Observation")
        with Server(tmp_path_factory.mktemp("integrity") / "data", workers=2) as server:
            yield server


def observation(subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "race"},
        "subject": {"reference": subject},
    }


def bundle(*entries: tuple[str, str, dict[str, Any] | None]) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    for method, url, resource in entries:
        of_resource = {"resource": resource} if resource else {}
        found.append({"request": {"method": method, "url": url}} | of_resource)
    return {"resourceType": "Bundle", "type": "transaction", "entry": found}


async def write(client: Connection, patient: str, *, together: bool) -> Answer:
    if not together:
        return await client.request("POST", "/fhir/Observation", observation(patient))
    made = bundle(("POST", "Observation", observation(patient)))
    return await client.request("POST", "/fhir", made)


async def delete(client: Connection, patient: str, *, together: bool) -> Answer:
    if not together:
        return await client.request("DELETE", f"/fhir/{patient}")
    return await client.request("POST", "/fhir", bundle(("DELETE", patient, None)))


@pytest.mark.parametrize("together", [False, True], ids=["alone", "in transactions"])
@pytest.mark.parametrize("delete_first", [False, True], ids=["write first", "delete first"])
@pytest.mark.parametrize("rounds", [15, pytest.param(200, marks=pytest.mark.long)])
def test_C10_a_target_is_deleted_while_it_is_referred_to(
    keeping: Server, rounds: int, delete_first: bool, together: bool
) -> None:
    """`delete_first` alone decides who asks first; who is first is up to the two processes."""

    async def race(clients: list[Connection]) -> None:
        for number in range(rounds):
            id_ = f"{int(delete_first)}{int(together)}-{rounds}-{number}"
            patient = f"Patient/{id_}"
            put = await clients[0].request("PUT", f"/fhir/{patient}", {"resourceType": "Patient", "id": id_})
            assert put.status == 201

            async def act(place: int, client: Connection, patient: str = patient) -> tuple[bool, Answer]:
                deletes = (place % 2 == 0) is delete_first
                ask = delete if deletes else write
                return deletes, await ask(client, patient, together=together)

            answers = await all_at_once(clients, act)
            await judged(clients[-1], patient, answers)

    with_crowd(keeping, race, SIZE)


async def judged(client: Connection, patient: str, answers: list[tuple[bool, Answer]]) -> None:
    deleted = [answer.status for deletes, answer in answers if deletes and answer.status < 300]
    written = [answer.status for deletes, answer in answers if not deletes and answer.status < 300]
    refused = {(deletes, answer.status) for deletes, answer in answers if answer.status >= 300}
    assert refused <= {(True, 409), (False, 422)}
    # whoever was first, the others of his kind may follow, those of the other kind may not
    assert bool(deleted) is not bool(written), (deleted, written)
    found = await client.request("GET", f"/fhir/Observation?subject={patient}&_total=accurate")
    assert found.json()["total"] == len(written)
    assert (await client.request("GET", f"/fhir/{patient}")).status == (410 if deleted else 200)
