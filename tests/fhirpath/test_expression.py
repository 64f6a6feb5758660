import inspect
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.fhirpath import FhirPathError, Scope, ast, compile_expression, parse, print_expression
from fhir_server.fhirpath.parser import DEPTH_LIMIT
from tests.fhirpath.answers import as_json, compiled, example
from tests.fhirpath.oracle.ask import definitions
from tests.fhirpath.trees import EXPRESSIONS

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "name": [{"family": "李"}, {"given": ["明"]}],
}


def test_an_expression_is_compiled_once() -> None:
    assert compiled("Patient.name", "Patient") is compiled("Patient.name", "Patient")
    assert compiled("Patient.name", "Patient") is not compiled("Patient.name", None)


def test_text_and_tree_are_there() -> None:
    expression = compiled("Patient.name.family", "Patient")
    assert expression.text == "Patient.name.family"
    assert expression.ast == parse("Patient.name.family")


def test_evaluate_gives_a_list_of_its_own() -> None:
    found = compiled("Patient.name", "Patient").evaluate(PATIENT)
    found.clear()
    assert len(PATIENT["name"]) == 2


def test_it_starts_at_the_context() -> None:
    expression = compiled("family & %resource.id & %context.family", "HumanName")
    assert expression.evaluate(PATIENT, context=PATIENT["name"][0]) == ["李p李"]


def test_variables() -> None:
    expression = compiled("%a + %b.count() + %c.id.length()", "Patient")
    variables = {"a": 1, "b": ["x", "y"], "c": PATIENT}
    assert expression.evaluate(PATIENT, variables=variables) == [4]


def test_typed_names_the_types_of_fhir() -> None:
    def types(text: str, type_: str | None = "Patient") -> list[tuple[str, Any]]:
        return compiled(text, type_).typed(PATIENT)

    assert types("Patient.id") == [("id", "p")]
    assert types("Patient.name.family") == [("string", "李")]
    assert types("Patient.name.family", None) == [("string", "李")]
    assert types("Patient.name.exists()") == [("boolean", True)]
    assert types("Patient | Patient.name.first()") == [("Patient", PATIENT), ("HumanName", {"family": "李"})]
    assert types("@2012") == [("date", "2012")]
    assert types("1.5") == [("decimal", Decimal("1.5"))]
    assert types("Patient.link") == []


def test_typed_names_the_type_of_a_choice() -> None:
    observation = {"resourceType": "Observation", "valueQuantity": {"value": 1}, "effectiveDateTime": "2012"}
    assert compiled("Observation.value", "Observation").typed(observation) == [("Quantity", {"value": 1})]
    assert compiled("Observation.effective", "Observation").typed(observation) == [("dateTime", "2012")]
    assert compiled("(Observation.value as Quantity)", "Observation").typed(observation) == [
        ("Quantity", {"value": 1})
    ]


def test_typed_names_the_type_of_a_contained_resource() -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}]}
    assert compiled("Bundle.entry[0].resource", "Bundle").typed(bundle) == [("Patient", PATIENT)]


def test_truth_is_one_boolean_or_none() -> None:
    scope = Scope(PATIENT)
    assert compiled("name.exists()", "Patient").truth(PATIENT, scope) is True
    assert compiled("name.empty()", "Patient").truth(PATIENT, scope) is False
    assert compiled("birthDate > @2012", "Patient").truth(PATIENT, scope) is None
    # a single item that is no Boolean counts as true
    assert compiled("id", "Patient").truth(PATIENT, scope) is True
    with pytest.raises(FhirPathError, match="found 2 items"):
        compiled("name", "Patient").truth(PATIENT, scope)


def test_one_scope_serves_many_expressions() -> None:
    scope = Scope(PATIENT)
    for text in ("name.where(%resource.id = 'p').count()", "name.select(%resource.name.count())"):
        assert compiled(text, "Patient").items(PATIENT, scope)
    assert compiled("%context.family", "HumanName").items(PATIENT["name"][0], scope) == ["李"]
    assert compiled("%context.given", "HumanName").items(PATIENT["name"][1], scope) == ["明"]


