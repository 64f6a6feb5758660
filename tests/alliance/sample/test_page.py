"""The page about the networks says what they are now."""

from pathlib import Path

from fhir_server.alliance.sample.page import page
from fhir_server.alliance.sample.world import LETTERS
from tests.alliance.sample.networks import network

PAGE = Path(__file__).parents[3] / "docs" / "alliance-sample.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page({letter: network(letter) for letter in LETTERS})
