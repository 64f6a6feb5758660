"""Names that sound alike share a key."""

import pytest

from fhir_server.search.sound import keys


@pytest.mark.parametrize(
    ("one", "other"), [("smith", "smyth"), ("catherine", "kathryn"), ("philip", "filip"), ("ann", "anne")]
)
def test_alike(one: str, other: str) -> None:
    assert keys(one) == keys(other) != []


@pytest.mark.parametrize(("one", "other"), [("smith", "jones"), ("peter", "anna")])
def test_not_alike(one: str, other: str) -> None:
    assert keys(one) != keys(other)


def test_word_by_word() -> None:
    assert keys("mary-ann o'neil") == [*keys("mary"), *keys("ann"), *keys("o"), *keys("neil")]


@pytest.mark.parametrize("text", ["", "张三", "иван", "123", "_", "'"])
def test_nothing_to_hear(text: str) -> None:
    assert keys(text) == []
