"""https://hl7.org/fhir/R4/valueset.html#compositions"""

from typing import Any

import pytest

from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from fhir_server.terminology.terminology import Terminology
from fhir_server.terminology.value_set import NO_CHOICE, Choice, composed
from tests.terminology.memory import ANIMALS, URL, Memory, code_system, concept, run, terminology, value_set

SYSTEM = URL + "animals"
OTHER = code_system("other", concept("a"), concept("b"))


def dogs(**more: Any) -> dict[str, Any]:
    return {"system": SYSTEM, "filter": [{"property": "concept", "op": "is-a", "value": "dog"}]} | more


def listed(*codes: str, **more: Any) -> dict[str, Any]:
    return {"system": SYSTEM, "concept": [{"code": code} for code in codes]} | more


def codes(
    *includes: dict[str, Any], others: tuple[Resource, ...] = (), choice: Choice = NO_CHOICE, **more: Any
) -> list[str]:
    """Of a value set, in its order; and each of them is found by having(), and no other one."""

    async def all_() -> list[str]:
        found = terminology(ANIMALS, OTHER, value_set("vs", *includes, **more), *others)
        members = await composed(await found.snapshot(), URL + "vs", choice)
        entries = [entry async for chunk in members.chunks(()) for entry in chunk]
        asked = [(system, code) for system in (SYSTEM, URL + "other") for code in ALL]
        assert {key for key in await members.having(asked)} == {entry.key for entry in entries}
        counted = await members.count(())
        assert counted in (None, len(entries))
        sliced = await members.slice((), 1, 2)
        assert sliced is None or sliced == entries[1:3]
        return [entry.concept.code for entry in entries]

    return run(all_())


ALL = ("animal", "dog", "poodle", "cat", "plant", "robot-dog", "a", "b", "dragon")


def test_a_whole_code_system() -> None:
    assert codes({"system": SYSTEM}) == ["animal", "dog", "poodle", "cat", "plant", "robot-dog"]


def test_includes_are_united_in_their_order() -> None:
    assert codes(listed("cat", "poodle"), dogs()) == ["cat", "poodle", "dog", "robot-dog"]


def test_excludes_are_taken_away() -> None:
    assert codes(dogs(), exclude=[listed("poodle"), {"system": URL + "other"}]) == ["dog", "robot-dog"]


def test_lists_need_no_code_system() -> None:
    found = terminology(value_set("vs", {"system": "http://nowhere.org", "concept": [{"code": "x"}]}))
    assert run(found.codes(URL + "vs")) == {("http://nowhere.org", "x")}


def test_imports_are_united_and_cut_with_the_system() -> None:
    pets = value_set("pets", listed("dog", "cat"))
    assert codes({"valueSet": [URL + "pets"]}, others=(pets,)) == ["dog", "cat"]
    assert codes(dogs(valueSet=[URL + "pets"]), others=(pets,)) == ["dog"]
    cats = value_set("cats", listed("cat"))
    assert codes({"valueSet": [URL + "pets", URL + "cats"]}, others=(pets, cats)) == ["cat"]


def test_inactive_codes_are_left_out_where_the_value_set_says_so() -> None:
    old = code_system(
        "old", concept("a", property=[{"code": "status", "valueCode": "retired"}]), concept("b")
    )
    vs = value_set("vs", {"system": URL + "old"})
    vs["compose"]["inactive"] = False
    assert run(terminology(old, vs).codes(URL + "vs")) == {(URL + "old", "b")}
    vs["compose"]["inactive"] = True
    assert len(run(terminology(old, vs).codes(URL + "vs"))) == 2


def test_an_expansion_stands_for_a_definition_that_is_missing() -> None:
    vs = value_set("vs") | {
        "expansion": {"contains": [{"contains": [{"system": "s", "code": "c", "display": "C"}]}]}
    }
    del vs["compose"]
    assert run(terminology(vs).codes(URL + "vs")) == {("s", "c")}
    del vs["expansion"]
    with pytest.raises(
        FhirError, match=r"http://example.org/vs has neither a definition of its codes nor an expansion"
    ):
        run(terminology(vs).codes(URL + "vs"))


