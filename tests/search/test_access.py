"""What may not be seen is left out wherever a search asks of resources."""

from dataclasses import fields
from typing import get_args

from fhir_server.search.access import permitted, seen, visible
from fhir_server.store import algebra
from fhir_server.store.algebra import (
    And,
    Backward,
    Everything,
    Forward,
    IdIn,
    Node,
    Not,
    Nothing,
    OfType,
    Or,
    Present,
    Referred,
    TokenIn,
)

ANY = IdIn(("1",))


def open_only(resource_type: str) -> Node:
    match resource_type:
        case "Organization":
            return Everything()
        case "AuditEvent":
            return Nothing()
        case _:
            return TokenIn(f"{resource_type}.tag", (1,))


def tagged(resource_type: str) -> Node:
    return open_only(resource_type)


def test_where_there_is_no_access_everything_is_visible() -> None:
    assert visible(None, ("Patient",)) == Everything()
    assert seen(ANY, None) is ANY
    assert permitted(ANY, None, ("Patient",)) is ANY


def test_one_type_has_its_predicate() -> None:
    assert visible(open_only, ("Patient",)) == tagged("Patient")
    assert permitted(ANY, open_only, ("Patient",)) == And((ANY, tagged("Patient")))
    assert permitted(ANY, open_only, ("Organization",)) == ANY
    assert permitted(ANY, open_only, ("AuditEvent",)) == Nothing()


def test_several_types_have_each_their_own() -> None:
    assert visible(open_only, ("Patient", "Organization", "AuditEvent")) == Or(
        (And((OfType(("Patient",)), tagged("Patient"))), OfType(("Organization",)))
    )


def test_every_resource_that_a_hit_is_found_by_has_to_be_visible() -> None:
    inner = Forward("Observation.subject", "Patient", ANY)
    either = Or((inner, Present("token", "x")))
    node = Not(And((Backward("Observation.encounter", "Observation", either), ANY)))
    shown = Forward("Observation.subject", "Patient", And((ANY, tagged("Patient"))))
    both = And((Or((shown, Present("token", "x"))), tagged("Observation")))
    assert seen(node, open_only) == Not(And((Backward("Observation.encounter", "Observation", both), ANY)))
    referred = Referred(("Observation.performer",), ("Observation",), ANY)
    assert seen(referred, open_only) == Referred(
        ("Observation.performer",), ("Observation",), And((ANY, tagged("Observation")))
    )


def test_no_node_about_other_resources_is_forgotten() -> None:
    """A node that holds nodes is one that `seen` has to go into."""
    nodes = get_args(algebra.Node)
    holding = {node for node in nodes if any("Node" in str(field.type) for field in fields(node))}
    assert holding == {And, Or, Not, Forward, Backward, Referred, algebra.Together}
