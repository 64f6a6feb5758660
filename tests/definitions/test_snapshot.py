"""Snapshots are those that HL7 publishes in all that validation uses; differences are listed with reasons."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions.snapshot import Snapshots
from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource, encode
from tests.definitions.structures import core_structures, find, package_structures

DIFFERENCES = Path(__file__).parents[1] / "golden" / "snapshot_differences.json"
PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient"
_COMPARED = (
    "sliceName", "min", "max", "base", "type", "binding", "constraint", "slicing", "contentReference",
    "mustSupport", "isModifier", "isSummary", "maxLength", "sliceIsConstraining",
)  # fmt: skip
_VALUES = ("fixed", "pattern", "minValue", "maxValue")
_OF_TYPE = ("code", "profile", "targetProfile", "aggregation", "versioning")


def structures(package: str) -> list[Resource]:
    found = core_structures().values() if package == "hl7.fhir.r4.core" else package_structures(package)
    return [one for one in found if one.get("derivation") == "constraint" and "snapshot" in one]


def used(element: dict[str, Any]) -> dict[str, Any]:
    """What validation uses of an element, in one form."""
    found = {name: value for name, value in element.items() if name.startswith(_VALUES)}
    found |= {name: element[name] for name in _COMPARED if element.get(name) not in (None, False)}
    if "type" in found:
        found["type"] = [{name: type_[name] for name in _OF_TYPE if name in type_} for type_ in found["type"]]
    if "binding" in found:
        found["binding"] = [found["binding"]["strength"], found["binding"].get("valueSet")]
    if "constraint" in found:
        found["constraint"] = sorted(
            [one["key"], one["severity"], one.get("expression", "")] for one in found["constraint"]
        )
    if "slicing" in found:
        slicing = found["slicing"]
        discriminators = [[one["type"], one["path"]] for one in slicing.get("discriminator", ())]
        found["slicing"] = [discriminators, slicing["rules"], slicing.get("ordered", False)]
    if "contentReference" in found:
        found["contentReference"] = "#" + found["contentReference"].partition("#")[2]
    # publishers of later years write the version of R4 behind its canonicals
    plain: dict[str, Any] = json.loads(encode(found).decode().replace("|4.0.1", ""))
    return plain


def differences(generated: list[Any], published: list[Any]) -> Iterator[tuple[str, str]]:
    """(element id, property) of whatever is not equal."""
    ours = {element["id"]: used(element) for element in generated}
    theirs = {element["id"]: used(element) for element in published}
    for id_ in ours.keys() | theirs.keys():
        if id_ not in ours or id_ not in theirs:
            yield id_, "missing" if id_ in theirs else "extra"
            continue
        for name in ours[id_].keys() | theirs[id_].keys():
            if ours[id_].get(name) != theirs[id_].get(name):
                yield id_, name
    assert [id_ for id_ in ours if id_ in theirs] == [id_ for id_ in theirs if id_ in ours]


@pytest.mark.parametrize(
    ("package", "count"), [("hl7.fhir.r4.core", 439), ("hl7.fhir.uv.ips", 29), ("hl7.fhir.uv.sdc", 84)]
)
def test_generated_snapshots_are_those_that_are_published(package: str, count: int) -> None:
    snapshots = Snapshots(find)
    profiles = structures(package)
    assert len(profiles) == count
    found = {
        profile["url"]: sorted(map(list, differing))
        for profile in profiles
        if (differing := set(differences(snapshots.generate(profile), profile["snapshot"]["element"])))
    }
    listed = json.loads(DIFFERENCES.read_text())
    expected = {
        url: sorted(difference for row in rows for difference in row["elements"])
        for url, rows in listed[package].items()
    }
    assert found == expected


def test_every_difference_has_a_reason() -> None:
    for profiles in json.loads(DIFFERENCES.read_text()).values():
        assert all(row["reason"] for rows in profiles.values() for row in rows)


def test_profiles_without_a_published_snapshot_get_one() -> None:
    bare = [one for one in core_structures().values() if "snapshot" not in one]
    assert {one["id"] for one in bare} == {"example-section-library", "example-composition"}
    for structure in bare:
        assert len(Snapshots(find).elements(structure["url"])) > 30


def test_a_profile_of_a_profile_without_snapshots() -> None:
    """Generated on generated gives the same as published on published."""
    profiles = {one["url"]: one for one in core_structures().values()}
    bare = {
        url: {name: value for name, value in one.items() if name != "snapshot"}
        if one.get("derivation") == "constraint"
        else one
        for url, one in profiles.items()
    }
    for name in ("bodyheight", "lipidprofile"):
        url = f"http://hl7.org/fhir/StructureDefinition/{name}"
        from_differentials = Snapshots(lambda canonical: bare.get(canonical.partition("|")[0]))
        found = differences(from_differentials.elements(url), profiles[url]["snapshot"]["element"])
        assert list(found) == []


def profile(*elements: dict[str, Any], url: str = "http://example.org/p", base: str = PATIENT) -> Resource:
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "type": base.rpartition("/")[2],
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    }


def generated(*elements: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {element["id"]: element for element in Snapshots(find).generate(profile(*elements))}


def test_elements_without_ids_are_placed_by_path_and_slice_name() -> None:
    by_url = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    found = generated(
        {"path": "Patient"},
        {"path": "Patient.identifier", "slicing": by_url},
        {"path": "Patient.identifier", "sliceName": "card", "min": 1},
        {"path": "Patient.identifier.system", "fixedUri": "urn:card"},
        {"path": "Patient.identifier", "sliceName": "passport"},
        {"path": "Patient.identifier.system", "fixedUri": "urn:passport"},
        {"path": "Patient.active", "min": 1},
    )
    assert found["Patient.identifier:card.system"]["fixedUri"] == "urn:card"
    assert found["Patient.identifier:passport.system"]["fixedUri"] == "urn:passport"
    assert found["Patient.identifier:passport"]["min"] == 0
    assert found["Patient.active"]["min"] == 1


def test_a_slice_of_a_slice_starts_as_that_slice() -> None:
    by_use = {"discriminator": [{"type": "value", "path": "use"}], "rules": "open"}
    found = generated(
        {"id": "Patient.identifier", "path": "Patient.identifier", "slicing": by_use},
        {
            "id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a", "max": "3",
            "slicing": by_use,
        },
        {"id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "min": 1},
        {"id": "Patient.identifier:a/b", "path": "Patient.identifier", "sliceName": "a/b", "min": 1},
    )  # fmt: skip
    assert found["Patient.identifier:a/b"]["max"] == "3"
    assert found["Patient.identifier:a/b"]["min"] == 1
    assert "slicing" not in found["Patient.identifier:a/b"]
    assert found["Patient.identifier:a/b.system"]["min"] == 1


def test_the_short_form_of_a_type_is_a_slice_by_type() -> None:
    found = generated(
        {"id": "Patient.deceasedBoolean", "path": "Patient.deceasedBoolean", "fixedBoolean": True}
    )
    assert found["Patient.deceased[x]"]["slicing"]["discriminator"] == [{"type": "type", "path": "$this"}]
    assert [type_["code"] for type_ in found["Patient.deceased[x]"]["type"]] == ["boolean"]
    assert found["Patient.deceased[x]:deceasedBoolean"]["fixedBoolean"] is True


def test_a_content_reference_is_followed_where_the_differential_walks_into_it() -> None:
    base = "http://hl7.org/fhir/StructureDefinition/Questionnaire"
    structure = profile({"path": "Questionnaire.item.item.item.prefix", "max": "0"}, base=base)
    found = {element["id"]: element for element in Snapshots(find).generate(structure)}
    assert found["Questionnaire.item.item.item.prefix"]["max"] == "0"
    assert found["Questionnaire.item.item.prefix"]["max"] == "1"
    assert found["Questionnaire.item.item.item.prefix"]["base"]["path"] == "Questionnaire.item.prefix"


def test_constraints_are_inherited_and_added() -> None:
    own = {"key": "own-1", "severity": "error", "human": "x", "expression": "true"}
    found = generated({"path": "Patient.contact", "constraint": [own]})
    assert [one["key"] for one in found["Patient.contact"]["constraint"]] == ["ele-1", "pat-1", "own-1"]


def test_generating_changes_no_definition() -> None:
    structure = core_structures()["http://hl7.org/fhir/StructureDefinition/bodyheight"]
    before = encode(structure)
    first = Snapshots(find).generate(structure)
    assert encode(structure) == before
    assert Snapshots(find).generate(deepcopy(structure)) == first


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({"path": "Patient.nmae"}, "Patient.nmae: the base has no such element"),
        ({"path": "Patient.name.given.value.x"}, "Patient.name.given.value.x: the base has no such element"),
        ({"path": "Person.name"}, "Person.name: does not start with Patient"),
        ({"id": "x"}, "element x has no path"),
        ({"path": "Patient.name", "min": "1"}, "Patient.name: min is '1', which is not a number"),
        ({"path": "Patient.name", "max": "x"}, "Patient.name: max is 'x', which is neither a number nor *"),
        ({"path": "Patient.name", "min": 3, "max": "2"}, "Patient.name: min 3 is more than max 2"),
        ({"path": "Patient.name", "constraint": [{}]}, "Patient.name: a constraint has no key"),
        ({"path": ".".join(["Patient", *["a"] * 50])}, "deeper than 40 elements"),
        ({"path": "Patient.name.x", "min": 1}, "Patient.name.x: the base has no such element"),
    ],
)  # fmt: skip
def test_what_is_wrong_names_canonical_and_element(element: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError) as error:
        Snapshots(find).generate(profile({"path": "Patient"}, element))
    assert str(error.value).startswith("http://example.org/p: ")
    assert message in str(error.value)


def test_an_element_that_stands_twice_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"example\.org/p: Patient\.name: stands twice"):
        generated({"path": "Patient.name", "min": 1}, {"path": "Patient.name", "max": "1"})


def test_a_base_that_is_not_there_is_named() -> None:
    with pytest.raises(DefinitionError, match=r"example\.org/p: baseDefinition: .*example\.org/none"):
        Snapshots(find).generate(profile({"path": "none"}, base="http://example.org/none"))


def test_a_definition_that_is_its_own_base_is_refused() -> None:
    a = profile({"path": "Patient"}, url="http://example.org/a", base="http://example.org/b")
    b = profile({"path": "Patient"}, url="http://example.org/b", base="http://example.org/a")
    by_url = {one["url"]: one for one in (a, b)}
    with pytest.raises(DefinitionError) as error:
        Snapshots(by_url.get).elements("http://example.org/a")
    assert str(error.value) == (
        "http://example.org/b: baseDefinition: the definition needs itself: "
        "http://example.org/a → http://example.org/b → http://example.org/a"
    )


def test_a_ring_through_the_profile_of_an_element_is_refused() -> None:
    extension = "http://hl7.org/fhir/StructureDefinition/Extension"
    url = "http://example.org/ring"
    structure = profile(
        {"id": "Extension", "path": "Extension"},
        {
            "id": "Extension.extension:inner", "path": "Extension.extension", "sliceName": "inner",
            "type": [{"code": "Extension", "profile": [url]}],
        },
        url=url, base=extension,
    )  # fmt: skip
    with pytest.raises(DefinitionError, match=r"Extension\.extension:inner: the definition needs itself"):
        Snapshots(lambda canonical: structure if canonical == url else find(canonical)).elements(url)


def test_a_profile_of_an_element_that_is_not_at_hand_leaves_what_the_type_says() -> None:
    found = generated(
        {
            "id": "Patient.extension:x", "path": "Patient.extension", "sliceName": "x",
            "type": [{"code": "Extension", "profile": ["http://example.org/unknown"]}],
        }
    )  # fmt: skip
    assert found["Patient.extension:x"]["max"] == "*"
    assert found["Patient.extension"]["slicing"]["discriminator"] == [{"type": "value", "path": "url"}]