def test_value_sets_that_import_each_other() -> None:
    one = value_set("one", {"valueSet": [URL + "two"]})
    two = value_set("two", listed("cat"), {"valueSet": [URL + "one"]})
    with pytest.raises(FhirError) as caught:
        run(terminology(ANIMALS, one, two).codes(URL + "one"))
    assert str(caught.value) == (
        "a value set imports itself: http://example.org/one imports http://example.org/two imports "
        "http://example.org/one"
    )
    assert caught.value.status == 422


def test_a_value_set_that_excludes_itself() -> None:
    one = value_set("one", listed("cat"), exclude=[{"valueSet": [URL + "one|1"]}], version="1")
    with pytest.raises(FhirError, match=r"a value set imports itself"):
        run(terminology(ANIMALS, one).codes(URL + "one"))


@pytest.mark.parametrize(
    ("include", "status", "text"),
    [
        ({"system": "http://nowhere.org"}, 404, "there is no CodeSystem http://nowhere.org"),
        (
            {"system": SYSTEM, "version": "7"},
            404,
            "no version 7 of the CodeSystem http://example.org/animals, but",
        ),
        ({"valueSet": [URL + "nowhere"]}, 404, "there is no ValueSet http://example.org/nowhere"),
        (
            {"system": URL + "large"},
            404,
            "the codes of http://example.org/large are not here, only its description",
        ),
        ({}, 400, "names neither a system nor a value set"),
        (
            {"system": SYSTEM, "filter": [{"property": "concept", "op": "like", "value": "x"}]},
            400,
            "needs property",
        ),
    ],
)
def test_what_cannot_be_composed_is_named(include: dict[str, Any], status: int, text: str) -> None:
    large = code_system("large", content="not-present")
    animals = ANIMALS | {"version": "1"}
    with pytest.raises(FhirError, match=text) as caught:
        run(terminology(animals, large, value_set("vs", include)).codes(URL + "vs"))
    assert caught.value.status == status


ONE = ANIMALS | {"id": "one", "version": "1", "concept": [concept("cat")]}
TWO = ANIMALS | {"id": "two", "version": "2", "concept": [concept("dog")]}


@pytest.mark.parametrize(
    ("include", "choice", "found"),
    [
        ({}, Choice(), "dog"),  # the latest
        ({"version": "1"}, Choice(), "cat"),
        ({}, Choice(default=(SYSTEM + "|1",)), "cat"),
        ({"version": "2"}, Choice(default=(SYSTEM + "|1",)), "dog"),
        ({"version": "2"}, Choice(force=(SYSTEM + "|1",)), "cat"),
        ({"version": "1"}, Choice(check=(SYSTEM + "|1",)), "cat"),
        ({}, Choice(exclude=(SYSTEM,)), None),
        ({"version": "1"}, Choice(exclude=(SYSTEM + "|2",)), "cat"),
        ({"version": "1"}, Choice(exclude=(SYSTEM + "|1",)), None),
    ],
)
def test_versions_of_code_systems(include: dict[str, Any], choice: Choice, found: str | None) -> None:
    async def all_() -> list[str]:
        here = terminology(ONE, TWO, value_set("vs", {"system": SYSTEM} | include))
        members = await composed(await here.snapshot(), URL + "vs", choice)
        return [entry.concept.code async for chunk in members.chunks(()) for entry in chunk]

    assert run(all_()) == ([] if found is None else [found])


def test_a_version_that_is_checked() -> None:
    with pytest.raises(FhirError, match=r"uses version 2 of http://example.org/animals, 1 is wanted"):
        codes({"system": SYSTEM, "version": "2"}, choice=Choice(check=(SYSTEM + "|1",)))


def test_the_users_definitions_come_before_those_of_packages() -> None:
    mine = value_set("vs", listed("cat"), version="1")
    theirs = value_set("vs", listed("dog"), version="2")
    found = Terminology(Memory([mine], [theirs]))
    assert run(found.codes(URL + "vs")) == {(SYSTEM, "cat")}
    assert run(found.codes(URL + "vs|2")) == {(SYSTEM, "dog")}
    with pytest.raises(
        FhirError, match=r"there is no version 3 of the ValueSet http://example.org/vs, but 1, 2"
    ):
        run(found.codes(URL + "vs|3"))
