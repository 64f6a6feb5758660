"""W5: Synthea's patients as transaction bundles by 4 clients; all is indexed, all is validated."""

from collections.abc import Callable
from itertools import islice

from benchmarks.corpus import DESCRIPTION, bundles
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
from tests.server import Server
from tests.wire import encoded

TITLE = "import by transactions"
BAR = 2500
CLIENTS = 4


def run(options: Options) -> Result:
    loads = []
    for number in range(options.rounds):
        with running(options) as server:  # an empty store for each round

            def measure(server: Server = server) -> Load:
                return load_bundles(server, limit=3 if options.quick else None)

            # one profile is enough
            once = Options(options.seconds, 1, options.workers, None if number else options.profile)
            loads += repeated(once, server, "w5_import", measure)
    detail = {f"{CLIENTS} clients": middle(loads).summary(), "corpus": DESCRIPTION}
    return Result("W5", TITLE, median_of(loads), "resources per CPU-s", BAR, False, rounds_of(loads), detail)


def load_bundles(server: Server, copies: int = 1, limit: int | None = None) -> Load:
    """Posts the bundles, each once; counts resources. `limit`: only so many bundles."""
    waiting = islice(bundles(copies), limit)

    async def post(client: Client, _: Callable[[], bool]) -> int:
        count = 0
        for bundle, entries in waiting:
            await client.send(encoded("127.0.0.1", "POST", "/fhir", bundle), 200)
            count += entries
        return count

    return drive(server, CLIENTS, post, 0)


if __name__ == "__main__":
    main(run)
