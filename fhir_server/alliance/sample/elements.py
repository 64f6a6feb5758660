"""Pieces that every resource of the sample is made of.

What repeats, a reference to a hospital, a concept, a `meta`, is made once: typed models check themselves when
they are built.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Any

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.humanname import HumanName
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.meta import Meta
from fhir.resources.R4B.narrative import Narrative
from fhir.resources.R4B.period import Period
from fhir.resources.R4B.reference import Reference

from fhir_server.alliance import systems
from fhir_server.alliance.sample.dump import shared
from fhir_server.alliance.sample.names import Name
from fhir_server.alliance.systems import code_system, extension_url
from fhir_server.resource import Resource

SHANGHAI = timezone(timedelta(hours=8))

SAMPLE_TAG = Coding(
    system=code_system("sample-data"),
    code="demonstration",
    display="示例数据，人物与机构均为虚构",
)
_TEST_LABEL = Coding(system=systems.ACT_REASON, code="HTEST", display="test health data")


@cache
def meta(profile: str | None = None, *, test: bool = False) -> Meta:
    """`meta("alliance-patient")`; test: labelled as test data, which reports leave out."""
    return shared(
        Meta(
            profile=[extension_url(profile)] if profile else None,
            security=[_TEST_LABEL] if test else None,
            tag=[SAMPLE_TAG],
        )
    )


@cache
def concept(system: str, code: str, display: str, version: str | None = None) -> CodeableConcept:
    return shared(CodeableConcept(coding=[coding(system, code, display, version)], text=display))


@cache
def coding(system: str, code: str, display: str, version: str | None = None) -> Coding:
    return shared(Coding(system=system, version=version, code=code, display=display))


def local(name: str, code: str, display: str) -> CodeableConcept:
    """A concept of one of the alliance's own code systems."""
    return concept(code_system(name), code, display)


def reference(resource: Resource) -> Reference:
    return link(f"{resource['resourceType']}/{resource['id']}", _label(resource))


@cache
def link(text: str, display: str | None = None) -> Reference:
    """`link("Organization/organization-430181")`."""
    return shared(Reference(reference=text, display=display))


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


@cache
def code_extension(name: str, code: str) -> Extension:
    """`code_extension("care-setting", "I")`."""
    return shared(extension(name, valueCode=code))


@cache
def concept_extension(name: str, system: str, code: str, display: str) -> Extension:
    return shared(extension(name, valueCodeableConcept=local(system, code, display)))


def nested(name: str, parts: Iterable[Extension]) -> Extension:
    """A complex extension; `parts` carry short names as their url."""
    return Extension(url=extension_url(name), extension=list(parts))


@cache
def identifier_type(kind: str, display: str | None = None) -> CodeableConcept:
    """A code of v2 table 0203."""
    return shared(
        CodeableConcept(coding=[Coding(system=systems.V2_IDENTIFIER_TYPE, code=kind, display=display)])
    )


def identifier(
    system: str, value: str, kind: str | None = None, assigner: Resource | None = None
) -> Identifier:
    """`kind`: a code of v2 table 0203."""
    return Identifier(
        type=identifier_type(kind) if kind else None,
        system=system,
        value=value,
        assigner=reference(assigner) if assigner else None,
    )


def period(start: date, end: date | None = None) -> Period:
    """Days stay days: a `date` is given out without a time, a `datetime` with its offset."""
    bounds: dict[str, Any] = {"start": start, "end": end}
    return Period(**bounds)


def human_names(of: Name, use: str = "official") -> list[HumanName]:
    """The name in characters, and its pinyin."""
    given: list[str | None] | None = [of.given] if of.given else None
    syllables: list[str | None] = list(of.pinyin.split(" ", 1))
    return [
        HumanName(extension=[_IDEOGRAPHS], use=use, text=of.text, family=of.family, given=given),
        HumanName(
            extension=[_SYLLABLES],
            text=of.pinyin,
            family=syllables[0] if of.family else None,
            given=syllables[1:] if of.family else None,
        ),
    ]


_IDEOGRAPHS = Extension(url=systems.NAME_REPRESENTATION, valueCode="IDE")
_SYLLABLES = Extension(url=systems.NAME_REPRESENTATION, valueCode="SYL")


@cache
def narrative(text: str) -> Narrative:
    return Narrative(status="generated", div=f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>')


def at(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A moment of China's time."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=SHANGHAI)
