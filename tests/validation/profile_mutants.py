"""Examples of profiles, Bundles and forms with one change each: as `mutants.py`, for what base examples lack.

    python -m tests.validation.profile_mutants write FOLDER    # the mutants as files, for that validator
    python -m tests.validation.profile_mutants keep ANSWERS    # its answers, one JSON object a line, as data

The validator is told of the packages `hl7.fhir.uv.ips`, `hl7.fhir.uv.sdc`, `hl7.fhir.uv.extensions.r4`.
"""

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fhir_server.definitions.registry import Definitions, load
from fhir_server.resource import decode, encode
from tests.examples import official_examples, profile_examples
from tests.validation.mutants import KINDS, Mutant, Resource, Spot, keep, spots

ANSWERS = Path(__file__).parents[1] / "cases" / "validation" / "official" / "profile_mutants.jsonl.xz"
EACH = 24  # mutants of an example
SMALL = 20_000  # bytes
_FORMS = ("Bundle", "Questionnaire", "QuestionnaireResponse")
_MANY = 8  # of so many base examples with contained resources, one

Change = Callable[[Resource, random.Random], bool]


def sources() -> Iterator[tuple[str, bytes]]:
    """Of the base: those that claim a profile, Bundles and forms, and some that contain resources."""
    contained = 0
    for file, text in official_examples():
        resource = decode(text)
        if len(text) > SMALL:
            continue
        contained += "contained" in resource
        chosen = "contained" in resource and contained % _MANY == 0
        if resource["resourceType"] in _FORMS or "profile" in resource.get("meta", {}) or chosen:
            yield file, text
    yield from ((file.replace("/", "~"), text) for file, text in profile_examples())


def _narrative(resource: Resource, chance: random.Random) -> bool:
    if "text" not in resource:
        return False
    start = '<div xmlns="http://www.w3.org/1999/xhtml">'
    resource["text"]["div"] = chance.choice(
        [
            f"{start}<script>x()</script>x</div>",
            f'{start}<p onclick="x()">x</p></div>',
            f'{start}<p style="color: red" class="x">x</p></div>',
            f"{start}<p>x</div>",
            f"{start}x&nbsp;x</div>",
            f'{start}<iframe src="x"/>x</div>',
            f"{start} </div>",
            f"{start}<img src='x' alt='x'/></div>",
            f"{start}<form><input/></form>x</div>",
            f'{start}<a name="x" href="http://example.org">x</a></div>',
            "<div>x</div>",
            "x",
        ]
    )
    return True


def _contained(resource: Resource, chance: random.Random) -> bool:
    if resource["resourceType"] in ("Bundle", "Parameters"):
        return False
    inside = resource.get("contained")
    if not inside:
        resource["contained"] = [{"resourceType": "Patient", "id": "unused", "active": True}]
        return True
    one = chance.choice(inside)
    match chance.randrange(5):
        case 0:
            one["contained"] = [{"resourceType": "Patient", "id": "deep", "active": True}]
        case 1:
            one["meta"] = {"versionId": "1"}
        case 2:
            one["id"] = "renamed"
        case 3:
            inside.remove(one)
            if not inside:
                del resource["contained"]
        case _:
            one.pop("id", None)
    return True


def _bundle(resource: Resource, chance: random.Random) -> bool:
    entries = resource.get("entry")
    if resource["resourceType"] != "Bundle" or not entries:
        return False
    one = chance.choice(entries)
    match chance.randrange(8):
        case 0:
            one["fullUrl"] = "http://example.org/fhir/Patient/other"
        case 1:
            one.pop("fullUrl", None)
        case 2:
            one["fullUrl"] = entries[0].get("fullUrl", "urn:uuid:00000000-0000-4000-8000-000000000001")
        case 3 if "resource" in one:
            one["resource"]["id"] = "other"
        case 4:
            entries.remove(one)
            if not entries:
                del resource["entry"]
        case 5:
            entries.reverse()
        case 6:
            resource["type"] = chance.choice(["document", "message", "transaction", "searchset", "history"])
        case _:
            one["request"] = {"method": "GET", "url": "Patient/1"}
    return True


