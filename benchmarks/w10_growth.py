"""W10: how much of the rate of W3 is kept when the store grows, from 20,000 resources to 200,000 and more.

The largest store is `--largest`; 2,000,000 take a quarter of an hour to fill, once.
"""

from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.corpus import DESCRIPTION
from benchmarks.filled import copies_of, running_filled
from benchmarks.harness import Load, Options, Result, drive, main, median_of, middle, rounds_of
from benchmarks.w3_search import CONNECTIONS, searching

TITLE = "growth"
BAR = 80.0
SIZES = (20_000, 200_000, 2_000_000)
WARMING = 5  # times as long as a round: pages of the largest store are mapped when they are first touched


def run(options: Options) -> Result:
    sizes = [size for size in SIZES if size < options.largest] + [options.largest]
    with ExitStack() as running:
        each = [
            (running.enter_context(running_filled(options, size)), searching(options, size)) for size in sizes
        ]
        for server, search in each:
            drive(server, CONNECTIONS, search, WARMING * options.seconds)
        loads: list[list[Load]] = [[] for _ in sizes]
        for number in range(options.rounds):
            # by turns, for the speed of the machine moves; and no size is always the first
            for place in range(len(sizes))[:: -1 if number % 2 else 1]:
                loads[place].append(drive(each[place][0], CONNECTIONS, each[place][1], options.seconds))
    # each round of the largest against the same round of the smallest
    rounds = [
        round(100 * last.per_cpu_s / first.per_cpu_s, 1)
        for first, last in zip(loads[0], loads[-1], strict=True)
    ]
    detail: dict[str, Any] = {}
    for size, found in zip(sizes, loads, strict=True):
        detail[f"{size:,} resources"] = middle(found).summary()
        detail[f"{size:,} resources, rounds"] = rounds_of(found)
    detail["of the medians"] = round(100 * median_of(loads[-1]) / median_of(loads[0]), 1)
    copies = " and ".join(str(copies_of(size)) for size in sizes)
    detail["corpus"] = f"{DESCRIPTION}, {copies} times with new ids"
    return Result("W10", TITLE, median(rounds), "% of searches per CPU-s kept", BAR, False, rounds, detail)


if __name__ == "__main__":
    main(run)
