"""https://hl7.org/fhir/R4/http.html#summary"""

from dataclasses import replace

import pytest

from fhir_server.interactions.context import Context
from fhir_server.interactions.operations import OPERATIONS, Operation
from fhir_server.interactions.request import Method, Request, Response
from tests.interactions.fhir import Fhir, codes, content, patient


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("PUT", "", "GET, POST, HEAD"),
        ("DELETE", "", "GET, POST, HEAD"),
        ("POST", "metadata", "GET, HEAD"),
        ("POST", "_history", "GET, HEAD"),
        ("GET", "_search", "POST"),
        ("GET", "Patient/_search", "POST"),
        ("POST", "Patient/1", "GET, PUT, PATCH, DELETE, HEAD"),
        ("PUT", "Patient/_history", "GET, HEAD"),
        ("DELETE", "Patient/1/_history", "GET, HEAD"),
        ("DELETE", "Patient/1/_history/1", "GET, HEAD"),
        ("PATCH", "Patient/1/_history/1", "GET, HEAD"),
        ("PUT", "Patient/1/Observation", "GET, HEAD"),
        ("GET", "Patient/1/Observation/_search", "POST"),
    ],
)
def test_405_with_the_methods_that_are_allowed(fhir: Fhir, method: Method, url: str, allowed: str) -> None:
    error = fhir.refused(method, url, patient(id="1"))
    assert codes(error) == (405, "not-supported")
    assert error.headers["Allow"] == allowed


@pytest.mark.parametrize(
    "url", ["Nonsense", "Nonsense/1", "Nonsense/_history", "Patient/1/Nonsense", "patient/1"]
)
def test_C01_404_for_an_unknown_type(fhir: Fhir, url: str) -> None:
    assert codes(fhir.refused("GET", url)) == (404, "not-supported")


@pytest.mark.parametrize("name", ["Resource", "DomainResource", "Element", "HumanName"])
def test_404_for_a_type_without_instances(fhir: Fhir, name: str) -> None:
    assert codes(fhir.refused("GET", f"{name}/1")) == (404, "not-supported")


@pytest.mark.parametrize("url", ["$nonsense", "Patient/$nonsense", "Patient/1/$nonsense"])
def test_404_for_an_unknown_operation(fhir: Fhir, url: str) -> None:
    assert codes(fhir.refused("POST", url)) == (404, "not-supported")


async def _echo(context: Context, request: Request) -> Response:
    return Response(200, resource={"resourceType": "Basic", "id": request.id or "none"})


def test_an_operation_of_the_table(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    definition = "http://example.org/OperationDefinition/echo"
    made = Operation(_echo, definition, frozenset(("instance",)), frozenset(("Patient",)), affects_state=True)
    monkeypatch.setitem(OPERATIONS, "echo", made)
    assert content(fhir("POST", "Patient/1/$echo"))["id"] == "1"
    assert codes(fhir.refused("POST", "Patient/$echo")) == (404, "not-supported")
    assert codes(fhir.refused("POST", "Group/1/$echo")) == (404, "not-supported")
    fhir.settings(page_size=7)  # a statement is kept for its settings
    listed = {each["type"]: each.get("operation") for each in fhir.read("metadata")["rest"][0]["resource"]}
    assert {"name": "echo", "definition": definition} in listed["Patient"]
    assert "echo" not in {each["name"] for each in listed["Group"]}
    error = fhir.refused("GET", "Patient/1/$echo")
    assert (error.status, error.headers["Allow"]) == (405, "POST")


def test_an_operation_that_only_reads(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPERATIONS, "echo", Operation(_echo, "http://example.org/x", frozenset(("system",))))
    for method in ("GET", "HEAD", "POST"):
        assert fhir(method, "$echo").status == 200
    error = fhir.refused("PUT", "$echo")
    assert (error.status, error.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_operations_of_what_is_built_on_this_are_found_and_declared(fhir: Fhir) -> None:
    async def greet(_: Context, request: Request) -> Response:
        return Response(200, resource={"resourceType": "Parameters", "id": request.id})

    definition = "http://example.org/OperationDefinition/greet"
    greeting = Operation(greet, definition, frozenset(("instance",)), frozenset(("Basic",)))
    fhir.context = replace(fhir.context, operations={"greet": greeting})
    assert (fhir("POST", "Basic/1/$greet").resource or {})["id"] == "1"
    assert fhir.refused("POST", "Patient/1/$greet").status == 404
    (rest,) = fhir.read("metadata")["rest"]
    declared = {each["type"]: each.get("operation", []) for each in rest["resource"]}
    assert {"name": "greet", "definition": definition} in declared["Basic"]
    assert "greet" not in [each["name"] for each in declared["Patient"]]
