"""Concepts, properties and filters of code systems in their resources."""

from typing import Any

import pytest

from fhir_server.outcome import FhirError
from fhir_server.terminology.concepts import Concept, Designation, Filter
from fhir_server.terminology.inline import InlineCodeSystem
from fhir_server.terminology.terminology import Terminology
from tests.terminology.memory import ANIMALS, URL, Memory, code_system, concept, run

SIZES = code_system(
    "sizes",
    concept("S", property=[{"code": "rank", "valueInteger": 1}, {"code": "kind", "valueCode": "short"}]),
    concept("M", property=[{"code": "rank", "valueInteger": 2}]),
    concept("L", property=[{"code": "kind", "valueCoding": {"system": "http://k.org", "code": "long"}}]),
    concept("XL", property=[{"code": "status", "valueCode": "retired"}]),
    concept("any", property=[{"code": "notSelectable", "valueBoolean": True}]),
    property=[{"code": "rank", "type": "integer", "description": "From small to large"}],
)


def selected(system: dict[str, Any], *filters: tuple[str, str, str]) -> set[str]:
    async def all_() -> set[str]:
        selection = await InlineCodeSystem(system).select(tuple(Filter(*each) for each in filters))  # type: ignore[arg-type]
        return {found.code for _, found in await selection.page((), -1, 100)}

    return run(all_())


@pytest.mark.parametrize(
    ("op", "value", "found"),
    [
        ("is-a", "dog", {"dog", "poodle", "robot-dog"}),
        ("descendent-of", "dog", {"poodle", "robot-dog"}),
        ("is-not-a", "dog", {"animal", "cat", "plant"}),
        ("generalizes", "poodle", {"poodle", "dog", "animal"}),
        ("=", "dog", {"dog"}),
        ("in", "dog, cat", {"dog", "cat"}),
        ("not-in", "dog,cat,animal,plant", {"poodle", "robot-dog"}),
        ("regex", "(robot-)?dog", {"dog", "robot-dog"}),
        ("regex", "do", set()),  # the whole value
        ("is-a", "dragon", set()),
        ("is-not-a", "dragon", {"animal", "dog", "poodle", "cat", "plant", "robot-dog"}),
    ],
)
def test_filters_on_concepts(op: str, value: str, found: set[str]) -> None:
    assert selected(ANIMALS, ("concept", op, value)) == found


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        (("rank", "=", "2"), {"M"}),
        (("rank", "in", "1,2,3"), {"S", "M"}),
        (("rank", "exists", "true"), {"S", "M"}),
        (("rank", "exists", "false"), {"L", "XL", "any"}),
        (("kind", "=", "long"), {"L"}),  # by the code of a Coding
        (("kind", "regex", "sh.*"), {"S"}),
        (("display", "=", "Any"), {"any"}),
        (("definition", "exists", "true"), set()),
        (("inactive", "=", "true"), {"XL"}),
        (("notSelectable", "=", "false"), {"S", "M", "L", "XL"}),
        (("status", "=", "retired"), {"XL"}),
        (("parent", "exists", "true"), set()),
    ],
)
def test_filters_on_properties(filter_: tuple[str, str, str], found: set[str]) -> None:
    assert selected(SIZES, filter_) == found


def test_all_filters_must_fit() -> None:
    assert selected(SIZES, ("rank", "exists", "true"), ("kind", "exists", "true")) == {"S"}
    assert selected(ANIMALS, ("concept", "is-a", "dog"), ("concept", "is-not-a", "poodle")) == {
        "dog",
        "robot-dog",
    }


def test_parents_and_children_as_properties() -> None:
    assert selected(ANIMALS, ("parent", "=", "dog")) == {"poodle", "robot-dog"}
    assert selected(ANIMALS, ("child", "=", "poodle")) == {"dog"}


@pytest.mark.parametrize(
    ("filter_", "text"),
    [
        (("rank", "exists", "yes"), "the filter exists takes true or false, not 'yes'"),
        (("rank", "regex", "(a"), "the filter regex"),
        (("rank", "almost", "a"), "'almost' is not an operator"),
    ],
)
def test_filters_that_make_no_sense(filter_: tuple[str, str, str], text: str) -> None:
    with pytest.raises(FhirError, match=text):
        selected(SIZES, filter_)


def test_a_regex_takes_time_in_proportion() -> None:
    """(a+)+ would keep an engine that goes back and forth for longer than anybody waits."""
    system = code_system("long", concept("a" * 2000 + "!"))
    assert selected(system, ("code", "regex", "(a+)+")) == set()


@pytest.mark.parametrize(("sensitive", "found"), [(True, None), (False, "dog"), (None, "dog")])
def test_case_counts_where_the_code_system_says_so(sensitive: bool | None, found: str | None) -> None:
    system = {name: value for name, value in ANIMALS.items() if name != "caseSensitive"}
    if sensitive is not None:
        system["caseSensitive"] = sensitive
    concept_ = run(InlineCodeSystem(system).concept("DOG"))
    assert (concept_ and concept_.code) == found


def test_flags_of_concepts() -> None:
    system = InlineCodeSystem(SIZES)
    flags = {code: run(system.concept(code)) for code in ("S", "XL", "any")}
    assert all(isinstance(each, Concept) for each in flags.values())
    assert {code: (each.inactive, each.abstract) for code, each in flags.items() if each} == {
        "S": (False, False),
        "XL": (True, False),
        "any": (False, True),
    }


def supplement(
    name: str, *concepts: dict[str, Any], of: str = URL + "animals", **more: Any
) -> dict[str, Any]:
    return code_system(name, *concepts, content="supplement", supplements=of, **more)


CHINESE = supplement(
    "chinese", {"code": "dog", "designation": [{"language": "zh", "value": "狗"}]}, {"code": "dragon"}
)


def test_a_supplement_adds_designations() -> None:
    async def designations(found: Terminology) -> tuple[Designation, ...]:
        system = await (await found.snapshot()).require_code_system(URL + "animals")
        dog = await system.concept("dog")
        assert dog is not None and await system.concept("dragon") is None
        return dog.designations

    memory = Memory([ANIMALS | {"version": "1"}])
    found = Terminology(memory)
    assert run(designations(found)) == ()
    memory.put(CHINESE)
    assert run(designations(found)) == (Designation("狗", "zh"),)
    memory.put(CHINESE | {"supplements": URL + "animals|2"})  # of another version
    assert run(designations(found)) == ()
    memory.put(CHINESE | {"supplements": URL + "animals|1"})
    assert run(designations(found)) == (Designation("狗", "zh"),)
    memory.put(CHINESE | {"status": "retired"})
    assert run(designations(found)) == ()


def test_a_cycle_ends_with_an_error_that_names_the_code_system() -> None:
    """A hierarchy is looked at when it is needed: the codes of a broken one are still there."""
    system = InlineCodeSystem(
        code_system(
            "ring",
            concept("a", property=[{"code": "parent", "valueCode": "b"}]),
            concept("b", property=[{"code": "parent", "valueCode": "a"}]),
        )
    )
    assert run(system.concept("a")) is not None
    with pytest.raises(
        FhirError, match=r"the hierarchy of http://example.org/ring has a cycle: a is below b is below a"
    ):
        run(system.above("a"))


def test_deep_nesting_is_walked() -> None:
    deep = concept("c0")
    for depth in range(1, 5000):
        deep = concept(f"c{depth}", deep)
    system = InlineCodeSystem(code_system("deep", deep))
    assert len(run(system.above("c0"))) == 4999
