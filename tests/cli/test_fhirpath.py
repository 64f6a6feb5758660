import json
from pathlib import Path

from click.testing import CliRunner, Result

from fhir_server.cli import main

PATIENT = {"resourceType": "Patient", "id": "1", "name": [{"given": ["三", "四"]}, {"given": ["Jim"]}]}


def fhirpath(folder: Path, *arguments: str) -> Result:
    file = folder / "patient.json"
    file.write_text(json.dumps(PATIENT))
    return CliRunner().invoke(main, ["fhirpath", *arguments, str(file)])


def test_a_line_for_each_item(tmp_path: Path) -> None:
    done = fhirpath(tmp_path, "name.given | name.count()")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ['string\t"三"', 'string\t"四"', 'string\t"Jim"', "integer\t2"]


def test_from_the_elements_of_a_context(tmp_path: Path) -> None:
    done = fhirpath(tmp_path, "--context", "name", "given.first()")
    assert done.stdout.splitlines() == ['string\t"三"', 'string\t"Jim"']


def test_1_for_an_expression_that_is_wrong(tmp_path: Path) -> None:
    done = fhirpath(tmp_path, "name.frist()")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "did you mean first()? (line 1, column 6)" in done.stderr
