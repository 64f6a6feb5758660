"""One entry of a transaction that changes something, on its way from what was sent to what is stored."""

from dataclasses import dataclass, field, replace
from typing import Literal

from fhir_server.interactions import conditional
from fhir_server.interactions import delete as deletion
from fhir_server.interactions.context import Context
from fhir_server.interactions.entries import Entry, expression
from fhir_server.interactions.patch import Change as Patch
from fhir_server.interactions.patch import patched, read_patch
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.targets import Rewritten, Targets
from fhir_server.interactions.write import Draft, body, draft, put, require_same_id
from fhir_server.outcome import missing
from fhir_server.resource import Resource
from fhir_server.store.algebra import Node
from fhir_server.store.protocol import Method, Reader, Transaction

Kind = Literal["create", "update", "patch", "delete"]
_KINDS: dict[str, Kind] = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(slots=True)
class Change:
    number: int  # of the entry, from 0
    kind: Kind
    full_url: str | None
    request: Request
    resource_type: str
    where: Node | None  # None: unconditional
    fresh_id: str  # for a resource that is created; "": this change can create none
    ids: list[str] = field(default_factory=list)  # what is changed: one, but for a conditional delete
    matched: bool = False  # a conditional create that found its resource: nothing is written
    rewritten: Rewritten | None = None
    draft: Draft | None = None
    patch: Patch | None = None
    open: bool = True  # not prepared to the end, something it links to is not known yet
    force: bool = False  # a versioned reference counts on the next version

    @property
    def writes(self) -> bool:
        return self.kind != "delete" and not self.matched


async def read_change(context: Context, entry: Entry) -> Change:
    request = entry.request
    assert request.resource_type is not None
    kind = _KINDS[request.method]
    if kind in ("create", "update"):
        resource = body(request)
        if request.id is not None:
            require_same_id(resource, request.id)
    elif kind == "patch" and request.resource is None:
        raise missing("a PATCH entry needs a Parameters resource")
    where = None
    if request.if_none_exist is not None if kind == "create" else request.id is None:
        where = await conditional.condition(context, request, request.resource_type)
    fresh_id = context.new_id() if request.id is None and kind in ("create", "update") else ""
    change = Change(entry.number, kind, entry.full_url, request, request.resource_type, where, fresh_id)
    if where is None:
        change.ids = [request.id or fresh_id]
    return change


async def match(context: Context, reader: Reader, change: Change) -> None:
    """Find out which resource a conditional entry is about."""
    if change.where is None:
        return
    resource_type, where = change.resource_type, change.where
    change.matched = False
    if change.kind == "delete":
        change.ids = await conditional.ids_to_delete(context, reader, resource_type, where)
    elif change.kind == "update":
        resource = body(change.request)
        change.ids = [await conditional.id_to_update(reader, resource, where, change.fresh_id)]
    elif change.kind == "patch":
        change.ids = [await conditional.id_to_patch(reader, resource_type, where)]
    else:
        found = await conditional.matched_id(reader, resource_type, where)
        change.matched = found is not None
        change.ids = [found or change.fresh_id]


async def prepare(context: Context, targets: Targets, change: Change) -> None:
    """Do for a change what the links and ids that are known allow; what is done is not done again."""
    if not change.writes:
        return
    if change.rewritten is None or targets.is_stale(change.rewritten):
        change.draft = change.patch = None
        assert change.request.resource is not None
        change.rewritten = targets.rewrite(change.request.resource, change.full_url)
    change.open = None in change.rewritten.used.values()
    if not change.open:
        if change.kind == "patch":
            _prepare_patch(context, change, change.rewritten.resource)
        else:
            await _prepare_draft(context, change, change.rewritten.resource)


def _prepare_patch(context: Context, change: Change, resource: Resource) -> None:
    if change.patch is None:
        change.patch = read_patch(context, replace(change.request, resource=resource))


async def _prepare_draft(context: Context, change: Change, resource: Resource) -> None:
    if change.draft is None:
        change.draft = await draft(context, resource, f"{expression(change.number)}.resource")
    if change.draft.id != change.ids[0]:
        change.draft = change.draft.under(change.ids[0])


async def write(context: Context, transaction: Transaction, change: Change) -> Response:
    request = change.request
    if change.kind == "patch":
        assert change.patch is not None
        version = await conditional.current(transaction, change.resource_type, change.ids[0])
        given = await patched(context, version, change.patch)
        return await put(context, transaction, request, given, "PATCH", force=change.force)
    assert change.draft is not None
    method: Method = "POST" if change.kind == "create" else "PUT"
    return await put(context, transaction, request, change.draft, method, force=change.force)


async def remove(context: Context, transaction: Transaction, change: Change) -> Response:
    request = change.request
    found = [
        await deletion.remove(context, transaction, request, change.resource_type, id_) for id_ in change.ids
    ]
    return deletion.answer(request, [version for version in found if version is not None])
