"""What a search lacks is collected, all of it in one pass, and nothing is asked for twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.terms import InHierarchy, InValueSet, Related, Terms, names_by_system
from fhir_server.store.algebra import Nothing, TokenIn
from tests.search.searching import BASE, compiled, refused


def test_a_first_pass_collects_everything_that_is_missing() -> None:
    terms = Terms()
    compiled(
        "Observation?code:in=http://x.org/v,ValueSet/1&code:not-in=http://x.org/v&category:below=urn:s|c"
        "&subject:Location.partof:above=7",
        terms=terms,
    )
    assert list(terms.missing) == [
        InValueSet("http://x.org/v"),
        InValueSet("ValueSet/1"),
        Related("urn:s", "c", above=False),
        InHierarchy("Location", "7", ("Location.partOf[reference]",), True),
    ]


def test_a_second_pass_lacks_nothing() -> None:
    need = InValueSet("http://x.org/v")
    terms = Terms(known={need: frozenset({("urn:s", "c")})})
    found = compiled("Observation?code:in=http://x.org/v", terms=terms)
    assert not terms.missing
    assert isinstance(found.where, TokenIn)
    assert (
        compiled("Observation?code:in=http://x.org/v", terms=Terms(known={need: frozenset()})).where
        == Nothing()
    )


def test_a_value_set_of_this_server_is_meant_by_its_address() -> None:
    terms = Terms()
    compiled(f"Observation?code:in={BASE}/ValueSet/1", terms=terms)
    compiled("Observation?code:in=http://elsewhere.org/fhir/ValueSet/1|2", terms=terms)
    assert list(terms.missing) == [
        InValueSet("ValueSet/1"),
        InValueSet("http://elsewhere.org/fhir/ValueSet/1|2"),
    ]


@pytest.mark.parametrize("search", ["code:in=http://x", "code:below=urn:s|c", "subject:above=Location/1"])
def test_400_where_nothing_can_be_looked_up(search: str) -> None:
    assert refused(f"Observation?{search}").issues[0].code == "not-supported"


def test_400_before_anything_is_looked_up() -> None:
    terms = Terms()
    refused("Observation?code:in=http://x.org/v&cod=1", terms=terms)
    refused("Observation?code:below=c", terms=terms)


def test_names_are_asked_for_only_where_a_system_of_identifiers_stands() -> None:
    for search, named in (
        ("Patient?identifier=urn:s|1", True),
        ("Observation?subject:identifier=urn:s|1", True),
        ("Patient?identifier=1", False),
        ("Patient?identifier=|1", False),
        ("Observation?code=urn:s|1", False),
    ):
        terms = Terms()
        compiled(search, terms=terms)
        assert terms.named == named, search


groups = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=3), max_size=5)


@given(groups)
def test_systems_are_the_same_when_a_chain_of_groups_leads_from_one_to_the_other(
    found: list[list[str]],
) -> None:
    names = names_by_system(found)
    for one in "abcdefg":
        reached, frontier = {one}, [one]
        while frontier:
            here = frontier.pop()
            for group in found:
                if here in group:
                    frontier += [each for each in group if each not in reached]
                    reached.update(group)
        assert set(names.get(one, (one,))) == reached
        assert (one in names) == (len(reached) > 1)
