"""`python -m benchmarks`: all workloads, or those that are named; a table, a chart, the figures as JSON."""

from argparse import ArgumentParser
from pathlib import Path

from tqdm import tqdm

from benchmarks import report
from benchmarks.harness import Options, machine_speed, state
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; default: all"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements, of which the median counts")
    parser.add_argument("--workers", type=int, default=1, help="processes of the server")
    parser.add_argument("--profile", type=Path, help="folder for py-spy's stacks")
    parser.add_argument("--largest", type=int, default=200_000, help="resources of W10's largest store")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for what comes of it")
    given = parser.parse_args()
    chosen = given.workloads or list(WORKLOADS)
    if unknown := set(chosen) - set(WORKLOADS):
        parser.error(f"{', '.join(sorted(unknown))}: not a workload, they are {', '.join(WORKLOADS)}")
    options = Options(given.seconds, given.rounds, given.workers, given.profile, given.largest)
    results = []
    with tqdm(chosen) as bar:
        for name in bar:
            bar.set_description(name)
            before = machine_speed()
            result = WORKLOADS[name](options)
            result.detail["machine speed"] = [before, machine_speed()]
            results.append(result)
    written = report.write(given.results, state(options), results, given.profile)
    print(report.table(results))
    print("\n".join(f"written: {path}" for path in written))


if __name__ == "__main__":
    main()
