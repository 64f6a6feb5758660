"""$fhirpath: expressions, contexts, variables, traces, and what is asked of the server."""

import json
from typing import Any

import pytest

from fhir_server import __version__
from fhir_server.interactions.operations.fhirpath import JSON_VALUE, XML_VALUE
from fhir_server.interactions.operations.parameters import parameters, part
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from fhir_server.validation.structure import Validator
from tests.interactions.fhir import BASE, Fhir, definitions
from tests.interactions.operations.terminologies import ANIMALS, put
from tests.terminology.memory import ANIMALS as CONCEPTS

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "p",
    "birthDate": "1974-12-25",
    "name": [{"family": "张", "given": ["三", "四"]}, {"given": ["Jim"]}],
    "contact": [{"gender": "male", "name": {"text": "N"}}],
    "managingOrganization": {"reference": "Organization/o"},
}
VITAL_SIGNS = "http://hl7.org/fhir/StructureDefinition/vitalsigns"


def ask(fhir: Fhir, expression: str, *more: dict[str, Any], resource: Any = PATIENT) -> list[dict[str, Any]]:
    """The parts `result`."""
    answer = evaluated(fhir, expression, *more, resource=resource)
    # the interface of FHIRPath Lab breaks one constraint: a parameter has both a value and parts, or neither
    found = {issue.message for issue in Validator(definitions()).check(answer)}
    assert found <= {"constraint-inv-1"}
    return results(answer)


def evaluated(fhir: Fhir, expression: str, *more: dict[str, Any], resource: Any) -> Resource:
    given = [part("expression", valueString=expression), *more]
    if resource is not None:
        given.append(part("resource", resource=resource))
    answer = fhir("POST", "$fhirpath", parameters(*given)).resource
    assert answer is not None
    return answer


def results(answer: Resource) -> list[dict[str, Any]]:
    assert answer["parameter"][0]["name"] == "parameters"
    return [each for each in answer["parameter"] if each["name"] == "result"]


def items(result: dict[str, Any]) -> list[tuple[str, Any]]:
    """(type, value) of each part, apart from what was traced."""
    return [(each["name"], value(each)) for each in result.get("part", ()) if each["name"] != "trace"]


def value(found: dict[str, Any]) -> Any:
    return next((each for name, each in found.items() if name.startswith("value")), None)


def test_each_item_is_a_part_named_by_its_type(fhir: Fhir) -> None:
    (result,) = ask(fhir, "name.given | birthDate | name.count()")
    assert items(result) == [
        ("string", "三"),
        ("string", "四"),
        ("string", "Jim"),
        ("date", "1974-12-25"),
        ("integer", 2),
    ]


def test_what_no_value_can_hold_is_json_with_its_path(fhir: Fhir) -> None:
    (result,) = ask(fhir, "contact")
    (found,) = result["part"]
    assert (found["name"], value(found)) == ("Patient.contact", None)
    assert [each["valueString"] for each in found["extension"]] == [
        "Patient.contact[0]",
        '{"gender":"male","name":{"text":"N"}}',
    ]
    (result,) = ask(fhir, "name.first()")
    assert result["part"][0]["valueHumanName"] == PATIENT["name"][0]
    assert result["part"][0]["extension"][0]["valueString"] == "Patient.name[0]"


def test_primitives_have_a_path_too_and_what_is_calculated_has_none(fhir: Fhir) -> None:
    (result,) = ask(fhir, "name.given | birthDate | name.given.first() & '!'")
    paths = [[each["valueString"] for each in found.get("extension", ())] for found in result["part"]]
    assert paths == [
        ["Patient.name[0].given[0]"],
        ["Patient.name[0].given[1]"],
        ["Patient.name[1].given[0]"],
        ["Patient.birthDate"],
        [],
    ]


def test_a_context_of_primitives_and_one_that_is_calculated(fhir: Fhir) -> None:
    where = part("context", valueString="name.given")
    first, _, third = ask(fhir, "$this & '!'", where)
    assert (first["valueString"], items(first)) == ("Patient.name[0].given[0]", [("string", "三!")])
    assert third["valueString"] == "Patient.name[1].given[0]"
    (only,) = ask(fhir, "$this + 1", part("context", valueString="name.count()"))
    assert (only["valueString"], items(only)) == ("name.count()[0]", [("integer", 3)])
    assert ask(fhir, "$this", part("context", valueString="photo")) == []


