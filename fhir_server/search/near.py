"""`near`: locations within a distance of a place.

https://hl7.org/fhir/R4/location.html#search

`latitude|longitude|distance|units`, WGS 84 in degrees, the distance along the surface of the earth in any
unit of length that UCUM has, kilometres unless it is said; comma means OR. A location without a position is
never near.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from fhir_server import ucum
from fhir_server.outcome import FhirError, bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.values import alternatives, split, unescape
from fhir_server.store.algebra import Near, Node, Present
from fhir_server.store.earth import metres
from fhir_server.store.rows import Rows

MODIFIERS: frozenset[str] = frozenset()

CODE = "near"
RESOURCE_TYPE = "Location"
DISTANCE_KM = Decimal(10)
"""What is near where no distance is given: "the server can use its own discretion"."""
DISTANCE_URL = "http://hl7.org/fhir/StructureDefinition/location-distance"

_POSITION = "Location.position"
_UNIT = "km"
_DECIMAL = re.compile(r"[+ -]?\d{1,20}(?:\.\d{1,20})?(?:[eE][+ -]?\d{1,2})?", re.ASCII)
_SHOWN = Decimal("0.0001")  # of the unit
_EXACT = Context(prec=60)
_WAY_ROUND_M = 30_000_000.0  # nothing is farther away; the infinite distance would be no number of SQL


@dataclass(frozen=True, slots=True)
class Area:
    """All that is not farther than `metres` away from a place."""

    latitude: float
    longitude: float
    metres: float
    unit: str  # UCUM code of the unit that the client thinks in


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    if value_type != _POSITION:
        return None

    def emit(value: Any, rows: Rows) -> None:
        place = place_of(value)
        if place is not None:
            rows.positions.add((column, *place))

    return emit


def place_of(position: Any) -> tuple[float, float] | None:
    """Latitude and longitude; None: there is no such place on earth."""
    latitude, longitude = position.get("latitude"), position.get("longitude")
    if latitude is None or longitude is None or not -90 <= latitude <= 90 or not -360 <= longitude <= 360:
        return None
    return float(latitude), _around(float(longitude))


def _around(longitude: float) -> float:
    """190 degrees to the east are 170 to the west."""
    if longitude > 180:
        return longitude - 360
    return longitude + 360 if longitude < -180 else longitude


def parse(value: str) -> Area:
    parts = [unescape(part) for part in split(value, "|")]
    if not 2 <= len(parts) <= 4:
        raise bad_value(f"{value!r} is not written latitude|longitude|distance|units")
    latitude, longitude, distance, unit = (*parts, "", "")[:4]
    unit = unit or _UNIT
    north, east = _degrees(latitude, "latitude", 90), _degrees(longitude, "longitude", 360)
    length = _number(distance, "distance") if distance else ucum.convert(DISTANCE_KM, _UNIT, unit)
    if length is not None and length < 0:
        raise bad_value(f"the distance {distance!r} is negative")
    in_metres = None if length is None else ucum.convert(length, unit, "m")
    if in_metres is None:
        raise bad_value(f"{unit!r} is not a unit of length in UCUM, such as km, m or [mi_i]")
    return Area(float(north), _around(float(east)), min(float(in_metres), _WAY_ROUND_M), unit)


def _degrees(text: str, name: str, most: int) -> Decimal:
    number = _number(text, name)
    if abs(number) > most:
        raise bad_value(f"the {name} {text!r} is not between -{most} and {most} degrees")
    return number


def _number(text: str, name: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise bad_value(f"the {name} {text[:80]!r} is not a number")
    return Decimal(text.replace(" ", "+"))  # a plus that was not percent-encoded arrives as a space


def areas(parameters: Iterable[tuple[str, str]]) -> tuple[Area, ...]:
    """What the `near` parameters of a request name, as far as it can be read."""
    found: list[Area] = []
    for name, value in parameters:
        if name == CODE:
            with suppress(FhirError):  # whoever compiles the parameter says so
                found += [parse(each) for each in alternatives(value)]
    return tuple(found)


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    found = [parse(value) for value in values]
    return any_of(Near(column.name, area.latitude, area.longitude, area.metres) for area in found)


def present(column: Column) -> Node:
    return Present("position", column.name)


def distance(location: Any, wanted: Sequence[Area]) -> dict[str, Any] | None:
    """The extension of a hit that says how far it is from the nearest of the places searched for.

    https://hl7.org/fhir/R4/extension-location-distance.html
    """
    place = place_of(location.get("position", {}))
    if place is None or not wanted:
        return None
    away, unit = min((metres(area.latitude, area.longitude, *place), area.unit) for area in wanted)
    value = ucum.convert(Decimal(repr(away)), "m", unit)
    assert value is not None  # parse() let no other units pass
    quantity = {
        "value": value.quantize(_SHOWN, context=_EXACT),
        "unit": unit,
        "system": ucum.SYSTEM,
        "code": unit,
    }
    return {"url": DISTANCE_URL, "valueDistance": quantity}
