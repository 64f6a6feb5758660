"""https://hl7.org/fhir/R4/valueset-operation-expand.html"""

from typing import Any
from urllib.parse import quote

import pytest

from fhir_server.resource import Resource
from fhir_server.validation.structure import Validator
from tests.interactions.fhir import Fhir, content, definitions
from tests.interactions.operations.terminologies import (
    ALL,
    ANIMALS,
    CHINESE,
    DOGS,
    GROUPED,
    parameters,
    put,
)
from tests.terminology.memory import ANIMALS as CONCEPTS
from tests.terminology.memory import URL, code_system, concept, value_set


@pytest.fixture
def animals(fhir: Fhir) -> Fhir:
    put(fhir, CONCEPTS, DOGS, ALL)
    return fhir


def expansion(fhir: Fhir, url: str, resource: Resource | None = None, **given: Any) -> Resource:
    found = content(fhir("GET" if resource is None else "POST", url, resource, **given))
    assert Validator(definitions()).check(found) == []
    made = found["expansion"]
    assert isinstance(made, dict)
    return made


def codes(found: Resource) -> list[str]:
    return [each["code"] for each in found.get("contains", ())]


def test_by_canonical(animals: Fhir) -> None:
    found = expansion(animals, f"ValueSet/$expand?url={URL}dogs")
    assert found["contains"] == [
        {"system": ANIMALS, "code": "dog", "display": "Dog"},
        {"system": ANIMALS, "code": "poodle", "display": "Poodle"},
        {"system": ANIMALS, "code": "robot-dog", "display": "Robot-dog"},
    ]
    assert found["total"] == 3
    assert found["timestamp"].startswith("2026-11-23T")
    assert found["identifier"].startswith("urn:uuid:")
    assert "offset" not in found and "parameter" not in found


def test_by_instance_and_by_body(animals: Fhir) -> None:
    wanted = ["dog", "poodle", "robot-dog"]
    assert codes(expansion(animals, "ValueSet/dogs/$expand")) == wanted
    unstored = {name: value for name, value in DOGS.items() if name != "url"} | {"id": "other"}
    assert codes(expansion(animals, "ValueSet/$expand", unstored)) == wanted
    assert codes(expansion(animals, "ValueSet/$expand", parameters(valueSet=unstored, count=1))) == ["dog"]
    assert codes(expansion(animals, "ValueSet/$expand", parameters(url=("Uri", URL + "dogs")))) == wanted


def test_the_value_set_without_its_definition_or_with_it(animals: Fhir) -> None:
    found = content(animals("GET", "ValueSet/dogs/$expand"))
    assert found["url"] == URL + "dogs" and "compose" not in found and "meta" not in found
    found = content(animals("GET", "ValueSet/dogs/$expand?includeDefinition=true"))
    assert found["compose"] == DOGS["compose"]


def test_pages(animals: Fhir) -> None:
    whole = codes(expansion(animals, f"ValueSet/$expand?url={URL}all"))
    assert len(whole) == 6
    pages = [
        expansion(animals, f"ValueSet/$expand?url={URL}all&count=2&offset={offset}")
        for offset in (0, 2, 4, 6)
    ]
    assert [code for page in pages for code in codes(page)] == whole
    assert {page["total"] for page in pages} == {6}
    assert [page["offset"] for page in pages] == [0, 2, 4, 6]
    assert len({page["identifier"] for page in pages}) == 1
    assert codes(expansion(animals, f"ValueSet/$expand?url={URL}all&count=0")) == []
    assert codes(expansion(animals, f"ValueSet/$expand?url={URL}all&offset=5")) == whole[5:]


