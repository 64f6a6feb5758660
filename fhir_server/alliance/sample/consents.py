"""What patients have agreed to.

https://hl7.org/fhir/R4/consent.html
"""

from datetime import date
from functools import cache
from typing import Any

from fhir.resources.R4B.attachment import Attachment
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.consent import Consent, ConsentPolicy, ConsentProvision
from fhir.resources.R4B.extension import Extension

from fhir_server.alliance import systems
from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.dump import plain, shared
from fhir_server.alliance.sample.elements import (
    at,
    code_extension,
    coding,
    concept,
    extension,
    meta,
    period,
    reference,
)
from fhir_server.resource import Resource


def consent(patient: Resource, home: Member, since: date, *, test: bool = False) -> Resource:
    """Given when he signed up with his doctor: his records may go along with a referral."""
    given: Any = at(since, 9)
    return plain(
        Consent(
            id=patient["id"].replace("patient-", "consent-"),
            meta=meta("alliance-consent", test=test),
            extension=[code_extension("legal-basis", "separate-consent"), _form()],
            status="active",
            scope=_scope(),
            category=[concept("http://loinc.org", "59284-0", "Consent Document")],
            patient=reference(patient),
            dateTime=given,
            performer=[reference(patient)],
            organization=[reference(home.organization)],
            sourceAttachment=_paper(),
            policy=[_policy()],
            provision=_provision(since),
        )
    )


@cache
def _scope() -> CodeableConcept:
    system = "http://terminology.hl7.org/CodeSystem/consentscope"
    return shared(CodeableConcept(coding=[Coding(system=system, code="patient-privacy")]))


@cache
def _form() -> Extension:
    return shared(extension("form-version", valueString="2017-1"))


@cache
def _paper() -> Attachment:
    return shared(Attachment(contentType="application/pdf", title="医联体转诊与资料共享知情同意书"))


@cache
def _policy() -> ConsentPolicy:
    return shared(ConsentPolicy(uri=f"{systems.BASE}/policy/referral-sharing"))


@cache
def _provision(since: date) -> ConsentProvision:
    return shared(
        ConsentProvision(
            type="permit",
            period=period(since),
            purpose=[coding(systems.ACT_REASON, "TREAT", "treatment")],
        )
    )
