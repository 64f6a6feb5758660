"""Two hospital systems, one that places referrals and one that fills them, go through T1 to T16 over HTTP.

Each has its own models of the resources (fhir.resources, R4B), and knows what the server answers.
"""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.composition import Composition
from fhir.resources.R4B.parameters import Parameters
from fhir.resources.R4B.period import Period
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task, TaskOutput

from fhir_server.alliance.referral.parameters import KNOWN
from fhir_server.alliance.systems import code_system
from tests.alliance.referral.world import (
    CONSENT,
    DIRECTORY,
    DISPATCH,
    LOWER,
    PATIENT,
    REASON,
    UPPER,
    coded,
    service_request,
    wish,
)
from tests.alliance.referral.world import task as plain_task
from tests.server import Server

BUSINESS = code_system("referral-business-status")
OUTPUT = code_system("task-output")
NEVER_S = 45.0


class RefusedError(Exception):
    def __init__(self, status: int, outcome: Any) -> None:
        super().__init__(f"{status}: {outcome}")
        self.status = status
        self.code: str = outcome["issue"][0]["code"]
        self.text: str = outcome["issue"][0]["diagnostics"]


class His:
    """What a hospital's system needs of HTTP."""

    def __init__(self, server: Server, organization: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.organization = organization

    def send(self, method: str, path: str, model: Any = None, if_match: str | None = None) -> Any:
        body = model if model is None or isinstance(model, bytes) else model.model_dump_json().encode()
        headers = {"Content-Type": "application/fhir+json", "X-Acting-Organization": self.organization}
        if if_match is not None:
            headers["If-Match"] = f'W/"{if_match}"'
        self._connection.request(method, f"/fhir/{path}", body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        found = json.loads(text) if text else None
        if answer.status >= 400:
            raise RefusedError(answer.status, found)
        return found

    def task(self, id_: str) -> Task:
        return Task.model_validate(self.send("GET", f"Task/{id_}"))

    def update(self, model: Any) -> Any:
        """PUT of what was read and changed."""
        path = f"{model.get_resource_type()}/{model.id}"
        return type(model).model_validate(self.send("PUT", path, model, str(model.meta.versionId)))

    def move(self, id_: str, status: str, business: str, **changes: Any) -> Task:
        found = self.task(id_)
        concept = CodeableConcept(coding=[Coding(system=BUSINESS, code=business)])
        moved = found.model_copy(update={"status": status, "businessStatus": concept, **changes})
        written: Task = self.update(moved)
        return written

    def call(self, path: str, **parameters: Any) -> Any:
        given = [{"name": name, **value} for name, value in parameters.items()]
        whole = {"resourceType": "Parameters"} | ({"parameter": given} if given else {})
        body = Parameters.model_validate(whole)
        return self.send("POST", path, body)

    def close(self) -> None:
        self._connection.close()


class Placer(His):
    """Refers patients; counts its referrals."""

    number = 0

    def submit(self, **elements: Any) -> str:
        """The id of the Task."""
        Placer.number += 1
        request = service_request(None, **elements)
        request["identifier"] = [request["identifier"][0] | {"value": f"HIS-{Placer.number}"}]
        bundle = Bundle.model_validate(
            {"resourceType": "Bundle", "type": "collection", "entry": [
                {"fullUrl": "urn:uuid:7d0d5a6e-4b6a-4f4e-9c3e-1f1d8a4f1a01",
                 "resource": json.loads(ServiceRequest.model_validate(request).model_dump_json())},
            ]}
        )  # fmt: skip
        found = Parameters.model_validate(self.send("POST", "$submit-referral", bundle))
        references = {each.name: each.valueReference for each in found.parameter if each.valueReference}
        return str(references["task"].reference.partition("/")[2])


class Filler(His):
    """Answers what is on its worklist."""

    def worklist(self) -> list[Task]:
        found = Bundle.model_validate(self.send("GET", f"Task?owner={self.organization}&status=requested"))
        return [each.resource for each in found.entry or ()]

    def feedback(self) -> TaskOutput:
        made = Composition.model_validate(self.send("POST", "Composition", Composition.model_validate({
            "resourceType": "Composition", "status": "final", "type": {"text": "转诊反馈"},
            "date": "2026-11-28", "author": [{"reference": UPPER}], "title": "转诊反馈",
        })))  # fmt: skip
        return output("feedback", f"Composition/{made.id}")

    def received(self, id_: str) -> str:
        self.move(id_, "received", "received")
        return id_

    def accepted(self, id_: str) -> str:
        self.move(id_, "accepted", "accepted")
        return id_

    def arrived(self, id_: str) -> str:
        self.move(self.accepted(id_), "in-progress", "arrived", executionPeriod=HERE)
        return id_


def output(kind: str, reference: str) -> TaskOutput:
    concept = CodeableConcept(coding=[Coding(system=OUTPUT, code=kind)])
    return TaskOutput(type=concept, valueReference=Reference(reference=reference))


HERE = Period(start="2026-11-27T09:00:00+08:00")
WHY = CodeableConcept.model_validate(REASON)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("his") / "data") as running:
        entries = [
            {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
            for each in [*DIRECTORY, CONSENT]
        ]
        his = His(running, LOWER)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        his.send("POST", "", json.dumps(bundle).encode())
        his.close()
        yield running


@pytest.fixture
def placer(server: Server) -> Iterator[Placer]:
    found = Placer(server, LOWER)
    yield found
    found.close()


@pytest.fixture
def filler(server: Server) -> Iterator[Filler]:
    found = Filler(server, UPPER)
    yield found
    found.close()


def business(task: Task) -> str:
    return str(task.businessStatus.coding[0].code)


def test_T1_the_placer_submits_and_the_filler_sees_it(placer: Placer, filler: Filler) -> None:
    id_ = placer.submit()
    assert id_ in [task.id for task in filler.worklist()]
    task = filler.task(id_)
    assert (task.status, business(task)) == ("requested", "submitted")
    assert task.restriction.period.end > task.authoredOn


def test_T1_the_filler_does_not_submit_for_the_placer(filler: Filler) -> None:
    with pytest.raises(RefusedError) as refused:
        Placer.submit(filler)  # type: ignore[arg-type]
    assert (refused.value.status, refused.value.code) == (403, "forbidden")


def test_T2_receive(placer: Placer, filler: Filler) -> None:
    id_ = placer.submit()
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "received", "received")
    assert filler.task(filler.received(id_)).status == "received"


def test_T3_accept(placer: Placer, filler: Filler) -> None:
    id_ = placer.submit()
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "accepted", "accepted")
    assert business(filler.move(id_, "accepted", "bed-reserved")) == "bed-reserved"
    other = placer.submit()
    assert Task.model_validate(filler.call(f"Task/{other}/$accept")).status == "accepted"


