"""Resources whose index rows stand in the resource itself, so that tests say what is indexed."""

from typing import Any

from fhir_server import resource
from fhir_server.store.matching import stands_in
from fhir_server.store.protocol import Content, Method, Store, Version, Wording, Words, Written
from fhir_server.store.rows import Rows

Resource = dict[str, Any]

START = 1_700_000_000_000


class Ticking:
    """A clock that goes on by a millisecond at each look, unless it is set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        self.now += 1
        return self.now


def patient(id_: str, **rows: Any) -> Resource:
    return make("Patient", id_, **rows)


def make(resource_type: str, id_: str, *, note: str = "", told: str = "", **rows: Any) -> Resource:
    """A resource with index rows: `strings=[["Patient.name", "eve", 1]]`, `instances=[{…}]`.

    told: the words of its narrative; those of `note` are the others
    """
    found: Resource = {"resourceType": resource_type, "id": id_, "rows": rows}
    return found | {name: text for name, text in (("note", note), ("told", told)) if text}


def words_of(found: Resource) -> Words:
    return Words(tuple(found.get("told", "").split()), tuple(found.get("note", "").split()))


def extract(resource_type: str, body: bytes, columns: tuple[str, ...] = ()) -> Rows:
    found = resource.decode(body)
    assert found["resourceType"] == resource_type
    return rows_of(found["rows"])


def rows_of(rows: dict[str, Any]) -> Rows:
    plain = {name: {tuple(row) for row in found} for name, found in rows.items() if name != "instances"}
    plain["numbers"] = {(*row[:2], *map(float, row[2:])) for row in plain.get("numbers", ())}
    plain["positions"] = {(row[0], *map(float, row[1:])) for row in plain.get("positions", ())}
    return Rows(**plain, instances=[rows_of(instance) for instance in rows.get("instances", ())])


def _words(body: bytes) -> Words:
    return words_of(resource.decode(body))


WORDING = Wording(_words, lambda body, node: stands_in(node, _words(body)))


def content(found: Resource) -> Content:
    return Content(found["resourceType"], found["id"], resource.content(found), rows_of(found["rows"]))


async def put(
    store: Store, found: Resource, *, if_match: int | None = None, force: bool = False, method: Method = "PUT"
) -> Written:
    return await store.transaction(
        lambda tx: tx.put(content(found), method=method, if_match=if_match, force=force)
    )


async def put_all(store: Store, *found: Resource) -> None:
    async def work(tx: Any) -> None:
        for one in found:
            await tx.put(content(one), method="PUT")

    await store.transaction(work)


async def delete(
    store: Store, resource_type: str, id_: str, *, if_match: int | None = None
) -> Version | None:
    return await store.transaction(lambda tx: tx.delete(resource_type, id_, if_match=if_match))


def decoded(version: Version) -> Resource:
    """The body without version and time."""
    found: Resource = resource.decode(version.body)
    meta = {k: v for k, v in found["meta"].items() if k not in ("versionId", "lastUpdated")}
    return {k: v for k, v in found.items() if k != "meta"} | ({"meta": meta} if meta else {})
