"""What profiles compile to, as data: closures by what made them and what they hold.

    python -m tests.validation.golden    # writes tests/golden/profiles/ anew

A closure is told by the function that made it and its variables; of the checks among these the same is told.
"""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import Any

from fhir_server.fhirpath import Expression
from fhir_server.validation.profile.compile import Compiler, Profile, compile_profile
from fhir_server.validation.profile.library import Library, NeededError
from tests.definitions.structures import find
from tests.validation.checking import definitions

FOLDER = Path(__file__).parents[1] / "golden" / "profiles"
PROFILES = {
    "vitalsigns": "http://hl7.org/fhir/StructureDefinition/vitalsigns",
    "bp": "http://hl7.org/fhir/StructureDefinition/bp",
    "patient-birthPlace": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
    "patient-nationality": "http://hl7.org/fhir/StructureDefinition/patient-nationality",
    "Bundle-uv-ips": "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips",
    "Patient-uv-ips": "http://hl7.org/fhir/uv/ips/StructureDefinition/Patient-uv-ips",
    "Medication-uv-ips": "http://hl7.org/fhir/uv/ips/StructureDefinition/Medication-uv-ips",
    "Observation-tobaccouse-uv-ips": (
        "http://hl7.org/fhir/uv/ips/StructureDefinition/Observation-tobaccouse-uv-ips"
    ),
    "sdc-questionnaireresponse": ("http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaireresponse"),
    "sdc-task": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-task",
}
_PACKAGE = "fhir_server.validation.profile."


def compiled(canonical: str) -> Profile:
    library = Library(definitions())
    while True:
        structure = find(canonical)
        assert structure is not None
        try:
            return compile_profile(library, canonical, structure)
        except NeededError as needed:
            assert needed.kind == "structure"
            library.add_structure(needed.name, find(needed.name))


def told(profile: Profile) -> Any:
    return {"canonical": profile.canonical, "type": profile.type, "rule": _told(profile.rule)}


def _told(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case FunctionType():
            return _closure(value)
        case partial():
            return _told(value.args[0])
        case Expression():
            return {"expression": value.text, "on": value.type}
        case frozenset() | set():
            return sorted(map(str, value))
        case dict():
            return {str(name): _told(one) for name, one in value.items()}
        case list() | tuple():
            return [_told(one) for one in value]
        case _ if is_dataclass(value):
            names = [field.name for field in fields(value) if field.init and field.name not in _LEFT_OUT]
            held = {name: _told(getattr(value, name)) for name in names}
            return {name: one for name, one in held.items() if one is not None}
        case _:
            return str(value)


def _closure(function: FunctionType) -> Any:
    made_by = f"{function.__module__}.{function.__qualname__}".removeprefix(_PACKAGE)
    made_by = made_by.replace(".<locals>", "")
    held = dict(_held(function))
    if made_by == "finding.all_of.rule":
        return held["rules"]
    match made_by:  # what is compared with: the value, not how it is taken apart
        case "fixed._object_like.test":
            return dict(held["parts"])
        case "fixed._array_like.test":
            return held["parts"]
        case "fixed.equal_to.<lambda>":
            return held["wanted"]
    return {made_by: held} if held else made_by


# how values are found, and what is said in messages, or stands beside it already
_LEFT_OUT = frozenset(
    (
        "selected", "json_name", "json_beside", "json_type", "source", "url", "named", "place_of", "plain",
        "definitions", "expressions",
    )
)  # fmt: skip


def _held(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        value = cell.cell_contents
        if name in _LEFT_OUT or value is function or value is None or isinstance(value, Compiler | Library):
            continue
        yield name, _told(value)


def text_of(name: str) -> str:
    return json.dumps(told(compiled(PROFILES[name])), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in PROFILES:
        (FOLDER / f"{name}.json").write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