def test_T4_reject_and_redirect(placer: Placer, filler: Filler) -> None:
    id_ = placer.submit()
    with pytest.raises(RefusedError, match="T4"):
        filler.move(id_, "rejected", "declined")
    rejected = filler.move(id_, "rejected", "declined", statusReason=WHY)
    request = ServiceRequest.model_validate(placer.send("GET", rejected.focus.reference))
    assert request.status == "active"
    again = plain_task(None, focus={"reference": rejected.focus.reference})
    again["identifier"] = [{"system": "urn:example:lower:task", "value": f"again-{id_}"}]
    assert Task.model_validate(placer.send("POST", "Task", Task.model_validate(again))).status == "requested"


def test_T5_ask_and_answer(placer: Placer, filler: Filler) -> None:
    id_ = filler.received(placer.submit())
    filler.call(f"Task/{id_}/$request-info", question={"valueString": "请补充心电图"})
    (asked,) = Bundle.model_validate(placer.send("GET", f"Task?part-of=Task/{id_}&owner={LOWER}")).entry
    assert asked.resource.description == "请补充心电图"
    with pytest.raises(RefusedError, match="403"):
        filler.move(id_, "received", "received")
    assert business(placer.move(id_, "received", "received")) == "received"
    assert placer.task(asked.resource.id).status == "completed"


def test_T6_cancel(placer: Placer, filler: Filler) -> None:
    id_ = filler.accepted(placer.submit())
    with pytest.raises(RefusedError, match="403"):
        filler.move(id_, "cancelled", "cancelled-by-placer", statusReason=WHY)
    assert placer.move(id_, "cancelled", "cancelled-by-patient", statusReason=WHY).status == "cancelled"


def test_S3_a_request_that_is_revoked_ends_its_task(placer: Placer, filler: Filler) -> None:
    id_ = filler.accepted(placer.submit())
    focus = placer.task(id_).focus.reference
    request = ServiceRequest.model_validate(placer.send("GET", focus))
    with pytest.raises(RefusedError, match="403"):
        filler.update(request.model_copy(update={"status": "revoked"}))
    assert placer.update(request.model_copy(update={"status": "revoked"})).status == "revoked"
    assert (filler.task(id_).status, business(filler.task(id_))) == ("cancelled", "cancelled-by-placer")


def test_T7_depart_by_placer_or_ambulance(server: Server, placer: Placer, filler: Filler) -> None:
    ambulance = His(server, DISPATCH)
    for his in (placer, ambulance):
        id_ = filler.accepted(placer.submit())
        with pytest.raises(RefusedError, match="403"):
            filler.move(id_, "in-progress", "in-transit")
        assert business(his.move(id_, "in-progress", "in-transit")) == "in-transit"
    ambulance.close()