def test_what_hangs_on_the_resource_alone_is_calculated_once() -> None:
    asked = []

    def resolve(text: str) -> dict[str, Any]:
        asked.append(text)
        return {"resourceType": "Organization", "id": "o"}

    patient = PATIENT | {"managingOrganization": {"reference": "Organization/o"}}
    expression = compiled("name.where(%resource.managingOrganization.resolve().id = 'o').count()", "Patient")
    assert expression.evaluate(patient, resolve=resolve) == [2]
    assert asked == ["Organization/o"]


def test_strict_refuses_an_unknown_element_with_its_position() -> None:
    assert compiled("Patient.nmae", "Patient").evaluate(PATIENT) == []
    with pytest.raises(FhirPathError, match="Patient has no element 'nmae', did you mean 'name'") as caught:
        compile_expression("Patient.nmae", definitions(), "Patient", strict=True)
    assert caught.value.column == 9


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(FhirPathError, match="Patinet is not a type"):
        compiled("name", "Patinet")


def test_an_item_of_another_shape_is_an_error_not_a_crash() -> None:
    for wrong in ({"resourceType": "Patient", "name": "x"}, {"resourceType": "Patient", "name": [1]}):
        with pytest.raises(FhirPathError, match="structure of Patient"):
            compiled("Patient.name.family.upper()", "Patient").evaluate(wrong)


def deeper(frames: int, run: Callable[[], list[Any]]) -> list[Any]:
    return run() if frames == 0 else deeper(frames - 1, run)


@pytest.mark.parametrize(
    "unit", [".name", "[0]", " + 1", ".first()", ".select($this)", ".where(true)", " | 1"]
)
def test_the_deepest_tree_that_parses_compiles_and_runs(unit: str) -> None:
    text = ("1" if unit == " + 1" else "Patient") + unit * (DEPTH_LIMIT - 3)
    assert isinstance(deeper(200, lambda: compiled(text, "Patient").evaluate(PATIENT)), list)


def test_a_stack_that_is_full_is_an_error_not_a_crash() -> None:
    text = "Patient" + ".select($this)" * (DEPTH_LIMIT - 3)
    expression = compiled(text, "Patient")
    room = sys.getrecursionlimit() - len(inspect.stack()) - 120
    with pytest.raises(FhirPathError, match="nested too deeply"):
        deeper(room, lambda: expression.evaluate(PATIENT))


def test_an_error_of_a_run_has_its_position() -> None:
    with pytest.raises(FhirPathError, match="found 2 items") as caught:
        compiled("true and\n name.single().exists()", "Patient").evaluate(PATIENT)
    assert (caught.value.line, caught.value.column) == (2, 7)


def test_an_error_tells_nothing_of_the_patient() -> None:
    with pytest.raises(FhirPathError) as caught:
        compiled("name.family + 1", "Patient").evaluate(PATIENT)
    assert "李" not in str(caught.value)


@given(st.text())
def test_any_text_compiles_or_raises(text: str) -> None:
    try:
        compile_expression(text, definitions(), "Patient").evaluate(PATIENT)
    except FhirPathError as error:
        assert error.line >= 1


def run(text: str, type_: str | None) -> list[Any] | None:
    try:
        found = compiled(text, type_).evaluate(example("Patient-example.json"), variables={"other": [1, "a"]})
    except FhirPathError as error:
        # "the structure of …" would hide a mistake of the engine: the example has the right one
        assert error.__cause__ is None, text
        return None
    return as_json(found)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_static_types_change_no_answer(tree: ast.Node) -> None:
    """Fused and specialised closures against the general ones, on whatever expression."""
    text = print_expression(tree)
    typed, untyped = run(text, "Patient"), run(text, None)
    # what is known to be empty beforehand is not run, and then cannot fail
    assert typed == untyped or typed is None or untyped is None
