"""The rules of a referral's Task, asked at the gate of writes."""

from fhir_server.alliance.elements import target
from fhir_server.alliance.referral import abort
from fhir_server.alliance.referral.deadlines import Deadlines
from fhir_server.alliance.referral.effects import APPLY, reached, settle_question
from fhir_server.alliance.referral.elements import (
    BUSINESS_STATUS,
    DIRECTION,
    FOCUS_CATEGORY,
    GREEN_CHANNEL,
    MILESTONE,
    REQUEST_PROFILES,
    SETTING,
    TASK_PROFILE,
    business_status,
    claims,
    concept,
    of_type,
    reference,
)
from fhir_server.alliance.referral.gate import (
    is_loaded,
    refused,
    require_organization,
    require_version,
    with_profile,
    without,
)
from fhir_server.alliance.referral.guards import GUARDS
from fhir_server.alliance.referral.move import Move
from fhir_server.alliance.referral.parties import Parties
from fhir_server.alliance.referral.rights import TASK_RIGHTS, breaches, changed, content_of
from fhir_server.alliance.referral.table import ACTORS, HANDOVER, Row, rows_from, rows_to
from fhir_server.alliance.systems import TASK_CODE
from fhir_server.interactions.request import SERVER
from fhir_server.interactions.rules import Proposal
from fhir_server.outcome import FhirError, business_rule, forbidden
from fhir_server.resource import Resource

OWNED = frozenset((MILESTONE, DIRECTION, SETTING, FOCUS_CATEGORY, GREEN_CHANNEL))
"""Extensions that the server sets."""
_AWAITING = "awaiting-information"


class TaskRules:
    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    async def __call__(self, proposal: Proposal) -> Resource | None:
        if is_loaded(proposal):
            return proposal.after
        if abort.is_abort(proposal.before) or abort.is_abort(proposal.after):
            return await abort.judge(proposal)
        before = proposal.before if claims(proposal.before, TASK_PROFILE) else None
        if before is None and not await _is_governed(proposal):
            return proposal.after
        require_organization(proposal)
        if proposal.after is None:
            await self._deleted(proposal)
            return None
        return await self._changed(proposal, before, proposal.after)

    async def _deleted(self, proposal: Proposal) -> None:
        task = proposal.before
        assert task is not None
        move = self.move(proposal, task, task)
        if task.get("status") != "draft":
            raise business_rule(
                f"{move.name} is {shown_state(task)}: only a draft is deleted; T6 cancels", "Task"
            )
        await _require_actor(move, ("placer",), "deletes a draft")
        require_version(proposal)

    def move(self, proposal: Proposal, before: Resource | None, after: Resource) -> Move:
        acting = require_organization(proposal)
        # who is who follows from what is stored; of a new Task from what it says
        known = before if before is not None and before.get("status") != "draft" else after
        parties = Parties(proposal.unit, acting, known)
        now_ms = proposal.unit.clock()
        return Move(proposal.unit, proposal.request, before, after, parties, self._deadlines, now_ms)

    async def _changed(self, proposal: Proposal, before: Resource | None, after: Resource) -> Resource:
        after = kept(before, after)
        if before is not None and content_of(before) == content_of(after):
            return content_of(before)  # nothing is asked for: it may be a request that is sent again
        move = self.move(proposal, before, after)
        require_version(proposal)
        if after.get("status") == "draft" and (before is None or before.get("status") == "draft"):
            await _require_actor(move, ("placer",), "writes a draft")
            if before is not None and reference(before.get("requester")) != reference(after.get("requester")):
                await _require_placer_of(move, before)
            return stamped(move, after)
        row = await _row(move)
        if before is not None and before.get("status") == "draft":
            await _require_placer_of(move, before)
        elif before is not None:
            await _require_rights(move, before, after, row)
        task = await _applied(move, row, after)
        return stamped(move, reached(move, task))


def stamped(move: Move, task: Resource) -> Resource:
    return task | {"lastModified": move.now, "authoredOn": task.get("authoredOn", move.now)}


async def _is_governed(proposal: Proposal) -> bool:
    """Whether a Task that was no referral's is to be one; however its focus is written."""
    task = proposal.after
    if task is None:
        return False
    if claims(task, TASK_PROFILE):
        return True
    codes = task.get("code", {}).get("coding", ())
    focus = target(task.get("focus"), (proposal.request.base_url,)) or ""
    if not focus.startswith("ServiceRequest/") or ("fulfill", TASK_CODE) not in (
        (each.get("code"), each.get("system")) for each in codes
    ):
        return False
    return claims(await proposal.unit.resource(focus), *REQUEST_PROFILES)


def kept(before: Resource | None, after: Resource) -> Resource:
    """What the client wants, with what the server keeps: taken from what is stored, or left out."""
    before = before or {}
    others = [each for each in after.get("extension", ()) if each["url"] not in OWNED]
    extensions = [each for each in before.get("extension", ()) if each["url"] in OWNED] + others
    task = without(after, "extension", "lastModified")
    if extensions:
        task["extension"] = extensions
    for name in ("lastModified", "authoredOn", "groupIdentifier", "priority"):
        if name in before and (name == "lastModified" or name not in task):
            task[name] = before[name]
    if before and before.get("status") != "draft":
        # a client may write the same instant in another way
        task = without(task, "restriction") | {
            name: before[name] for name in ("restriction", "authoredOn") if name in before
        }
        given = [each for each in before.get("identifier", ()) if of_type(each, "FILL")]
        missing = [each for each in given if each not in task.get("identifier", ())]
        if missing:
            task["identifier"] = [*task.get("identifier", ()), *missing]
    if "businessStatus" not in task and task.get("status") == before.get("status"):
        task |= {name: before[name] for name in ("businessStatus",) if name in before}
    return task if claims(task, TASK_PROFILE) else with_profile(task, TASK_PROFILE)


