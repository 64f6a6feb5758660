import gzip
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import tqdm
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


HOSTILE = "<script>alert('x')</script>&"
WRONG: dict[str, Any] = {"resourceType": "Patient", "gender": HOSTILE, "birthDate": "2024-02-30"}


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A valid one, one that is wrong in two elements, two lines, and one that cannot be read."""
    folder = tmp_path / "files"
    folder.mkdir()
    file(folder, "a.json", PATIENT)
    (folder / "b <i>.json").write_text(json.dumps(WRONG, indent=1))
    file(folder, "c.ndjson", PATIENT, {"resourceType": "Patient", "gender": "x"})
    (folder / "d.json.gz").write_bytes(b"no gzip")
    return folder


def found(tmp_path: Path, folder: Path, format_: str) -> str:
    """What is told of the folder; 1 is the exit code, and all files are counted."""
    answer = validate(tmp_path, "--format", format_, folder)
    assert answer.exit_code == 1
    assert "5 resources, 3 with errors" in answer.stderr
    return answer.stdout


def test_text_has_file_line_column_severity_and_expression(tmp_path: Path, several: Path) -> None:
    lines = [line for line in found(tmp_path, several, "text").splitlines() if ": warning: " not in line]
    assert [line.split(": ")[:3] for line in lines] == [
        ["b <i>.json:3:12", "error", "Patient.gender"],
        ["b <i>.json:4:15", "error", "Patient.birthDate"],
        ["c.ndjson:2:39", "error", "Patient.gender"],
        ["d.json.gz", "fatal", "the file cannot be read"],
    ]


def test_json_has_an_outcome_for_each_resource(tmp_path: Path, several: Path) -> None:
    lines = [json.loads(line) for line in found(tmp_path, several, "json").splitlines()]
    assert [(line["file"], line.get("line")) for line in lines] == [
        ("a.json", None), ("b <i>.json", None), ("c.ndjson", 1), ("c.ndjson", 2), ("d.json.gz", None),
    ]  # fmt: skip
    outcome = lines[1]["outcome"]
    assert outcome["resourceType"] == "OperationOutcome"
    assert [(one["severity"], one["expression"]) for one in outcome["issue"]][:2] == [
        ("error", ["Patient.gender"]), ("error", ["Patient.birthDate"]),
    ]  # fmt: skip
    places = {one["url"].rpartition("-")[2]: one for one in outcome["issue"][0]["extension"]}
    assert (places["line"]["valueInteger"], places["col"]["valueInteger"]) == (3, 12)
    assert HOSTILE in outcome["issue"][0]["diagnostics"]
    assert lines[4]["outcome"]["issue"][0]["severity"] == "fatal"


def test_junit_is_xml_with_a_case_for_each_resource(tmp_path: Path, several: Path) -> None:
    suite = ElementTree.fromstring(found(tmp_path, several, "junit"))
    assert (suite.tag, suite.get("tests"), suite.get("failures")) == ("testsuite", "5", "3")
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [
        "a.json", "b <i>.json", "c.ndjson:1", "c.ndjson:2", "d.json.gz",
    ]  # fmt: skip
    failures = [case.findtext("failure") or "" for case in cases]
    assert [bool(failure) for failure in failures] == [False, True, False, True, True]
    assert "b <i>.json:3:12: error: Patient.gender: " in failures[1]
    assert HOSTILE in failures[1]
    assert "c.ndjson:2:39: error: Patient.gender: 'x' is not a code of" in failures[3]


def test_a_page_escapes_what_stands_in_files_and_their_names(tmp_path: Path, several: Path) -> None:
    page = found(tmp_path, several, "html")
    assert "<script" not in page and "<i>" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;" in page
    assert "<h2>b &lt;i&gt;.json</h2>" in page
    for severity, expression, line in (
        ("error", "Patient.gender", 3), ("error", "Patient.birthDate", 4), ("fatal", "", ""),
    ):  # fmt: skip
        assert f'<td class="{severity}">{severity}</td><td>{expression}</td><td>{line}</td>' in page


@pytest.mark.parametrize("format_", ["text", "json", "html", "junit"])
def test_every_format_ends_with_0_when_nothing_is_wrong(tmp_path: Path, format_: str) -> None:
    answer = validate(tmp_path, "--format", format_, file(tmp_path, "a.json", PATIENT))
    assert answer.exit_code == 0
    assert "1 resources, 0 with errors" in answer.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(json.dumps(PATIENT).encode())[:-9],
        gzip.compress(b"{}" * 99)[:12] + b"\xff" * 40,
    ],
    ids=["no gzip", "cut off", "broken inside"],  # the same in every process: gzip writes the time
)
def test_a_file_that_cannot_be_read_hides_no_other(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json.gz").write_bytes(content)
    answer = validate(tmp_path, tmp_path / "a.json.gz", file(tmp_path, "b.json", PATIENT))
    assert answer.exit_code == 1
    assert "a.json.gz: fatal: the file cannot be read: " in answer.stdout
    assert "b.json:1:1: warning: " in answer.stdout
    assert "2 resources, 1 with errors" in answer.stderr


def test_a_name_that_is_no_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"a\xff.json")).write_text("{")
    for format_ in ("text", "json", "html", "junit"):
        answer = validate(tmp_path, "--format", format_, tmp_path)
        assert answer.exit_code == 1 and "a\N{REPLACEMENT CHARACTER}.json" in answer.stdout


def test_many_files_with_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar goes up to the size of all files, and never back."""
    shown: list[tuple[int, int]] = []

    class Bar(tqdm.tqdm):  # type: ignore[type-arg]
        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            shown.append((int(self.n), int(self.total or 0)))
            return None

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        file(folder, f"{number:02}.json", PATIENT | {"id": f"{number}"})
    file(folder, "lines.ndjson", *[PATIENT] * 20)
    answer = validate(tmp_path, folder)
    assert answer.exit_code == 0 and "60 resources, 0 with errors" in answer.stderr
    size = sum(each.stat().st_size for each in folder.iterdir())
    done = [n for n, total in shown if total == size]
    assert done == sorted(done) and done[-1] == size and len(done) >= 41


def test_a_file_of_another_kind_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<Patient/>")
    assert validate(tmp_path, tmp_path / "a.xml").exit_code == 2
