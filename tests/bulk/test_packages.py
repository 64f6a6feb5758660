import asyncio
import base64
import hashlib
import json
import os
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw
import pytest

from fhir_server.bulk import packages
from fhir_server.bulk.packages import (
    CORE_CANONICALS,
    Added,
    add_package,
    added_packages,
    find_canonical,
    is_added,
    layer_paths,
    open_layers,
)
from fhir_server.definitions.packages import open_package
from fhir_server.definitions.registry import load
from fhir_server.outcome import DefinitionError, FhirError
from fhir_server.search.compile import criteria
from fhir_server.search.index import Indexer
from fhir_server.store.algebra import And, IdIn, Node, StringIs, TokenIn
from fhir_server.store.layered import LayeredStore
from fhir_server.store.protocol import HistoryRange, Reader
from fhir_server.store.sqlite.store import open_store
from fhir_server.validation.structure import Validator
from tests.definitions.archives import MANIFEST, archive, files, folder
from tests.definitions.npm_registry import running
from tests.examples import definitions as sample

T = TypeVar("T")

CORE = load()
INDEXER = Indexer(CORE)
CHECK = Validator(CORE).check
CORE_PACKAGE = os.environ.get("FHIR_CORE_PACKAGE")

VALUE_SET = {
    "resourceType": "ValueSet",
    "id": "pets",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Pets</div>'},
    "url": "http://example.org/pets",
    "version": "2",
    "status": "active",
    "name": "Pets",
}


def add(data: Path, source: str | Path, registry: str | None = None) -> Added:
    return asyncio.run(add_package(data, str(source), indexer=INDEXER, check=CHECK, registry=registry))


def ask(path: Path, question: Callable[[Reader], Awaitable[T]]) -> T:
    async def run() -> T:
        store = open_store(path, extract=INDEXER.extract, clock=lambda: 0, readonly=True)
        try:
            return await question(store)
        finally:
            await store.close()

    return asyncio.run(run())


def read(path: Path, resource_type: str, id_: str) -> dict[str, Any]:
    version = ask(path, lambda store: store.read(resource_type, id_))
    assert version is not None
    found: dict[str, Any] = json.loads(version.body)
    return found


def search(path: Path, resource_type: str, text: str) -> list[str]:
    where = criteria(CORE, resource_type, text, "")
    return [id_ for _, id_ in ask(path, lambda store: store.identities(resource_type, where, 10))]


def test_every_canonical_of_the_core_is_there() -> None:
    totals = ask(CORE_CANONICALS, lambda store: store.totals())
    assert totals == {
        "CapabilityStatement": 8,
        "CodeSystem": 1062,
        "CompartmentDefinition": 6,
        "ConceptMap": 80,
        "ImplementationGuide": 2,
        "OperationDefinition": 47 + len(packages.own_definitions()),
        "SearchParameter": 1400,
        "StructureDefinition": 655,
        "StructureMap": 2,
        "ValueSet": 1316,
    }


def test_canonicals_of_the_core_are_read_as_they_are_without_their_narrative() -> None:
    for file, body in sample():
        wanted = json.loads(body)
        found = read(CORE_CANONICALS, wanted["resourceType"], wanted["id"])
        meta = found.pop("meta")
        assert (meta["versionId"], meta["lastUpdated"]) == ("1", "2019-10-31T22:29:23.356Z"), file
        assert found == {name: value for name, value in wanted.items() if name not in ("text", "meta")}


def test_canonicals_of_the_core_are_searched() -> None:
    assert search(
        CORE_CANONICALS, "StructureDefinition", "url=http://hl7.org/fhir/StructureDefinition/Patient"
    ) == ["Patient"]
    assert search(CORE_CANONICALS, "SearchParameter", "base=Patient&code=birthdate") == [
        "individual-birthdate"
    ]
    assert search(CORE_CANONICALS, "ValueSet", "name=AdministrativeGender") == ["administrative-gender"]
    assert search(CORE_CANONICALS, "ValueSet", "url=http://hl7.org/fhir/ValueSet/none") == []


