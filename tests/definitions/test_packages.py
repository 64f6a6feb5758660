import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions import packages
from fhir_server.definitions.packages import DEFINITIONAL_TYPES, open_package
from fhir_server.outcome import DefinitionError, FhirError
from tests.definitions.archives import MANIFEST, archive, files, folder
from tests.examples import definition_bundles, official_examples

PROFILE = {"resourceType": "StructureDefinition", "id": "a", "url": "http://example.org/a"}
QUESTIONNAIRE = {"resourceType": "Questionnaire", "id": "q", "url": "http://example.org/q"}
PATIENT = {"resourceType": "Patient", "id": "p"}


def canonicals(path: Path) -> list[dict[str, Any]]:
    return [resource for _, resource in open_package(path).canonicals()]


def test_a_file_and_the_folder_it_unpacks_to_hold_the_same(tmp_path: Path) -> None:
    entries = files(PROFILE, QUESTIONNAIRE)
    folder(tmp_path / "unpacked", entries)
    for path in (archive(tmp_path / "a.tgz", entries), tmp_path / "unpacked", tmp_path / "unpacked/package"):
        package = open_package(path)
        assert (package.name, package.version) == ("org.example.test", "1.0.0")
        assert sorted(file for file, _ in package.canonicals()) == [
            "Questionnaire-q.json",
            "StructureDefinition-a.json",
        ]
        assert PROFILE in canonicals(path)


def test_what_is_no_canonical_and_what_stands_deeper_is_left_out(tmp_path: Path) -> None:
    entries = files(PROFILE, PATIENT)
    entries += [
        ("package/example/ValueSet-x.json", json.dumps({"resourceType": "ValueSet", "id": "x"}).encode()),
        ("package/.index.json", b"{}"),
        ("package/readme.md", b"#"),
        ("other/StructureDefinition-b.json", json.dumps(PROFILE | {"id": "b"}).encode()),
    ]
    assert canonicals(archive(tmp_path / "a.tgz", entries)) == [PROFILE]


def test_a_naming_system_defines_without_a_url(tmp_path: Path) -> None:
    naming = {"resourceType": "NamingSystem", "id": "n", "status": "active"}
    assert canonicals(archive(tmp_path / "a.tgz", files(naming))) == [naming]
    examples = files(naming, manifest=MANIFEST | {"type": "fhir.examples"})
    assert canonicals(archive(tmp_path / "b.tgz", examples)) == []


def test_in_a_package_of_examples_only_definitional_types_define(tmp_path: Path) -> None:
    entries = files(PROFILE, QUESTIONNAIRE, manifest=MANIFEST | {"type": "fhir.examples"})
    assert canonicals(archive(tmp_path / "a.tgz", entries)) == [PROFILE]


def test_the_first_of_a_type_and_id_wins(tmp_path: Path) -> None:
    entries = files(PROFILE)
    entries.append(("package/z.json", json.dumps(PROFILE | {"url": "http://example.org/z"}).encode()))
    assert canonicals(archive(tmp_path / "a.tgz", entries)) == [PROFILE]


def test_decimals_keep_their_text(tmp_path: Path) -> None:
    entries = files(PROFILE)
    entries.append(("package/y.json", b'{"resourceType":"ValueSet","id":"y","url":"u","n":1.00}'))
    assert str(canonicals(archive(tmp_path / "a.tgz", entries))[1]["n"]) == "1.00"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", r"org\.example\.test: bad\.json is not JSON"),
        (b"[]", r"org\.example\.test: bad\.json is not a resource"),
        (b'{"id":"a"}', r"bad\.json is not a resource: .*resourceType"),
        (b'{"resourceType":"ValueSet","id":7}', r"bad\.json is not a resource: .*id"),
        (b'{"resourceType":"ValueSet","n":1e999}', r"bad\.json is not JSON: .*out of range"),
        (
            b'{"resourceType":"ValueSet","n":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            r"bad\.json is not JSON",
        ),
        (b'{"resourceType":"ValueSet","n":"\xff"}', r"bad\.json is not JSON"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, body: bytes, text: str) -> None:
    path = archive(tmp_path / "a.tgz", [*files(), ("package/bad.json", body)])
    with pytest.raises(DefinitionError, match=text):
        canonicals(path)


@pytest.mark.parametrize(
    ("manifest", "text"),
    [({"version": "1"}, "package.json has no name"), ({"name": "a"}, "package.json has no version")],
)
def test_a_manifest_needs_name_and_version(tmp_path: Path, manifest: dict[str, str], text: str) -> None:
    with pytest.raises(DefinitionError, match=text):
        open_package(archive(tmp_path / "a.tgz", files(manifest=manifest)))


