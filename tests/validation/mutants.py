"""Official examples with one change each, for comparing verdicts with the official validator.

    python -m tests.validation.mutants write FOLDER       # the mutants as files, for that validator
    python -m tests.validation.mutants keep ANSWERS       # its answers, one JSON object a line, as data

The same example and number always give the same mutant.
"""

import json
import lzma
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fhir_server.definitions.registry import Definitions, load
from fhir_server.resource import decode, encode
from tests.examples import official_examples

ANSWERS = Path(__file__).parents[1] / "cases" / "validation" / "official" / "mutants.jsonl.xz"
EACH = 11  # mutants of an example
SMALL = 8_000  # bytes

Resource = dict[str, Any]


class Spot(NamedTuple):
    """A property of an object in a resource."""

    owner: Resource
    name: str
    type: str  # of its values
    many: bool


class Mutant(NamedTuple):
    name: str  # file, then number
    kind: str
    resource: Resource


def spots(definitions: Definitions, value: Resource, type_: str) -> Iterator[Spot]:
    for name, child in value.items():
        found = definitions.type(type_).properties.get(name)
        if found is None or name == "contained" or found[1] in ("Resource", "xhtml"):
            continue
        element, child_type = found
        yield Spot(value, name, child_type, element.many)
        for one in child if isinstance(child, list) else [child]:
            if isinstance(one, dict):
                yield from spots(definitions, one, child_type)


def _remove(spot: Spot, chance: random.Random) -> bool:
    del spot.owner[spot.name]
    return True


def _entry(spot: Spot, chance: random.Random) -> bool:
    """One entry less, or none where there was one."""
    if not spot.many or not isinstance(spot.owner[spot.name], list):
        return False
    spot.owner[spot.name].pop(chance.randrange(len(spot.owner[spot.name])))
    if not spot.owner[spot.name]:
        del spot.owner[spot.name]
    return True


def _repeat(spot: Spot, chance: random.Random) -> bool:
    if not spot.many or not isinstance(spot.owner[spot.name], list):
        return False
    spot.owner[spot.name].append(decode(encode(chance.choice(spot.owner[spot.name]))))
    return True


def _misspelt(spot: Spot, chance: random.Random) -> bool:
    spot.owner[f"{spot.name}x"] = spot.owner.pop(spot.name)
    return True


def _code(spot: Spot, chance: random.Random) -> bool:
    return _put(spot, "not-a-code") if spot.type == "code" else False


def _number(spot: Spot, chance: random.Random) -> bool:
    wrong = {"integer": "1", "positiveInt": 0, "unsignedInt": -1, "decimal": "1.0", "boolean": "true"}
    return _put(spot, wrong[spot.type]) if spot.type in wrong else False


def _text(spot: Spot, chance: random.Random) -> bool:
    wrong = {
        "date": "2024-02-31", "dateTime": "2024-13-01", "instant": "2024-01-01", "time": "25:00:00",
        "id": "a b", "uri": "a b", "string": 1, "canonical": "a b", "oid": "urn:oid:x",
    }  # fmt: skip
    return _put(spot, wrong[spot.type]) if spot.type in wrong else False


def _kind(spot: Spot, chance: random.Random) -> bool:
    """An object for a text, a text for an object."""
    value = spot.owner[spot.name]
    one = value[0] if isinstance(value, list) else value
    return _put(spot, "x" if isinstance(one, dict) else {"value": "x"})


def _put(spot: Spot, value: Any) -> bool:
    old = spot.owner[spot.name]
    spot.owner[spot.name] = [value, *old[1:]] if isinstance(old, list) else value
    return True


def _system(spot: Spot, chance: random.Random) -> bool:
    if spot.name != "system" or spot.type != "uri":
        return False
    return _put(spot, "http://example.org/other")


def _value(spot: Spot, chance: random.Random) -> bool:
    """What a profile may fix: the code of a Coding or a Quantity."""
    if spot.name != "code" or spot.type != "code":
        return False
    return _put(spot, "zz")


def _choice(spot: Spot, chance: random.Random) -> bool:
    """A choice element with a second or another type."""
    for stem in ("value", "effective", "onset", "deceased", "performed", "occurrence"):
        if spot.name.startswith(stem) and spot.name != stem and spot.name != f"{stem}String":
            if chance.random() < 0.5:
                del spot.owner[spot.name]
            spot.owner[f"{stem}String"] = "x"
            return True
    return False


def _period(spot: Spot, chance: random.Random) -> bool:
    if spot.type != "Period":
        return False
    return _put(spot, {"start": "2024-01-02", "end": "2024-01-01"})


def _reference(spot: Spot, chance: random.Random) -> bool:
    if spot.name != "reference" or spot.type != "string":
        return False
    return _put(spot, chance.choice(["#nothing", "Patient/a b", "Nothing/1"]))


def _extension(spot: Spot, chance: random.Random) -> bool:
    extension = "extension" if chance.random() < 0.5 else "modifierExtension"
    if spot.type in ("code", "string", "uri"):
        return False
    value: Resource = chance.choice([{}, {"valueString": "x"}, {"valueAddress": {"city": "x"}}])
    found: Resource = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"} | value
    spot.owner.setdefault(extension, []).append(found)
    return True


def _empty(spot: Spot, chance: random.Random) -> bool:
    return _put(spot, chance.choice(["", {}]))


KINDS: dict[str, Callable[[Spot, random.Random], bool]] = {
    "remove": _remove, "entry": _entry, "repeat": _repeat, "misspelt": _misspelt, "code": _code,
    "number": _number, "text": _text, "kind": _kind, "system": _system, "value": _value, "choice": _choice,
    "period": _period, "reference": _reference, "extension": _extension, "empty": _empty,
}  # fmt: skip


def mutants(definitions: Definitions, every: int = 1) -> Iterator[Mutant]:
    """every: of so many examples one."""
    for place, (file, text) in enumerate(official_examples()):
        if len(text) < SMALL and place % every == 0:
            for number in range(EACH):
                yield _mutant(definitions, file, text, number)


def _mutant(definitions: Definitions, file: str, text: bytes, number: int) -> Mutant:
    chance = random.Random(f"{file} {number}")
    while True:
        resource = decode(text)
        kind = chance.choice([*KINDS])
        spot = chance.choice(list(spots(definitions, resource, resource["resourceType"])))
        if KINDS[kind](spot, chance):
            return Mutant(f"{file.removesuffix('.json')}~{number}.json", kind, resource)


def answers(file: Path = ANSWERS) -> Iterator[dict[str, Any]]:
    """{"name", "errors": [[expression, message id]]} by the official validator."""
    with lzma.open(file, "rt") as lines:
        yield from map(json.loads, lines)


def keep(file: Path, answers: Path) -> None:
    """What the official validator printed, without what is no error."""
    with lzma.open(answers, "wt", preset=9) as kept, file.open() as lines:
        for line in lines:
            found = json.loads(line)
            failed = [{"severity": "fatal", "expression": "", "messageId": found.get("error")}]
            errors = [
                [issue.get("expression"), issue.get("messageId")]
                for issue in found.get("issues", failed)
                if issue["severity"] in ("error", "fatal")
            ]
            kept.write(json.dumps({"name": Path(found["file"]).name, "errors": errors}) + "\n")


def main() -> None:
    match sys.argv[1:]:
        case ["write", folder]:
            for mutant in mutants(load()):
                (Path(folder) / mutant.name).write_bytes(encode(mutant.resource))
        case ["keep", file]:
            keep(Path(file), ANSWERS)
        case _:
            sys.exit(str(__doc__))


if __name__ == "__main__":
    main()
