"""W16: what a referral costs: its Task is accepted, arrives and is completed, each by PUT under If-Match.

Against as many updates of Tasks of the same content that belong to no referral: the ratio of the CPU of the
server. They claim a profile that says the same, so that the figure is what the rules cost; beside it stands
the ratio to Tasks that claim none. What completes a referral completes its ServiceRequest too: a write more,
which is counted in.
"""

import json
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

from benchmarks.harness import Client, Load, Options, Result, drive, main, middle, running
from fhir_server.alliance.referral.elements import (
    DIRECTION,
    FOCUS_CATEGORY,
    KIND,
    SETTING,
    concept,
    filler_number,
    milestone,
)
from tests.alliance.referral.world import (
    CONSENT,
    DIRECTORY,
    FEEDBACK,
    LOWER,
    UPPER,
    business,
    service_request,
    task,
)
from tests.server import ROOT, Server
from tests.wire import encoded

TITLE = "a referral's Task, against a plain update"
BAR = 1.5
CONNECTIONS = 8
PLAIN = "https://alliance-fhir.example/fhir/StructureDefinition/plain-task"
TIME = "2026-11-27T10:00:00+08:00"
_MOVES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("accepted", "accepted", {}),
    ("in-progress", "arrived", {"executionPeriod": {"start": "2026-11-22T10:00:00+08:00"}}),
    ("completed", "outcome-returned", {"output": [FEEDBACK]}),
)
WRITTEN = len(_MOVES) + 1  # versions: of the Task by each move, of the ServiceRequest by the last


class Round(NamedTuple):
    governed: Load
    plain: Load
    unchecked: Load  # plain, without a profile


def run(options: Options) -> Result:
    each = 24 if options.quick else round(80 * options.seconds)
    with running(options) as server:
        _set_up(server)
        _round(server, 0, 16)  # warms up
        rounds = [_round(server, number, each) for number in range(1, options.rounds + 1)]
    ratios = [round(one.plain.per_cpu_s / one.governed.per_cpu_s, 2) for one in rounds]
    bare = [one.unchecked.per_cpu_s / one.governed.per_cpu_s for one in rounds]
    detail = {
        "updates of a referral": middle([one.governed for one in rounds]).summary(),
        "plain updates": middle([one.plain for one in rounds]).summary(),
        "plain updates without a profile": middle([one.unchecked for one in rounds]).summary(),
        "times one without a profile": [round(ratio, 2) for ratio in bare],
        "the same, for each version written": [round(ratio * len(_MOVES) / WRITTEN, 2) for ratio in bare],
    }
    return Result("W16", TITLE, round(median(ratios), 2), "times a plain update", BAR, True, ratios, detail)


def _set_up(server: Server) -> None:
    async def work(client: Client, _: Callable[[], bool]) -> int:
        profile = json.loads((ROOT / "profiles" / "StructureDefinition-referral-task.json").read_bytes())
        return await _transact(client, [*DIRECTORY, CONSENT, profile | {"id": "plain-task", "url": PLAIN}])

    drive(server, 1, work, 0)


def _round(server: Server, number: int, each: int) -> Round:
    """So many referrals from submission to completion, and the same of Tasks that are none."""
    names = [f"r{number}-{index}" for index in range(each)]

    async def submit(client: Client, _: Callable[[], bool]) -> int:
        for start in range(0, each, 20):
            await _transact(client, _submissions(names[start : start + 20]))
        return each

    drive(server, 1, submit, 0)
    return Round(
        _moved(server, [_moves(_governed(name)) for name in names]),
        _moved(server, [_moves(_plain(name), own=True) for name in names]),
        _moved(server, [_moves(_unchecked(name), own=True) for name in names]),
    )


def _submissions(names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        request = service_request(f"sr-{name}")
        request["identifier"] = [request["identifier"][0] | {"value": name}]
        yield request
        yield _governed(name)
        yield _plain(name)
        yield _unchecked(name)


def _governed(name: str) -> dict[str, Any]:
    found = task(name, focus={"reference": f"ServiceRequest/sr-{name}"})
    return found | {"identifier": [{"system": "urn:example:lower:task", "value": name}]}


def _plain(name: str) -> dict[str, Any]:
    """The same, with what the server adds to a referral's; it fulfills none."""
    return _governed(name) | {
        "id": f"plain-{name}",
        "meta": {"profile": [PLAIN]},
        "focus": {"reference": f"ServiceRequest/xx-{name}"},
        "extension": [
            {"url": DIRECTION, "valueCode": "up"},
            {"url": SETTING, "valueCode": "I"},
            {"url": FOCUS_CATEGORY, "valueCodeableConcept": concept(KIND, "referral")},
            milestone("submitted", TIME),
        ],
        "businessStatus": business("submitted"),
        "identifier": [
            {"system": "urn:example:lower:task", "value": name},
            filler_number({"id": "upper"}, "20261128", len(name)),
        ],
        "authoredOn": TIME,
        "lastModified": TIME,
        "restriction": {"period": {"start": TIME, "end": "2026-12-02T10:00:00+08:00"}},
    }


def _unchecked(name: str) -> dict[str, Any]:
    tag = {"system": "urn:example:tag", "code": PLAIN}  # as long as the profile
    return _plain(name) | {"id": f"unchecked-{name}", "meta": {"tag": [tag]}}


def _moved(server: Server, left: list[list[bytes]]) -> Load:
    async def work(client: Client, _: Callable[[], bool]) -> int:
        count = 0
        while left:
            for request in left.pop():
                await client.send(request, 200)
                count += 1
        return count

    return drive(server, CONNECTIONS, work, 0)


def _moves(given: dict[str, Any], *, own: bool = False) -> list[bytes]:
    """Requests; own: with the milestones that the server would add."""
    found = []
    for version, (status, state, elements) in enumerate(_MOVES, 1):
        given = given | {"status": status, "businessStatus": business(state)} | elements
        if own:
            given = given | {"extension": [*given["extension"], milestone(state, TIME)]}
        headers = (("X-Acting-Organization", UPPER), ("If-Match", f'W/"{version}"'))
        body = json.dumps(given).encode()
        found.append(encoded("127.0.0.1", "PUT", f"/fhir/Task/{given['id']}", body, headers))
    return found


async def _transact(client: Client, resources: Any) -> int:
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    headers = (("X-Acting-Organization", LOWER),)
    await client.send(encoded("127.0.0.1", "POST", "/fhir", json.dumps(bundle).encode(), headers), 200)
    return len(entries)


if __name__ == "__main__":
    main(run)
