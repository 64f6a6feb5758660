"""Pieces that every resource of the sample is made of, and the way from a typed resource to plain JSON."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.period import Period
from fhir.resources.R4B.reference import Reference

from fhir_server.alliance import systems
from fhir_server.alliance.systems import code_system, extension_url
from fhir_server.resource import Resource, decode

SAMPLE_TAG = Coding(
    system=code_system("sample-data"),
    code="demonstration",
    display="示例数据，人物与机构均为虚构",
)
_TEST_LABEL = Coding(system=systems.ACT_REASON, code="HTEST", display="test health data")


def meta() -> Meta:
    return Meta(tag=[SAMPLE_TAG])


def person_meta() -> Meta:
    """Marks an invented person as test data, so that nobody takes him for a patient.

    Requests and tasks do not carry the label: reports leave out what carries it, and have to count them.
    """
    return Meta(security=[_TEST_LABEL], tag=[SAMPLE_TAG])


def plain(typed: Any) -> Resource:
    """The JSON of a `fhir.resources` model, as a plain dict in the order of the specification."""
    found: Resource = decode(typed.model_dump_json().encode())
    return found


def concept(system: str, code: str, display: str) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code, display=display)], text=display)


def local(name: str, code: str, display: str) -> CodeableConcept:
    """A concept of one of the alliance's own code systems."""
    return concept(code_system(name), code, display)


def reference(resource: Resource) -> Reference:
    return Reference(reference=f"{resource['resourceType']}/{resource['id']}", display=_label(resource))


def _label(resource: Resource) -> str | None:
    """What a person calls the resource; None: nothing better than its id."""
    match resource.get("name"):
        case str(text) | [{"text": str(text)}, *_]:
            return text
        case _:
            return None


def extension(name: str, **value: Any) -> Extension:
    """`extension("bed-count", valueInteger=300)`."""
    return Extension(url=extension_url(name), **value)


def nested(name: str, parts: Iterable[Extension]) -> Extension:
    """A complex extension; `parts` carry short names as their url."""
    return Extension(url=extension_url(name), extension=list(parts))


def identifier(
    system: str, value: str, kind: str | None = None, assigner: Resource | None = None
) -> Identifier:
    """`kind`: a code of v2 table 0203."""
    return Identifier(
        type=CodeableConcept(coding=[Coding(system=systems.V2_IDENTIFIER_TYPE, code=kind)]) if kind else None,
        system=system,
        value=value,
        assigner=reference(assigner) if assigner else None,
    )


def period(start: date, end: date | None = None) -> Period:
    """Days stay days: a `date` is given out without a time, a `datetime` with its offset."""
    bounds: dict[str, Any] = {"start": start, "end": end}
    return Period(**bounds)
