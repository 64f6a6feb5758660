from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.tree import children_of, descendants_of
from tests.examples import official_examples
from tests.fhirpath.answers import compiled, example
from tests.fhirpath.oracle.ask import definitions

MODEL = Model(definitions())


def test_children_have_their_types() -> None:
    patient = {
        "resourceType": "Patient",
        "birthDate": "2012",
        "_gender": {"id": "g"},
        "name": [{"family": "x"}],
        "deceasedBoolean": True,
        "contained": [{"resourceType": "Group"}],
        "unknown": 1,
    }
    found = [(child.type, child.value) for child in children_of(MODEL, Item(patient, "Patient"))]
    assert found == [
        ("date", "2012"),
        ("code", None),
        ("HumanName", {"family": "x"}),
        ("boolean", True),
        ("Group", {"resourceType": "Group"}),
        ("System.Integer", 1),
    ]


def test_children_of_a_primitive() -> None:
    primitive = Item("x", "string", {"id": "i", "extension": [{"url": "u"}]})
    assert [child.type for child in children_of(MODEL, primitive)] == ["Extension", "string"]
    assert children_of(MODEL, Item("x", "string")) == []


def leaves(value: Any) -> int:
    """Nodes below a JSON object, a primitive and what stands beside it being one."""
    match value:
        case dict():
            # ExampleScenario.instance has an element of that name
            names = {key.removeprefix("_") for key in value if key != "resourceType" or "resourceId" in value}
            return sum(node(value.get(name), value.get("_" + name)) for name in names)
        case _:
            return 0


def node(value: Any, beside: Any) -> int:
    if isinstance(value, list) or isinstance(beside, list):
        values, besides = value or [], beside or []
        count = max(len(values), len(besides))
        pairs = zip(
            values + [None] * (count - len(values)), besides + [None] * (count - len(besides)), strict=True
        )
        return sum(node(*pair) for pair in pairs if pair != (None, None))
    return 1 + leaves(value) + leaves(beside)


def test_descendants_are_all_nodes() -> None:
    for file, text in official_examples():
        if len(text) < 20_000:
            each = example(file)
            assert len(descendants_of(MODEL, [Item(each, each["resourceType"])], 0)) == leaves(each), file


@given(st.sampled_from([file for file, text in official_examples() if len(text) < 20_000]))
def test_counting_children_is_what_children_are(file: str) -> None:
    each = example(file)
    fused = compiled("children().count()", each["resourceType"]).evaluate(each)
    assert fused == compiled("children().select(1).count()", each["resourceType"]).evaluate(each)
