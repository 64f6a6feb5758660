"""Small numbers are hidden, and cannot be worked out from what is shown."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.alliance.report.figures import Figure, figure
from fhir_server.alliance.report.hiding import TOTAL, Equation, Name, hidden
from fhir_server.alliance.report.measure import Event
from fhir_server.alliance.report.table import MEASURES
from tests.alliance.report.attack import Row, solved

A, B, C, D = (f"Organization/{name}" for name in "abcd")
TIERS = {A: "county", B: "county", C: "township", D: "township"}


def tier(member: str | None) -> str:
    return "-" if member is None else TIERS[member]


def counted(ways: dict[tuple[str, str], int], asking: str | None = None) -> Figure:
    events = [Event(0, one, other) for (one, other), number in ways.items() for _ in range(number)]
    return figure(MEASURES["R-UP"], events, tier, asking)


def shown(found: Figure, stratifier: str) -> dict[str, float | None]:
    return {name: None if each.hidden else each.value for name, each in found.strata[stratifier].items()}


def test_E10_26_a_number_below_five_is_hidden_and_one_of_five_is_not() -> None:
    assert counted({(C, A): 4}).total.hidden
    assert not counted({(C, A): 5}).total.hidden


def test_E10_26_an_organisation_sees_the_small_numbers_of_its_own() -> None:
    found = counted({(C, A): 4, (D, B): 9}, asking=C)
    assert shown(found, "from-member") == {C: 4, D: 9}
    others = counted({(C, A): 4, (D, B): 9, (C, B): 7}, asking=D)
    assert shown(others, "to-member") == {A: None, B: None}


def test_E10_26_what_is_left_of_a_number_without_the_own_cases_is_small_too() -> None:
    found = counted({(C, A): 6, (D, A): 2, (D, B): 20}, asking=C)
    assert shown(found, "to-member")[A] is None  # 8, of which 6 are known to be the own


def test_E10_26_the_one_hidden_number_is_not_left_to_be_subtracted() -> None:
    found = counted({(C, A): 3, (D, A): 50, (D, B): 50})
    assert not found.total.hidden
    assert shown(found, "from-member") == {C: None, D: None}


def test_E10_26_hidden_numbers_whose_sum_gives_them_away_take_a_third() -> None:
    # 1 and 1 are known when their sum, 2, is
    sizes: dict[Name, float] = {TOTAL: 102, ("s", "a"): 1, ("s", "b"): 1, ("s", "c"): 40, ("s", "d"): 60}
    equation: Equation = (frozenset(sizes) - {TOTAL}, frozenset((TOTAL,)))
    assert hidden(sizes, [equation]) == {("s", "a"), ("s", "b"), ("s", "c")}


def test_E10_26_members_of_a_tier_do_not_add_up_to_what_is_hidden() -> None:
    # the tier pairs tell what the members of a tier send together
    found = counted({(A, C): 3, (B, C): 60, (C, A): 60, (D, A): 70})
    members, pairs = shown(found, "from-member"), shown(found, "tier-pair")
    assert members[A] is None
    assert members[B] is None or pairs["county>township"] is None


def test_measures_of_the_directory_hide_nothing() -> None:
    events = [Event(0, A, None, 1, A, {"mode": "tight"})]
    assert not figure(MEASURES["MEM-BY-MODE"], events, tier, None).total.hidden


def test_no_stratum_of_a_hidden_total_is_shown() -> None:
    found = counted({(C, A): 3, (D, B): 1})
    assert found.total.hidden
    assert all(value is None for name in found.strata for value in shown(found, name).values())


WAYS = st.dictionaries(
    st.tuples(st.sampled_from((A, B, C, D)), st.sampled_from((A, B, C, D))).filter(
        lambda way: way[0] != way[1]
    ),
    st.integers(1, 12),
    min_size=1,
)


@given(WAYS, st.sampled_from((None, A, C)))
@settings(max_examples=300, deadline=None)
def test_E10_26_no_hidden_number_follows_from_those_that_are_shown(
    ways: dict[tuple[str, str], int], asking: str | None
) -> None:
    found = counted(ways, asking)
    cells = {
        (name, stratum): each for name, strata in found.strata.items() for stratum, each in strata.items()
    }
    unknown = {name for name, each in cells.items() if each.hidden}
    if not found.total.hidden:
        rows: list[Row] = []
        for stratifier in found.strata:
            rows.append(({name: 1 for name in unknown if name[0] == stratifier}, 0))
        for side, stratifier in enumerate(("from-member", "to-member")):
            for level in set(TIERS.values()):
                of_level = {n: 1 for n in unknown if n[0] == stratifier and TIERS[n[1]] == level}
                pairs = {n: -1 for n in unknown if n[0] == "tier-pair" and n[1].split(">")[side] == level}
                rows.append((of_level | pairs, 0))
        assert solved(rows) == set()
    # and every number that is shown counts none of others, or five and more
    for (stratifier, stratum), each in cells.items():
        others = Counter(
            {"from-member": way[0], "to-member": way[1]}.get(stratifier)
            for way, number in ways.items()
            for _ in range(number)
            if asking not in way
        )
        if stratifier in ("from-member", "to-member") and not each.hidden:
            assert others[stratum] == 0 or others[stratum] >= 5
