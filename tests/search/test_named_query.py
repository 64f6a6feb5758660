"""https://hl7.org/fhir/R4/search.html#query"""

from typing import Any

import pytest

from fhir_server.alliance.systems import extension_url
from fhir_server.outcome import FhirError
from fhir_server.search.named_query import CRITERIA, NamedQuery, QueryParameter, named_query
from fhir_server.search.terms import QueryName, Terms
from tests.search.searching import compiled


def parameter(name: str, **elements: Any) -> dict[str, Any]:
    return {
        "name": name,
        "use": "in",
        "min": 0,
        "max": "1",
        "type": "string",
        "searchType": "token",
    } | elements


def definition(criteria: str | None = "status={status}", **elements: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "OperationDefinition",
        "name": "Mine",
        "status": "active",
        "kind": "query",
        "code": "mine",
        "resource": ["Task"],
        "system": False,
        "type": True,
        "instance": False,
        "parameter": [parameter("status"), parameter("who", min=1), parameter("also", max="*")],
    }
    if criteria is not None:
        found["extension"] = [{"url": CRITERIA, "valueString": criteria}]
    return found | elements


def query(criteria: str, **elements: Any) -> NamedQuery:
    found = named_query(definition(criteria, **elements))
    assert found is not None
    return found


def test_the_extension_is_one_of_the_alliance() -> None:
    assert extension_url("query-criteria") == CRITERIA


def test_what_is_read_of_a_definition() -> None:
    found = query("owner=Organization/{who}&status=requested%2Caccepted&code=a+b")
    assert found == NamedQuery(
        "mine",
        frozenset({"Task"}),
        False,
        (
            QueryParameter("status"),
            QueryParameter("who", required=True),
            QueryParameter("also", repeats=True),
        ),
        (("owner", "Organization/{who}"), ("status", "requested,accepted"), ("code", "a b")),
    )


@pytest.mark.parametrize("elements", [{"kind": "operation"}, {"status": "retired"}])
def test_what_is_no_query(elements: dict[str, str]) -> None:
    assert named_query(definition(None, **elements)) is None


@pytest.mark.parametrize(
    ("criteria", "what"),
    [(None, CRITERIA), ("", CRITERIA), ("status", "'status'"), ("=x", "'=x'"), ("status={stat}", "'stat'"),
     ("_query=other", "'_query=other'")],
)  # fmt: skip
def test_400_for_a_definition_that_does_not_say_how(criteria: str | None, what: str) -> None:
    with pytest.raises(FhirError) as caught:
        named_query(definition(criteria))
    assert (caught.value.status, caught.value.issues[0].code) == (400, "not-supported")
    assert what in caught.value.issues[0].diagnostics


@pytest.mark.parametrize(
    ("elements", "types", "wanted"),
    [
        ({}, ("Task",), True), ({}, ("Patient",), False), ({}, ("Task", "Patient"), False), ({}, (), False),
        ({"system": True}, (), True), ({"resource": ["Task", "Patient"]}, ("Patient", "Task"), True),
        ({"resource": ["Resource"]}, ("Patient",), True), ({"resource": ["DomainResource"]}, (), False),
        ({"type": False, "system": True}, ("Task",), True),
    ],
)  # fmt: skip
def test_what_it_can_be_asked_of(elements: Any, types: tuple[str, ...], wanted: bool) -> None:
    assert query("status=x", **elements).is_for(types) == wanted


@pytest.mark.parametrize(
    ("criteria", "given", "expanded"),
    [
        ("owner={who}&status=ready", [("who", "1")], [("owner", "1"), ("status", "ready")]),
        ("owner={who}&status={status}", [("who", "1")], [("owner", "1")]),
        ("code={status}|{who}", [("who", "1"), ("status", "s")], [("code", "s|1")]),
        ("code={status}|{who}", [("who", "1")], []),
        ("_tag={also}", [("who", "1"), ("also", "a"), ("also", "b")], [("_tag", "a"), ("_tag", "b")]),
        (
            "code={who}|{also}",
            [("who", "1"), ("also", "a"), ("also", "b")],
            [("code", "1|a"), ("code", "1|b")],
        ),
        ("owner={who}", [("who", "a&status=x,{who}\\1")], [("owner", "a&status=x,{who}\\1")]),
    ],
)  # fmt: skip
def test_expanded(criteria: str, given: list[tuple[str, str]], expanded: list[tuple[str, str]]) -> None:
    assert query(criteria).expanded(given) == expanded


@pytest.mark.parametrize(
    ("given", "code"),
    [([], "required"), ([("status", "x")], "required"), ([("who", "1"), ("who", "2")], "value")],
)
def test_400_for_parameters_that_do_not_fit(given: list[tuple[str, str]], code: str) -> None:
    with pytest.raises(FhirError) as caught:
        query("owner={who}").expanded(given)
    assert (caught.value.status, caught.value.issues[0].code) == (400, code)


def test_it_is_compiled_when_it_is_known() -> None:
    asked = "Task?_query=mine&who=1&priority=urgent&_count=5"
    terms = Terms()
    compiled(asked, terms=terms)
    name = QueryName(("Task",), "mine")
    assert list(terms.missing) == [name]
    terms = Terms(known={name: query("owner=Organization/{who}&status=ready")})
    found = compiled(asked, terms=terms)
    assert not terms.missing
    same = compiled("Task?owner=Organization/1&status=ready&priority=urgent&_count=5")
    assert (found.where, found.count) == (same.where, 5)
    assert found.used == (("_query", "mine"), ("who", "1"), ("priority", "urgent"), ("_count", "5"))
