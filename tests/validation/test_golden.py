"""What profiles compile to is what it was: `python -m tests.validation.golden` writes it anew, to be read."""

import json

import pytest

from tests.validation.golden import FOLDER, PROFILES, compiled, told


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_compiles_to_its_golden_file(name: str) -> None:
    kept = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(told(compiled(PROFILES[name])))) == kept


def test_every_golden_file_is_of_a_profile() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {*PROFILES}


def test_a_rule_that_changes_is_seen() -> None:
    """The description tells closures apart, whatever the functions are called."""
    birth_place = told(compiled(PROFILES["patient-birthPlace"]))
    assert "http://hl7.org/fhir/StructureDefinition/patient-birthPlace" in json.dumps(birth_place["rule"])
    assert birth_place["rule"] != told(compiled(PROFILES["patient-nationality"]))["rule"]
