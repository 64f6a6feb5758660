"""W12L: what W12 asks, of two code systems with 500,000 concepts each that were loaded from tables.

A classification as a CSV and a release as tab-separated files. The load is measured too: CPU and memory of
the command, and what the store takes. A page of an expansion is one of a text filter, of a concept and all
below it, or of the whole and far behind.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from benchmarks.code_tables import ICD, RELEASE, ancestor, classification, icd_codes, release, release_code
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
    resident_mb,
    rounds_of,
    running,
)
from benchmarks.w13_storage import folder_bytes
from tests.server import Server
from tests.wire import encoded

TITLE = "terminology, 500,000 concepts"
BAR = 2000  # per CPU-second, all kinds together
SIZE = 500_000
VALUE_SETS = ("icd", "release", *(f"below-{number}" for number in range(1, 21)))
QUESTIONS = 400  # of each kind
WORDS = ("肺", "肝 恶性", "结核", "急性 肾", "创伤性 骨", "disorder 4", "A0", "病毒性 脑 感染")


def run(options: Options) -> Result:
    size = 2_000 if options.quick else SIZE
    detail: dict[str, Any] = {"concepts": f"2 x {size:,}"}

    def load(data: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="bench-tables-") as folder:
            table = Path(folder) / "icd.csv"
            classification(table, size)
            files = release(Path(folder), size)
            for name, flags in (
                ("CSV", ["--parents", "prefix", str(table)]),
                ("release", ["--system", RELEASE, "--version", "1", *map(str, files)]),
            ):
                used = command("terminology", "load", "--data", str(data), *flags)
                detail[f"load of the {name}"] = {
                    "cpu_s": round(used.cpu_s, 1),
                    "wall_s": round(used.wall_s, 1),
                    "concepts_per_cpu_s": round(size / used.cpu_s),
                    "most_mb": round(used.most_mb),
                }
        detail["store_mb"] = round(folder_bytes(data) / 1e6)

    with running(options, before=load) as server:
        _put_value_sets(server)
        questions = ask_for(size, 20 if options.quick else QUESTIONS)
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

        drive(server, 2, asking(*requests), options.seconds / 2)
        for kind in requests:
            detail[kind] = drive(server, 8, asking(kind), options.seconds / 2).summary()

        def measure() -> Load:
            return drive(server, 8, asking(*requests), options.seconds)

        loads = repeated(options, server, "w12_large", measure)
        detail["8 connections"] = middle(loads).summary()
        detail["resident_mb"] = round(resident_mb(server))
    return Result("W12L", TITLE, median_of(loads), "requests per CPU-s", BAR, False, rounds_of(loads), detail)


def ask_for(size: int, count: int) -> dict[str, list[str]]:
    """URLs of each kind of question, the same in every run."""
    chance = Random(12)
    codes = list(icd_codes(size))[:size]
    found: dict[str, list[str]] = {"lookup": [], "validate-code": [], "expand": [], "subsumes": []}
    for number in range(count):
        code, concept = chance.choice(codes), chance.randrange(size)
        system, wanted = (ICD, code) if number % 2 else (RELEASE, release_code(concept))
        found["lookup"].append(_asked("CodeSystem/$lookup", system=system, code=wanted))
        asked = wanted if chance.random() < 0.8 else f"{wanted}-x"
        found["validate-code"].append(_asked("CodeSystem/$validate-code", url=system, code=asked))
        above = release_code(ancestor(concept))
        found["subsumes"].append(
            _asked("CodeSystem/$subsumes", system=RELEASE, codeA=above, codeB=release_code(concept))
            if number % 2
            else _asked("CodeSystem/$subsumes", system=ICD, codeA=code[:3], codeB=code)
        )
        found["expand"].append(_page(number, chance))
    return found


def _page(number: int, chance: Random) -> str:
    """One page of 20."""
    every, below = VALUE_SETS[:2], VALUE_SETS[2:]
    match number % 4:
        case 0:  # a text
            return _expanded(chance.choice(every), filter=chance.choice(WORDS))
        case 1:  # all below a concept
            return _expanded(chance.choice(below))
        case 2:  # the same, with a text
            return _expanded(chance.choice(below), filter=chance.choice(WORDS))
        case _:  # far behind
            return _expanded(every[0], offset=str(chance.randrange(0, 50_000, 20)))


def _expanded(id_: str, **more: str) -> str:
    return _asked(f"ValueSet/{id_}/$expand", count="20", **more)


def _put_value_sets(server: Server) -> None:
    """Those of all codes, and of all below one of the first concepts of the release."""
    composes: list[dict[str, Any]] = [{"system": ICD}, {"system": RELEASE}]
    composes += [
        {"system": RELEASE, "filter": [{"property": "concept", "op": "is-a", "value": release_code(number)}]}
        for number in range(1, len(VALUE_SETS) - 1)
    ]

    async def put(client: Client, _: Callable[[], bool]) -> int:
        for id_, include in zip(VALUE_SETS, composes, strict=True):
            value_set = {
                "resourceType": "ValueSet",
                "id": id_,
                "url": f"http://example.org/fhir/ValueSet/{id_}",
                "status": "active",
                "compose": {"include": [include]},
            }
            body = json.dumps(value_set).encode()
            await client.send(encoded("127.0.0.1", "PUT", f"/fhir/ValueSet/{id_}", body), 201)
        return len(composes)

    drive(server, 1, put, 0)


def _asked(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode(parameters)}"


if __name__ == "__main__":
    main(run)
