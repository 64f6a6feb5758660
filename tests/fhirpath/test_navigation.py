from typing import Any

from tests.fhirpath.answers import compiled

BIRTH_TIME = {"url": "http://example.org/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}
REASON = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}


def both(text: str, each: dict[str, Any]) -> list[Any]:
    """The answer, which static types must not change."""
    found = compiled(text, each["resourceType"]).evaluate(each)
    assert compiled(text, None).evaluate(each) == found
    return found


def test_extensions_of_a_primitive() -> None:
    patient = {
        "resourceType": "Patient",
        "birthDate": "1974-12-25",
        "_birthDate": {"id": "x", "extension": [BIRTH_TIME]},
    }
    assert both("birthDate", patient) == ["1974-12-25"]
    assert both("birthDate.extension.value", patient) == [BIRTH_TIME["valueDateTime"]]
    assert both("birthDate.extension('http://example.org/time').exists()", patient) == [True]
    assert both("birthDate.id", patient) == ["x"]
    assert both("birthDate = @1974-12-25", patient) == [True]
    assert both("birthDate.startsWith('1974')", patient) == [True]
    assert both("birthDate.hasValue()", patient) == [True]


def test_a_primitive_without_a_value() -> None:
    patient = {"resourceType": "Patient", "_birthDate": {"extension": [REASON]}, "_active": {"id": "x"}}
    assert both("birthDate", patient) == []
    assert both("birthDate.exists()", patient) == [True]
    assert both("birthDate.count()", patient) == [1]
    assert both("birthDate.hasValue()", patient) == [False]
    assert both("birthDate.extension.value", patient) == ["unknown"]
    assert both("birthDate < today()", patient) == []
    assert both("birthDate.toString()", patient) == []
    assert both("gender.exists()", patient) == [False]
    assert both("(birthDate | active).count()", patient) == [2]


def test_lists_of_primitives_beside_each_other() -> None:
    name = {"given": ["A", None, "C"], "_given": [None, {"extension": [REASON]}]}
    patient = {"resourceType": "Patient", "name": [name, {"_given": [{"id": "x"}]}]}
    assert both("name.given", patient) == ["A", "C"]
    assert both("name.given.count()", patient) == [4]
    assert both("name.given[1].extension.value", patient) == ["unknown"]
    assert both("name.given[2]", patient) == ["C"]
    assert both("name.given.where(hasValue())", patient) == ["A", "C"]
    assert both("name.given.id", patient) == ["x"]


def test_a_choice() -> None:
    for each, type_, value in (
        ({"valueString": "x"}, "string", ["x"]),
        ({"valueBoolean": False}, "boolean", [False]),
        ({"valueQuantity": {"value": 1}}, "Quantity", [{"value": 1}]),
        ({"_valueString": {"id": "x"}}, "string", []),
    ):
        observation = {"resourceType": "Observation"} | each
        assert both("value", observation) == value
        assert both("value.exists()", observation) == [True]
        assert both(f"value is {type_}", observation) == [True]
        assert both(f"value as {type_}", observation) == value
        assert both("value as Range", observation) == []
        assert both("value.count()", observation) == [1]
    assert both("value.exists()", {"resourceType": "Observation"}) == [False]


def test_a_choice_among_all_types() -> None:
    extension = [{"url": "a", "valueString": "x"}, {"url": "b", "_valueCode": {"id": "i"}}, {"url": "c"}]
    patient = {"resourceType": "Patient", "extension": extension}
    assert both("extension.value", patient) == ["x"]
    assert both("extension.value.count()", patient) == [2]
    assert both("extension.value.ofType(code).id", patient) == ["i"]
    # a code is a string
    assert both("extension.value.ofType(string).count()", patient) == [2]
    assert both("extension.where(value is string).url", patient) == ["a", "b"]


def test_resources_within_resources() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "p", "birthDate": "2012", "gender": "male"}},
            {"resource": {"resourceType": "Observation", "id": "o", "valueString": "x"}},
            {"resource": {"resourceType": "Unknown", "id": "u"}},
        ],
    }
    assert both("entry.resource.id", bundle) == ["p", "o", "u"]
    assert both("entry.resource.birthDate < @2013", bundle) == [True]
    assert both("entry.resource.value", bundle) == ["x"]
    assert both("entry.resource.ofType(Patient).gender", bundle) == ["male"]
    assert both("entry.resource.where($this is Observation).id", bundle) == ["o"]
    assert both("(entry.resource as Patient).birthDate", bundle) == ["2012"]
    assert both("entry.first().resource.is(Patient)", bundle) == [True]


def test_elements_that_refer_to_others() -> None:
    questionnaire = {
        "resourceType": "Questionnaire",
        "item": [{"linkId": "1", "item": [{"linkId": "2", "item": [{"linkId": "3"}]}]}],
    }
    assert both("item.item.item.linkId", questionnaire) == ["3"]
    assert both("repeat(item).linkId", questionnaire) == ["1", "2", "3"]


def test_json_that_no_definition_describes() -> None:
    thing = {"a": [{"b": 1}, {"b": "x"}], "c": True}
    expression = compiled("a.b", None)
    assert expression.evaluate(thing) == [1, "x"]
    assert expression.typed(thing) == [("integer", 1), ("string", "x")]
    assert compiled("a.where(b = 'x').count() = 1 and c", None).evaluate(thing) == [True]
