"""The conditions of the table: each answers what is missing, or None."""

from collections.abc import Awaitable, Callable

from fhir_server.alliance.referral.elements import (
    DIRECTION,
    GREEN_CHANNEL,
    LEGAL_BASIS,
    REQUEST_PROFILES,
    claims,
    code,
    extension,
    extension_code,
    outputs,
    reference,
    references,
)
from fhir_server.alliance.referral.move import Move
from fhir_server.alliance.referral.parties import (
    bound,
    common_networks,
    holds,
    is_same_institution,
    organization_of,
)
from fhir_server.alliance.referral.table import Guard
from fhir_server.alliance.systems import code_system
from fhir_server.resource import Resource

Check = Callable[[Move], Awaitable[str | None]]

REJECT_REASON = code_system("reject-reason")
EMERGENCY_BASES = ("emergency-life", "statutory-duty")
_SKEW_MS = 5 * 60_000  # clocks of hospitals go wrong


async def _request_is_active(move: Move) -> str | None:
    focus = await move.focus()
    if focus is None or not claims(focus, *REQUEST_PROFILES):
        return "Task.focus must be a ServiceRequest of a referral that is on this server"
    if focus.get("status") != "active":
        return f"the ServiceRequest must be active, it is {focus.get('status')}"
    return None


def _request_is(status: str) -> Check:
    async def check(move: Move) -> str | None:
        found = (await move.focus() or {}).get("status")
        return None if found == status else f"the ServiceRequest must be {status}, it is {found}"

    return check


async def _same_placer(move: Move) -> str | None:
    task, focus = move.after, await move.focus()
    if focus is None:
        return None  # said by request-is-active
    if reference(task.get("for")) != reference(focus.get("subject")):
        return "Task.for must be the subject of the ServiceRequest"
    ours = await organization_of(move.unit, task.get("requester"))
    theirs = await organization_of(move.unit, focus.get("requester"))
    if ours is None or theirs is None or not await is_same_institution(move.unit, ours, theirs):
        return "Task.requester must be of the organisation of ServiceRequest.requester"
    return None


def is_emergency(request: Resource) -> bool:
    """Whether a referral has a basis without consent: a green channel, danger to life, a duty by law."""
    return (
        extension(request, GREEN_CHANNEL) is not None
        or request.get("priority") == "stat"
        or extension_code(request, LEGAL_BASIS) in EMERGENCY_BASES
    )


async def _consent(move: Move) -> str | None:
    focus = await move.focus()
    if focus is None or is_emergency(focus):
        return None
    subject = reference(focus.get("subject"))
    for name in references(focus.get("supportingInfo"), "Consent"):
        consent = await move.unit.resource(name)
        if consent is not None and _permits(consent, subject, move.now_ms):
            return None
    return (
        "ServiceRequest.supportingInfo must name an active Consent of the patient, or it is an emergency: "
        "priority stat, a green channel, or the extension legal-basis"
    )


def _permits(consent: Resource, subject: str | None, now_ms: int) -> bool:
    provision = consent.get("provision", {})
    return (
        consent.get("status") == "active"
        and reference(consent.get("patient")) == subject
        and provision.get("type") != "deny"
        and holds(provision.get("period"), now_ms)
    )


async def _affiliates(move: Move) -> str | None:
    owner = await organization_of(move.unit, move.after.get("owner"))
    placer = await organization_of(move.unit, move.after.get("requester"))
    if owner is None or placer is None:
        return "Task.owner and Task.requester must name organisations"
    organization = await move.unit.resource(owner)
    if organization is None or organization.get("active") is False:
        return f"{owner}, the owner, must be an active Organization on this server"
    problem = await _offers(move, owner)
    if problem or await common_networks(move.unit, placer, owner, move.now_ms):
        return problem
    focus = await move.focus() or {}
    if extension_code(focus, DIRECTION) == "cross-alliance":
        return None
    return f"{owner}, the owner, must be an active member of an alliance that {placer} is in too"


async def _offers(move: Move, owner: str) -> str | None:
    """Where a service is asked for, it must be one that the owner has open."""
    focus = await move.focus() or {}
    wanted = [*focus.get("performer", ()), move.after.get("owner")]
    for name in references(wanted, "HealthcareService"):
        service = await move.unit.resource(name)
        provider = reference((service or {}).get("providedBy"))
        if service is None or service.get("active") is False or provider is None:
            return f"{name} must be an active service"
        if not await is_same_institution(move.unit, owner, provider):
            return f"{name} must be a service of {owner}, it is one of {provider}"
    return None


async def _coded_reason(move: Move) -> str | None:
    reason = move.after.get("statusReason", {})
    if code(reason, REJECT_REASON) is None or not reason.get("text"):
        return f"Task.statusReason needs a code of {REJECT_REASON} and a text"
    return None


async def _reason(move: Move) -> str | None:
    return None if move.after.get("statusReason", {}).get("text") else "Task.statusReason needs a text"


