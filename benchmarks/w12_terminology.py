"""W12: lookup, validate-code, a page of an expansion, subsumes, each a quarter, by 8 connections.

On the code systems of R4's core; on those of a package where the environment names one:

    FHIR_TERMINOLOGY_PACKAGE=hl7.terminology.r4-7.0.1.tgz python -m benchmarks W12
"""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import msgspec

from benchmarks.harness import (
    Client,
    Load,
    Options,
    Result,
    command,
    drive,
    main,
    median_of,
    middle,
    repeated,
    rounds_of,
    running,
)
from fhir_server.definitions.packages import open_package
from tests.server import Server
from tests.wire import encoded

TITLE = "terminology"
BAR = 4000  # per CPU-second, all four kinds together
PACKAGE = os.environ.get("FHIR_TERMINOLOGY_PACKAGE")

SYSTEMS = 60  # of which codes are asked for
VALUE_SETS = 60
CODES = 200  # of each kind of question
SMALLEST = 20  # codes of a code system


def run(options: Options) -> Result:
    def add(data: Path) -> None:
        if PACKAGE is not None:
            command("packages", "add", "--data", str(data), PACKAGE)

    with running(options, before=add) as server:
        questions = ask_for(server, 20 if options.quick else CODES)
        chance = Random(1)
        host = f"127.0.0.1:{server.port}"
        requests = {
            kind: [encoded(host, "GET", f"/fhir/{url}") for url in urls] for kind, urls in questions.items()
        }

        def asking(*kinds: str) -> Callable[[Client, Callable[[], bool]], Any]:
            async def ask(client: Client, over: Callable[[], bool]) -> int:
                count = 0
                while not over():
                    await client.send(chance.choice(requests[kinds[count % len(kinds)]]), 200)
                    count += 1
                return count

            return ask

        drive(server, 2, asking(*requests), options.seconds / 2)  # definitions are read when first asked for
        detail: dict[str, Any] = {}
        for kind in requests:
            detail[kind] = drive(server, 8, asking(kind), options.seconds / 2).summary()

        def measure() -> Load:
            return drive(server, 8, asking(*requests), options.seconds)

        loads = repeated(options, server, "w12_terminology", measure)
    detail["8 connections"] = middle(loads).summary()
    detail["corpus"] = "the definitions of R4" if PACKAGE is None else Path(PACKAGE).name
    return Result("W12", TITLE, median_of(loads), "requests per CPU-s", BAR, False, rounds_of(loads), detail)


def ask_for(server: Server, count: int) -> dict[str, list[str]]:
    """URLs of each kind of question, the same in every run."""
    chance = Random(12)
    systems = [each for each in _resources(server, "CodeSystem") if len(_edges(each)[0]) >= SMALLEST]
    systems = chance.sample(sorted(systems, key=_url), min(SYSTEMS, len(systems)))
    found: dict[str, list[str]] = {"lookup": [], "validate-code": [], "expand": [], "subsumes": []}
    for _ in range(count):
        system = chance.choice(systems)
        codes, below = _edges(system)
        code = chance.choice(codes)
        other, above = chance.choice(below) if below else (chance.choice(codes), code)
        url = system["url"]
        found["lookup"].append(_asked("CodeSystem/$lookup", system=url, code=code))
        # one in five is wrong
        asked = code if chance.random() < 0.8 else f"{code}-x"
        found["validate-code"].append(_asked("CodeSystem/$validate-code", url=url, code=asked))
        found["subsumes"].append(_asked("CodeSystem/$subsumes", system=url, codeA=above, codeB=other))
    versions = {_url(each): each.get("version") for each in systems}
    value_sets = [each for each in _resources(server, "ValueSet") if _is_of(each, versions)]
    for _ in range(count):
        value_set = chance.choice(sorted(value_sets, key=_url)[:VALUE_SETS])
        offset = chance.choice((0, 0, 20))
        found["expand"].append(
            _asked("ValueSet/$expand", url=value_set["url"], offset=str(offset), count="20")
        )
    return found


def _asked(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"


def _url(resource: dict[str, Any]) -> str:
    found: str = resource["url"]
    return found


def _is_of(value_set: dict[str, Any], versions: dict[str, Any]) -> bool:
    """Whether it is of code systems that are asked about, in the versions that there are."""
    parts = value_set.get("compose", {}).get("include", ())
    return bool(parts) and all(
        "valueSet" not in each
        and each.get("system") in versions
        and each.get("version") in (None, versions[each["system"]])
        for each in parts
    )


def _edges(system: dict[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    """All codes, and (code, code that it is nested in)."""
    codes: list[str] = []
    nested: list[tuple[str, str]] = []

    def walk(concepts: list[dict[str, Any]], parent: str | None) -> None:
        for concept in concepts:
            codes.append(concept["code"])
            if parent is not None:
                nested.append((concept["code"], parent))
            walk(concept.get("concept", []), concept["code"])

    walk(system.get("concept", []), None)
    return codes, nested


def _resources(server: Server, resource_type: str) -> list[dict[str, Any]]:
    """All that the server has, or that are in the package."""
    if PACKAGE is not None:
        return [each for _, each in open_package(Path(PACKAGE)).canonicals() if _fits(each, resource_type)]
    found: list[dict[str, Any]] = []
    url = f"/fhir/{resource_type}?_count=500"
    while url:
        bundle = _fetched(server, url)
        found += [entry["resource"] for entry in bundle.get("entry", ())]
        links = {each["relation"]: each["url"] for each in bundle["link"]}
        url = "/fhir" + links["next"].partition("/fhir")[2] if "next" in links else ""
    return [each for each in found if _fits(each, resource_type)]


def _fits(resource: dict[str, Any], resource_type: str) -> bool:
    complete = resource.get("content", "complete") == "complete"
    return resource["resourceType"] == resource_type and complete and "url" in resource


def _fetched(server: Server, url: str) -> dict[str, Any]:
    bodies: list[bytes] = []

    async def fetch(client: Client, _: Callable[[], bool]) -> int:
        bodies.append((await client.send(encoded("127.0.0.1", "GET", url), 200)).body)
        return 1

    drive(server, 1, fetch, 0)
    found: dict[str, Any] = msgspec.json.decode(bodies[0])
    return found


if __name__ == "__main__":
    main(run)