def shown_state(task: Resource | None) -> str:
    if task is None:
        return "not there yet"
    business = business_status(task)
    return f"{task.get('status')}{f' ({business})' if business else ''}"


def next_states(task: Resource | None) -> str:
    """`T3 accepted (accepted, bed-reserved) by the filler; T4 …`"""
    rows = rows_from((task or {}).get("status"), business_status(task))
    found = [
        f"{row.rule} {row.after.status}{_in_brackets(row.after.business)} by the {' or '.join(row.actors)}"
        for row in rows
    ]
    return "; ".join(found) or "none"


def _in_brackets(names: tuple[str, ...]) -> str:
    return f" ({', '.join(names)})" if names else ""


async def _row(move: Move) -> Row | None:
    """The row of the table that the change is; None: the state stays as it is."""
    before, after = move.before, move.after
    status, business = after.get("status"), business_status(after)
    came_from = None if before is None else before.get("status")
    if before is not None and (came_from, business_status(before)) == (status, business):
        return None
    candidates = [
        row for row in rows_from(came_from, business_status(before)) if row.leads_to(status, business)
    ]
    if not candidates:
        raise _illegal(before, after)
    permitted = [row for row in candidates if await move.parties.any_of(row.actors)]
    if not permitted:
        raise _not_yours(move, candidates[0])
    problems = []
    for row in permitted:
        problem = await _problem(move, row)
        if problem is None:
            return row
        problems.append(problem)
    raise business_rule(problems[0], "Task")


async def _problem(move: Move, row: Row) -> str | None:
    for guard in row.guards:
        problem = await GUARDS[guard][1](move)
        if problem is not None:
            return f"{row.rule} ({row.title}): {problem}"
    return None


def _illegal(before: Resource | None, after: Resource) -> FhirError:
    wanted = shown_state(after)
    leading = [
        f"{row.rule} leads to {after.get('status')} from {' or '.join(state.status for state in row.before)}"
        for row in rows_to(after.get("status"))
    ]
    reason = "; ".join(dict.fromkeys(leading)) or "no rule of T1 to T16 leads there"
    text = f"the Task is {shown_state(before)}, it cannot become {wanted}: {reason}. "
    return business_rule(f"{text}Allowed next: {next_states(before)}", "Task.status")


def _not_yours(move: Move, row: Row) -> FhirError:
    who = " or ".join(f"the {actor} ({ACTORS[actor]})" for actor in row.actors)
    return forbidden(f"{row.rule} ({row.title}) is for {who}; {move.acting} is not that")


async def _require_actor(move: Move, actors: tuple[str, ...], what: str) -> None:
    if not await move.parties.any_of(actors):  # type: ignore[arg-type]
        who = " or ".join(actors)
        raise forbidden(f"the {who} {what}; {move.acting} is not that of this Task")


async def _require_placer_of(move: Move, before: Resource) -> None:
    """A draft is nobody's but the placer's that it names: it cannot be taken by naming another."""
    if not await Parties(move.unit, move.acting, before).is_("placer"):
        raise forbidden(
            f"the draft is that of {reference(before.get('requester'))}, {move.acting} is not that"
        )


async def _require_rights(move: Move, before: Resource, after: Resource, row: Row | None) -> None:
    for breach in breaches(content_of(before), content_of(after), TASK_RIGHTS):
        raise refused(after, breach)
    for name in changed(content_of(before), content_of(after)):
        actors, moves = TASK_RIGHTS[name].actors, TASK_RIGHTS[name].moves
        if moves and row is not None:
            continue  # who may follow the row was asked before
        if move.acting != SERVER and not await move.parties.any_of(actors):
            raise forbidden(f"Task.{name} is changed by the {' or '.join(actors)}; {move.acting} is not that")


async def _applied(move: Move, row: Row | None, task: Resource) -> Resource:
    before = move.before
    if row is not None and business_status(task) is None:
        task = task | {"businessStatus": concept(BUSINESS_STATUS, row.after.business[0])}
    if before is not None and before.get("status") != "draft":
        if reference(before.get("owner")) != reference(task.get("owner")):
            task = await _handed_over(move, task)
        if row is not None and business_status(before) == _AWAITING and "resume-clock" not in row.effects:
            task, _ = await settle_question(move, task, "cancelled")
        if row is None and before.get("priority") != task.get("priority") and before["status"] == "requested":
            task = await APPLY["deadline"](move, task)
    for effect in row.effects if row is not None else ():
        task = await APPLY[effect](move, task)
    return task


async def _handed_over(move: Move, task: Resource) -> Resource:
    problem = await _problem(move, HANDOVER)
    if problem is not None:
        raise business_rule(problem, "Task.owner")
    before = move.before or {}
    if not HANDOVER.leads_from(before.get("status"), business_status(before)):
        raise business_rule(
            f"T15 (hand over): the Task is {shown_state(before)}, it has an end", "Task.owner"
        )
    for effect in HANDOVER.effects:
        task = await APPLY[effect](move, task)
    return task
