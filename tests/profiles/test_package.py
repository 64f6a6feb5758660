"""The package is right in itself: what it refers to exists, and other tools can make snapshots of it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from fhir_server.alliance.systems import BASE
from fhir_server.definitions.packages import open_package
from fhir_server.definitions.registry import load
from fhir_server.definitions.snapshot import Snapshots
from fhir_server.fhirpath import compile_expression
from fhir_server.resource import Resource, decode
from fhir_server.validation.structure import Validator
from tests.definitions.structures import core_structures
from tests.profiles.core import urls
from tests.profiles.package import FOLDER, by_id, definitions

STRUCTURES = {each["url"]: each for each in definitions()["StructureDefinition"]}
PROFILES = [each for each in STRUCTURES.values() if each["type"] != "Extension"]
OWN = {each["url"]: each for found in definitions().values() for each in found if "url" in each}
EXAMPLES = sorted((FOLDER / "examples").glob("*.json")) + sorted((FOLDER / "examples-bad").glob("*-*.json"))

# canonicals and systems of others that nothing at hand defines
FOREIGN = {
    "http://loinc.org",
    "https://profiles.ihe.net/ITI/mCSD/CodeSystem/IHE.mCSD.Organization.Location.Types",
    "http://unitsofmeasure.org",
}


def everything() -> Iterator[tuple[str, Resource]]:
    yield from open_package(FOLDER).canonicals()


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path without indexes, text) of every text in a resource."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from texts(child, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for child in value:
            yield from texts(child, path)
    elif isinstance(value, str):
        yield path, value


def test_files_are_named_by_type_and_id() -> None:
    for file, resource in everything():
        assert file == f"{resource['resourceType']}-{resource['id']}.json"
    assert {path.name for path in FOLDER.glob("*-*.json")} == {file for file, _ in everything()}


def test_every_definition_is_valid_r4() -> None:
    validator = Validator(load())
    for file, resource in everything():
        assert validator.check(resource) == [], file


@pytest.mark.parametrize("folder", ["", "examples"])
def test_a_client_library_reads_every_file(folder: str) -> None:
    for path in sorted((FOLDER / folder).glob("*-*.json")):
        resource = decode(path.read_bytes())
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_every_definition_of_the_project_is_below_its_base() -> None:
    for _, resource in everything():
        url = resource.get("url", "")
        if url.startswith(BASE):
            assert url == f"{BASE}/{resource['resourceType']}/{resource['id']}"
        elif url:
            assert resource["resourceType"] == "CodeSystem" and url.startswith("urn:oid:2.16.156.")
    assert all(
        resource["version"] == open_package(FOLDER).version
        for _, resource in everything()
        if resource.get("url", "").startswith(BASE) and "publisher" in resource and "date" in resource
    )


def test_the_base_stands_nowhere_but_in_urls() -> None:
    """So that it can be moved as text."""
    for path in FOLDER.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert len(re.findall("alliance-fhir", text)) == text.count(BASE), path.name


def known(canonical: str) -> bool:
    if canonical in OWN or canonical in core_structures() or canonical in FOREIGN:
        return True
    return canonical in urls()


def test_every_canonical_that_is_referred_to_exists() -> None:
    referring = ("profile", "targetProfile", "valueSet", "baseDefinition", "definition", "supportedProfile")
    missing = {
        (file, text)
        for file, resource in everything()
        for path, text in texts(resource)
        if path.rpartition(".")[2] in referring and re.match("https?://", text) and not known(text)
    }
    assert missing == set()


def test_every_system_in_a_value_set_or_a_pattern_exists() -> None:
    missing = {
        (file, text)
        for file, resource in everything()
        if resource["resourceType"] in ("ValueSet", "StructureDefinition")
        for path, text in texts(resource)
        if path.endswith(".system") and not known(text)
    }
    assert missing == set()


def test_every_code_of_a_pattern_is_one_of_its_system() -> None:
    codes = {
        each["url"]: {concept["code"] for concept in each.get("concept", ())}
        for each in by_id("CodeSystem").values()
    }
    patterns = [
        coding
        for profile in PROFILES
        for element in profile["differential"]["element"]
        for coding in element.get("patternCodeableConcept", {}).get("coding", ())
        if "code" in coding and coding["system"] in codes
    ]
    assert len(patterns) > 40
    assert [each for each in patterns if each["code"] not in codes[each["system"]]] == []


def test_codes_that_expressions_compare_with_exist() -> None:
    codes = {
        each["url"]: {concept["code"] for concept in each.get("concept", ())}
        for each in by_id("CodeSystem").values()
    }
    compared = [
        (system, code)
        for profile in PROFILES
        for element in profile["differential"]["element"]
        for constraint in element.get("constraint", ())
        for system, code in re.findall(r"system = '([^']+)' and code = '([^']+)'", constraint["expression"])
    ]
    own = [(system, code) for system, code in compared if system.startswith(BASE)]
    assert len(own) > 10
    assert [each for each in own if each[1] not in codes[each[0]]] == []


def test_every_extension_in_an_example_is_defined() -> None:
    used = {
        text
        for path in EXAMPLES
        for at, text in texts(decode(path.read_bytes()))
        if at.endswith("xtension.url") and "extension.extension" not in at.lower()
    }
    assert len(used) > 20
    assert {url for url in used if url not in STRUCTURES} == set()


def test_every_extension_of_a_profile_may_stand_there() -> None:
    for profile in PROFILES:
        for element in profile["differential"]["element"]:
            for type_ in element.get("type", ()):
                for url in type_.get("profile", ()):
                    contexts = {each["expression"] for each in STRUCTURES[url]["context"]}
                    owner = element["path"].rpartition(".")[0]
                    assert contexts & {owner, "Address", "Element"}, element["id"]


@pytest.mark.parametrize("url", STRUCTURES, ids=lambda url: url.rpartition("/")[2])
def test_a_snapshot_can_be_made(url: str) -> None:
    known_structures = core_structures() | STRUCTURES
    snapshots = Snapshots(lambda canonical: known_structures.get(canonical.partition("|")[0]))
    ids = [element["id"] for element in snapshots.elements(url)]
    assert len(ids) == len(set(ids))
    assert {element["id"] for element in STRUCTURES[url]["differential"]["element"]} <= set(ids)
    assert "snapshot" not in STRUCTURES[url]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda each: each["id"])
def test_keys_of_invariants_are_no_others(profile: Resource) -> None:
    """A key of the base that means another would be told in its place."""
    structures = core_structures() | STRUCTURES
    snapshots = Snapshots(lambda canonical: structures.get(canonical.partition("|")[0]))
    own = {
        (constraint["key"], constraint["expression"])
        for element in profile["differential"]["element"]
        for constraint in element.get("constraint", ())
    }
    base = {
        constraint["key"]
        for element in snapshots.elements(profile["baseDefinition"])
        for constraint in element.get("constraint", ())
    }
    assert len({key for key, _ in own}) == len(own)
    assert not {key for key, _ in own} & base


def test_every_invariant_compiles_and_is_told_in_both_languages() -> None:
    found = [
        (element, constraint)
        for each in STRUCTURES.values()
        for element in each["differential"]["element"]
        for constraint in element.get("constraint", ())
    ]
    assert len(found) > 50
    for _, constraint in found:
        compile_expression(constraint["expression"], load())
        chinese, _, english = constraint["human"].partition(" / ")
        assert re.search("[一-鿿]", chinese) and english.isascii(), constraint["key"]


@pytest.mark.parametrize("statement", definitions()["CapabilityStatement"], ids=lambda each: each["id"])
def test_an_actor_names_what_there_is(statement: Resource) -> None:
    (rest,) = statement["rest"]
    registry = load()
    operations = {each["url"]: each["code"] for each in definitions()["OperationDefinition"]}
    parameters = {
        (base, each["code"]): each["url"]
        for each in definitions()["SearchParameter"]
        for base in each["base"]
    }
    for resource in rest["resource"]:
        type_ = resource["type"]
        for canonical in resource.get("supportedProfile", ()):
            assert STRUCTURES[canonical]["type"] == type_
        for parameter in resource.get("searchParam", ()):
            url = parameters.get((type_, parameter["name"]))
            core = registry.search_parameters(type_).get(parameter["name"])
            assert parameter["definition"] == (url or (core and core.url)), parameter["name"]
        for operation in resource.get("operation", ()):
            assert operations[operation["definition"]] == operation["name"]


def test_search_parameters_are_documented() -> None:
    page = (FOLDER.parent / "docs" / "profiles.md").read_text(encoding="utf-8")
    for each in definitions()["SearchParameter"]:
        assert f"| `{each['code']}` | {', '.join(each['base'])} | {each['type']} |" in page, each["id"]