def test_what_is_not_a_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.tgz").write_bytes(b"text")
    (tmp_path / "gzip.tgz").write_bytes(gzip.compress(b"text" * 400))
    whole = archive(tmp_path / "whole.tgz", files(PROFILE)).read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "folder").mkdir()
    archive(tmp_path / "other.tgz", [("a/b.json", b"{}")])
    for name, text in (
        ("text.tgz", "not a gzipped tar archive"),
        ("gzip.tgz", "not a gzipped tar archive"),
        ("cut.tgz", "not a gzipped tar archive"),
        ("folder", "not a FHIR package"),
        ("other.tgz", "not a FHIR package"),
        ("absent.tgz", "no such package"),
    ):
        with pytest.raises(DefinitionError, match=text):
            open_package(tmp_path / name)


def header(name: str, type_: bytes = tarfile.REGTYPE, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = type_, size, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "entry",
    [
        header("package/../../x.json"),
        header("../x.json"),
        header("/package/x.json"),
        header("package\\..\\x.json"),
        header("package/x.json", tarfile.SYMTYPE),
        header("package/x.json", tarfile.LNKTYPE),
        header("package/x.json", tarfile.FIFOTYPE),
        header("package/x.json", tarfile.CHRTYPE),
    ],
    ids=lambda entry: f"{entry.name} {entry.type!r}",
)
def test_B07_an_entry_that_points_outside(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    path = archive(tmp_path / "a.tgz", files(PROFILE), entry)
    with pytest.raises(FhirError) as raised:
        canonicals(path)
    assert (raised.value.status, raised.value.issues[0].code) == (422, "security")


def test_B07_a_link_in_an_unpacked_folder(tmp_path: Path) -> None:
    path = folder(tmp_path, files(PROFILE))
    (path / "package/x.json").symlink_to("/etc/passwd")
    with pytest.raises(FhirError) as raised:
        canonicals(path)
    assert raised.value.issues[0].code == "security"


def refused_as_too_costly(path: Path) -> None:
    with pytest.raises(FhirError) as raised:
        canonicals(path)
    assert (raised.value.status, raised.value.issues[0].code) == (422, "too-costly")


def test_B07_a_million_entries(tmp_path: Path) -> None:
    thousand = gzip.compress(header("package/x.txt").tobuf() * 1000)
    (tmp_path / "a.tgz").write_bytes(thousand * 1000)
    refused_as_too_costly(tmp_path / "a.tgz")


def test_B07_an_archive_that_unpacks_to_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "TOTAL_SIZE_LIMIT_BYTES", 1 << 20)
    zeros = [(f"package/{number}.txt", bytes(1 << 18)) for number in range(8)]
    refused_as_too_costly(archive(tmp_path / "a.tgz", [*files(PROFILE), *zeros]))


def test_B07_one_entry_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tgz", "wb") as stream:
        stream.write(header("package/x.json", size=4 << 30).tobuf())
    refused_as_too_costly(tmp_path / "a.tgz")


def test_B07_an_extended_header_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tgz", "wb") as stream:
        stream.write(header("package/x.json", tarfile.XHDTYPE, size=4 << 30).tobuf())
    refused_as_too_costly(tmp_path / "a.tgz")


def test_B07_a_large_file_in_an_unpacked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder(tmp_path, [*files(PROFILE), ("package/x.json", bytes(2000))])
    monkeypatch.setattr(packages, "ENTRY_SIZE_LIMIT_BYTES", 1000)
    refused_as_too_costly(path)


def test_B07_too_many_files_in_an_unpacked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder(tmp_path, files(PROFILE, QUESTIONNAIRE))
    monkeypatch.setattr(packages, "ENTRY_LIMIT", 2)
    refused_as_too_costly(path)


def test_the_examples_are_what_does_not_define() -> None:
    types = {json.loads(body)["resourceType"] for _, body in official_examples()}
    assert types.isdisjoint(DEFINITIONAL_TYPES)
    assert len(types) == 130
    assert len(official_examples()) == 717


@pytest.mark.long
def test_the_large_examples_are_bundles_of_definitions() -> None:
    entries = {file: json.loads(body)["entry"] for file, body in definition_bundles()}
    assert len(entries) == 10
    for found in entries.values():
        assert {entry["resource"]["resourceType"] for entry in found} <= DEFINITIONAL_TYPES
