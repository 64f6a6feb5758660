"""Every interaction and search parameter that /metadata declares answers.

https://hl7.org/fhir/R4/capabilitystatement.html

The statement is read as a client reads it; nothing here looks into the tables that it is made from.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conformance.client import FORM, JSON, JSON_PATCH, Client
from tests.rest.calling import Answer

VALUES = {
    "token": "http://example.org|a",
    "string": "a",
    "date": "ge2024-01-01",
    "number": "gt1",
    "quantity": "1|http://unitsofmeasure.org|mg",
    "uri": "http://example.org/a",
    "reference": "http://example.org/Patient/a",
}
"""A value that every parameter of the type takes."""

SPECIAL = {"near": "0|0|1|km", "_filter": "_id pr true", "_has": "a", "_list": "a"}
"""The same for the parameters that have a grammar of their own."""
WHOLE = {"_has": "_has:Provenance:target:_id"}
"""Those whose name goes on."""

AT_ONCE = 40  # includes in one request


class Probe(Client):
    """Knows a value for every parameter."""

    @cache  # noqa: B019 - lives as long as the test module
    def component_types(self, definition: str) -> list[str]:
        """The types of the parameters that a composite parameter is made of."""
        (entry,) = self.search("/SearchParameter", ("url", definition)).json["entry"]
        return [self._type_of(part["definition"]) for part in entry["resource"]["component"]]

    def _type_of(self, definition: str) -> str:
        (entry,) = self.search("/SearchParameter", ("url", definition)).json["entry"]
        return str(entry["resource"]["type"])

    def value_for(self, parameter: dict[str, str]) -> str:
        if parameter["type"] == "composite":
            return "$".join(VALUES[type_] for type_ in self.component_types(parameter["definition"]))
        return SPECIAL[parameter["name"]] if parameter["type"] == "special" else VALUES[parameter["type"]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    found = Probe(tmp_path_factory.mktemp("probe"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def rest(client: Probe) -> dict[str, Any]:
    statement = client.ask("GET", "/metadata").json
    assert statement["resourceType"] == "CapabilityStatement"
    (found,) = statement["rest"]
    assert isinstance(found, dict)
    return found


def shown(answer: Answer) -> str:
    return f"{answer.status} {answer.body[:300].decode()}"


def is_absent(answer: Answer) -> bool:
    return (answer.status, answer.code) == (404, "not-found")


def is_written(answer: Answer) -> bool:
    """Written, or refused by the check of what was written: the interaction itself is there."""
    if answer.status in (200, 201):
        return True
    return answer.status == 400 and {issue["code"] for issue in answer.json["issue"]} <= {
        "required",
        "structure",
        "invariant",
    }


def answers(client: Probe, type_: str, code: str) -> bool:
    """Whether the interaction does what it does for a resource that is not there, or is the least one."""
    least = b'{"resourceType":"%s","id":"probe"}' % type_.encode()
    absent = f"/{type_}/absent"
    match code:
        case "read":
            return is_absent(client.ask("GET", absent)) and client.ask("HEAD", absent).status == 404
        case "vread":
            return is_absent(client.ask("GET", f"{absent}/_history/1"))
        case "update":
            return is_written(client.ask("PUT", f"/{type_}/probe", JSON, least))
        case "patch":
            return is_absent(client.ask("PATCH", absent, JSON_PATCH, b'[{"op":"remove","path":"/text"}]'))
        case "delete":
            return client.ask("DELETE", absent).status == 204
        case "create":
            return is_written(client.ask("POST", f"/{type_}", JSON, least))
        case "history-instance":
            return is_absent(client.ask("GET", f"{absent}/_history"))
        case "history-type":
            return bool(client.ask("GET", f"/{type_}/_history").json["type"] == "history")
        case "search-type":
            found = (
                client.search(f"/{type_}", ("_id", "absent")).json,
                client.ask("POST", f"/{type_}/_search", FORM, b"_id=absent").json,
            )
            return all(bundle["type"] == "searchset" and bundle["total"] == 0 for bundle in found)
        case _:
            raise AssertionError(f"{code} is declared, and the probe does not know it")


def test_every_type_has_interactions_and_each_answers(client: Probe, rest: dict[str, Any]) -> None:
    silent = [
        (resource["type"], interaction["code"])
        for resource in rest["resource"]
        for interaction in resource["interaction"]
        if not answers(client, resource["type"], interaction["code"])
    ]
    assert silent == []
    assert all(len(resource["interaction"]) == 9 for resource in rest["resource"])


def test_every_conditional_interaction_answers(client: Probe, rest: dict[str, Any]) -> None:
    silent = []
    for resource in rest["resource"]:
        type_ = resource["type"]
        least = b'{"resourceType":"%s"}' % type_.encode()
        absent = f"/{type_}?_id=absent"
        made = [
            resource["conditionalCreate"]
            and is_written(client.ask("POST", f"/{type_}", JSON | {"if-none-exist": "_id=absent"}, least)),
            resource["conditionalUpdate"] and is_written(client.ask("PUT", absent, JSON, least)),
            resource["conditionalDelete"] and client.ask("DELETE", absent).status in (204, 404),
        ]
        silent += [] if all(made) else [(type_, made)]
    assert silent == []


def test_every_interaction_of_the_system_answers(client: Probe, rest: dict[str, Any]) -> None:
    for interaction in rest["interaction"]:
        match code := interaction["code"]:
            case "transaction" | "batch":
                body = b'{"resourceType":"Bundle","type":"%s"}' % code.encode()
                assert client.ask("POST", "", JSON, body).json["type"] == f"{code}-response"
            case "search-system":
                assert client.search("", ("_type", "Patient,Task")).json["type"] == "searchset"
            case "history-system":
                assert client.ask("GET", "/_history").json["type"] == "history"
            case _:
                raise AssertionError(f"{code} is declared, and the probe does not know it")


def test_every_search_parameter_answers(client: Probe, rest: dict[str, Any]) -> None:
    silent = []
    for resource in rest["resource"]:
        for parameter in resource["searchParam"]:
            asked = (parameter["name"], client.value_for(parameter))
            answer = client.search(f"/{resource['type']}", asked)
            # a parameter that is passed over does not stand in the self link
            if answer.status != 200 or urlencode([asked]) not in answer.json["link"][0]["url"]:
                silent.append((resource["type"], asked, shown(answer)))
    assert silent == []


def test_every_search_parameter_of_all_types_answers(client: Probe, rest: dict[str, Any]) -> None:
    for parameter in rest["searchParam"]:
        name = WHOLE.get(parameter["name"], parameter["name"])
        answer = client.search("", (name, client.value_for(parameter)))
        assert answer.status == 200, (parameter["name"], shown(answer))


@pytest.mark.parametrize("direction", ["Include", "RevInclude"])
def test_every_include_answers(client: Probe, rest: dict[str, Any], direction: str) -> None:
    silent = []
    for resource in rest["resource"]:
        values = resource.get(f"search{direction}", [])
        for start in range(0, len(values), AT_ONCE):
            asked = [(f"_{direction.lower()}", value) for value in values[start : start + AT_ONCE]]
            answer = client.search(f"/{resource['type']}", ("_count", "1"), *asked)
            if answer.status != 200:
                silent.append((resource["type"], shown(answer)))
    assert silent == []


def test_every_definition_that_is_named_can_be_read_here(client: Probe, rest: dict[str, Any]) -> None:
    named = {parameter["definition"] for each in rest["resource"] for parameter in each["searchParam"]}
    urls = sorted(named)
    found: set[str] = set()
    for start in range(0, len(urls), 100):
        page = client.search(
            "/SearchParameter", ("url", ",".join(urls[start : start + 100])), ("_count", "200")
        )
        found |= {entry["resource"]["url"] for entry in page.json["entry"]}
    assert named - found == set()
    profiles = {resource["profile"] for resource in rest["resource"]}
    answer = client.search("/StructureDefinition", ("url", ",".join(profiles)), ("_summary", "count"))
    assert answer.json["total"] == len(profiles)


def test_every_operation_that_is_named_can_be_read_here(client: Probe, rest: dict[str, Any]) -> None:
    operations = [*rest.get("operation", [])]
    operations += [operation for resource in rest["resource"] for operation in resource.get("operation", [])]
    for url in {operation["definition"] for operation in operations}:
        assert client.search("/OperationDefinition", ("url", url)).json["total"] == 1, url
