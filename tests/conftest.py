"""Fixtures that more than one folder of tests uses."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.server import Server

# how fast the machine is, is no question of a test
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with two workers and an empty store that all tests of the session share."""
    with Server(tmp_path_factory.mktemp("server") / "data", workers=2) as running:
        yield running