def _items(resource: Resource) -> list[Resource]:
    found = list(resource.get("item", ()))
    return found + [inner for item in found for inner in _items(item)]


def _item(resource: Resource, chance: random.Random) -> bool:
    items = _items(resource)
    if not items:
        return False
    one = chance.choice(items)
    match chance.randrange(6):
        case 0:
            one["linkId"] = "nothing"
        case 1:
            one.pop("linkId", None)
        case 2:
            one["linkId"] = items[0]["linkId"]
        case 3:
            one["type"] = "group"
        case 4 if "answer" in one:
            one["answer"] = [{"valueAddress": {"text": "x"}}]
        case _:
            one["item"] = [*one.get("item", ()), {"linkId": "new", "text": "x"}]
    return True


WHOLE: dict[str, Change] = {
    "narrative": _narrative,
    "contained": _contained,
    "bundle": _bundle,
    "item": _item,
}


def _target(spot: Spot, chance: random.Random) -> bool:
    """A reference to a resource of another type."""
    if spot.name != "reference" or spot.type != "string":
        return False
    spot.owner[spot.name] = chance.choice(["Medication/1", "Organization/1", "http://example.org/Binary/1"])
    return True


def _url(spot: Spot, chance: random.Random) -> bool:
    """An extension of another kind, so that a slice loses a member."""
    if spot.name != "url" or spot.type != "uri":
        return False
    other = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
    spot.owner[spot.name] = chance.choice(["http://example.org/unknown", other])
    return True


def _long(spot: Spot, chance: random.Random) -> bool:
    if spot.type not in ("string", "markdown") or not isinstance(spot.owner[spot.name], str):
        return False
    spot.owner[spot.name] = chance.choice(["x" * 300, " x", "x\ty", "-1"])
    return True


def _unit(spot: Spot, chance: random.Random) -> bool:
    if spot.type not in ("Quantity", "Age", "Duration") or not isinstance(spot.owner[spot.name], dict):
        return False
    quantity: dict[str, Any] = spot.owner[spot.name]
    quantity[chance.choice(["code", "unit", "system"])] = chance.choice(["kg", "http://example.org", "cm"])
    return True


AT_A_SPOT = KINDS | {"target": _target, "url": _url, "long": _long, "unit": _unit}


def mutants(definitions: Definitions, every: int = 1) -> Iterator[Mutant]:
    """every: of so many examples one."""
    for place, (file, text) in enumerate(sources()):
        if place % every == 0:
            for number in range(EACH):
                yield _mutant(definitions, file, text, number)


def _mutant(definitions: Definitions, file: str, text: bytes, number: int) -> Mutant:
    chance = random.Random(f"profile {file} {number}")
    while True:
        resource = decode(text)
        kind = chance.choice([*AT_A_SPOT, *WHOLE])
        if kind in WHOLE:
            changed = WHOLE[kind](resource, chance)
        else:
            spot = chance.choice(list(_spots(definitions, resource)))
            changed = AT_A_SPOT[kind](spot, chance)
        if changed:
            return Mutant(f"{file.removesuffix('.json')}~{number}.json", kind, resource)


def _spots(definitions: Definitions, resource: Resource) -> Iterator[Spot]:
    """Those of the entries of a Bundle too."""
    yield from spots(definitions, resource, resource["resourceType"])
    if resource["resourceType"] == "Bundle":
        for entry in resource.get("entry", ()):
            if "resource" in entry:
                yield from spots(definitions, entry["resource"], entry["resource"]["resourceType"])


def main() -> None:
    match sys.argv[1:]:
        case ["write", folder]:
            for file, text in sources():
                (Path(folder) / file).write_bytes(text)
            for mutant in mutants(load()):
                (Path(folder) / mutant.name).write_bytes(encode(mutant.resource))
        case ["keep", file]:
            keep(Path(file), ANSWERS)
        case _:
            sys.exit(str(__doc__))


if __name__ == "__main__":
    main()