def test_T8_arrive(placer: Placer, filler: Filler) -> None:
    id_ = filler.accepted(placer.submit())
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "in-progress", "arrived", executionPeriod=HERE)
    with pytest.raises(RefusedError, match="T8"):
        filler.move(id_, "in-progress", "arrived")
    assert business(filler.move(id_, "in-progress", "arrived", executionPeriod=HERE)) == "arrived"
    assert business(filler.move(id_, "in-progress", "admitted")) == "admitted"


def test_T9_no_show_is_told_to_the_placer(placer: Placer, filler: Filler) -> None:
    id_ = filler.accepted(placer.submit())
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "in-progress", "no-show")
    filler.move(id_, "in-progress", "no-show")
    letters = Bundle.model_validate(placer.send("GET", f"Communication?part-of=Task/{id_}&recipient={LOWER}"))
    assert letters.entry[0].resource.payload[0].contentString == "no-show"


def test_T10_hold_and_go_on(placer: Placer, filler: Filler) -> None:
    id_ = filler.arrived(placer.submit())
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "on-hold", "on-hold", statusReason=WHY)
    assert filler.move(id_, "on-hold", "on-hold", statusReason=WHY).status == "on-hold"
    assert filler.move(id_, "in-progress", "admitted").status == "in-progress"


def test_T11_complete(placer: Placer, filler: Filler) -> None:
    id_ = filler.arrived(placer.submit())
    with pytest.raises(RefusedError, match="T11"):
        filler.move(id_, "completed", "outcome-returned")
    completed = filler.move(id_, "completed", "outcome-returned", output=[filler.feedback()])
    assert ServiceRequest.model_validate(placer.send("GET", completed.focus.reference)).status == "completed"


def test_T11_refer_down_again(placer: Placer, filler: Filler) -> None:
    id_ = filler.arrived(placer.submit())
    focus = filler.task(id_).focus.reference
    doctor = {"valueReference": {"reference": "PractitionerRole/upper-doctor"}}
    found = Parameters.model_validate(filler.call(f"{focus}/$refer-back", requester=doctor))
    references = {each.name: each.valueReference.reference for each in found.parameter if each.valueReference}
    document = filler.feedback().valueReference.reference
    filler.call(
        f"Task/{id_}/$complete",
        feedback={"valueReference": {"reference": document}},
        businessStatus={"valueCode": "down-referred"},
    )
    assert business(filler.task(id_)) == "down-referred"
    # the placer of the way up is the filler of the way down
    assert Task.model_validate(placer.call(f"{references['task']}/$accept")).status == "accepted"


def test_T12_fail(placer: Placer, filler: Filler) -> None:
    id_ = filler.accepted(placer.submit())
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "failed", "left", statusReason=WHY)
    assert filler.move(id_, "failed", "no-show-final", statusReason=WHY).status == "failed"


def test_T13_expire(placer: Placer, filler: Filler) -> None:
    """The placer asks for an end that is almost over; the server looks every ten seconds."""
    focus = placer.task(placer.submit()).focus.reference
    over = {"period": {"end": "2026-01-01"}}
    asked = plain_task("his-expiring", focus={"reference": focus}, restriction=over)
    asked["identifier"] = [{"system": "urn:example:lower:task", "value": "expiring"}]
    placer.send("PUT", "Task/his-expiring", Task.model_validate(asked))
    until = time.monotonic() + NEVER_S
    while (task := placer.task("his-expiring")).status != "failed" and time.monotonic() < until:
        pass
    assert business(task) == "expired"
    with pytest.raises(RefusedError, match="Allowed next: none"):
        filler.move("his-expiring", "accepted", "accepted")


def test_T14_wish_to_cancel(placer: Placer, filler: Filler) -> None:
    for answer, expected in (("accepted", "failed"), ("rejected", "in-progress")):
        id_ = filler.arrived(placer.submit())
        asked = wish(f"abort-{id_}", f"Task/{id_}", reasonCode={"text": "家属要求"})
        filler_asks = Task.model_validate(asked)
        with pytest.raises(RefusedError, match="403"):
            filler.send("PUT", f"Task/{filler_asks.id}", filler_asks)
        placer.send("PUT", f"Task/{filler_asks.id}", filler_asks)
        found = filler.task(filler_asks.id)
        filler.update(found.model_copy(update={"status": answer, "statusReason": WHY}))
        assert placer.task(id_).status == expected


