"""W8: `$everything` of the patient with the most resources, whole and by pages of 20."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial

from benchmarks.corpus import DESCRIPTION
from benchmarks.filled import copies_of, relative_bundles, running_filled
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
)
from tests.wire import encoded

TITLE = "$everything"
BAR = 15  # ms of CPU for the whole record
RESOURCES = 20_000


def run(options: Options) -> Result:
    patient, members = _largest(0 if options.quick else 1)

    async def ask(path: str, client: Client, over: Callable[[], bool]) -> int:
        count = 0
        while not over():
            await client.send(encoded("127.0.0.1", "GET", f"/fhir/{path}"), 200)
            count += 1
        return count

    with running_filled(options, RESOURCES) as server:
        whole = partial(ask, f"Patient/{patient}/$everything")
        drive(server, 1, whole, options.seconds / 5)  # warms up
        pages = drive(
            server, 1, partial(ask, f"Patient/{patient}/$everything?_count=20"), options.seconds / 2
        )

        def measure() -> Load:
            return drive(server, 1, whole, options.seconds)

        loads = repeated(options, server, "w8_everything", measure)
    detail = {
        "whole": middle(loads).summary(),
        "first page of 20": pages.summary(),
        "first page of 20, ms of CPU": _ms(pages.per_cpu_s),
        "resources of the patient": members,
        "corpus": f"{DESCRIPTION}, {copies_of(RESOURCES)} times with new ids",
    }
    rounds = [_ms(rate) for rate in rounds_of(loads)]
    return Result("W8", TITLE, _ms(median_of(loads)), "ms of CPU", BAR, True, rounds, detail)


def _ms(per_cpu_s: float) -> float:
    return round(1000 / per_cpu_s, 2) if per_cpu_s else 0.0


def _largest(copies: int) -> tuple[str, int]:
    """The id of the patient of the largest bundle, and how many resources that has."""
    sizes: Counter[str] = Counter()
    for text in relative_bundles(copies):
        entries = json.loads(text)["entry"]
        for entry in entries:
            if entry["resource"]["resourceType"] == "Patient":
                sizes[entry["fullUrl"].partition("/")[2]] = len(entries)
    return sizes.most_common(1)[0]


if __name__ == "__main__":
    main(run)