def test_the_core_has_the_schema_of_this_release(tmp_path: Path) -> None:
    def schema(path: Path) -> list[Any]:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            version = connection.pragma("user_version")
            return [version, *connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name")]
        finally:
            connection.close()

    assert schema(CORE_CANONICALS) == schema(
        add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET))).path
    )


def test_the_core_is_indexed_the_way_the_server_searches() -> None:
    """Fails when index columns changed after the layer was built: build it again."""

    async def missing(store: Reader) -> list[tuple[str, str]]:
        found = []
        for file, body in sample():
            resource = json.loads(body)
            resource.pop("text", None)
            identity = resource["resourceType"], resource["id"]
            rows = INDEXER.rows(resource)
            terms: list[Node] = [TokenIn(column, (hash_,)) for column, hash_ in rows.tokens]
            terms += [StringIs(column, text, written) for column, text, written in rows.strings]
            for term in [*terms[:20], *terms[20::40]]:
                if not await store.identities(identity[0], And((IdIn((identity[1],)), term)), 1):
                    found.append((file, str(term)))
        return found

    assert ask(CORE_CANONICALS, missing) == []


def test_an_id_that_is_too_long_is_cut() -> None:
    url = "http://hl7.org/fhir/SearchParameter/questionnaireresponse-extensions-QuestionnaireResponse-item-subject"
    assert search(CORE_CANONICALS, "SearchParameter", f"url={url}") == [url.rpartition("/")[2][:64]]


def test_the_core_takes_less_than_seven_megabytes_of_a_wheel() -> None:
    import zlib

    assert len(zlib.compress(CORE_CANONICALS.read_bytes())) < 7_000_000


def test_a_layer_has_no_history_but_the_first_versions() -> None:
    versions = ask(CORE_CANONICALS, lambda store: store.history_count(HistoryRange()))
    assert versions == 4578 + len(packages.own_definitions())


@pytest.mark.parametrize("packed", [True, False])
def test_a_package_is_added_as_a_layer(tmp_path: Path, packed: bool) -> None:
    entries = files(VALUE_SET, {"resourceType": "Patient", "id": "p"})
    source = archive(tmp_path / "a.tgz", entries) if packed else folder(tmp_path / "a", entries)
    assert not is_added(tmp_path / "data", str(source))
    added = add(tmp_path / "data", source)
    assert (added.name, added.version, added.canonicals, added.left_out) == (
        "org.example.test",
        "1.0.0",
        1,
        (),
    )
    assert is_added(tmp_path / "data", str(source))
    assert is_added(tmp_path / "data", "org.example.test@1.0.0")
    assert not is_added(tmp_path / "data", "org.example.test@1.0.1")
    assert layer_paths(tmp_path / "data") == [added.path, CORE_CANONICALS]
    assert read(added.path, "ValueSet", "pets") == {
        "resourceType": "ValueSet",
        "id": "pets",
        "meta": {"versionId": "1", "lastUpdated": "2024-02-29T11:22:33.000Z"},
        **{name: VALUE_SET[name] for name in ("url", "version", "status", "name")},
    }
    assert search(added.path, "ValueSet", "name=pets") == ["pets"]
    assert [path.name for path in (tmp_path / "data" / "packages").iterdir()] == [added.path.name]


def test_a_package_takes_the_place_of_its_other_version(tmp_path: Path) -> None:
    first = add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET)))
    other = files(VALUE_SET | {"version": "3"}, manifest=MANIFEST | {"version": "1.1.0"})
    second = add(tmp_path, archive(tmp_path / "b.tgz", other))
    assert added_packages(tmp_path) == [("org.example.test", "1.1.0")]
    assert not first.path.exists()
    assert read(second.path, "ValueSet", "pets")["version"] == "3"


def test_a_package_whose_name_begins_alike_stays(tmp_path: Path) -> None:
    add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET)))
    add(
        tmp_path,
        archive(tmp_path / "b.tgz", files(VALUE_SET, manifest=MANIFEST | {"name": "@org/example.test"})),
    )
    assert added_packages(tmp_path) == [("@org/example.test", "1.0.0"), ("org.example.test", "1.0.0")]


