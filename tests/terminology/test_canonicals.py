"""https://hl7.org/fhir/R4/references.html#canonical"""

from typing import Any

import pytest

from fhir_server.terminology.canonicals import Found, chosen, in_order


def version(version_: str, source: int = 0, status: str = "active", **more: Any) -> Found:
    return Found({"version": version_, "status": status} | more, source, 0, 0)


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ([version("1.9"), version("1.10"), version("1.2")], "1.10"),
        ([version("2019-01-01"), version("2024"), version("2020")], "2024"),
        ([version("2", source=1), version("1", source=0)], "1"),  # the user's store comes first
        ([version("2", status="draft"), version("1")], "1"),  # of one source the active one
        ([version("1", source=0, status="retired"), version("2", source=1)], "2"),
        ([version("1", status="retired")], "1"),
        ([version("1", date="2020"), version("1", date="2021", status="active")], "1"),
    ],
)
def test_the_latest_active_one_is_meant(found: list[Found], meant: str) -> None:
    one = chosen(found, None)
    assert one is not None and one.resource["version"] == meant
    assert chosen([*reversed(found)], None) == one


def test_a_version_that_is_named() -> None:
    found = [version("1"), version("2"), version("2", source=1)]
    assert chosen(found, "1") is found[0]
    assert chosen(found, "2") is found[1]
    assert chosen(found, "3") is None
    assert chosen([], None) is None


@pytest.mark.parametrize(
    "versions",
    [["4.9.0", "4.10.0", "5"], ["2018-08-12", "2018-08-13", "2019"], ["1.0.0-ballot2", "1.0.0-ballot10"]],
)
def test_versions_in_order(versions: list[str]) -> None:
    assert sorted(reversed(versions), key=in_order) == versions
