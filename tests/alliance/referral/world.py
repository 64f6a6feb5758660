"""Two hospitals of one alliance, others around them, and a referral on its way between them."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from fhir_server.alliance.referral.elements import (
    BUSINESS_STATUS,
    REFERRAL_PROFILE,
    TASK_OUTPUT,
    TASK_PROFILE,
)
from fhir_server.alliance.referral.rules import referral_rules
from fhir_server.alliance.systems import TASK_CODE, V2_IDENTIFIER_TYPE, code_system, extension_url
from fhir_server.interactions.request import OPERATOR, SERVER, Response
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from tests.interactions.fhir import START_MS, Fhir, content

UPPER, LOWER, OUTSIDE, DISPATCH = (
    f"Organization/{name}" for name in ("upper", "lower", "outside", "dispatch")
)
CARDIOLOGY, SURGERY = "Organization/upper-cardiology", "Organization/upper-surgery"  # departments of UPPER
NETWORK, LEAD = "Organization/network", "Organization/lead"

ACTING = {
    "placer": LOWER,
    "filler": UPPER,
    "dispatch": DISPATCH,
    "server": SERVER,
    "outsider": OUTSIDE,
}
"""Who acts in each role, in the referral of `Alliance`."""


def organization(reference: str, **elements: Any) -> Resource:
    id_ = reference.partition("/")[2]
    return {"resourceType": "Organization", "id": id_, "active": True, "name": id_} | elements


def affiliation(member: str, network: str = NETWORK, **elements: Any) -> Resource:
    return {
        "resourceType": "OrganizationAffiliation",
        "id": f"{network.partition('/')[2]}-{member.partition('/')[2]}",
        "active": True,
        "period": {"start": "2020-01-01"},
        "organization": {"reference": network},
        "participatingOrganization": {"reference": member},
    } | elements


def role(id_: str, organization_: str) -> Resource:
    return {
        "resourceType": "PractitionerRole",
        "id": id_,
        "organization": {"reference": organization_},
    }


PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "zhou",
    "meta": {"profile": [extension_url("alliance-patient")]},
    "identifier": [
        {
            "type": {"coding": [{"system": V2_IDENTIFIER_TYPE, "code": "MR"}]},
            "system": "urn:example:lower:mrn",
            "value": "1",
            "assigner": {"reference": LOWER},
        }
    ],
    "active": True,
    "name": [{"text": "周某"}],
    "gender": "female",
    "birthDate": "1970-12-01",
}
_DISPATCH_TYPE = {"coding": [{"system": code_system("organization-type"), "code": "emergency-dispatch"}]}
DIRECTORY = [
    organization(NETWORK, extension=[
        {"url": extension_url("lead-organization"), "valueReference": {"reference": LEAD}}
    ]),
    organization(LEAD),
    organization(UPPER, identifier=[{"system": "urn:example:code", "value": "430181"}]),
    organization(CARDIOLOGY, partOf={"reference": UPPER}),
    organization(SURGERY, partOf={"reference": UPPER}),
    organization(LOWER),
    organization(OUTSIDE),
    organization(DISPATCH, type=[_DISPATCH_TYPE]),
    affiliation(UPPER),
    affiliation(LOWER),
    role("lower-doctor", LOWER),
    role("upper-doctor", UPPER),
    role("cardiologist", CARDIOLOGY),
    role("outside-doctor", OUTSIDE),
    PATIENT,
    {"resourceType": "Composition", "id": "feedback", "status": "final", "type": {"text": "feedback"},
     "date": "2026-11-28", "author": [{"reference": UPPER}], "title": "转诊反馈"},
]  # fmt: skip
CONSENT: Resource = {
    "resourceType": "Consent",
    "id": "consent",
    "status": "active",
    "scope": {"text": "patient-privacy"},
    "category": [{"text": "referral"}],
    "patient": {"reference": "Patient/zhou"},
    "policyRule": {"text": "form 1"},
}


def coded(url: str, code: str) -> Resource:
    return {"url": extension_url(url), "valueCode": code}


def service_request(id_: str | None = "sr", **elements: Any) -> Resource:
    found = {
        "resourceType": "ServiceRequest",
        "meta": {"profile": [REFERRAL_PROFILE]},
        "extension": [coded("referral-direction", "up"), coded("care-setting", "I")],
        "identifier": [
            {
                "type": {"coding": [{"system": V2_IDENTIFIER_TYPE, "code": "PLAC"}]},
                "system": "urn:example:lower:referral",
                "value": "0001",
            }
        ],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": code_system("referral-kind"), "code": "referral"}]}],
        "priority": "routine",
        "code": {"text": "上转"},
        "subject": {"reference": "Patient/zhou"},
        "authoredOn": "2026-11-28T08:00:00+08:00",
        "requester": {"reference": "PractitionerRole/lower-doctor"},
        "performer": [{"reference": UPPER}],
        "reasonCode": [{"text": "胸痛"}],
        "supportingInfo": [{"reference": "Consent/consent"}],
    }
    return found | ({} if id_ is None else {"id": id_}) | elements


def business(code: str) -> Resource:
    return {"coding": [{"system": BUSINESS_STATUS, "code": code}]}


def task(id_: str | None = "t", **elements: Any) -> Resource:
    found = {
        "resourceType": "Task",
        "meta": {"profile": [TASK_PROFILE]},
        "identifier": [{"system": "urn:example:lower:task", "value": "0001"}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "fulfill"}]},
        "focus": {"reference": "ServiceRequest/sr"},
        "for": {"reference": "Patient/zhou"},
        "requester": {"reference": "PractitionerRole/lower-doctor"},
        "owner": {"reference": UPPER},
    }
    return found | ({} if id_ is None else {"id": id_}) | elements


def output(kind: str, reference: str) -> Resource:
    type_ = {"coding": [{"system": TASK_OUTPUT, "code": kind}]}
    return {"type": type_, "valueReference": {"reference": reference}}


FEEDBACK = output("feedback", "Composition/feedback")
ARRIVED = {"start": "2026-11-22T10:00:00+08:00"}  # before the clock of the tests begins
REASON = {
    "coding": [{"system": code_system("reject-reason"), "code": "no-bed"}],
    "text": "无床位",
}
NOTE = [{"text": "请补充心电图"}]


def wish(id_: str = "abort", focus: str = "Task/t", **elements: Any) -> Resource:
    """A Task by which the placer asks to abort another."""
    return {
        "resourceType": "Task",
        "id": id_,
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "abort"}]},
        "focus": {"reference": focus},
        "requester": {"reference": LOWER},
        "owner": {"reference": UPPER},
    } | elements


class Alliance(Fhir):
    """The rules of referrals over the interactions; time stands still unless it is told to go on."""

    def __init__(self, runner: asyncio.Runner, folder: Path) -> None:
        super().__init__(runner, folder / "fhir.sqlite")
        self.now_ms = START_MS
        self.context = replace(
            self.context, rules=referral_rules(self.context.settings), clock=lambda: self.now_ms
        )
        for resource in [*DIRECTORY, CONSENT]:
            self.load(resource)

    def load(self, resource: Resource) -> None:
        """As an operator does: without the rules of the workflow."""
        self("PUT", f"{resource['resourceType']}/{resource['id']}", resource, organization=OPERATOR)

    def submitted(self, **elements: Any) -> Resource:
        self.write(LOWER, service_request(**elements))
        return self.write(LOWER, task())

    def version(self, name: str) -> str:
        version: str = self.read(name)["meta"]["versionId"]
        return version

    def write(self, acting: str | None, resource: Resource, **given: Any) -> Resource:
        """PUT under If-Match with the version that is there."""
        return content(self.put(acting, resource, **given))

    def put(self, acting: str | None, resource: Resource, **given: Any) -> Response:
        name = f"{resource['resourceType']}/{resource['id']}"
        return self("PUT", name, resource, organization=acting, **(self.matching(name) | given))

    def refused_write(self, acting: str | None, resource: Resource, **given: Any) -> FhirError:
        name = f"{resource['resourceType']}/{resource['id']}"
        return self.refused("PUT", name, resource, organization=acting, **(self.matching(name) | given))

    def matching(self, name: str) -> dict[str, str]:
        try:
            return {"if_match": f'W/"{self.version(name)}"'}
        except FhirError:
            return {}

    def move(
        self, acting: str | None, status: str, business_: str | None = None, **elements: Any
    ) -> Resource:
        """The Task in another state."""
        return self.write(acting, self.moved(status, business_, **elements))

    def refused_move(
        self, acting: str | None, status: str, business_: str | None = None, **elements: Any
    ) -> FhirError:
        return self.refused_write(acting, self.moved(status, business_, **elements))

    def moved(self, status: str, business_: str | None = None, **elements: Any) -> Resource:
        found = self.read("Task/t")
        found.pop("businessStatus", None)
        stated = {"businessStatus": business(business_)} if business_ else {}
        return found | {"status": status} | stated | elements

    def at(self, status: str, business_: str | None = None, **elements: Any) -> None:
        """A referral whose Task is in a state, put there past the rules."""
        self.load(service_request())
        stated = {"businessStatus": business(business_)} if business_ else {}
        self.load(task(status=status, **stated, **elements))


def codes_of(error: FhirError) -> tuple[int, str]:
    return error.status, error.issues[0].code


def text_of(error: FhirError) -> str:
    return error.issues[0].diagnostics
