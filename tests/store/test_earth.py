"""https://hl7.org/fhir/R4/location.html#search"""

from itertools import pairwise
from math import pi

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhir_server.store.earth import RADIUS_M, RANGES, around, cell, metres, nearest

latitudes = st.floats(-90, 90) | st.sampled_from((-90.0, 90.0, 0.0, 89.9999))
longitudes = st.floats(-180, 180) | st.sampled_from((-180.0, 180.0, 0.0, 179.9999))
distances = st.floats(0, 21_000_000) | st.floats(0, 1000)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((31.67, 118.51), (31.67, 118.51), 0),
        ((0, 0), (0, 180), pi * RADIUS_M),
        ((90, 0), (-90, 77), pi * RADIUS_M),
        ((90, 0), (90, 123), 0),
        ((0, 0), (0, 1), pi * RADIUS_M / 180),
        ((0, 179.5), (0, -179.5), pi * RADIUS_M / 180),
        ((39.9042, 116.4074), (31.2304, 121.4737), 1_067_300),  # Beijing, Shanghai
    ],
)
def test_metres(one: tuple[float, float], other: tuple[float, float], expected: float) -> None:
    assert metres(*one, *other) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert metres(*other, *one) == pytest.approx(metres(*one, *other))


def test_the_nearest_of_some() -> None:
    assert nearest(0, 0, ((0, 2), (0, 1), (0, 3))) == metres(0, 0, 0, 1)
    assert nearest(0, 0, ()) == float("inf")


def within(cells: list[tuple[int, int]], found: int) -> bool:
    return any(first <= found <= last for first, last in cells)


@given(latitudes, longitudes, latitudes, longitudes, distances)
def test_what_is_near_is_in_the_cells_around(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float, distance: float
) -> None:
    cells = around(latitude, longitude, distance)
    assert 0 < len(cells) <= RANGES
    assert all(first <= last for first, last in cells)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(cells))
    assert within(cells, cell(latitude, longitude))
    if metres(latitude, longitude, other_latitude, other_longitude) <= distance:
        assert within(cells, cell(other_latitude, other_longitude))


@given(latitudes, longitudes, st.floats(-1, 1), st.floats(-1, 1), st.floats(1, 100_000))
def test_neighbours_too(
    latitude: float, longitude: float, north: float, east: float, distance: float
) -> None:
    other = min(90.0, max(-90.0, latitude + north)), (longitude + east + 540) % 360 - 180
    assume(metres(latitude, longitude, *other) <= distance)
    assert within(around(latitude, longitude, distance), cell(*other))


def test_the_cells_are_not_much_more_than_what_is_near() -> None:
    """Ten kilometres are 0.00006 of 1 % of the globe; the cells may be a few times as many."""
    for place in ((31.67, 118.51), (0.0, 0.0), (45.0, 90.0), (-60.0, 179.99)):
        cells = sum(last - first + 1 for first, last in around(*place, 10_000))
        square = 2 * 20_000 * 20_000 / (4 * pi * RADIUS_M**2)
        assert cells / (1 << 60) < 5 * square
