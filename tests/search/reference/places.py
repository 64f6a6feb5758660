"""`near`: https://hl7.org/fhir/R4/location.html#positional"""

import math
from typing import Any

from tests.search.reference import Refused
from tests.search.reference.grammar import parts

RADIUS_KM = 6371.0088
NEAR_KM = 10.0
_KM = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "[ft_i]": 0.0003048, "cm": 0.00001}


def wanted(text: str) -> tuple[float, float, float]:
    """ "[latitude]|[longitude]|[distance]|[units]": degrees and kilometres."""
    given = parts(text, "|")
    if len(given) not in (2, 3, 4) or not all(given[:2]):
        raise Refused(f"{text!r} is no place")
    try:
        latitude, longitude = float(given[0]), float(given[1])
        distance = float(given[2]) if len(given) > 2 and given[2] else NEAR_KM
    except ValueError:
        raise Refused(f"{text!r} has no numbers") from None
    unit = given[3] if len(given) > 3 and given[3] else "km"
    if abs(latitude) > 90 or abs(longitude) > 180 or distance < 0 or unit not in _KM:
        raise Refused(f"{text!r} is nowhere")
    return latitude, longitude, distance * _KM[unit]


def is_near(location: dict[str, Any], text: str) -> bool:
    latitude, longitude, limit_km = wanted(text)
    position = location.get("position")
    if position is None:
        return False
    there = float(position["latitude"]), float(position["longitude"])
    return distance_km((latitude, longitude), there) <= limit_km


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Haversine."""
    (a, b), (c, d) = (tuple(map(math.radians, each)) for each in (one, other))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))