def test_T15_hand_over(placer: Placer, filler: Filler) -> None:
    id_ = filler.accepted(placer.submit())
    doctor = Reference(reference="PractitionerRole/cardiologist")
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "accepted", "accepted", owner=doctor)
    assert filler.move(id_, "accepted", "accepted", owner=doctor).owner.reference == doctor.reference
    outside = Reference(reference="Organization/outside")
    with pytest.raises(RefusedError, match="T15"):
        filler.move(id_, "accepted", "accepted", owner=outside)


def test_T16_refer_on(placer: Placer, filler: Filler) -> None:
    id_ = filler.arrived(placer.submit())
    focus = filler.task(id_).focus.reference
    onward = service_request(
        None,
        requester={"reference": "PractitionerRole/upper-doctor"},
        performer=[{"reference": LOWER}],
        replaces=[{"reference": focus}],
        extension=[coded("referral-direction", "horizontal"), coded("care-setting", "I")],
    )
    onward["identifier"] = [onward["identifier"][0] | {"system": "urn:example:upper:referral", "value": id_}]
    made = ServiceRequest.model_validate(
        filler.send("POST", "ServiceRequest", ServiceRequest.model_validate(onward))
    )
    concept = CodeableConcept(text="转往")
    further = TaskOutput(type=concept, valueReference=Reference(reference=f"ServiceRequest/{made.id}"))
    with pytest.raises(RefusedError, match="403"):
        placer.move(id_, "on-hold", "on-hold", statusReason=WHY, output=[further])
    held = filler.move(id_, "on-hold", "on-hold", statusReason=WHY, output=[further])
    assert held.status == "on-hold"


def test_a_version_that_is_old_and_one_that_is_not_named(placer: Placer, filler: Filler) -> None:
    id_ = placer.submit()
    old = filler.task(id_)
    filler.received(id_)
    with pytest.raises(RefusedError) as refused:
        filler.update(old.model_copy(update={"status": "accepted", "businessStatus": None}))
    assert (refused.value.status, refused.value.code) == (412, "conflict")
    now = filler.task(id_).model_copy(update={"status": "accepted", "businessStatus": None})
    with pytest.raises(RefusedError) as refused:
        filler.send("PUT", f"Task/{id_}", now)
    assert (refused.value.status, refused.value.code) == (428, "required")


def test_what_an_his_can_do_next_it_is_told(placer: Placer, filler: Filler) -> None:
    id_ = placer.submit()
    found = Parameters.model_validate(filler.send("GET", f"Task/{id_}/$available-actions"))
    rules = [part.valueCode for each in found.parameter for part in each.part if part.name == "transition"]
    assert sorted(rules) == ["T15", "T2", "T3", "T4"]


def test_T1_with_the_patient_in_the_same_bundle(placer: Placer, filler: Filler) -> None:
    """Whose profile the ServiceRequest asks for, though it is not there before."""
    patient = {name: value for name, value in PATIENT.items() if name != "id"}
    patient["identifier"] = [PATIENT["identifier"][0] | {"value": "new"}]
    request = service_request(None, subject={"reference": "urn:uuid:7d0d5a6e-4b6a-4f4e-9c3e-1f1d8a4f1a02"})
    request["identifier"] = [request["identifier"][0] | {"value": "HIS-with-patient"}]
    request["priority"] = "stat"
    entries = [
        {"fullUrl": "urn:uuid:7d0d5a6e-4b6a-4f4e-9c3e-1f1d8a4f1a01", "resource": request},
        {"fullUrl": "urn:uuid:7d0d5a6e-4b6a-4f4e-9c3e-1f1d8a4f1a02", "resource": patient},
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    found = Parameters.model_validate(placer.send("POST", "$submit-referral", json.dumps(bundle).encode()))
    references = {each.name: each.valueReference.reference for each in found.parameter if each.valueReference}
    task = Task.model_validate(filler.send("GET", references["task"]))
    assert filler.send("GET", task.for_fhir.reference)["identifier"][0]["value"] == "new"


def test_E10_28_every_operation_that_is_declared_answers(filler: Filler) -> None:
    (rest,) = filler.send("GET", "metadata")["rest"]
    declared = [("", each["name"]) for each in rest["operation"]]
    for resource in rest["resource"]:
        if resource["type"] in ("Task", "ServiceRequest"):
            declared += [(resource["type"], each["name"]) for each in resource.get("operation", ())]
    ours = [(type_, name) for type_, name in declared if name in KNOWN]
    assert {name for _, name in ours} == set(KNOWN)
    for type_, name in ours:
        of_instance = type_ != "" and name != "check-capacity"
        url = f"{type_}/absent/${name}" if of_instance else f"{type_}/${name}".strip("/")
        try:
            method = "GET" if name in ("available-actions", "check-capacity") else "POST"
            assert filler.send(method, url)["resourceType"] == "Parameters"
        except RefusedError as error:
            assert (error.status, error.code) in ((404, "not-found"), (400, "required")), (name, error)