def test_the_same_package_gives_the_same_bytes(tmp_path: Path) -> None:
    # these name no base, as every SearchParameter and every structure that is not abstract must
    wrong = ("SearchParameter-codesystem-extensions-CodeSystem-author.json", "StructureDefinition-Event.json")
    entries = [(f"package/{file}", body) for file, body in sample() if file not in wrong]
    one = add(tmp_path / "one", archive(tmp_path / "a.tgz", [*files(), *entries]))
    other = add(tmp_path / "other", folder(tmp_path / "b", [*reversed(entries), *files()]))
    assert one.path.read_bytes() == other.path.read_bytes()


def test_a_package_without_a_date_has_that_of_its_newest_definition(tmp_path: Path) -> None:
    manifest = {"name": "a", "version": "1"}
    stamped = VALUE_SET | {"meta": {"lastUpdated": "2020-01-02T03:04:05+08:00"}}
    later = VALUE_SET | {"id": "b", "meta": {"lastUpdated": "2020-01-02T04:04:05+08:00"}}
    added = add(tmp_path, archive(tmp_path / "a.tgz", files(stamped, later, manifest=manifest)))
    assert read(added.path, "ValueSet", "pets")["meta"]["lastUpdated"] == "2020-01-01T20:04:05.000Z"
    added = add(tmp_path, archive(tmp_path / "b.tgz", files(VALUE_SET, manifest=manifest)))
    assert read(added.path, "ValueSet", "pets")["meta"]["lastUpdated"] == "1970-01-01T00:00:00.000Z"


def refused(tmp_path: Path, *resources: dict[str, Any], manifest: dict[str, Any] | None = None) -> str:
    """What the error says; nothing of the package stays."""
    with pytest.raises(DefinitionError) as raised:
        add(tmp_path / "data", archive(tmp_path / "a.tgz", files(*resources, manifest=manifest)))
    assert added_packages(tmp_path / "data") == []
    assert list((tmp_path / "data" / "packages").glob("*")) == []
    return str(raised.value)


def test_a_malformed_package_is_refused_with_canonical_and_element(tmp_path: Path) -> None:
    text = refused(
        tmp_path, VALUE_SET, VALUE_SET | {"id": "b", "url": "http://example.org/b", "status": "on"}
    )
    assert text.startswith("org.example.test: http://example.org/b: ValueSet.status: 'on' is not a code")
    assert "\n" not in text


def test_only_the_first_of_many_mistakes_are_told(tmp_path: Path) -> None:
    wrong = [VALUE_SET | {"id": f"n{number}", "status": "on"} for number in range(9)]
    lines = refused(tmp_path, *wrong).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "and 4 more"


def test_a_definition_without_an_id_is_refused(tmp_path: Path) -> None:
    assert "ValueSet.id is 'a b', which is not an id" in refused(tmp_path, VALUE_SET | {"id": "a b"})


def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path) -> None:
    for name in ("../a", "/a", "a/../../b", "a\x00b"):
        assert "is no name or version of a package" in refused(
            tmp_path, VALUE_SET, manifest=MANIFEST | {"name": name}
        )


def test_B07_a_dangerous_package_is_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("package/x.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(FhirError) as raised:
        add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET), link))
    assert raised.value.status == 422
    assert added_packages(tmp_path) == []


def test_what_a_later_release_brings_is_left_out_and_told(tmp_path: Path) -> None:
    later = {"resourceType": "ActorDefinition", "id": "a", "url": "http://example.org/a"}
    guide = {
        "resourceType": "ImplementationGuide",
        "id": "g",
        "url": "http://example.org/g",
        "name": "G",
        "status": "active",
        "packageId": "org.example.test",
        "fhirVersion": ["9.0.0"],
    }
    added = add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET, later, guide)))
    assert added.canonicals == 1
    assert added.left_out[0] == "org.example.test: http://example.org/a: there is no type ActorDefinition"
    assert added.left_out[1].startswith(
        "org.example.test: http://example.org/g: ImplementationGuide.fhirVersion"
    )