def question(move: Move) -> str | None:
    """What the filler asks: the reason of the status, or the note that is added."""
    text: str | None = move.after.get("statusReason", {}).get("text")
    notes = move.after.get("note", [])[len((move.before or {}).get("note", [])) :]
    return text or (notes[-1].get("text") if notes else None)


async def _question(move: Move) -> str | None:
    return (
        None if question(move) else "Task.statusReason needs a text, or a note must be added: what is asked"
    )


async def _arrival(move: Move) -> str | None:
    start = move.after.get("executionPeriod", {}).get("start")
    if start is None:
        return "Task.executionPeriod.start needs the time of arrival"
    if bound(start, last=False) > move.now_ms + _SKEW_MS:
        return f"Task.executionPeriod.start is the time of arrival, {start} is yet to come"
    return None


async def _not_arrived(move: Move) -> str | None:
    start = move.after.get("executionPeriod", {}).get("start")
    return f"the patient has arrived at {start}" if start else None


async def _feedback(move: Move) -> str | None:
    for output in outputs(move.after, "feedback"):
        name = reference(output.get("valueReference"))
        if name is not None and await move.unit.resource(name) is not None:
            return None
    reasons = outputs(move.after, "no-feedback-reason")
    if any(each.get("valueString") or each.get("valueCodeableConcept", {}).get("text") for each in reasons):
        return None
    return "Task.output needs a feedback whose valueReference is on this server, or a no-feedback-reason"


async def _down_referral(move: Move) -> str | None:
    focus = reference(move.after.get("focus"))
    for output in outputs(move.after, "down-referral"):
        request = await move.unit.resource(reference(output.get("valueReference")) or "")
        if (
            request is not None
            and focus in list(references(request.get("basedOn"), "ServiceRequest"))
            and extension_code(request, DIRECTION) == "down"
        ):
            return None
    return f"Task.output needs a down-referral: a ServiceRequest, direction down, based on {focus}"


async def _onward_referral(move: Move) -> str | None:
    focus = reference(move.after.get("focus"))
    for output in move.after.get("output", ()):
        name = reference(output.get("valueReference"))
        if name is None or not name.startswith("ServiceRequest/"):
            continue
        request = await move.unit.resource(name) or {}
        linked = [*request.get("basedOn", ()), *request.get("replaces", ())]
        requester = await organization_of(move.unit, request.get("requester"))
        if focus not in list(references(linked, "ServiceRequest")) or requester is None:
            continue
        if await is_same_institution(move.unit, requester, move.acting):
            return None
    return f"Task.output needs a ServiceRequest of the filler that is based on {focus} or replaces it"


async def _overdue(move: Move) -> str | None:
    end = move.after.get("restriction", {}).get("period", {}).get("end")
    if end is None or bound(end, last=True) >= move.now_ms:
        return f"the deadline, {end}, has not passed"
    return None


async def _abort_accepted(move: Move) -> str | None:
    found = await move.unit.find(
        "Task", f"focus={move.name}&code=abort&status=requested,received,accepted,completed"
    )
    return None if found else "no Task with the code abort asks for it"


async def _same_organization(move: Move) -> str | None:
    before = await organization_of(move.unit, (move.before or {}).get("owner"))
    after = await organization_of(move.unit, move.after.get("owner"))
    if before is None or after is None or not await is_same_institution(move.unit, before, after):
        return f"Task.owner must stay in {before}; for another organisation make a new Task"
    return None


GUARDS: dict[Guard, tuple[str, Check]] = {
    "request-is-active": ("the ServiceRequest is active", _request_is_active),
    "same-placer": ("patient and placer are those of the ServiceRequest", _same_placer),
    "consent": ("an active Consent in `supportingInfo`, or an emergency", _consent),
    "affiliates": ("owner and placer are active members of one alliance; the service is open", _affiliates),
    "coded-reason": ("`statusReason` with a code and a text", _coded_reason),
    "reason": ("`statusReason.text`", _reason),
    "question": ("`statusReason.text` or a note says what is asked", _question),
    "arrival": ("`executionPeriod.start`: the time of arrival", _arrival),
    "not-arrived": ("no time of arrival yet", _not_arrived),
    "feedback": ("output `feedback` that is on this server, or `no-feedback-reason`", _feedback),
    "down-referral": ("output `down-referral`: a ServiceRequest `basedOn` this one", _down_referral),
    "onward-referral": (
        "output: a ServiceRequest of the filler `basedOn` or `replaces` this one",
        _onward_referral,
    ),
    "overdue": ("`restriction.period.end` has passed", _overdue),
    "abort-accepted": ("the filler accepts the Task with the code abort", _abort_accepted),
    "same-organization": ("the new owner is of the same organisation", _same_organization),
    "request-is-revoked": ("the ServiceRequest has been revoked (S3)", _request_is("revoked")),
    "request-is-in-error": (
        "the ServiceRequest has been entered in error (S5)",
        _request_is("entered-in-error"),
    ),
}
