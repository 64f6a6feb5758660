"""https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/search.html#elements"""

from typing import Any

import pytest

from fhir_server.search.subset import SUBSETTED, subset
from tests.search.searching import definitions

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "1",
    "meta": {"versionId": "1", "tag": [{"code": "demo"}]},
    "text": {"status": "generated", "div": "<div>x</div>"},
    "contained": [{"resourceType": "Patient", "id": "p"}],
    "extension": [{"url": "urn:x", "valueString": "y"}],
    "modifierExtension": [{"url": "urn:m", "valueString": "y"}],
    "status": "final",
    "_status": {"id": "s"},
    "category": [{"text": "c"}],
    "code": {"text": "code"},
    "note": [{"text": "n"}],
    "component": [{"code": {"text": "part"}, "valueInteger": 1, "referenceRange": [{"text": "r"}]}],
}


def of(**asked: Any) -> dict[str, Any]:
    found = subset(OBSERVATION, definitions(), **asked)
    assert SUBSETTED in found["meta"]["tag"]
    assert found["meta"]["versionId"] == "1" and {"code": "demo"} in found["meta"]["tag"]
    return {name: value for name, value in found.items() if name != "meta"}


def test_summary_text() -> None:
    assert set(of(summary="text")) == {"resourceType", "id", "text", "status", "_status", "code"}


def test_summary_data() -> None:
    assert set(of(summary="data")) == set(OBSERVATION) - {"text", "meta"}


def test_summary_true_at_every_depth() -> None:
    found = of(summary="true")
    assert set(found) == {"resourceType", "id", "modifierExtension", "status", "_status", "code", "component"}
    assert found["component"] == [{"code": {"text": "part"}, "valueInteger": 1}]
    assert found["modifierExtension"] == OBSERVATION["modifierExtension"]


def test_elements_with_mandatory_and_modifying_ones() -> None:
    found = of(elements=("note", "component"))
    names = {"resourceType", "id", "note", "component", "status", "_status", "code", "modifierExtension"}
    assert set(found) == names
    assert found["component"] == OBSERVATION["component"]


def test_nothing_asked_for_is_the_resource_itself() -> None:
    assert subset(OBSERVATION, definitions()) is OBSERVATION


def test_the_tag_is_there_once() -> None:
    again = subset(subset(OBSERVATION, definitions(), summary="data"), definitions(), summary="true")
    assert again["meta"]["tag"].count(SUBSETTED) == 1


@pytest.mark.parametrize("summary", ["true", "text", "data"])
def test_resources_inside_a_resource(summary: Any) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": OBSERVATION}]}
    found = subset(bundle, definitions(), summary=summary)
    assert found["type"] == "collection" and found["meta"]["tag"] == [SUBSETTED]
    if summary == "true":
        assert "note" not in found["entry"][0]["resource"]
