"""Places on the earth: how far apart they are, and how an index finds those that are near.

The globe is a square of longitude and latitude, quartered again and again; a cell is a quarter's number, in
the order of Morton's curve, so that a quarter of any size is one range of cells.
"""

from math import asin, cos, degrees, inf, radians, sin, sqrt

RADIUS_M = 6_371_008.8  # mean, of WGS 84
BITS = 30  # of a cell's latitude, and of its longitude: 2 cm
RANGES = 24  # at most, that stand for the surroundings of a place

_SIDE = 1 << BITS
_SLACK = 1e-9  # degrees, so that rounding leaves nobody out
_HALF_ROUND = 90.0

Box = tuple[int, int, int, int]
"""West, south, east, north, inclusive, in units of the smallest cells."""
Range = tuple[int, int]
"""First and last cell."""


def metres(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Along the surface of a sphere, by the haversine formula."""
    north, other_north = radians(latitude), radians(other_latitude)
    by_latitude = sin((other_north - north) / 2)
    by_longitude = sin(radians(other_longitude - longitude) / 2)
    haversine = by_latitude * by_latitude + cos(north) * cos(other_north) * by_longitude * by_longitude
    return 2 * RADIUS_M * asin(min(1.0, sqrt(haversine)))


def nearest(latitude: float, longitude: float, places: tuple[tuple[float, float], ...]) -> float:
    """Metres to the nearest of some places."""
    return min((metres(latitude, longitude, *place) for place in places), default=inf)


def cell(latitude: float, longitude: float) -> int:
    return _interleaved(_column(longitude), _row(latitude))


def around(latitude: float, longitude: float, distance_m: float) -> list[Range]:
    """Ranges of cells, ascending and apart, that hold every place within the distance, and some others."""
    boxes = [
        (_column(west), _row(south), _column(east), _row(north))
        for west, south, east, north in _boxes(latitude, longitude, distance_m)
    ]
    quarters, level = [(0, 0)], 0
    whole: list[tuple[int, int, int]] = []
    while quarters and level < BITS:
        finer = [(2 * x + dx, 2 * y + dy) for x, y in quarters for dy in (0, 1) for dx in (0, 1)]
        size = _SIDE >> (level + 1)
        met = [(x, y) for x, y in finer if any(_meets(box, x * size, y * size, size) for box in boxes)]
        inside = [(x, y) for x, y in met if any(_holds(box, x * size, y * size, size) for box in boxes)]
        if len(whole) + len(met) > RANGES:
            break
        level += 1
        whole += [(x, y, level) for x, y in inside]
        quarters = [each for each in met if each not in inside]
    whole += [(x, y, level) for x, y in quarters]
    return _joined([_range(x, y, level) for x, y, level in whole])


def _boxes(latitude: float, longitude: float, distance_m: float) -> list[tuple[float, float, float, float]]:
    """West, south, east, north of what lies within the distance; two where the antimeridian cuts it."""
    reach = degrees(distance_m / RADIUS_M) + _SLACK
    south, north = max(-_HALF_ROUND, latitude - reach), min(_HALF_ROUND, latitude + reach)
    if latitude - reach <= -_HALF_ROUND or latitude + reach >= _HALF_ROUND:  # a pole, and all around it
        return [(-180.0, south, 180.0, north)]
    spread = degrees(asin(min(1.0, sin(radians(reach)) / cos(radians(latitude))))) + _SLACK
    west, east = longitude - spread, longitude + spread
    if west < -180:
        return [(west + 360, south, 180.0, north), (-180.0, south, east, north)]
    if east > 180:
        return [(west, south, 180.0, north), (-180.0, south, east - 360, north)]
    return [(west, south, east, north)]


def _column(longitude: float) -> int:
    return max(0, min(_SIDE - 1, int((longitude + 180) / 360 * _SIDE)))


def _row(latitude: float) -> int:
    return max(0, min(_SIDE - 1, int((latitude + 90) / 180 * _SIDE)))


def _meets(box: Box, x: int, y: int, size: int) -> bool:
    west, south, east, north = box
    return x <= east and y <= north and x + size > west and y + size > south


def _holds(box: Box, x: int, y: int, size: int) -> bool:
    west, south, east, north = box
    return west <= x and south <= y and x + size - 1 <= east and y + size - 1 <= north


def _range(x: int, y: int, level: int) -> Range:
    below = 2 * (BITS - level)
    first = _interleaved(x, y) << below
    return first, first + (1 << below) - 1


def _joined(ranges: list[Range]) -> list[Range]:
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and found[-1][1] + 1 == first:
            found[-1] = found[-1][0], last
        else:
            found.append((first, last))
    return found


def _interleaved(x: int, y: int) -> int:
    return _spread(x) | _spread(y) << 1


def _spread(number: int) -> int:
    """A zero before each bit."""
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333), (1, 0x5555555555555555),
    ):  # fmt: skip
        number = (number | number << shift) & mask
    return number