def test_pathname_and_the_parts_agree(fhir: Fhir) -> None:
    (result,) = ask(fhir, "name.given.pathname(true)")
    assert items(result)[0] == ("string", "Patient.name[0].given[0]")


def test_an_empty_text_is_named(fhir: Fhir) -> None:
    (result,) = ask(fhir, "''")
    assert result["part"] == [{"name": "empty-string"}]


def told(fhir: Fhir, expression: str, *more: dict[str, Any], resource: Any = PATIENT) -> dict[str, Any]:
    """The part `parameters`, by name."""
    answer = evaluated(fhir, expression, *more, resource=resource)
    return {each["name"]: each for each in answer["parameter"][0]["part"]}


def test_the_question_is_repeated(fhir: Fhir) -> None:
    found = told(fhir, "given", part("context", valueString="name"), MARK)
    assert found["evaluator"]["valueString"] == f"fhir-server {__version__} (R4)"
    assert found["expression"]["valueString"] == "given"
    assert found["context"]["valueString"] == "name"
    assert found["resource"]["resource"] == PATIENT
    assert found["variables"]["part"] == [{"name": "mark", "valueString": "!"}]
    assert found["expectedReturnType"]["valueString"] == "string[]"


def test_the_syntax_tree_is_told(fhir: Fhir) -> None:
    found = told(fhir, "trace('trc').given.join(' ')\n| %mark", MARK)
    tree = json.loads(found["parseDebugTree"]["valueString"])
    assert (tree["ExpressionType"], tree["Name"], tree["Position"]) == ("BinaryExpression", "|", 29)
    join, mark = tree["Arguments"]
    assert mark == {"ExpressionType": "VariableRefExpression", "Name": "mark", "Position": 31, "Length": 5}
    given, blank = join["Arguments"]
    assert (join["Name"], join["Position"], join["Length"]) == ("join", 19, 4)
    assert blank == {"ExpressionType": "ConstantExpression", "Name": " ", "Position": 24, "Length": 3}
    assert (given["ExpressionType"], given["Position"]) == ("ChildExpression", 13)
    assert given["Arguments"][0]["Arguments"][0] == {
        "ExpressionType": "AxisExpression",
        "Name": "builtin.that",
    }


def test_validate_tells_of_elements_that_the_type_does_not_have(fhir: Fhir) -> None:
    validate = part("validate", valueBoolean=True)
    assert "parseDebug" not in told(fhir, "name.given", validate)
    found = told(fhir, "name.givn", validate)
    assert (
        found["parseDebug"]["valueString"]
        == "HumanName has no element 'givn', did you mean 'given'? (line 1, column 6)"
    )
    assert "parseDebug" not in told(fhir, "name.givn")


def test_a_resource_in_an_extension(fhir: Fhir) -> None:
    given = {
        "name": "resource",
        "extension": [{"url": JSON_VALUE, "valueString": '{"resourceType":"Patient","birthDate":"1974"}'}],
    }
    answer = fhir(
        "POST", "$fhirpath", parameters(part("expression", valueString="birthDate"), given)
    ).resource
    assert answer is not None and items(answer["parameter"][1]) == [("date", "1974")]
    given["extension"] = [{"url": XML_VALUE, "valueString": "<Patient/>"}]
    with pytest.raises(FhirError) as refused:
        fhir("POST", "$fhirpath", parameters(part("expression", valueString="birthDate"), given))
    assert (refused.value.status, refused.value.issues[0].code) == (400, "not-supported")


def test_one_result_for_each_item_of_the_context(fhir: Fhir) -> None:
    first, second = ask(fhir, "given.first() & %mark", part("context", valueString="name"), MARK)
    assert (first["valueString"], items(first)) == ("Patient.name[0]", [("string", "三!")])
    assert (second["valueString"], items(second)) == ("Patient.name[1]", [("string", "Jim!")])