def test_filter(animals: Fhir) -> None:
    put(animals, CHINESE)
    for text, wanted in {"dog": ["dog", "robot-dog"], "rob": ["robot-dog"], "狗": ["dog"], "xyz": []}.items():
        found = expansion(animals, f"ValueSet/$expand?url={URL}all&filter={quote(text)}")
        assert codes(found) == wanted and found["total"] == len(wanted)
        assert found["parameter"][0] == {"name": "filter", "valueString": text}
    assert codes(expansion(animals, f"ValueSet/$expand?url={URL}all&filter=dog&count=1&offset=1")) == [
        "robot-dog"
    ]


def test_languages(animals: Fhir) -> None:
    put(animals, CHINESE)
    shown = {
        each["code"]: each["display"]
        for each in expansion(animals, "ValueSet/all/$expand?displayLanguage=zh")["contains"]
    }
    assert shown["dog"] == "狗" and shown["animal"] == "Animal"
    by_header = expansion(animals, "ValueSet/all/$expand", accept_language="zh-CN,zh;q=0.9")["contains"]
    assert {each["code"]: each["display"] for each in by_header} == shown
    both = expansion(animals, "ValueSet/all/$expand?displayLanguage=de", accept_language="zh-CN")["contains"]
    assert next(each["display"] for each in both if each["code"] == "dog") == "Hund"
    assert (
        expansion(animals, "ValueSet/all/$expand", accept_language="???")["total"] == 6
    )  # no reason to refuse
    error = animals.refused("GET", "ValueSet/all/$expand?displayLanguage=???")
    assert error.status == 400


def test_designations(animals: Fhir) -> None:
    put(animals, CHINESE)
    designations = [{"language": "zh-CN", "value": "狗"}, {"language": "de", "value": "Hund"}]

    def of_dog(query: str) -> Any:
        contains = expansion(animals, f"ValueSet/all/$expand?{query}")["contains"]
        return next(each for each in contains if each["code"] == "dog").get("designation")

    assert of_dog("includeDesignations=true") == designations
    assert of_dog("includeDesignations=false") is None
    assert of_dog("designation=urn:ietf:bcp:47|zh") == designations[:1]
    assert of_dog("designation=de") == designations[1:]
    assert of_dog("designation=http://use.org|x") is None


def test_designations_of_the_value_set_itself(fhir: Fhir) -> None:
    item = {"code": "dog", "display": "Doggy", "designation": [{"language": "zh", "value": "小狗"}]}
    put(fhir, CONCEPTS, value_set("own", {"system": ANIMALS, "concept": [item]}))
    (found,) = expansion(fhir, "ValueSet/own/$expand?includeDesignations=true")["contains"]
    assert found == {"system": ANIMALS, "code": "dog", "display": "Doggy", "designation": item["designation"]}
    (found,) = expansion(fhir, "ValueSet/own/$expand?displayLanguage=zh")["contains"]
    assert found["display"] == "小狗"


def test_inactive_and_abstract_codes(fhir: Fhir) -> None:
    put(fhir, CONCEPTS, CHINESE, ALL, GROUPED, value_set("groups", {"system": URL + "grouped"}))
    plant = next(
        each for each in expansion(fhir, "ValueSet/all/$expand")["contains"] if each["code"] == "plant"
    )
    assert plant["inactive"] is True
    assert "plant" not in codes(expansion(fhir, "ValueSet/all/$expand?activeOnly=true"))
    assert len(codes(expansion(fhir, "ValueSet/all/$expand?activeOnly=true&count=3"))) == 3
    group, _ = expansion(fhir, "ValueSet/groups/$expand")["contains"]
    assert group["abstract"] is True
    assert codes(expansion(fhir, "ValueSet/groups/$expand?excludeNotForUI=true")) == ["one"]


def test_nesting(animals: Fhir) -> None:
    flat = expansion(animals, "ValueSet/all/$expand?excludeNested=true")
    assert len(codes(flat)) == 6
    nested = expansion(animals, "ValueSet/all/$expand?excludeNested=false")
    animal, plant = nested["contains"]
    dog, cat = animal["contains"]
    assert codes(dog) == ["poodle", "robot-dog"] and cat["code"] == "cat" and plant["code"] == "plant"
    assert nested["total"] == 6
    assert (
        len(codes(expansion(animals, "ValueSet/all/$expand?excludeNested=false&count=4"))) == 4
    )  # pages are flat


