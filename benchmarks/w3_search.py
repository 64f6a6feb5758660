"""W3: 24 searches an iteration, `_count=20`, for values that the store has, and some that it has not."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any
from urllib.parse import urlencode

from benchmarks.corpus import DESCRIPTION
from benchmarks.filled import copies_of, relative_bundles, running_filled
from benchmarks.harness import (
    Client,
    Options,
    Result,
    Work,
    drive,
    main,
    median_of,
    middle,
    repeated,
    rounds_of,
)
from tests.wire import encoded

TITLE = "search"
BAR = 1000  # per CPU-second
P99_MS = 20
RESOURCES = 200_000
CONNECTIONS = 4
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
UNKNOWN = 0.1  # share of values that nothing has

Shape = tuple[str, str, str]
"""(resource type, parameter, kind of its values)"""

SHAPES: tuple[Shape, ...] = (
    ("Patient", "name", "string"),
    ("Patient", "address", "string"),
    ("Organization", "name", "string"),
    ("Patient", "birthdate", "date"),
    ("Observation", "date", "date"),
    ("Encounter", "date", "date"),
    ("Observation", "category", "token"),
    ("Observation", "code", "token"),
    ("Encounter", "status", "token"),
    ("Encounter", "class", "token"),
    ("Observation", "value-quantity", "quantity"),
    ("Observation", "component-value-quantity", "quantity"),
    ("Observation", "combo-value-quantity", "quantity"),
    ("Observation", "code-value-quantity", "composite"),
    ("Observation", "component-code-value-quantity", "composite"),
    ("Observation", "combo-code-value-quantity", "composite"),
    ("Observation", "subject", "reference"),
    ("Observation", "encounter", "reference"),
    ("Observation", "performer", "reference"),
    ("Encounter", "subject", "reference"),
    ("Encounter", "participant", "reference"),
    ("MedicationRequest", "subject", "reference"),
    ("MedicationRequest", "encounter", "reference"),
    ("MedicationRequest", "requester", "reference"),
)


@dataclass
class Values:
    """By (type, parameter): what resources of the corpus have."""

    found: dict[tuple[str, str], list[Any]]

    def draw(self, chance: Random, shape: Shape) -> tuple[str, str]:
        """(name of the parameter with its modifier, value)"""
        resource_type, parameter, kind = shape
        known = self.found[resource_type, parameter]
        return _DRAWN[kind](chance, parameter, None if chance.random() < UNKNOWN else chance.choice(known))


def _string(chance: Random, parameter: str, text: str | None) -> tuple[str, str]:
    text = text or "Nemo"
    modifier = chance.choice(("", ":contains"))
    return f"{parameter}{modifier}", text[: chance.randint(3, max(3, len(text)))].replace(",", r"\,")


def _date(chance: Random, parameter: str, text: str | None) -> tuple[str, str]:
    return parameter, chance.choice(PREFIXES) + (text or "1850-01-01")


def _token(chance: Random, parameter: str, coding: tuple[str, str] | None) -> tuple[str, str]:
    system, code = coding or ("http://loinc.org", "00000-0")
    return parameter, chance.choice((code, f"{system}|{code}", f"{code},nothing", f"{code},{system}|other"))


def _quantity(chance: Random, parameter: str, quantity: tuple[str, str] | None) -> tuple[str, str]:
    number, unit = quantity or ("-12345", "mg")
    prefix = chance.choice(PREFIXES)
    return parameter, prefix + chance.choice((number, f"{number}|http://unitsofmeasure.org|{unit}"))


def _composite(chance: Random, parameter: str, both: Any) -> tuple[str, str]:
    coding, quantity = both or (None, None)
    _, code = _token(chance, "", coding)
    _, number = _quantity(chance, "", quantity)
    return parameter, f"{code.partition(',')[0]}${number}"


def _reference(_: Random, parameter: str, reference: str | None) -> tuple[str, str]:
    return parameter, reference or "Patient/00000000-0000-4000-8000-000000000000"


_DRAWN: dict[str, Callable[[Random, str, Any], tuple[str, str]]] = {
    "string": _string,
    "date": _date,
    "token": _token,
    "quantity": _quantity,
    "composite": _composite,
    "reference": _reference,
}


@cache
def values(copies: int) -> Values:
    """From each copy a part: ids differ from one to the other, all else is the same."""
    found: dict[tuple[str, str], list[Any]] = {(kind, name): [] for kind, name, _ in SHAPES}
    for number, bundle in enumerate(relative_bundles(copies)):
        # every bundle of the first copy, and then here and there one
        if number < 40 or number % 7 == 0:
            for entry in json.loads(bundle)["entry"]:
                _collect(entry["resource"], found)
    return Values({key: sorted(set(each), key=repr) for key, each in found.items()})


def _collect(resource: dict[str, Any], found: dict[tuple[str, str], list[Any]]) -> None:
    kind = resource["resourceType"]
    match kind:
        case "Patient":
            names = resource["name"]
            found[kind, "name"] += [text for name in names for text in (name["family"], *name["given"])]
            for address in resource["address"]:
                found[kind, "address"] += [address["city"], address["state"], *address["line"]]
            found[kind, "birthdate"].append(resource["birthDate"])
        case "Organization":
            found[kind, "name"].append(resource["name"])
        case "Encounter":
            found[kind, "date"] += [resource["period"]["start"], resource["period"]["start"][:10]]
            found[kind, "status"].append(("http://hl7.org/fhir/encounter-status", resource["status"]))
            found[kind, "class"].append((resource["class"]["system"], resource["class"]["code"]))
            found[kind, "subject"].append(resource["subject"]["reference"])
            people = resource.get("participant", ())
            found[kind, "participant"] += [each["individual"]["reference"] for each in people]
        case "MedicationRequest":
            for name in ("subject", "encounter", "requester"):
                found[kind, name].append(resource[name]["reference"])
        case "Observation":
            _collect_observation(resource, found)


def _collect_observation(resource: dict[str, Any], found: dict[tuple[str, str], list[Any]]) -> None:
    kind = "Observation"
    found[kind, "date"] += [resource["effectiveDateTime"], resource["effectiveDateTime"][:10]]
    for category in resource["category"]:
        found[kind, "category"] += [(each["system"], each["code"]) for each in category["coding"]]
    found[kind, "code"] += _codes(resource)
    for name in ("subject", "encounter"):
        found[kind, name].append(resource[name]["reference"])
    # Synthea names no performer; a search for one has no hits
    found[kind, "performer"] += [
        each["reference"] for each in resource.get("performer", [resource["subject"]])
    ]
    for item, names in (
        (resource, ("value", "code")),
        *((c, ("component-value", "component-code")) for c in resource.get("component", ())),
    ):
        if "code" in item.get("valueQuantity", ()):
            quantity = str(item["valueQuantity"]["value"]), item["valueQuantity"]["code"]
            both = _codes(item)[0], quantity
            value, code = names
            found[kind, f"{value}-quantity"].append(quantity)
            found[kind, f"{code}-value-quantity"].append(both)
            found[kind, "combo-value-quantity"].append(quantity)
            found[kind, "combo-code-value-quantity"].append(both)


def _codes(item: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["system"], each["code"]) for each in item["code"]["coding"]]


def queries(chance: Random, known: Values) -> list[str]:
    """The 24 searches of one iteration, as paths."""
    found = []
    for shape in SHAPES:
        name, value = known.draw(chance, shape)
        found.append(f"{shape[0]}?{urlencode({name: value, '_count': 20})}")
    return found


def run(options: Options) -> Result:
    with running_filled(options, RESOURCES) as server:
        search = searching(options, RESOURCES)
        # warms up: searches and statements are compiled
        drive(server, CONNECTIONS, search, options.seconds / 5)
        loads = repeated(
            options, server, "w3_search", lambda: drive(server, CONNECTIONS, search, options.seconds)
        )
    best = middle(loads).summary()
    detail = {
        f"{CONNECTIONS} connections": best,
        "p99 bar": f"{P99_MS} ms",
        "corpus": f"{DESCRIPTION}, {copies_of(RESOURCES)} times with new ids",
    }
    return Result("W3", TITLE, median_of(loads), "searches per CPU-s", BAR, False, rounds_of(loads), detail)


def searching(options: Options, resources: int) -> Work:
    """Iterations of searches on a store of about so many resources."""
    known = values(0 if options.quick else copies_of(resources))
    chance = Random(3)

    async def search(client: Client, over: Callable[[], bool]) -> int:
        count = 0
        while not over():
            for path in queries(chance, known):
                await client.send(encoded("127.0.0.1", "GET", f"/fhir/{path}"), 200)
                count += 1
        return count

    return search


if __name__ == "__main__":
    main(run)