MARK = part("variables", part=[part("mark", valueString="!")])


def test_what_was_traced_stands_beside_the_items(fhir: Fhir) -> None:
    (result,) = ask(fhir, "name.trace('names').given.trace('given', length()).count()")
    traces = [each for each in result["part"] if each["name"] == "trace"]
    assert [each["valueString"] for each in traces] == ["names", "given"]
    assert [each["name"] for each in traces[0]["part"]] == ["HumanName", "HumanName"]
    assert [value(each) for each in traces[1]["part"]] == [1, 1, 3]
    assert items(result) == [("integer", 3)]


def test_a_resource_of_the_url_of_a_name_and_as_text(fhir: Fhir) -> None:
    fhir("PUT", "Patient/p", PATIENT)
    for answer in (
        fhir("GET", "Patient/p/$fhirpath?expression=birthDate"),
        fhir("GET", "$fhirpath?expression=birthDate&resource=Patient/p"),
        fhir(
            "GET",
            '$fhirpath?expression=birthDate&resource={"resourceType":"Patient","birthDate":"1974-12-25"}',
        ),
        fhir("GET", "$fhirpath?expression=%401974-12-25"),
    ):
        assert answer.resource is not None
        assert items(answer.resource["parameter"][1]) == [("date", "1974-12-25")]


def test_references_lead_into_the_store_and_into_the_bundle(fhir: Fhir) -> None:
    fhir("PUT", "Organization/o", {"resourceType": "Organization", "id": "o", "name": "Stored"})
    (result,) = ask(fhir, "managingOrganization.resolve().name")
    assert items(result) == [("string", "Stored")]
    organization = {"resourceType": "Organization", "id": "o", "name": "Beside"}
    entries = [{"resource": PATIENT}, {"resource": organization}]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    expression = "entry.resource.ofType(Patient).managingOrganization.resolve().name"
    (result,) = ask(fhir, expression, resource=bundle)
    assert items(result) == [("string", "Beside")]
    (result,) = ask(fhir, "managingOrganization.reference.replace('/o', '/x').resolve()")
    assert items(result) == []


def test_a_reference_to_another_server_leads_nowhere(fhir: Fhir) -> None:
    fhir("PUT", "Organization/o", {"resourceType": "Organization", "id": "o", "name": "Stored"})
    for base, found in (("http://elsewhere.example/fhir", []), (BASE, [("string", "Stored")])):
        patient = PATIENT | {"managingOrganization": {"reference": f"{base}/Organization/o"}}
        (result,) = ask(fhir, "managingOrganization.resolve().name", resource=patient)
        assert items(result) == found


def test_terminology_is_asked(fhir: Fhir) -> None:
    value_set = {
        "resourceType": "ValueSet",
        "id": "pets",
        "url": "http://x/pets",
        "status": "active",
        "compose": {"include": [{"system": ANIMALS, "concept": [{"code": "dog"}]}]},
    }
    put(fhir, CONCEPTS | {"name": "Animals"}, value_set)
    basic = {
        "resourceType": "Basic",
        "code": {"coding": [{"system": ANIMALS, "code": "animal"}]},
        "identifier": [{"type": {"coding": [{"system": ANIMALS, "code": "dog"}]}}],
    }
    expression = (
        "code.memberOf('http://x/pets') | identifier.type.memberOf('http://x/pets')"
        " | code.subsumes(identifier.type.first()).toString()"
        " | code.subsumedBy(identifier.type.first()).toString()"
    )
    (result,) = ask(fhir, expression, resource=basic)
    assert items(result) == [
        ("boolean", False),
        ("boolean", True),
        ("string", "true"),
        ("string", "false"),
    ]
    (result,) = ask(fhir, "code.memberOf('http://x/unknown')", resource=basic)
    assert items(result) == []


def test_definitions_are_asked(hl7: Fhir) -> None:
    (result,) = ask(hl7, "name.family.elementDefinition().path")
    assert items(result) == [("string", "HumanName.family")]


