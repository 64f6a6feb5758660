"""In- and out-parameters of operations."""

from typing import Any

import pytest

from fhir_server.interactions.operations.parameters import (
    Arguments,
    arguments,
    of_parameters,
    parameters,
    part,
)
from fhir_server.interactions.request import Request
from fhir_server.outcome import FhirError

KNOWN = ("url", "count", "active", "coding", "resource", "match")


def of(*parts: dict[str, Any]) -> Arguments:
    return arguments(Request("POST", resource=parameters(*parts)), KNOWN)


def test_a_query_and_a_resource_say_the_same() -> None:
    query = arguments(Request("GET", parameters=[("url", "u"), ("count", "2"), ("active", "true")]), KNOWN)
    body = of(part("url", valueUri="u"), part("count", valueInteger=2), part("active", valueBoolean=True))
    for found in (query, body):
        assert (found.text("url"), found.integer("count"), found.boolean("active")) == ("u", 2, True)
        assert (found.text("coding"), found.resource("resource"), found.texts("match")) == (None, None, [])


def test_parameters_about_the_answer_are_not_the_operations() -> None:
    assert arguments(Request("GET", parameters=[("_format", "json")]), KNOWN) == Arguments()


def test_a_body_that_is_no_parameters_resource_is_the_bare_parameter() -> None:
    patient = {"resourceType": "Patient"}
    request = Request("POST", resource=patient, parameters=[("url", "u")])
    found = arguments(request, KNOWN, bare="resource")
    assert (found.resource("resource"), found.text("url")) == (patient, "u")
    with pytest.raises(FhirError, match="Parameters resource"):
        arguments(request, KNOWN)


def test_values_parts_and_resources() -> None:
    coding = {"system": "s", "code": "c"}
    found = of(
        part("coding", valueCoding=coding),
        part("resource", resource={"resourceType": "Basic"}),
        part("match", part=[part("url", valueUri="u")]),
    )
    assert found.value("coding") == coding
    assert found.resource("resource") == {"resourceType": "Basic"}
    assert [each.text("url") for each in found.parts("match")] == ["u"]
    assert found.all("coding")[0].type == "Coding"


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        (parameters(part("cont", valueInteger=1)), "did you mean count"),
        (parameters(part("url", valueUri="u", valueString="u")), "one of value, resource and part"),
        ({"resourceType": "Parameters", "parameter": [{"valueUri": "u"}]}, "has no name"),
        ({"resourceType": "Parameters", "parameter": {}}, "must be an array"),
        (parameters(part("resource", resource=[])), "must be a resource"),
    ],
)
def test_400_for_parameters_that_are_none(resource: dict[str, Any], words: str) -> None:
    with pytest.raises(FhirError, match=words) as refused:
        arguments(Request("POST", resource=resource), KNOWN)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda found: found.text("count"), "takes a text"),
        (lambda found: found.integer("url"), "takes an integer"),
        (lambda found: found.boolean("url"), "true or false"),
        (lambda found: found.text("match"), "given 2 times"),
        (lambda found: found.resource("url"), "takes a resource"),
        (lambda found: found.value("resource"), "has no value"),
        (lambda found: found.required_text("active"), "is required"),
    ],
)
def test_400_for_a_value_of_the_wrong_kind(call: Any, words: str) -> None:
    found = of(
        part("url", valueUri="u"),
        part("count", valueInteger=2),
        part("match", valueString="a"),
        part("match", valueString="b"),
        part("resource", resource={"resourceType": "Basic"}),
    )
    with pytest.raises(FhirError, match=words) as refused:
        call(found)
    issue = refused.value.issues[0]
    assert refused.value.status == 400
    assert (issue.expression or "").startswith("Parameters.parameter.where(name = ")


def test_a_resource_without_parameters_has_no_empty_array() -> None:
    assert parameters() == {"resourceType": "Parameters"}
    assert parameters(part("a", {"valueCode": "b"}))["parameter"] == [{"name": "a", "valueCode": "b"}]


@pytest.mark.parametrize("read", ["boolean", "integer", "text"])
def test_a_value_of_another_type_is_refused(read: str) -> None:
    found = of_parameters({"parameter": [{"name": "x", "valueCoding": {"code": "a"}}]})
    with pytest.raises(FhirError, match=r"x (is|takes)") as caught:
        getattr(found, read)("x")
    assert caught.value.status == 400
