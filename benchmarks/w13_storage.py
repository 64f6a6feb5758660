"""W13: gigabytes of the store for a million Synthea resources, all of them indexed."""

from pathlib import Path

from benchmarks.corpus import DESCRIPTION
from benchmarks.harness import Options, Result, main, running
from benchmarks.w5_import import load_bundles

TITLE = "storage"
BAR = 0.8
COPIES = 5


def run(options: Options) -> Result:
    copies = 1 if options.quick else COPIES
    with running(options) as server:
        load = load_bundles(server, copies, limit=3 if options.quick else None)
        server.stop()  # what the log holds goes into the store
        size_bytes = folder_bytes(server.data)
    figure = round(size_bytes / load.count * 1e6 / 1e9, 3)
    detail = {
        "bytes": size_bytes,
        "resources": load.count,
        "corpus": f"{DESCRIPTION}, {copies} times with new ids",
    }
    return Result("W13", TITLE, figure, "GB per million resources", BAR, True, [figure], detail)


def folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(run)