@pytest.mark.parametrize(
    ("change", "conforms"),
    [
        ({}, True),
        # what else it claims does not matter
        ({"meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/vitalsigns"]}}, True),
        (
            {"meta": {"versionId": "1", "profile": ["http://hl7.org/fhir/StructureDefinition/vitalsigns"]}},
            True,
        ),
        ({"gender": "unsure"}, False),
        ({"gender": ["male"]}, False),
        ({"name": [[]]}, False),
        ({"colour": "red"}, False),
        ({"resourceType": "/"}, False),
        ({"resourceType": "Person"}, False),
        ({"resourceType": 1}, False),
        ({"contact": [{"relationship": [{"text": "mother"}]}]}, False),  # pat-1
        ({"entry": 1, "contained": 1, "meta": 1}, False),
    ],
)
def test_conforms_to_is_about_a_profile_and_the_base(
    hl7: Fhir, change: dict[str, Any], conforms: bool
) -> None:
    expression = "conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"
    (result,) = results(evaluated(hl7, expression, resource=PATIENT | change))
    assert items(result) == [("boolean", conforms)]


def test_conforms_to_a_profile_that_nobody_knows_is_an_error(fhir: Fhir) -> None:
    with pytest.raises(FhirError, match="the profile http://x/y is not known") as refused:
        ask(fhir, "conformsTo('http://x/y')")
    assert refused.value.status == 400


@pytest.mark.parametrize("broken", [{"_resourceType": "Patient"}, {"entry": 1}, {"name": 1, "_name": [[]]}])
def test_a_resource_of_no_known_shape_is_looked_through(fhir: Fhir, broken: dict[str, Any]) -> None:
    expression = "id | contact.where(false) | 'Patient/1'.resolve()"
    (result,) = results(evaluated(fhir, expression, resource={"id": "x"} | broken))
    assert items(result) == [("string", "x")]


@pytest.mark.parametrize(
    ("expression", "status", "words"),
    [
        ("name.frist()", 400, "did you mean first()? (line 1, column 6)"),
        ("name +", 400, "line 1, column 7"),
        ("name.given + 1", 400, "found 3 items"),
        ("%nothing", 400, "no variable %nothing"),
        (" and ".join(["true"] * 5000), 422, "characters"),
        ("a" * 100_000, 422, "100000 characters"),
        ("(" * 200 + "a" + ")" * 200, 422, "nested deeper"),
        (f"'a'.matches('{'a' * 3000}')", 422, "a regular expression of 3000 characters"),
        ("'a'.matches('((a{0,100}){0,100}){0,100}')", 400, "not supported"),
    ],
)
def test_E17_an_expression_that_is_wrong_says_where(
    fhir: Fhir, expression: str, status: int, words: str
) -> None:
    with pytest.raises(FhirError) as refused:
        ask(fhir, expression)
    assert refused.value.status == status
    assert words in refused.value.issues[0].diagnostics


def test_E17_422_for_an_expression_that_takes_too_long(fhir: Fhir) -> None:
    with pytest.raises(FhirError) as refused:
        ask(fhir, "repeatAll($this).count()")
    assert (refused.value.status, refused.value.issues[0].code) == (422, "too-costly")


def test_E17_a_pattern_without_end_takes_no_time(fhir: Fhir) -> None:
    (result,) = ask(fhir, f"'{'a' * 5000}!'.matches('(a+)+$')")
    assert items(result) == [("boolean", False)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "expression is required"),
        ("expression=a&resource=Nothing/1", "Type/id"),
        ("expression=a&terminologyserver=http://x", "own terminology"),
        ("expresion=a", "did you mean expression?"),
    ],
)
def test_400_for_parameters_that_are_wrong(fhir: Fhir, query: str, words: str) -> None:
    with pytest.raises(FhirError) as refused:
        fhir("GET", f"$fhirpath?{query}")
    assert refused.value.status == 400
    assert words in refused.value.issues[0].diagnostics


def test_404_for_a_resource_that_is_not_there(fhir: Fhir) -> None:
    with pytest.raises(FhirError) as refused:
        fhir("GET", "Patient/p/$fhirpath?expression=id")
    assert refused.value.status == 404
