"""The quick way from typed models to JSON finds what the library's own finds."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.fhirprimitiveextension import FHIRPrimitiveExtension
from fhir.resources.R4B.healthcareservice import HealthcareService, HealthcareServiceAvailableTime
from fhir.resources.R4B.humanname import HumanName
from fhir.resources.R4B.location import Location, LocationPosition
from fhir.resources.R4B.patient import Patient

from fhir_server.alliance.sample import dump
from fhir_server.alliance.sample.dump import plain, shared
from fhir_server.alliance.sample.elements import SHANGHAI, meta, narrative
from fhir_server.resource import Resource, decode, encode
from tests.alliance.sample.networks import network


def by_the_library(typed: Any) -> Resource:
    found: Resource = decode(typed.model_dump_json().encode())
    return found


MOMENT: Any = datetime(2018, 1, 1, 0, 30, tzinfo=SHANGHAI)
GIVEN: list[str | None] = ["小明", None]


@pytest.mark.parametrize(
    "typed",
    [
        Patient(
            id="1",
            meta=meta("alliance-patient"),
            text=narrative("a < b".replace("<", "&lt;")),
            active=False,
            gender="male",
            birthDate=date(1986, 5, 1),
            deceasedDateTime=MOMENT,
            name=[
                HumanName(
                    given=GIVEN,
                    given__ext=[
                        None,
                        FHIRPrimitiveExtension(extension=[{"url": "http://a.example", "valueCode": "b"}]),
                    ],
                )
            ],
        ),
        Patient(
            birthDate__ext=FHIRPrimitiveExtension(extension=[{"url": "http://a.example", "valueCode": "b"}])
        ),
        Patient(deceasedDateTime=MOMENT.astimezone(UTC)),
        Patient(deceasedBoolean=False, multipleBirthInteger=0),
        Location(position=LocationPosition(longitude=Decimal("113.64"), latitude=Decimal("-28"))),
        HealthcareService(
            availableTime=[HealthcareServiceAvailableTime(allDay=False, availableStartTime=time(8, 0))]
        ),
    ],
)
def test_a_resource_comes_out_as_the_library_writes_it(typed: Any) -> None:
    assert encode(plain(typed)) == encode(by_the_library(typed))


def test_what_is_shared_comes_out_the_same() -> None:
    name = HumanName(text="王小明")
    apart = plain(Patient(name=[name]))
    assert plain(Patient(name=[shared(name)])) == apart


def test_what_was_changed_is_not_taken_for_what_is_shared() -> None:
    name = shared(HumanName(text="王小明"))
    assert plain(Patient(name=[name.model_copy(update={"text": "王大明"})]))["name"] == [{"text": "王大明"}]


def test_a_type_that_nobody_thought_of_is_refused() -> None:
    with pytest.raises(AttributeError):
        dump._value(b"bytes")


@pytest.mark.parametrize("letter", ["A", "C", "D"])
def test_typed_models_read_resources_of_a_network(letter: str) -> None:
    """Also what was copied from a model without its checks."""
    for resource in network(letter)[::4]:
        model = get_fhir_model_class(resource["resourceType"])
        assert by_the_library(model.model_validate_json(encode(resource))) == resource, resource["id"]


def test_typed_models_read_resources_of_the_large_network() -> None:
    for resource in network("B")[::60]:
        model = get_fhir_model_class(resource["resourceType"])
        assert by_the_library(model.model_validate_json(encode(resource))) == resource, resource["id"]
