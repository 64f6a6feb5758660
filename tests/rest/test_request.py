"""Header fields that become parts of a request."""

import pytest

from fhir_server.config import Settings
from tests.rest.calling import ask, understood

OPEN = Settings(open=True)
HOST = {"Host": "127.0.0.1"}
ACTING = {"X-Acting-Organization": "Organization/county-1"}


def test_the_organisation_that_a_client_acts_for() -> None:
    headers = HOST | {"X-Acting-Organization": "Organization/county-1"}
    assert (
        understood("GET", "/fhir/Patient/1", headers, settings=OPEN).organization == "Organization/county-1"
    )


def test_without_the_header_there_is_none() -> None:
    assert understood("GET", "/fhir/Patient/1", HOST, settings=OPEN).organization is None


@pytest.mark.parametrize(
    "text", ["server", "operator", "Patient/1", "Organization/", "Organization/..", "x/Organization/1"]
)
def test_what_names_no_organisation_is_400(text: str) -> None:
    answer = ask("GET", "/fhir/Patient/1", HOST | {"X-Acting-Organization": text}, settings=OPEN)
    assert (answer.status, answer.code) == (400, "value")
    assert repr(text) in answer.diagnostics


def test_the_header_is_believed_under_open_only() -> None:
    assert understood("GET", "/fhir/Patient/1", HOST | ACTING, settings=Settings()).organization is None