def test_a_naming_system_that_is_wrong_is_left_out_and_named(tmp_path: Path) -> None:
    # as NamingSystem-MeSH.json of hl7.terminology.r4 7.0.1
    naming = {
        "resourceType": "NamingSystem",
        "id": "n",
        "name": "N",
        "status": "active",
        "kind": "codesystem",
        "date": "2024-01-24",
        "uniqueId": [{"value": "http://example.org/mesh"}],
    }
    added = add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET, naming)))
    assert added.canonicals == 1
    (left_out,) = added.left_out
    assert "NamingSystem.uniqueId[0].type: found 0, needs at least 1" in left_out


def test_a_package_is_fetched_by_name_and_version(tmp_path: Path) -> None:
    body = archive(tmp_path / "a.tgz", files(VALUE_SET)).read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(body).digest()).decode()
    with running() as registry:
        registry.give("org.example.test", body, integrity=integrity)
        added = add(tmp_path / "data", "org.example.test@1.0.0", registry.address)
    assert added.canonicals == 1
    # added once more, for instance after an upgrade: nothing is fetched
    assert add(tmp_path / "data", "org.example.test@1.0.0", registry.address) == added


def test_a_source_that_is_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="neither a package file or folder nor NAME@VERSION"):
        add(tmp_path, tmp_path / "absent")


def test_a_definition_is_found_by_its_canonical(tmp_path: Path) -> None:
    odd = VALUE_SET | {"id": "odd", "url": "http://example.org/a,b", "version": "1,2"}
    path = add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET, odd))).path

    def found(url: str) -> Any:
        resource = ask(path, lambda store: find_canonical(store, CORE, url))
        return resource and resource["id"]

    assert found("http://example.org/pets") == "pets"
    assert found("http://example.org/pets|2") == "pets"
    assert found("http://example.org/pets|1") is None
    assert found("http://example.org/a,b|1,2") == "odd"
    assert found("http://example.org/none") is None


def test_the_layers_open_for_reading_only(tmp_path: Path) -> None:
    async def run() -> None:
        layers = open_layers(tmp_path, INDEXER)
        try:
            assert len(layers) == 1
            with pytest.raises(FhirError):
                await layers[0].transaction(lambda tx: tx.delete("ValueSet", "pets"))
        finally:
            for layer in layers:
                await layer.close()

    asyncio.run(run())


def test_definitions_are_read_under_the_users_store_and_take_no_room_in_it(tmp_path: Path) -> None:
    added = add(tmp_path, archive(tmp_path / "a.tgz", files(VALUE_SET)))

    async def run() -> None:
        main = open_store(tmp_path / "main", extract=INDEXER.extract, clock=lambda: 0)
        layers = open_layers(tmp_path, INDEXER)
        store = LayeredStore(main, layers)
        try:
            for canonical in (str(VALUE_SET["url"]), "http://hl7.org/fhir/StructureDefinition/Patient|4.0.1"):
                found = await find_canonical(store, CORE, canonical)
                assert found is not None
                assert canonical in (found["url"], f"{found['url']}|{found['version']}")
            assert (await store.totals())["ValueSet"] == 1316 + added.canonicals
            assert await main.totals() == {}
        finally:
            await main.close()
            for layer in layers:
                await layer.close()

    asyncio.run(run())


@pytest.mark.long
@pytest.mark.skipif(CORE_PACKAGE is None, reason="FHIR_CORE_PACKAGE does not name the package of R4")
def test_the_core_layer_is_what_the_package_builds_to(tmp_path: Path) -> None:
    built = tmp_path / "r4.canonicals"
    core, own = open_package(Path(str(CORE_PACKAGE))), packages.own_definitions()
    asyncio.run(packages.make_layer(core, built, INDEXER, lambda _: [], own))
    assert built.read_bytes() == CORE_CANONICALS.read_bytes()