def test_versions_that_were_used_are_said(fhir: Fhir) -> None:
    one, two = (GROUPED | {"id": version, "version": version} for version in "12")
    put(fhir, one, two, value_set("groups", {"system": URL + "grouped"}))
    found = expansion(fhir, "ValueSet/groups/$expand")
    assert found["parameter"] == [{"name": "version", "valueUri": URL + "grouped|2"}]
    asked = quote(URL + "grouped|1")
    found = expansion(fhir, f"ValueSet/groups/$expand?system-version={asked}")
    assert {"name": "version", "valueUri": URL + "grouped|1"} in found["parameter"]
    assert {"name": "system-version", "valueUri": URL + "grouped|1"} in found["parameter"]
    assert codes(expansion(fhir, f"ValueSet/groups/$expand?exclude-system={URL}grouped")) == []
    error = fhir.refused("GET", f"ValueSet/groups/$expand?force-system-version={asked}0")
    assert error.status == 404 and "there is no version 10 of the CodeSystem" in str(error)


def test_parameters_are_echoed(animals: Fhir) -> None:
    query = "filter=dog&activeOnly=true&count=1&offset=0&excludeNested=true&displayLanguage=zh"
    found = {each["name"]: each for each in expansion(animals, f"ValueSet/all/$expand?{query}")["parameter"]}
    assert found["activeOnly"]["valueBoolean"] is True
    assert found["count"]["valueInteger"] == 1
    assert found["displayLanguage"]["valueCode"] == "zh"


def test_by_the_binding_of_an_element(hl7: Fhir) -> None:
    element = quote("http://hl7.org/fhir/StructureDefinition/Patient#Patient.gender")
    assert codes(expansion(hl7, f"ValueSet/$expand?context={element}")) == [
        "male",
        "female",
        "other",
        "unknown",
    ]
    assert codes(expansion(hl7, "ValueSet/$expand?context=Patient.contact.gender&contextDirection=incoming"))
    error = hl7.refused("GET", "ValueSet/$expand?context=Patient.birthDate")
    assert error.status == 404 and "Patient.birthDate is not an element with a value set" in str(error)


def test_definitions_of_the_core(hl7: Fhir) -> None:
    found = expansion(hl7, "ValueSet/v3-ActEncounterCode/$expand")
    assert "EMER" in codes(found)
    error = hl7.refused("GET", "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/condition-code")
    assert (error.status, error.issues[0].code) == (404, "not-found")
    assert str(error) == "the codes of http://snomed.info/sct are not here, only its description"


def test_a_definition_that_shadows_one_of_the_core(hl7: Fhir) -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    mine = value_set("mine", {"system": ANIMALS, "concept": [{"code": "dog"}]}, url=url)
    put(hl7, mine)
    assert codes(expansion(hl7, f"ValueSet/$expand?url={url}")) == ["dog"]
    assert len(codes(expansion(hl7, "ValueSet/administrative-gender/$expand"))) == 4
    hl7("DELETE", "ValueSet/mine")
    assert len(codes(expansion(hl7, f"ValueSet/$expand?url={url}"))) == 4


def test_a_change_is_seen_at_once(animals: Fhir) -> None:
    before = expansion(animals, "ValueSet/dogs/$expand")
    put(animals, code_system("animals", concept("dog", concept("beagle"))))
    after = expansion(animals, "ValueSet/dogs/$expand")
    assert codes(after) == ["dog", "beagle"]
    assert after["identifier"] != before["identifier"]


