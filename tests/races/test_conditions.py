"""Catalogue D01, D02: clients that all want the same resource to exist end up with one."""

from typing import Any
from uuid import uuid4

import pytest

from tests.races.crowd import CLIENTS, all_at_once, statuses, with_crowd
from tests.server import Server
from tests.wire import Answer, Connection

SYSTEM = "urn:example:races"


def _patient(value: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": value}]}


@pytest.mark.parametrize("keys", [20, pytest.param(300, marks=pytest.mark.long)])
def test_D01_the_same_if_none_exist(server: Server, keys: int) -> None:
    async def race(clients: list[Connection]) -> None:
        for _ in range(keys):
            value = str(uuid4())
            condition = (("If-None-Exist", f"identifier={SYSTEM}|{value}"),)

            async def create(
                _: int, client: Connection, value: str = value, condition: Any = condition
            ) -> Answer:
                return await client.request("POST", "/fhir/Patient", _patient(value), condition)

            answers = await all_at_once(clients, create)
            assert statuses(answers) == {201: 1, 200: CLIENTS - 1}
            assert len({answer.json()["id"] for answer in answers}) == 1
            found = await clients[0].request(
                "GET", f"/fhir/Patient?identifier={SYSTEM}|{value}&_total=accurate"
            )
            assert found.json()["total"] == 1

    with_crowd(server, race)


def _bundle(value: str) -> dict[str, Any]:
    patient = "urn:uuid:" + str(uuid4())
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "race"},
        "subject": {"reference": patient},
    }
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": patient,
                "resource": _patient(value),
                "request": {
                    "method": "POST",
                    "url": "Patient",
                    "ifNoneExist": f"identifier={SYSTEM}|{value}",
                },
            },
            {"resource": observation, "request": {"method": "POST", "url": "Observation"}},
        ],
    }


@pytest.mark.parametrize("keys", [5, pytest.param(100, marks=pytest.mark.long)])
def test_D02_the_same_if_none_exist_inside_transactions(server: Server, keys: int) -> None:
    async def race(clients: list[Connection]) -> None:
        for _ in range(keys):
            value = str(uuid4())

            async def transact(_: int, client: Connection, value: str = value) -> Answer:
                return await client.request("POST", "/fhir", _bundle(value))

            answers = await all_at_once(clients, transact)
            assert statuses(answers) == {200: CLIENTS}
            made = [answer.json()["entry"][0]["response"]["status"][:3] for answer in answers]
            assert sorted(made) == ["200"] * (CLIENTS - 1) + ["201"]
            query = f"/fhir/Observation?patient.identifier={SYSTEM}|{value}&_count={2 * CLIENTS}"
            found = (await clients[0].request("GET", query)).json()
            assert len(found["entry"]) == CLIENTS
            assert len({entry["resource"]["subject"]["reference"] for entry in found["entry"]}) == 1

    with_crowd(server, race)


@pytest.mark.parametrize("keys", [5, pytest.param(100, marks=pytest.mark.long)])
def test_D02_conditional_update_against_conditional_create(server: Server, keys: int) -> None:
    async def race(clients: list[Connection]) -> None:
        for _ in range(keys):
            value = str(uuid4())
            criteria = f"identifier={SYSTEM}|{value}"

            async def write(
                number: int, client: Connection, value: str = value, criteria: str = criteria
            ) -> Answer:
                if number % 2:
                    headers = (("If-None-Exist", criteria),)
                    return await client.request("POST", "/fhir/Patient", _patient(value), headers)
                return await client.request("PUT", f"/fhir/Patient?{criteria}", _patient(value))

            answers = await all_at_once(clients, write)
            assert statuses(answers) == {201: 1, 200: CLIENTS - 1}
            assert len({answer.json()["id"] for answer in answers}) == 1

    with_crowd(server, race)
