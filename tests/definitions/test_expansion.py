from typing import Any

from fhir_server.definitions.expansion import expand

SYSTEM = {
    "resourceType": "CodeSystem",
    "url": "http://a.org/animals",
    "content": "complete",
    "concept": [
        {"code": "animal", "concept": [{"code": "dog", "concept": [{"code": "poodle"}]}, {"code": "cat"}]},
        {"code": "plant"},
        {"code": "robot-dog", "property": [{"code": "subsumedBy", "valueCode": "dog"}]},
    ],
}
ALL = {"animal", "dog", "poodle", "cat", "plant", "robot-dog"}


def codes(compose: dict[str, Any], *others: dict[str, Any]) -> set[str] | None:
    value_set = {"resourceType": "ValueSet", "url": "http://a.org/vs", "compose": compose}
    known = {(each["resourceType"], each["url"]): each for each in (SYSTEM, value_set, *others)}
    found = expand("http://a.org/vs|1.0", lambda resource_type, url: known.get((resource_type, url)))
    return None if found is None else {code for _, code in found}


def of_system(**more: Any) -> dict[str, Any]:
    return {"system": SYSTEM["url"], **more}


def is_a(op: str, value: str, property_: str = "concept") -> dict[str, Any]:
    return of_system(filter=[{"property": property_, "op": op, "value": value}])


def test_a_whole_system_includes_nested_codes() -> None:
    assert codes({"include": [of_system()]}) == ALL


def test_listed_concepts_need_no_system_at_hand() -> None:
    assert codes({"include": [{"system": "http://b.org", "concept": [{"code": "x"}]}]}) == {"x"}


def test_a_system_that_is_not_at_hand_cannot_be_listed() -> None:
    assert codes({"include": [of_system(), {"system": "urn:ietf:bcp:47"}]}) is None


def test_a_system_of_which_only_fragments_are_at_hand_cannot_be_listed() -> None:
    fragment = {**SYSTEM, "url": "http://b.org", "content": "fragment"}
    assert codes({"include": [{"system": "http://b.org"}]}, fragment) is None


def test_hierarchy_by_nesting_and_by_property() -> None:
    assert codes({"include": [is_a("is-a", "dog")]}) == {"dog", "poodle", "robot-dog"}
    assert codes({"include": [is_a("descendent-of", "dog")]}) == {"poodle", "robot-dog"}
    assert codes({"include": [is_a("is-not-a", "animal")]}) == {"plant"}


def test_other_filters_cannot_be_listed() -> None:
    assert codes({"include": [is_a("=", "dog", "display")]}) is None
    assert codes({"include": [is_a("regex", "d.*")]}) is None


def test_excluded_codes_are_taken_out() -> None:
    compose = {"include": [of_system()], "exclude": [is_a("is-a", "animal")]}
    assert codes(compose) == {"plant"}


def test_an_included_value_set_narrows_the_system_beside_it() -> None:
    pets = {
        "resourceType": "ValueSet",
        "url": "http://a.org/pets",
        "compose": {"include": [of_system(concept=[{"code": "dog"}, {"code": "cat"}])]},
    }
    assert codes({"include": [{"valueSet": ["http://a.org/pets|1"]}]}, pets) == {"dog", "cat"}
    assert codes({"include": [is_a("is-a", "dog") | {"valueSet": ["http://a.org/pets"]}]}, pets) == {"dog"}
    assert codes({"include": [{"valueSet": ["http://a.org/pets"]}]}) is None


def test_a_value_set_that_includes_itself_cannot_be_listed() -> None:
    assert codes({"include": [{"valueSet": ["http://a.org/vs"]}]}) is None


def test_an_include_of_nothing_cannot_be_listed() -> None:
    assert codes({"include": [{}]}) is None
