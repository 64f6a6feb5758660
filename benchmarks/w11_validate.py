"""W11: `$validate` of 200 official examples and 200 resources of the sample alliance, by 8 connections.

Against the base specification; and with profiles: the same alliance resources with those that they claim, and
vital signs (observations of Synthea) against `vitalsigns`. One request is one resource.

With FHIR_JAVA_VALIDATOR, a program that takes `validate FOLDER` and prints for each file a line
`{"file": …, "ms": …}`, the official Java validator gets the same resources in the same run, between rounds.
"""

import json
import os
import resource as system
import subprocess
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from benchmarks.harness import (
    Client,
    Load,
    Options,
    Result,
    Work,
    drive,
    main,
    median_of,
    middle,
    repeated,
    rounds_of,
    running,
)
from fhir_server import resource
from fhir_server.alliance.sample.networks import resources
from fhir_server.alliance.sample.world import World
from tests.examples import official_examples, synthea_bundles
from tests.wire import encoded

TITLE = "validate"
BAR = 3000  # per CPU-second, base specification
BAR_PROFILE = 1000
VITAL_SIGNS = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
EACH = 200
LARGEST = 20_000  # bytes of an example
TURNS = 3  # of the official validator, the first to warm it up


def run(options: Options) -> Result:
    with running(options) as server:
        host = f"127.0.0.1:{server.port}"
        bodies = [*examples(), *map(_bare, alliance())]
        base = [_request(host, body, "") for body in bodies]
        profiled = [_request(host, body, f"?profile={VITAL_SIGNS}") for body in vital_signs()]
        profiled += [_request(host, resource.encode(each), "") for each in alliance()]
        # rules are made when first used: each once, then until the code is as fast as it gets
        for requests in (base, profiled):
            drive(server, 1, _each_once(requests), 0)
            drive(server, 8, _drawn(requests), options.seconds / 2)

        def measure() -> Load:
            return drive(server, 8, _drawn(base), options.seconds)

        loads = repeated(options, server, "w11_validate", measure)
        with_profiles = [drive(server, 8, _drawn(profiled), options.seconds) for _ in range(options.rounds)]
        official = None if options.quick else _official(bodies)
        if official is not None:
            loads.append(measure())
    detail: dict[str, Any] = {
        "base, 8 connections": middle(loads).summary(),
        "profile, 8 connections": middle(with_profiles).summary(),
        "profile, rounds": rounds_of(with_profiles),
        "bar of profile": BAR_PROFILE,
        "bytes each": sum(map(len, bodies)) // len(bodies),
    }
    if official is not None:
        detail["official validator"] = official
    return Result("W11", TITLE, median_of(loads), "resources per CPU-s", BAR, False, rounds_of(loads), detail)


def _each_once(requests: list[bytes]) -> Work:
    async def ask(client: Client, over: Callable[[], bool]) -> int:
        for request in requests:
            await client.send(request, 200)
        return len(requests)

    return ask


def _drawn(requests: list[bytes]) -> Work:
    chance = Random(1)

    async def ask(client: Client, over: Callable[[], bool]) -> int:
        count = 0
        while not over():
            await client.send(chance.choice(requests), 200)
            count += 1
        return count

    return ask


def _official(bodies: list[bytes]) -> dict[str, float] | None:
    """What the official validator takes for the same resources, in one thread; None: it is not here."""
    program = os.environ.get("FHIR_JAVA_VALIDATOR")
    if not program:
        return None
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(TURNS):
            for number, body in enumerate(bodies):
                (Path(folder) / f"{turn}-{number:04}.json").write_bytes(body)
        before = system.getrusage(system.RUSAGE_CHILDREN)
        done = subprocess.run([program, "validate", folder], capture_output=True, text=True, check=True)
        after = system.getrusage(system.RUSAGE_CHILDREN)
    took = [json.loads(line)["ms"] for line in done.stdout.splitlines()]
    assert len(took) == TURNS * len(bodies)
    warm = took[len(bodies) :]  # the files come by name: the first turn warms it up
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "per second, warm, one thread": round(1000 * len(warm) / sum(warm), 1),
        "median ms, warm": round(median(warm), 1),
        "per CPU-s, with its start and warming up": round(len(took) / cpu_s, 1),
    }


def _request(host: str, body: bytes, query: str) -> bytes:
    type_ = json.loads(body)["resourceType"]
    return encoded(host, "POST", f"/fhir/{type_}/$validate{query}", body)


def examples() -> list[bytes]:
    fitting = [text for _, text in official_examples() if len(text) < LARGEST]
    return Random(11).sample(fitting, EACH)


def alliance() -> list[resource.Resource]:
    """With the profiles that they claim."""
    return list(islice(resources(World("A")), EACH))


def _bare(found: resource.Resource) -> bytes:
    return resource.encode({name: value for name, value in found.items() if name != "meta"})


def vital_signs() -> list[bytes]:
    entries = (entry["resource"] for _, text in synthea_bundles() for entry in resource.decode(text)["entry"])
    return [resource.encode(each) for each in islice(filter(_is_vital_sign, entries), EACH)]


def _is_vital_sign(found: dict[str, Any]) -> bool:
    codes = [
        coding.get("code") for category in found.get("category", ()) for coding in category.get("coding", ())
    ]
    return found["resourceType"] == "Observation" and "vital-signs" in codes


if __name__ == "__main__":
    main(run)
