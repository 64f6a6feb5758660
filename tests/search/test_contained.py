"""https://hl7.org/fhir/R4/search.html#contained"""

from dataclasses import fields
from typing import get_args

import pytest

from fhir_server.outcome import FhirError
from fhir_server.search.contained import containers, referred, within
from fhir_server.store.algebra import (
    And,
    Backward,
    Everything,
    Forward,
    FullText,
    IdIn,
    LexiconIn,
    Node,
    Not,
    Nothing,
    OfType,
    Or,
    Present,
    Together,
    TokenIn,
    UpdatedBetween,
)
from fhir_server.store.rows import hash64
from tests.search.searching import compiled, fits, found, rows

CODE = TokenIn("Medication.code[token]", (1,))
INSIDE = TokenIn("contained.Medication.code[token]", (1,))
MEDICATION = {"resourceType": "Medication", "id": "m1", "code": {"coding": [{"code": "a"}]}}
REQUEST = {
    "resourceType": "MedicationRequest",
    "id": "r",
    "status": "active",
    "contained": [MEDICATION],
    "medicationReference": {"reference": "#m1"},
}


def test_rows_of_contained_resources_stand_apart() -> None:
    made, alone = rows(REQUEST), rows({k: v for k, v in REQUEST.items() if k != "contained"})
    assert made.tokens == alone.tokens and made.references == alone.references
    (instance,) = made.instances
    assert ("contained.[type]", hash64("Medication")) in instance.tokens
    assert ("contained.[id]", hash64("m1")) in instance.tokens
    reference = "MedicationRequest.medication.ofType(Reference)[reference][contained]"
    assert (reference, hash64("Medication")) in instance.tokens
    assert ("contained.Medication.code[token]", "a", hash64("a", "")) in made.lexicon
    assert not alone.instances


def test_a_type_that_there_is_not_has_no_rows() -> None:
    strange = REQUEST | {"contained": [{"resourceType": "Nonsense", "id": "m1"}]}
    assert not rows(strange).instances


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Everything(), Everything()),
        (Nothing(), Nothing()),
        (CODE, INSIDE),
        (LexiconIn("a", ("x",)), LexiconIn("contained.a", ("x",))),
        (
            LexiconIn("a", ("x",), lexicon="a[system]"),
            LexiconIn("contained.a", ("x",), lexicon="contained.a[system]"),
        ),
        (Present("date", "a"), Present("date", "contained.a")),
        (Forward("a", "Patient", CODE), Forward("contained.a", "Patient", CODE)),
        (IdIn(("m1",)), TokenIn("contained.[id]", (hash64("m1"),))),
        (OfType(("Patient",)), TokenIn("contained.[type]", (hash64("Patient"),))),
        (UpdatedBetween(1, 2), Nothing()),
        (And((CODE, Not(Or((CODE, IdIn(("m1",))))))), None),
    ],
)
def test_within(node: Node, expected: Node | None) -> None:
    made = within(node)
    if expected is None:
        expected = And((INSIDE, Not(Or((INSIDE, TokenIn("contained.[id]", (hash64("m1"),)))))))
    assert made == expected


@pytest.mark.parametrize(
    "node", [Backward("a", "Patient", CODE), Together((CODE,)), FullText("anywhere", ("x",))]
)
def test_what_contained_resources_cannot_be_asked(node: Node) -> None:
    with pytest.raises(FhirError) as caught:
        within(And((CODE, node)))
    assert caught.value.status == 400
    assert referred("a", "Patient", node) == Nothing()


def test_every_comparison_on_a_column_can_be_asked() -> None:
    """All nodes that are about a column of the resource itself; chains backwards are about others."""
    named = [kind for kind in get_args(Node) if "column" in kind.__slots__ and kind is not Backward]
    assert len(named) > 8
    for kind in named:
        values = {field.name: "number" if field.name == "kind" else () for field in fields(kind)}
        made = within(kind(**values | {"column": "x"}))
        assert getattr(made, "column", "") == "contained.x"


def test_a_chain_from_one_contained_resource_to_another_leads_nowhere() -> None:
    inner = referred("Medication.manufacturer[reference]", "Organization", TokenIn("Organization.name", (1,)))
    assert isinstance(inner, Together)
    assert within(inner) == Nothing()


def test_containers() -> None:
    assert containers(("Medication",), CODE) == Together(
        (TokenIn("contained.[type]", (hash64("Medication"),)), INSIDE)
    )
    assert containers((), CODE) == Together((Present("token", "contained.[type]"), INSIDE))
    assert containers(("Medication",), UpdatedBetween(1, 2)) == Nothing()


def test_searches() -> None:
    assert found([REQUEST], "Medication?code=a&_contained=true") == ["r"]
    assert found([REQUEST], "Medication?code=b&_contained=true") == []
    assert found([REQUEST], "Medication?code=a") == []
    assert found([REQUEST, MEDICATION], "Medication?code=a&_contained=both") == ["m1", "r"]
    assert fits(REQUEST, "medication.code=a") and not fits(REQUEST, "medication.code=b")
    assert not fits(REQUEST, "code=a")  # it is the code of what it contains


def test_of_which_type_the_hits_are() -> None:
    search = compiled("Medication?code=a&_contained=both&_containedType=contained")
    assert search.resource_types == ()
    assert search.inside is not None and search.inside.alone
    assert search.inside.resource_types == ("Medication",)
    assert compiled("Medication?code=a&_containedType=contained").inside is None
