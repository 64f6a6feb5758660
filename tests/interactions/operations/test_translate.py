"""https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from typing import Any

import pytest

from fhir_server.resource import Resource
from fhir_server.validation.structure import Validator
from tests.interactions.fhir import Fhir, definitions
from tests.interactions.operations.terminologies import GENDER, all_outs, outs, parameters, put
from tests.terminology.memory import URL

A, B = "http://a.org", "http://b.org"


def concept_map(
    name: str, *elements: dict[str, Any], unmapped: dict[str, Any] | None = None, **more: Any
) -> Resource:
    group: dict[str, Any] = {"source": A, "target": B, "element": [*elements]}
    if unmapped:
        group["unmapped"] = unmapped
    found: Resource = {
        "resourceType": "ConceptMap",
        "id": name,
        "url": URL + name,
        "status": "active",
        "group": [group],
    }
    return found | more


def element(code: str, *targets: dict[str, Any]) -> dict[str, Any]:
    return {"code": code, "target": [*targets]}


def target(code: str, equivalence: str = "equivalent", **more: Any) -> dict[str, Any]:
    return {"code": code, "equivalence": equivalence} | more


DEPENDS = [{"property": "http://p.org/side", "system": "http://side.org", "value": "left"}]
PRODUCT = [{"property": "http://p.org/product", "system": "http://c.org", "value": "c", "display": "C"}]
MAP = concept_map(
    "map",
    element("1", target("one", display="One"), target("uno", "wider")),
    element("2", target("two", "unmatched")),
    element("3", target("left", dependsOn=DEPENDS), target("any", product=PRODUCT)),
    element("4", {"equivalence": "unmatched", "comment": "there is none"}),
    element("5", target("one", "narrower", comment="a part of it")),
    sourceUri=URL + "vs-a",
    targetUri=URL + "vs-b",
)


@pytest.fixture
def maps(fhir: Fhir) -> Fhir:
    put(fhir, MAP)
    return fhir


def matches(found: Resource | None) -> list[tuple[str, str | None]]:
    return [(each["equivalence"], each.get("concept", {}).get("code")) for each in all_outs(found, "match")]


@pytest.mark.parametrize(
    ("code", "result", "found"),
    [
        ("1", True, [("equivalent", "one"), ("wider", "uno")]),
        ("2", False, [("unmatched", "two")]),
        ("3", True, [("equivalent", "any")]),
        ("4", False, [("unmatched", None)]),
        ("9", False, []),
    ],
)
def test_codes(maps: Fhir, code: str, result: bool, found: list[tuple[str, str]]) -> None:
    for url in (
        f"ConceptMap/$translate?url={URL}map&code={code}&system={A}",
        f"ConceptMap/map/$translate?code={code}&system={A}",
        f"ConceptMap/$translate?code={code}&system={A}",
        f"ConceptMap/$translate?code={code}&system={A}&targetsystem={B}&source={URL}vs-a&target={URL}vs-b",
    ):
        answer = maps("GET", url).resource
        assert answer is not None and Validator(definitions()).check(answer) == []
        assert outs(answer)["result"] is result
        assert matches(answer) == found
        assert ("message" in outs(answer)) is not result


def test_what_a_match_says(maps: Fhir) -> None:
    first, _ = all_outs(maps("GET", f"ConceptMap/map/$translate?code=1&system={A}").resource, "match")
    assert first == {
        "equivalence": "equivalent",
        "concept": {"system": B, "code": "one", "display": "One"},
        "source": URL + "map",
    }
    (match,) = all_outs(maps("GET", f"ConceptMap/map/$translate?code=3&system={A}").resource, "match")
    assert outs({"resourceType": "Parameters", "parameter": match["product"]}) == {
        "element": "http://p.org/product",
        "concept": {"system": "http://c.org", "code": "c", "display": "C"},
    }


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (f"code=1&system={B}", []),
        (f"code=1&system={A}&targetsystem=http://c.org", []),
        (f"code=1&system={A}&source={URL}other", []),
        (f"code=1&system={A}&target={URL}vs-b|1", ["one", "uno"]),
    ],
)
def test_what_the_map_is_not_about(maps: Fhir, query: str, text: list[str]) -> None:
    assert [code for _, code in matches(maps("GET", f"ConceptMap/$translate?{query}").resource)] == text


def test_what_a_target_depends_on(maps: Fhir) -> None:
    def asked(side: str) -> list[str | None]:
        concept = {"coding": [{"system": "http://side.org", "code": side}]}
        part = [
            {"name": "element", "valueUri": "http://p.org/side"},
            {"name": "concept", "valueCodeableConcept": concept},
        ]
        body = parameters(code=("Code", "3"), system=("Uri", A), url=("Uri", URL + "map"))
        body["parameter"].append({"name": "dependency", "part": part})
        return [code for _, code in matches(maps("POST", "ConceptMap/$translate", body).resource)]

    assert asked("left") == ["left", "any"]
    assert asked("right") == ["any"]


def test_backwards(maps: Fhir) -> None:
    url = f"ConceptMap/$translate?code=one&system={B}&reverse=true"
    assert matches(maps("GET", url).resource) == [("equivalent", "1"), ("wider", "5")]
    assert matches(maps("GET", f"{url}&targetsystem={A}").resource) == [("equivalent", "1"), ("wider", "5")]
    assert matches(maps("GET", f"{url}&targetsystem={B}").resource) == []


def test_several_codings(maps: Fhir) -> None:
    codings = [
        {"system": A, "code": "1"},
        {"system": A, "code": "5"},
        {"system": "http://x.org", "code": "1"},
    ]
    body = parameters(codeableConcept={"coding": codings})
    assert [code for _, code in matches(maps("POST", "ConceptMap/$translate", body).resource)] == [
        "one",
        "uno",
        "one",
    ]


def test_codes_that_are_not_mapped(fhir: Fhir) -> None:
    put(
        fhir,
        concept_map("provided", element("1", target("one")), unmapped={"mode": "provided"}),
        concept_map(
            "fixed",
            element("1", target("one")),
            unmapped={"mode": "fixed", "code": "other", "display": "Other"},
        ),
        concept_map(
            "other-map", element("1", target("one")), unmapped={"mode": "other-map", "url": URL + "fixed"}
        ),
        concept_map(
            "ring", element("1", target("one")), unmapped={"mode": "other-map", "url": URL + "ring2"}
        ),
        concept_map(
            "ring2", element("1", target("one")), unmapped={"mode": "other-map", "url": URL + "ring"}
        ),
    )

    def by(name: str) -> list[tuple[str, str | None]]:
        return matches(fhir("GET", f"ConceptMap/{name}/$translate?code=x&system={A}").resource)

    assert by("provided") == [("equal", "x")]
    assert by("fixed") == by("other-map") == [("inexact", "other")]
    error = fhir.refused("GET", f"ConceptMap/ring/$translate?code=x&system={A}")
    assert error.status == 422
    assert f"{URL}ring refers to {URL}ring2 refers to {URL}ring" in str(error)


def test_maps_of_the_body_and_of_the_core(hl7: Fhir) -> None:
    body = parameters(code=("Code", "1"), system=("Uri", A), conceptMap=MAP)
    assert matches(hl7("POST", "ConceptMap/$translate", body).resource)[0] == ("equivalent", "one")
    by_url = "ConceptMap/$translate?url=http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v3"
    assert matches(hl7("GET", f"{by_url}&code=male&system={GENDER}").resource) == [("equal", "M")]


def test_retired_maps_and_older_versions_are_left_out(fhir: Fhir) -> None:
    versions = [
        concept_map("map", element("1", target(each)), version=each) | {"id": f"map-{each}"} for each in "12"
    ]
    put(fhir, *versions, concept_map("old", element("1", target("old")), status="retired"))
    assert matches(fhir("GET", f"ConceptMap/$translate?code=1&system={A}").resource) == [("equivalent", "2")]
    by_version = f"ConceptMap/$translate?url={URL}map&conceptMapVersion=1&code=1&system={A}"
    assert matches(fhir("GET", by_version).resource) == [("equivalent", "1")]


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("code=1", 400, "the system of the code is required"),
        (f"system={A}", 400, "one of code, coding and codeableConcept is required"),
        (f"code=1&system={A}&url=http://nowhere.org", 404, "there is no ConceptMap http://nowhere.org"),
        (f"code=1&system={A}&targetSystem={B}", 400, "did you mean targetsystem?"),
    ],
)
def test_what_is_refused(maps: Fhir, query: str, status: int, text: str) -> None:
    error = maps.refused("GET", f"ConceptMap/$translate?{query}")
    assert error.status == status and text in str(error)
