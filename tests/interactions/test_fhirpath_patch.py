"""https://hl7.org/fhir/R4/fhirpatch.html"""

import copy
from typing import Any

import pytest

from fhir_server.interactions.fhirpath_patch import OPERATION_LIMIT, PATH_LIMIT, read
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from tests.interactions.fhir import definitions

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "birthDate": "1920-01-01",
    "_birthDate": {"extension": [{"url": "http://example.org/time", "valueString": "noon"}]},
    "identifier": [
        {"system": "a", "value": "1"},
        {"system": "b", "value": "2"},
        {"system": "c", "value": "3"},
    ],
    "name": [
        {"family": "Official", "given": ["x", "y", "z"], "_given": [None, {"id": "of-y"}, None]},
        {"use": "nickname", "given": ["n"]},
    ],
    "contact": [{"name": {"text": "a name"}, "gender": "female"}],
    "maritalStatus": {"text": "married"},
    "deceasedBoolean": False,
}


def parameters(*operations: list[dict[str, Any]]) -> Resource:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "operation", "part": parts} for parts in operations],
    }


def operation(type_: str, path: str, **parts: Any) -> list[dict[str, Any]]:
    """`name="birthDate", value={"valueDate": "1930-01-01"}, index=0 …`"""
    found: list[dict[str, Any]] = [
        {"name": "type", "valueCode": type_},
        {"name": "path", "valueString": path},
    ]
    for name, value in parts.items():
        match value:
            case dict():
                found.append({"name": name} | value)
            case int():
                found.append({"name": name, "valueInteger": value})
            case _:
                found.append({"name": name, "valueString": value})
    return found


def patched(type_: str, path: str, **parts: Any) -> Resource:
    return read(definitions(), parameters(operation(type_, path, **parts)))(PATIENT)


def refused(type_: str, path: str, **parts: Any) -> tuple[int, str]:
    with pytest.raises(FhirError) as caught:
        patched(type_, path, **parts)
    assert caught.value.issues[0].expression == "Parameters.parameter[0]"
    return caught.value.status, caught.value.issues[0].code


DOES_NOT_FIT = (422, "processing")
TEXT = {"valueString": "T"}


# add


def test_add_sets_an_element_that_is_not_there() -> None:
    assert patched("add", "Patient", name="gender", value={"valueCode": "male"})["gender"] == "male"
    assert patched("add", "Patient.contact[0].name", name="family", value=TEXT)["contact"][0]["name"] == {
        "text": "a name",
        "family": "T",
    }


def test_add_appends_to_a_repeating_element() -> None:
    found = patched("add", "Patient", name="identifier", value={"valueIdentifier": {"system": "d"}})
    assert [each["system"] for each in found["identifier"]] == ["a", "b", "c", "d"]
    found = patched(
        "add", "Patient", name="communication", value={"part": [{"name": "preferred", "valueBoolean": True}]}
    )
    assert found["communication"] == [{"preferred": True}]


def test_add_keeps_what_goes_with_primitives_in_step() -> None:
    value = {"valueString": "w", "_valueString": {"id": "of-w"}}
    name = patched("add", "Patient.name[0]", name="given", value=value)["name"][0]
    assert name["given"] == ["x", "y", "z", "w"]
    assert name["_given"] == [None, {"id": "of-y"}, None, {"id": "of-w"}]


def test_add_of_an_anonymous_type_from_parts() -> None:
    value = {
        "part": [
            {"name": "name", "valueHumanName": {"text": "b"}},
            {"name": "telecom", "valueContactPoint": {"value": "1"}},
            {"name": "telecom", "valueContactPoint": {"value": "2"}},
            {"name": "gender", "valueCode": "male"},
        ]
    }
    assert patched("add", "Patient", name="contact", value=value)["contact"][1] == {
        "name": {"text": "b"},
        "telecom": [{"value": "1"}, {"value": "2"}],
        "gender": "male",
    }


