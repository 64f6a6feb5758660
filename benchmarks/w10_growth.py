"""W10: how much of the rate of W3 is kept when the store grows, from 20,000 resources to 200,000 and more.

The largest store is `--largest`; 2,000,000 take hours to fill, once.
"""

from typing import Any

from benchmarks.corpus import DESCRIPTION
from benchmarks.filled import copies_of, running_filled
from benchmarks.harness import Load, Options, Result, main, median_of, middle
from benchmarks.w3_search import measure

TITLE = "growth"
BAR = 80.0
SIZES = (20_000, 200_000, 2_000_000)


def run(options: Options) -> Result:
    sizes = [size for size in SIZES if size < options.largest] + [options.largest]
    loads: list[list[Load]] = []
    for size in sizes:
        with running_filled(options, size) as server:
            loads.append(measure(options, server, size, f"w10_growth_{size}"))
    rates = [median_of(each) for each in loads]
    # each round of the largest against the same round of the smallest
    rounds = [
        round(100 * last.per_cpu_s / first.per_cpu_s, 1)
        for first, last in zip(loads[0], loads[-1], strict=True)
    ]
    detail: dict[str, Any] = {
        f"{size:,} resources": middle(each).summary() for size, each in zip(sizes, loads, strict=True)
    }
    copies = " and ".join(str(copies_of(size)) for size in sizes)
    detail["corpus"] = f"{DESCRIPTION}, {copies} times with new ids"
    kept = round(100 * rates[-1] / rates[0], 1)
    return Result("W10", TITLE, kept, "% of searches per CPU-s kept", BAR, False, rounds, detail)


if __name__ == "__main__":
    main(run)
