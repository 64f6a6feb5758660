import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.fhirpath.moments import Moment, compare, equal, equivalent, parse_moment, parse_time


def moment(text: str) -> Moment:
    found = parse_moment(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    ["2015", "2015-02", "2015-02-28", "2015-02-28T10", "2015-02-28T10:00", "2015-02-28T10:00:60Z",
     "2015-02-28T10:00:00.123456+14:00", "2016-02-29", "0001", "9999-12-31"],
)  # fmt: skip
def test_moments(text: str) -> None:
    assert str(moment(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "x", "15", "2015-2", "2015-13", "2015-02-29", "2015-02-28T25:00", "2015-02-28T10:60",
     "2015-02-28T10:00:61", "2015-02-28Z", "2015T10", "2015-02-28T10:00:00+15:00", "0000", "2015-02-28 10:00",
     "２０１５"],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    assert parse_moment(text) is None


def test_times() -> None:
    found = parse_time("10:30")
    assert found is not None
    assert found.kind == "Time"
    assert parse_time("24:00") is not None
    assert parse_time("24:01") is None
    assert parse_time("10:5") is None


def test_a_date_is_the_interval_that_its_text_leaves_open() -> None:
    assert compare(moment("2015"), moment("2015-06")) is None
    assert compare(moment("2015"), moment("2016-01-01")) == -1
    assert compare(moment("2016-01-01T00:00:00Z"), moment("2015")) == 1
    assert compare(moment("2015-12"), moment("2016")) == -1
    assert compare(moment("2015-02-28T10"), moment("2015-02-28T11:00:00")) == -1
    assert compare(moment("2015-02-28T10"), moment("2015-02-28T10:00:00")) is None


def test_fractions_of_seconds_are_no_precision_of_their_own() -> None:
    assert equal(moment("2015-02-28T10:00:00Z"), moment("2015-02-28T10:00:00.000Z")) is True


def test_offsets_count() -> None:
    assert equal(moment("2015-02-28T10:00:00+08:00"), moment("2015-02-28T02:00:00Z")) is True
    assert equivalent(moment("2015-02-28T10:00:00+08:00"), moment("2015-02-28T02:00:00Z"))
    assert equal(moment("2015-02-28T02:00:00"), moment("2015-02-28T02:00:00Z")) is True


texts = st.one_of(
    st.dates().map(str),
    st.dates().map(lambda found: f"{found:%m}" and str(found)[:7]),
    st.dates().map(lambda found: str(found)[:4]),
    st.datetimes().map(lambda found: found.isoformat(timespec="seconds") + "Z"),
)


@given(texts, texts, texts)
def test_comparing_is_an_order(a: str, b: str, c: str) -> None:
    x, y, z = moment(a), moment(b), moment(c)
    assert compare(x, x) == 0
    there, back = compare(x, y), compare(y, x)
    assert (there is None) is (back is None)
    assert there is None or back is None or there == -back
    if compare(x, y) == -1 and compare(y, z) == -1:
        assert compare(x, z) == -1