def test_too_many_codes(animals: Fhir) -> None:
    animals.context.terminology.limit = 4
    error = animals.refused("GET", "ValueSet/all/$expand")
    assert (error.status, error.issues[0].code) == (400, "too-costly")
    assert "more than 4 codes: ask for pages of it by count and offset" in str(error)
    assert len(codes(expansion(animals, "ValueSet/all/$expand?count=3"))) == 3
    assert len(codes(expansion(animals, "ValueSet/all/$expand?count=100"))) == 4
    assert len(codes(expansion(animals, "ValueSet/all/$expand?filter=dog"))) == 2


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        ("ValueSet/$expand", 400, "one of url, valueSet and context is required, found none of them"),
        ("ValueSet/$expand?url=a&context=b", 400, "found url and context"),
        ("ValueSet/all/$expand?url=a", 400, "url names a value set, and the URL does so too"),
        ("ValueSet/$expand?url=http://nowhere.org", 404, "there is no ValueSet http://nowhere.org"),
        ("ValueSet/nobody/$expand", 404, "ValueSet/nobody is not known"),
        ("ValueSet/all/$expand?count=-1", 400, "count is -1, it cannot be negative"),
        ("ValueSet/all/$expand?count=many", 400, "count is 'many', it takes an integer"),
        ("ValueSet/all/$expand?activeOnly=yes", 400, "activeOnly is 'yes', it can be true or false"),
        ("ValueSet/all/$expand?fliter=x", 400, "'fliter' is not a parameter here; did you mean filter?"),
        (
            "ValueSet/all/$expand?date=2020-01-01",
            400,
            "date is 2020-01-01, and definitions are used as they are now",
        ),
        ("ValueSet/all/$expand?contextDirection=up", 400, "contextDirection is 'up'"),
        (f"ValueSet/$expand?url={URL}all&valueSetVersion=7", 404, "there is no version 7 of the ValueSet"),
        ("Patient/$expand", 404, r"there is no operation $expand here"),
    ],
)
def test_what_is_refused(animals: Fhir, url: str, status: int, text: str) -> None:
    error = animals.refused("GET", url)
    assert error.status == status and text in str(error)


def test_today_is_a_date_to_ask_for(animals: Fhir) -> None:
    assert codes(expansion(animals, "ValueSet/dogs/$expand?date=2026-11-23"))
    assert codes(expansion(animals, "ValueSet/dogs/$expand?date=2026"))


def test_a_body_that_is_no_value_set(animals: Fhir) -> None:
    error = animals.refused("POST", "ValueSet/$expand", {"resourceType": "Patient"})
    assert "valueSet is a Patient, it takes a ValueSet" in str(error)


def test_value_sets_that_import_each_other(animals: Fhir) -> None:
    put(animals, value_set("a", {"valueSet": [URL + "b"]}), value_set("b", {"valueSet": [URL + "a"]}))
    error = animals.refused("GET", "ValueSet/a/$expand")
    assert error.status == 422 and f"{URL}b imports {URL}a" in str(error)


def test_E17_a_regex_in_a_filter_takes_time_in_proportion(fhir: Fhir) -> None:
    put(fhir, code_system("long", concept("a" * 5000 + "!")))
    include = {"system": URL + "long", "filter": [{"property": "code", "op": "regex", "value": "(a+)+"}]}
    assert codes(expansion(fhir, "ValueSet/$expand", value_set("evil", include))) == []
    include["filter"] = [{"property": "code", "op": "regex", "value": "(a{1000}){1000}"}]
    error = fhir.refused("POST", "ValueSet/$expand", value_set("evil", include))
    assert error.status == 400 and "the filter regex" in str(error)


def test_an_answer_is_kept_until_a_definition_changes(animals: Fhir) -> None:
    url = "ValueSet/dogs/$expand?count=2"
    first = expansion(animals, url)
    assert expansion(animals, url) == first  # the time too
    animals("PUT", "Patient/1", {"resourceType": "Patient", "id": "1"})
    assert expansion(animals, url) == first
    put(animals, value_set("other", {"system": ANIMALS}))
    assert expansion(animals, url)["timestamp"] != first["timestamp"]
