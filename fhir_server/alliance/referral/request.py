"""The rules of a referral's ServiceRequest, asked at the gate of writes: it is the placer's alone."""

from fhir_server.alliance.referral.deadlines import Deadlines, shown
from fhir_server.alliance.referral.effects import drawn
from fhir_server.alliance.referral.elements import (
    BUSINESS_STATUS,
    REQUEST_PROFILES,
    TASK_PROFILE,
    claims,
    concept,
    filler_number,
    numbered,
    of_type,
)
from fhir_server.alliance.referral.gate import (
    is_loaded,
    refused,
    require_organization,
    require_version,
    with_profile,
)
from fhir_server.alliance.referral.parties import acts_for, organization_of
from fhir_server.alliance.referral.rights import REQUEST_RIGHTS, breaches, content_of
from fhir_server.alliance.referral.table import RequestRow, request_rows_from
from fhir_server.interactions.request import SERVER
from fhir_server.interactions.rules import Proposal
from fhir_server.outcome import business_rule, forbidden
from fhir_server.resource import Resource
from fhir_server.store.protocol import Transaction

_BEYOND_ACCEPTED = ("in-progress", "on-hold", "completed")
ENDED = ("revoked", "entered-in-error")
_ENDS = {
    "requested": "cancelled", "received": "cancelled", "accepted": "cancelled", "on-hold": "failed",
}  # fmt: skip
"""What becomes of a Task when its ServiceRequest is revoked, by its status."""


class RequestRules:
    def __init__(self, deadlines: Deadlines) -> None:
        self._zone = deadlines.zone

    async def __call__(self, proposal: Proposal) -> Resource | None:
        before, after = proposal.before, proposal.after
        if is_loaded(proposal) or not (claims(before, *REQUEST_PROFILES) or claims(after, *REQUEST_PROFILES)):
            return after
        if not claims(before, *REQUEST_PROFILES):
            before = None
        require_organization(proposal)
        if after is None:
            await _deleted(proposal)
            return None
        after = kept(before, after)
        if before is not None and content_of(before) == content_of(after):
            return content_of(before)
        await _require_placer(proposal, before or after)
        require_version(proposal)
        if before is not None and before.get("status") == "draft":
            await _require_placer(proposal, after)
        await _require_status(proposal, before, after)
        if before is not None and before.get("status") != "draft":
            for breach in breaches(content_of(before), content_of(after), REQUEST_RIGHTS):
                raise refused(after, breach)
        if before is not None and after.get("status") in ENDED:
            proposal.unit.reader.at_end(_end_tasks, proposal)
        return await self._numbered(proposal, after) if after.get("status") == "active" else after

    async def _numbered(self, proposal: Proposal, request: Resource) -> Resource:
        """With the number of the filler that it goes to first."""
        if numbered(request, "FILL") is not None:
            return request
        for performer in request.get("performer", ()):
            name = await organization_of(proposal.unit, performer)
            organization = await proposal.unit.resource(name) if name else None
            if organization is not None:
                day = shown(proposal.unit.clock(), self._zone)[:10].replace("-", "")
                number = filler_number(organization, day, drawn(request))
                return request | {"identifier": [*request.get("identifier", ()), number]}
        return request


def kept(before: Resource | None, after: Resource) -> Resource:
    """What the client wants, with the profile and the number of the filler as they are stored."""
    if before is not None:
        given = [each for each in before.get("identifier", ()) if of_type(each, "FILL")]
        missing = [each for each in given if each not in after.get("identifier", ())]
        if missing:
            after = after | {"identifier": [*after.get("identifier", ()), *missing]}
        if not claims(after, *REQUEST_PROFILES):
            profiles = before["meta"]["profile"]
            after = with_profile(
                after, next(each for each in profiles if claims(_of(each), *REQUEST_PROFILES))
            )
    return after


def _of(profile: str) -> Resource:
    return {"meta": {"profile": [profile]}}


async def _deleted(proposal: Proposal) -> None:
    before = proposal.before
    assert before is not None
    if before.get("status") != "draft":
        raise business_rule(
            f"the ServiceRequest is {before.get('status')}: only a draft is deleted; S3 revokes",
            "ServiceRequest",
        )
    await _require_placer(proposal, before)
    require_version(proposal)


async def _require_placer(proposal: Proposal, request: Resource) -> None:
    acting = require_organization(proposal)
    if acting == SERVER or await acts_for(proposal.unit, acting, request.get("requester")):
        return
    placer = await organization_of(proposal.unit, request.get("requester"))
    who = placer or "the organisation of its requester, which it does not name"
    raise forbidden(f"a ServiceRequest is changed by its placer, {who}; {acting} is not that")


async def _require_status(proposal: Proposal, before: Resource | None, after: Resource) -> None:
    status, wanted = (before or {}).get("status"), after.get("status")
    if status == wanted:
        return
    rows = request_rows_from(status)
    row = next((each for each in rows if each.after == wanted), None)
    if row is None:
        allowed = ", ".join(f"{each.rule} {each.after}" for each in rows) or "none"
        was = "not there yet" if before is None else status
        raise business_rule(
            f"the ServiceRequest is {was}, it cannot become {wanted}. Allowed next: {allowed}",
            "ServiceRequest.status",
        )
    if row.condition and before is not None:
        await _require_condition(proposal, row)


async def _require_condition(proposal: Proposal, row: RequestRow) -> None:
    for task in await proposal.unit.find("Task", f"focus=ServiceRequest/{proposal.id}"):
        if not claims(task, TASK_PROFILE):
            continue
        name = f"Task/{task['id']} is {task.get('status')}"
        if row.rule == "S5" and task.get("output"):
            raise business_rule(f"S5: {name} and has an output", "ServiceRequest.status")
        if (
            row.rule == "S3"
            and task.get("status") in _BEYOND_ACCEPTED
            and not await _is_aborted(proposal, task)
        ):
            raise business_rule(f"S3: {name}; ask the filler by T14 to abort it", "ServiceRequest.status")


async def _end_tasks(_: Transaction, proposals: list[Proposal]) -> None:
    """S3 and S5: no Task stays open for a request that is no more.

    At the end of the unit, when its own changes of Tasks are written: a placer may cancel by itself.
    """
    for proposal in proposals:
        request = await proposal.unit.resource(f"ServiceRequest/{proposal.id}") or {}
        for task in await proposal.unit.find("Task", f"focus=ServiceRequest/{proposal.id}"):
            ended = _ended(task, request.get("status"))
            if ended is not None and claims(task, TASK_PROFILE):
                await proposal.unit.put(ended)


def _ended(task: Resource, request_status: str | None) -> Resource | None:
    """The Task as it is to be; None: it stays as it is."""
    status = _ENDS.get(task["status"])
    if request_status == "entered-in-error":
        return task | {"status": request_status} if status or task["status"] == "in-progress" else None
    if request_status != "revoked" or status is None:
        return None
    return task | {
        "status": status,
        "businessStatus": concept(BUSINESS_STATUS, "cancelled-by-placer", "转出方取消"),
        "statusReason": {"text": "转诊申请已撤销"},
    }


async def _is_aborted(proposal: Proposal, task: Resource) -> bool:
    criteria = f"focus=Task/{task['id']}&code=abort&status=accepted,completed"
    return bool(await proposal.unit.find("Task", criteria, 1))
