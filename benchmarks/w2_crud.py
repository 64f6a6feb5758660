"""W2: 36 requests an iteration: POST of nine types that refer to each other, GET, PUT, DELETE of all.

PUT makes one change. Base validation is on, every write is durable when it is answered.
"""

from collections.abc import Callable

from benchmarks.corpus import CRUD_SIZES, DESCRIPTION, crud_templates
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
from tests.wire import encoded

TITLE = "create, read, update, delete"
BAR = 2000
CONNECTIONS = 16


def run(options: Options) -> Result:
    templates = crud_templates()

    async def crud(client: Client, over: Callable[[], bool]) -> int:
        count = 0
        while not over():
            count += await iteration(client, templates)
        return count

    with running(options) as server:
        drive(server, CONNECTIONS, crud, options.seconds / 5)  # warms up: rules and statements are compiled

        def measure() -> Load:
            return drive(server, CONNECTIONS, crud, options.seconds)

        loads = repeated(options, server, "w2_crud", measure)
    detail = {
        f"{CONNECTIONS} connections": middle(loads).summary(),
        "corpus": f"{DESCRIPTION}: of each type the one nearest in size, filled up; a made Location",
    }
    return Result("W2", TITLE, median_of(loads), "requests per CPU-s", BAR, False, rounds_of(loads), detail)


async def iteration(client: Client, templates: dict[str, bytes]) -> int:
    """Answers the number of requests."""
    ids: dict[str, str] = {}
    bodies: dict[str, bytes] = {}
    for kind in CRUD_SIZES:
        body = templates[kind]
        for other, id_ in ids.items():
            body = body.replace(f"@{other}@".encode(), id_.encode())
        body = body.replace(b"@", b"")  # refers to a type that comes later
        answer = await client.send(_request("POST", kind, body), 201)
        ids[kind] = (answer.header("Location") or "").split("/_history")[0].rsplit("/", 1)[-1]
        bodies[kind] = body
    for kind, id_ in ids.items():
        await client.send(_request("GET", f"{kind}/{id_}"), 200)
    for kind, id_ in ids.items():
        change = f'{{"id":"{id_}","language":"en",'.encode()
        await client.send(_request("PUT", f"{kind}/{id_}", change + bodies[kind][1:]), 200)
    for kind, id_ in reversed(ids.items()):
        await client.send(_request("DELETE", f"{kind}/{id_}"), 200, 204)
    return 4 * len(ids)


def _request(method: str, path: str, body: bytes | None = None) -> bytes:
    return encoded("127.0.0.1", method, f"/fhir/{path}", body)


if __name__ == "__main__":
    main(run)
