import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from fhir_server.cli import main

CANONICAL = "http://example.org/fhir/StructureDefinition/named"
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "1", "active": True}


def validate(tmp_path: Path, *arguments: object) -> Result:
    given = ["validate", "--data", tmp_path / "data", *arguments]
    return CliRunner().invoke(main, [str(argument) for argument in given])


def file(folder: Path, name: str, *resources: dict[str, Any]) -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(resource) for resource in resources))
    return path


def package(folder: Path) -> Path:
    """A package with one profile, which has no snapshot."""
    root = folder / "p" / "package"
    root.mkdir(parents=True)
    (root / "package.json").write_text(json.dumps({"name": "example.named", "version": "1.0.0"}))
    profile = {
        "resourceType": "StructureDefinition",
        "id": "named",
        "url": CANONICAL,
        "name": "Named",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
    }
    (root / "named.json").write_text(json.dumps(profile))
    return folder / "p"


def test_what_is_valid_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    found = validate(tmp_path, file(tmp_path, "a.json", PATIENT))
    assert found.exit_code == 0
    assert "1 resources, 0 with errors" in found.stderr
    assert "a.json:1:1: warning: Patient: " in found.stdout
    assert not (tmp_path / "data").exists()


def test_errors_end_with_1_and_name_line_and_column(tmp_path: Path) -> None:
    wrong = file(tmp_path, "b.json", PATIENT | {"gender": "x"})
    found = validate(tmp_path, file(tmp_path, "a.json", PATIENT), wrong)
    assert found.exit_code == 1
    assert "2 resources, 1 with errors" in found.stderr
    column = wrong.read_text().index('"x"') + 1
    assert f"b.json:1:{column}: error: Patient.gender: 'x' is not a code of" in found.stdout


def test_lines_of_ndjson_are_resources_of_their_own(tmp_path: Path) -> None:
    path = file(tmp_path, "a.ndjson", PATIENT, PATIENT | {"birthDate": "2024-02-30"})
    found = validate(tmp_path, path)
    column = path.read_text().splitlines()[1].index('"2024') + 1
    assert f"a.ndjson:2:{column}: error: Patient.birthDate" in found.stdout
    assert "2 resources, 1 with errors" in found.stderr


def test_what_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    found = validate(tmp_path, tmp_path / "a.json")
    assert found.exit_code == 1
    assert "a.json: error: the body is not JSON" in found.stdout


def test_a_profile_of_a_package(tmp_path: Path) -> None:
    path = file(tmp_path, "a.json", PATIENT)
    found = validate(tmp_path, "--package", package(tmp_path), "--profile", CANONICAL, path)
    assert found.exit_code == 1
    assert f"Patient.name: found 0, {CANONICAL} needs at least 1 [cardinality-min]" in found.stdout


def test_a_profile_that_is_not_known_is_a_warning_or_as_configured(tmp_path: Path) -> None:
    path = file(tmp_path, "a.json", PATIENT)
    assert validate(tmp_path, "--profile", CANONICAL, path).exit_code == 0
    found = validate(tmp_path, "--profile", CANONICAL, "--unknown-profiles", "error", path)
    assert found.exit_code == 1
    assert f"the profile {CANONICAL} is not known here" in found.stdout


@pytest.mark.parametrize("format_", ["json", "junit", "html"])
def test_formats(tmp_path: Path, format_: str) -> None:
    found = validate(tmp_path, "--format", format_, file(tmp_path, "a.json", PATIENT | {"gender": "x"}))
    assert found.exit_code == 1
    match format_:
        case "json":
            assert json.loads(found.stdout)["outcome"]["issue"][0]["expression"] == ["Patient.gender"]
        case "junit":
            assert ElementTree.fromstring(found.stdout).get("failures") == "1"
        case _:
            assert "<td>Patient.gender</td>" in found.stdout


def test_a_file_of_another_kind_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<Patient/>")
    assert validate(tmp_path, tmp_path / "a.xml").exit_code == 2
