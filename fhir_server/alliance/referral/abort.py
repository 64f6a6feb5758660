"""T14: the placer wishes to cancel a referral that is in progress, by a Task with the code abort.

https://hl7.org/fhir/R4/codesystem-task-code.html; the filler accepts, and the referral fails or is put
on hold, or rejects, and it goes on.
"""

from fhir_server.alliance.elements import target
from fhir_server.alliance.referral.elements import (
    ABORT_PROFILE,
    BUSINESS_STATUS,
    TASK_PROFILE,
    business_status,
    claims,
    concept,
)
from fhir_server.alliance.referral.gate import require_organization, require_version, with_profile
from fhir_server.alliance.referral.parties import Parties
from fhir_server.alliance.referral.rights import changed, content_of
from fhir_server.alliance.referral.table import ABORT
from fhir_server.alliance.systems import TASK_CODE
from fhir_server.clock import format_instant
from fhir_server.interactions.rules import Proposal
from fhir_server.outcome import business_rule, forbidden
from fhir_server.resource import Resource

_OPEN = ("requested", "received")
_ANSWERS = ("received", "accepted", "rejected")
_CHANGED = frozenset(("status", "statusReason", "businessStatus", "note", "meta", "text", "lastModified"))
_FAILED = ("cancelled-by-placer", "cancelled-by-patient")


def is_abort(task: Resource | None) -> bool:
    codings = (task or {}).get("code", {}).get("coding", ())
    return any((each.get("system"), each.get("code")) == (TASK_CODE, "abort") for each in codings)


async def judge(proposal: Proposal) -> Resource | None:
    before, after = proposal.before, proposal.after
    task = before if before is not None else after
    assert task is not None
    name = target(task.get("focus"), (proposal.request.base_url,)) or ""
    aborted = await proposal.unit.resource(name) if name.startswith("Task/") else None
    if not claims(aborted, TASK_PROFILE) and not claims(before, ABORT_PROFILE):
        return after  # of some other Task
    acting = require_organization(proposal)
    if after is None:
        raise business_rule("T14: a wish to cancel is not deleted, it is cancelled", "Task")
    parties = Parties(proposal.unit, acting, aborted or {})
    if before is None:
        now = format_instant(proposal.unit.clock())
        return await _wished(parties, after, aborted or {}, acting, now)
    # a client may write the same instant in another way
    after = after | {name: before[name] for name in ("authoredOn",) if name in before}
    after = after if claims(after, ABORT_PROFILE) else with_profile(after, ABORT_PROFILE)
    if content_of(before) == content_of(after):
        return after
    require_version(proposal)
    await _require_answer(parties, before, after, acting)
    if after["status"] == "accepted":
        await _abort(proposal, aborted or {}, after)
    return after


async def _wished(parties: Parties, after: Resource, aborted: Resource, acting: str, now: str) -> Resource:
    if not ABORT.leads_from(aborted.get("status"), business_status(aborted)):
        text = f"Task/{aborted['id']} is {aborted.get('status')}, only one in progress is aborted"
        hint = "; T6 cancels it" if aborted.get("status") in ("requested", "received", "accepted") else ""
        raise business_rule(f"T14: {text}{hint}", "Task.focus")
    if not await parties.is_("placer"):
        raise forbidden(f"T14 ({ABORT.title}) is for the placer; {acting} is not that")
    if after.get("status") != "requested":
        raise business_rule("T14: a wish to cancel begins as requested", "Task.status")
    owner = {"owner": aborted["owner"]} if "owner" not in after else {}
    wish = {"authoredOn": now} | owner | after
    return wish if claims(wish, ABORT_PROFILE) else with_profile(wish, ABORT_PROFILE)


async def _require_answer(parties: Parties, before: Resource, after: Resource, acting: str) -> None:
    for name in changed(content_of(before), content_of(after)):
        if name not in _CHANGED:
            raise business_rule(f"T14: Task.{name} is fixed once the wish is sent", f"Task.{name}")
    status = after.get("status")
    if status == before.get("status"):
        return
    if before.get("status") not in _OPEN:
        raise business_rule(f"T14: the wish is {before.get('status')}. Allowed next: none", "Task.status")
    if status == "cancelled":
        if not await parties.is_("placer"):
            raise forbidden(f"T14: the placer takes its wish back; {acting} is not that")
    elif status in _ANSWERS:
        if not await parties.is_("filler"):
            raise forbidden(f"T14: the filler answers; {acting} is not that")
        if status == "rejected" and not after.get("statusReason", {}).get("text"):
            raise business_rule("T14: Task.statusReason needs a text", "Task.statusReason")
    else:
        allowed = ", ".join((*_ANSWERS, "cancelled"))
        raise business_rule(f"T14: the wish cannot become {status}. Allowed next: {allowed}", "Task.status")


async def _abort(proposal: Proposal, aborted: Resource, wish: Resource) -> None:
    """`businessStatus` of the wish says what becomes of the referral; failed, when it says nothing."""
    wanted = business_status(wish)
    reason = wish.get("statusReason") or {"text": f"T14: the placer asked to cancel, Task/{proposal.id}"}
    if "text" not in reason:
        reason = reason | {"text": f"T14: Task/{proposal.id}"}
    status, business = ("on-hold", "on-hold") if wanted == "on-hold" else ("failed", _FAILED[0])
    if wanted in _FAILED:
        business = wanted
    await proposal.unit.put(
        aborted
        | {"status": status, "businessStatus": concept(BUSINESS_STATUS, business), "statusReason": reason}
    )
