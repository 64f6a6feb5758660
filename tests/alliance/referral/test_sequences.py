"""Whatever anybody writes, in whatever order: no referral gets where the table does not lead."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fhir_server.alliance.operations import OPERATIONS
from fhir_server.alliance.referral.elements import business_status, milestones
from fhir_server.alliance.referral.table import HANDOVER, ROWS
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from tests.alliance.referral.world import (
    ACTING,
    ARRIVED,
    CARDIOLOGY,
    FEEDBACK,
    LOWER,
    NOTE,
    OUTSIDE,
    REASON,
    SURGERY,
    Alliance,
    business,
    service_request,
    task,
    wish,
)

STATUSES = sorted({row.after.status for row in ROWS} | {"draft", "ready", "entered-in-error"})
CODES = sorted({code for row in ROWS for code in row.after.business})
ROLE_OF: dict[str, set[str]] = {
    acting: {role} if role != "outsider" else set() for role, acting in ACTING.items()
} | {CARDIOLOGY: {"filler"}, SURGERY: {"filler"}}
FIXED = ("focus", "for", "requester", "code", "intent", "authoredOn")

actors = st.sampled_from([*ROLE_OF])
reachable = st.sampled_from([(row.after.status, code) for row in ROWS for code in row.after.business])
anything = st.tuples(st.sampled_from(STATUSES), st.none() | st.sampled_from(CODES))
# most of what is tried fits somewhere, so that sequences come far; the rest fits nowhere
states = st.one_of(reachable, reachable, reachable, anything)
EXTRAS: list[Resource] = [
    {"statusReason": REASON}, {"executionPeriod": ARRIVED}, {"note": NOTE}, {"output": [FEEDBACK]},
    {"owner": {"reference": "PractitionerRole/cardiologist"}}, {"owner": {"reference": OUTSIDE}},
    {"for": {"reference": "Patient/other"}}, {"priority": "stat"}, {"output": []}, {"note": []},
    {"requester": {"reference": "PractitionerRole/upper-doctor"}},
]  # fmt: skip
extras = st.lists(st.sampled_from(EXTRAS), max_size=4).map(
    lambda chosen: {name: value for each in chosen for name, value in each.items()}
)


class Referral(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.alliance = Alliance(self.runner, Path(self.folder.name))
        object.__setattr__(self.alliance.context, "operations", OPERATIONS)
        self.seen = self.alliance.log_length()
        self.acting = LOWER

    @initialize()
    def submit(self) -> None:
        self.alliance.submitted()

    def attempt(self, acting: str, method: Any, url: str, body: Any = None, **given: Any) -> None:
        self.acting = acting
        try:
            self.alliance(method, url, body, organization=acting, **given)
        except FhirError as error:
            assert error.status in (400, 403, 404, 410, 412, 422, 428), error

    @rule(acting=actors, state=states, extra=extras, stale=st.booleans())
    def write(self, acting: str, state: tuple[str, str | None], extra: Resource, stale: bool) -> None:
        changed = self.alliance.moved(*state, **extra)
        changed = {name: value for name, value in changed.items() if value != []}
        tag = 'W/"1"' if stale else f'W/"{self.alliance.version("Task/t")}"'
        self.attempt(acting, "PUT", "Task/t", changed, if_match=tag)

    @rule(acting=actors, state=states)
    def patch(self, acting: str, state: tuple[str, str | None]) -> None:
        change: list[Any] = [{"op": "replace", "path": "/status", "value": state[0]}]
        if state[1] is not None:
            change.append({"op": "add", "path": "/businessStatus", "value": business(state[1])})  # type: ignore[dict-item]
        self.attempt(
            acting, "PATCH", "Task/t", patch=change, if_match=f'W/"{self.alliance.version("Task/t")}"'
        )

    @rule(acting=actors, name=st.sampled_from(["accept", "arrive", "request-info", "complete", "reject"]))
    def operate(self, acting: str, name: str) -> None:
        given = {
            "request-info": {"name": "question", "valueString": "?"},
            "complete": {"name": "feedback", "valueReference": FEEDBACK["valueReference"]},
            "reject": {"name": "reason", "valueCodeableConcept": REASON},
        }.get(name)
        body = None if given is None else {"resourceType": "Parameters", "parameter": [given]}
        self.attempt(acting, "POST", f"Task/t/${name}", body)

    @rule(acting=actors, status=st.sampled_from(["requested", "accepted", "rejected", "cancelled"]))
    def wish(self, acting: str, status: str) -> None:
        tag = self.alliance.matching("Task/abort")
        changed = wish(status=status, statusReason={"text": "x"})
        self.attempt(acting, "PUT", "Task/abort", changed, **tag)

    @rule(acting=actors, status=st.sampled_from(["active", "on-hold", "revoked", "completed"]))
    def change_request(self, acting: str, status: str) -> None:
        tag = self.alliance.matching("ServiceRequest/sr")
        self.attempt(acting, "PUT", "ServiceRequest/sr", service_request(status=status), **tag)

    @rule(acting=actors)
    def delete(self, acting: str) -> None:
        self.attempt(acting, "DELETE", "Task/t", if_match=f'W/"{self.alliance.version("Task/t")}"')

    @rule(acting=actors)
    def put_another_in_its_place(self, acting: str) -> None:
        self.attempt(acting, "PUT", "Task/t", task(status="completed", meta={}))

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        length = self.alliance.log_length()
        written = self.alliance.run(self.alliance.context.store.changes(self.seen, 100))
        self.seen = length
        for version in written:
            if (version.resource_type, version.id) == ("Task", "t"):
                self.judge(version.version_id)

    def judge(self, version_id: int) -> None:
        after = self.alliance.read(f"Task/t/_history/{version_id}")
        if version_id == 1:
            assert (after["status"], business_status(after)) == ("requested", "submitted")
            return
        before = self.alliance.read(f"Task/t/_history/{version_id - 1}")
        for name in FIXED:
            assert before.get(name) == after.get(name)
        for name in ("note", "output", "input"):
            assert after.get(name, [])[: len(before.get(name, []))] == before.get(name, [])
        assert milestones(after)[: len(milestones(before))] == milestones(before)
        assert len(set(milestones(after))) == len(milestones(after))
        if before["owner"] != after["owner"]:
            assert ROLE_OF[self.acting] & set(HANDOVER.actors) and after["owner"] != {"reference": OUTSIDE}
        state = before["status"], business_status(before)
        if state != (after["status"], business_status(after)):
            assert self.leads(state, after), (state, after["status"], business_status(after), self.acting)

    def leads(self, state: tuple[str, str | None], after: Resource) -> bool:
        roles = ROLE_OF[self.acting]
        for row in ROWS:
            # an accepted wish is carried out by the server
            actors = {"filler"} if row.rule == "T14" else set(row.actors)
            reached = row.after.holds(after["status"], business_status(after))
            if row.leads_from(*state) and reached and roles & actors:
                return True
        return False

    def teardown(self) -> None:
        self.alliance.close()
        self.runner.close()
        self.folder.cleanup()


TestReferral = Referral.TestCase
TestReferral.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