def test_add_of_parts_within_parts() -> None:
    repeat = {"name": "repeat", "part": [{"name": "count", "valuePositiveInt": 3}]}
    request: Resource = {"resourceType": "ServiceRequest", "id": "1"}
    change = parameters(
        operation("add", "ServiceRequest", name="occurrence", value={"valueTiming": {"event": ["2020"]}})
    )
    changed = read(definitions(), change)(request)
    assert changed["occurrenceTiming"] == {"event": ["2020"]}
    added = operation("add", "ServiceRequest.occurrence", name="repeat", value={"part": repeat["part"]})
    assert read(definitions(), parameters(added))(changed)["occurrenceTiming"]["repeat"] == {"count": 3}


def test_add_of_a_choice_names_the_type() -> None:
    found = patched("add", "Patient", name="multipleBirth", value={"valueInteger": 2})
    assert found["multipleBirthInteger"] == 2


# no value[x] of Parameters takes an Extension
EXTENSION = {"part": [{"name": "url", "valueUri": "u"}, {"name": "value", "valueCode": "c"}]}


def test_add_of_an_extension_to_a_primitive() -> None:
    added = {"url": "u", "valueCode": "c"}
    found = patched("add", "Patient.birthDate", name="extension", value=EXTENSION)
    assert found["_birthDate"]["extension"] == [*PATIENT["_birthDate"]["extension"], added]
    found = patched("add", "Patient.active", name="extension", value=EXTENSION)
    assert found["_active"] == {"extension": [added]}
    found = patched("add", "Patient.name[1].given[0]", name="extension", value=EXTENSION)
    assert found["name"][1]["_given"] == [{"extension": [added]}]


def test_add_of_a_contained_resource() -> None:
    found = patched(
        "add", "Patient", name="contained", value={"resource": {"resourceType": "Basic", "id": "x"}}
    )
    assert found["contained"] == [{"resourceType": "Basic", "id": "x"}]


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("Patient", "birthDate", {"valueDate": "1930"}),  # it is there
        ("Patient", "deceased", {"valueDateTime": "1930"}),  # as a boolean
        ("Patient", "nonsense", TEXT),
        ("Patient", "gender", TEXT),  # a string is no code
        ("Patient", "gender", {"valueQuantity": {}}),
        ("Patient", "identifier", TEXT),
        ("Patient", "multipleBirth", {"part": [{"name": "x", "valueString": "y"}]}),  # of which type?
        ("Patient", "contact", {"part": [{"name": "nonsense", "valueString": "y"}]}),
        ("Patient.photo", "title", TEXT),  # no element
        ("Patient.name", "text", TEXT),  # two elements
        ("Patient.nonsense", "text", TEXT),
        ("Observation", "status", {"valueCode": "final"}),
    ],
)
def test_add_that_does_not_fit(path: str, name: str, value: Resource) -> None:
    assert refused("add", path, name=name, value=value) == DOES_NOT_FIT


# insert


@pytest.mark.parametrize("index", [0, 1, 3])
def test_insert_at_an_index(index: int) -> None:
    found = patched("insert", "Patient.identifier", index=index, value={"valueIdentifier": {"system": "new"}})
    systems = ["a", "b", "c"]
    systems.insert(index, "new")
    assert [each["system"] for each in found["identifier"]] == systems


def test_insert_keeps_what_goes_with_primitives_in_step() -> None:
    name = patched("insert", "Patient.name[0].given", index=0, value={"valueString": "w"})["name"][0]
    assert name["given"] == ["w", "x", "y", "z"]
    assert name["_given"] == [None, None, {"id": "of-y"}, None]


def test_insert_into_a_list_that_is_empty() -> None:
    found = patched("insert", "Patient.photo", index=0, value={"valueAttachment": {"title": "t"}})
    assert found["photo"] == [{"title": "t"}]


@pytest.mark.parametrize(
    ("path", "index"),
    [("Patient.identifier", 4), ("Patient.identifier", -1), ("Patient.birthDate", 0), ("Patient", 0),
     ("Patient.identifier[0]", 0), ("Patient.nonsense", 0), ("Patient.photo", 1)],
)  # fmt: skip
def test_insert_that_does_not_fit(path: str, index: int) -> None:
    value = {"valueIdentifier": {"system": "new"}}
    assert refused("insert", path, index=index, value=value) == DOES_NOT_FIT


# delete


def test_delete_of_an_element() -> None:
    found = patched("delete", "Patient.birthDate")
    assert "birthDate" not in found and "_birthDate" not in found
    assert "deceasedBoolean" not in patched("delete", "Patient.deceased")
    assert "maritalStatus" not in patched("delete", "Patient.maritalStatus")


