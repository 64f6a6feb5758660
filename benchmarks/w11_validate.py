"""W11: `$validate` of 200 official examples and 200 resources of the sample alliance, by 8 connections.

Against the base specification, and vital signs (observations of Synthea) against the profile `vitalsigns`.
"""

import json
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any

from benchmarks.harness import (
    Client,
    Load,
    Options,
    Result,
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


def run(options: Options) -> Result:
    with running(options) as server:
        host = f"127.0.0.1:{server.port}"
        bodies = [*examples(), *alliance()]
        base = [_request(host, body, "") for body in bodies]
        signs = [_request(host, body, f"?profile={VITAL_SIGNS}") for body in vital_signs()]
        chance = Random(1)

        def asking(requests: list[bytes]) -> Callable[[Client, Callable[[], bool]], Any]:
            async def ask(client: Client, over: Callable[[], bool]) -> int:
                count = 0
                while not over():
                    await client.send(chance.choice(requests), 200)
                    count += 1
                return count

            return ask

        drive(server, 2, asking([*base, *signs]), options.seconds / 2)  # rules are made when first used

        def measure() -> Load:
            return drive(server, 8, asking(base), options.seconds)

        loads = repeated(options, server, "w11_validate", measure)
        profiled = drive(server, 8, asking(signs), options.seconds)
    detail: dict[str, Any] = {
        "base, 8 connections": middle(loads).summary(),
        "profile, 8 connections": profiled.summary(),
        "bar of profile": BAR_PROFILE,
        "bytes each": sum(map(len, bodies)) // len(bodies),
    }
    return Result("W11", TITLE, median_of(loads), "resources per CPU-s", BAR, False, rounds_of(loads), detail)


def _request(host: str, body: bytes, query: str) -> bytes:
    type_ = json.loads(body)["resourceType"]
    return encoded(host, "POST", f"/fhir/{type_}/$validate{query}", body)


def examples() -> list[bytes]:
    fitting = [text for _, text in official_examples() if len(text) < LARGEST]
    return Random(11).sample(fitting, EACH)


def alliance() -> list[bytes]:
    """Without the profiles that they claim: those are measured apart."""
    bare = ({name: value for name, value in each.items() if name != "meta"} for each in resources(World("A")))
    return [resource.encode(each) for each in islice(bare, EACH)]


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
