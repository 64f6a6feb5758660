"""W15: from process start to the first 200 on /metadata; resident memory idle, and after W5."""

from statistics import median

from benchmarks.corpus import DESCRIPTION
from benchmarks.harness import Options, Result, main, resident_mb, running
from benchmarks.w5_import import load_bundles

TITLE = "start"
BAR = 1.0  # seconds
IDLE_MB = 150
LOADED_MB = 400


def run(options: Options) -> Result:
    with running(options) as server:
        starts = []
        for _ in range(max(options.rounds, 1)):
            server.stop()
            starts.append(round(server.start(path="/fhir/metadata"), 3))
        idle_mb = round(resident_mb(server), 1)
        load_bundles(server, limit=3 if options.quick else None)
        loaded_mb = round(resident_mb(server), 1)
    detail = {
        "idle_mb": idle_mb,
        "idle_mb_bar": IDLE_MB,
        "loaded_mb": loaded_mb,
        "loaded_mb_bar": LOADED_MB,
        "corpus": DESCRIPTION,
    }
    return Result("W15", TITLE, median(starts), "seconds to /metadata", BAR, True, starts, detail)


if __name__ == "__main__":
    main(run)