def test_delete_within_a_list() -> None:
    found = patched("delete", "Patient.identifier.where(system = 'b')")
    assert [each["system"] for each in found["identifier"]] == ["a", "c"]
    name = patched("delete", "Patient.name[0].given[0]")["name"][0]
    assert (name["given"], name["_given"]) == (["y", "z"], [{"id": "of-y"}, None])


def test_delete_leaves_nothing_empty() -> None:
    assert "maritalStatus" not in patched("delete", "Patient.maritalStatus.text")
    assert patched("delete", "Patient.contact[0].name.text")["contact"] == [{"gender": "female"}]
    found = patched("delete", "Patient.birthDate.extension[0]")
    assert found["birthDate"] == "1920-01-01" and "_birthDate" not in found


def test_delete_of_what_is_not_there_changes_nothing() -> None:
    assert patched("delete", "Patient.gender") == PATIENT
    assert patched("delete", "Patient.identifier.where(system = 'x')") == PATIENT


@pytest.mark.parametrize("path", ["Patient.identifier", "Patient", "$this", "Patient.nonsense"])
def test_delete_that_does_not_fit(path: str) -> None:
    assert refused("delete", path) == DOES_NOT_FIT


# replace


def test_replace_of_an_element() -> None:
    found = patched("replace", "Patient.birthDate", value={"valueDate": "1930"})
    assert found["birthDate"] == "1930" and "_birthDate" not in found
    found = patched("replace", "Patient.contact.gender", value={"valueCode": "male"})
    assert found["contact"][0]["gender"] == "male"


def test_replace_within_a_list() -> None:
    found = patched("replace", "Patient.identifier[1]", value={"valueIdentifier": {"system": "new"}})
    assert [each["system"] for each in found["identifier"]] == ["a", "new", "c"]
    assert patched("replace", "Patient.name[0].given[1]", value=TEXT)["name"][0]["given"] == ["x", "T", "z"]
    assert "_given" not in patched("replace", "Patient.name[0].given[1]", value=TEXT)["name"][0]


def test_replace_may_change_the_type_of_a_choice() -> None:
    found = patched("replace", "Patient.deceased", value={"valueDateTime": "2020"})
    assert found["deceasedDateTime"] == "2020" and "deceasedBoolean" not in found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Patient.gender", {"valueCode": "male"}),
        ("Patient.identifier", {"valueIdentifier": {}}),
        ("Patient", {"resource": {"resourceType": "Patient"}}),
        ("Patient.birthDate", {"valueString": "1930"}),
        ("Patient.deceased", {"valueString": "yes"}),
    ],
)
def test_replace_that_does_not_fit(path: str, value: Resource) -> None:
    assert refused("replace", path, value=value) == DOES_NOT_FIT


# move


@pytest.mark.parametrize(("source", "destination", "order"), [(0, 2, "bca"), (2, 0, "cab"), (1, 1, "abc")])
def test_move_within_a_list(source: int, destination: int, order: str) -> None:
    found = patched("move", "Patient.identifier", source=source, destination=destination)
    assert "".join(each["system"] for each in found["identifier"]) == order


def test_move_keeps_what_goes_with_primitives_in_step() -> None:
    name = patched("move", "Patient.name[0].given", source=1, destination=0)["name"][0]
    assert (name["given"], name["_given"]) == (["y", "x", "z"], [{"id": "of-y"}, None, None])


@pytest.mark.parametrize(
    ("path", "source", "destination"),
    [("Patient.identifier", 3, 0), ("Patient.identifier", 0, 3), ("Patient.identifier", -1, 0),
     ("Patient.photo", 0, 0), ("Patient.birthDate", 0, 0)],
)  # fmt: skip
def test_move_that_does_not_fit(path: str, source: int, destination: int) -> None:
    assert refused("move", path, source=source, destination=destination) == DOES_NOT_FIT


# paths


