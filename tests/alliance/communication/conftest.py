from collections.abc import Iterator
from dataclasses import replace

import pytest

from fhir_server.alliance.rules import alliance_rules
from fhir_server.config import Settings
from tests.interactions.conftest import fhir
from tests.interactions.fhir import Fhir

__all__ = ["fhir"]


@pytest.fixture
def alliance(fhir: Fhir) -> Iterator[Fhir]:
    """A server with the rules of the alliance."""
    fhir.context = replace(fhir.context, rules=alliance_rules(Settings()))
    yield fhir