@pytest.mark.parametrize(
    "path",
    [
        "Patient.identifier.where(system = 'b').value",
        "identifier.where(system = 'b').value",
        "$this.identifier[1].value",
        "Patient.identifier.where(system = 'a' or system = 'b').last().value",
        "Patient.identifier.skip(1).first().value",
        "Patient.identifier.tail().take(1).single().value",
        "Resource.identifier[1].value",
        "Patient.identifier.value.where($this = '2')",
        "Patient.identifier.value[1]",
    ],
)
def test_paths_to_one_element(path: str) -> None:
    found = patched("replace", path, value=TEXT)
    assert [each["value"] for each in found["identifier"]] == ["1", "T", "3"]


def test_paths_to_an_extension_and_a_choice() -> None:
    found = patched("replace", "Patient.birthDate.extension('http://example.org/time').value", value=TEXT)
    assert found["_birthDate"]["extension"][0]["valueString"] == "T"
    for path in ("(Patient.deceased as boolean)", "Patient.deceased.ofType(boolean)"):
        assert patched("replace", path, value={"valueBoolean": True})["deceasedBoolean"] is True
    assert patched("delete", "Patient.deceased.ofType(dateTime)") == PATIENT


@pytest.mark.parametrize(
    "path",
    [
        "Patient.identifier.resolve()",
        "Patient.identifier.count()",
        "Patient.identifier | Patient.name",
        "1 + 1",
        "%resource",
        "Patient.identifier.single()",
        "Patient.identifier.skip(1 + 1)",
        "Patient.identifier[1 + 1]",
        "Patient.identifier.where(system.nonsense())",
        "Patient.identifier.where(value > 5)",
    ],
)
def test_paths_that_do_not_fit(path: str) -> None:
    assert refused("replace", path, value=TEXT) == DOES_NOT_FIT


# documents


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "required"),
        (operation("alter", "Patient"), "value"),
        (operation("add", "Patient", name="gender"), "required"),
        (operation("add", "Patient", value=TEXT), "required"),
        (operation("insert", "Patient.name", value=TEXT), "required"),
        (operation("insert", "Patient.name", index="0", value=TEXT), "value"),
        (operation("replace", "Patient.gender"), "required"),
        (operation("move", "Patient.name", source=0), "required"),
        (operation("delete", "Patient.name["), "value"),
        (operation("delete", ""), "value"),
        (operation("replace", "Patient.gender", value={}), "required"),
        ([{"name": "type", "valueCode": "delete"}], "required"),
        ([{"name": "type", "valueCode": "delete"}, {"name": "path", "valueInteger": 1}], "value"),
    ],
)
def test_400_for_what_is_no_fhirpath_patch(parts: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(FhirError) as caught:
        read(definitions(), parameters(parts))
    assert (caught.value.status, caught.value.issues[0].code) == (400, code)


def test_400_for_a_parameter_that_is_no_operation() -> None:
    with pytest.raises(FhirError) as caught:
        read(definitions(), {"resourceType": "Parameters", "parameter": [{"name": "op"}]})
    assert caught.value.status == 400


def test_E17_a_very_long_path_is_too_costly() -> None:
    with pytest.raises(FhirError) as caught:
        patched("delete", "Patient" + ".name" * PATH_LIMIT)
    assert (caught.value.status, caught.value.issues[0].code) == (422, "too-costly")


def test_400_for_too_many_operations() -> None:
    with pytest.raises(FhirError) as caught:
        read(definitions(), parameters(*[operation("delete", "Patient.gender")] * (OPERATION_LIMIT + 1)))
    assert (caught.value.status, caught.value.issues[0].code) == (400, "too-costly")


def test_operations_are_applied_in_their_order() -> None:
    change = parameters(
        operation("delete", "Patient.birthDate"),
        operation("add", "Patient", name="birthDate", value={"valueDate": "1930"}),
        operation("delete", "Patient.identifier[0]"),
        operation("delete", "Patient.identifier[0]"),
    )
    found = read(definitions(), change)(PATIENT)
    assert found["birthDate"] == "1930"
    assert found["identifier"] == [{"system": "c", "value": "3"}]


def test_the_resource_itself_is_not_changed() -> None:
    before = copy.deepcopy(PATIENT)
    patched("delete", "Patient.name[0].given[1]")
    assert before == PATIENT


def test_a_patch_without_operations_changes_nothing() -> None:
    assert read(definitions(), {"resourceType": "Parameters"})(PATIENT) == PATIENT
