"""Synthea's patients of tests/data, repeated with new ids where more is needed."""

import json
import re
from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

from tests.examples import synthea_bundles

DESCRIPTION = "40 Synthea transaction bundles, 11,361 resources"

# the third group is the one that a copy changes
_UUID = re.compile(rb"([0-9a-f]{8}-[0-9a-f]{4}-)([0-9a-f]{4})(?=-[0-9a-f]{4}-[0-9a-f]{12})")

# W2's types in the order of creation, with the size that the workload wants, in bytes
CRUD_SIZES = {
    "Patient": 2738,
    "Location": 682,
    "Organization": 575,
    "Practitioner": 705,
    "Encounter": 1503,
    "Observation": 900,
    "MedicationRequest": 676,
    "Claim": 1098,
    "ExplanationOfBenefit": 5329,
}


def bundles(copies: int = 1) -> Iterator[tuple[bytes, int]]:
    """(transaction bundle, entries); from the second copy on with new UUIDs throughout."""
    for copy in range(copies):
        for _, text in synthea_bundles():
            yield renamed(text, copy), text.count(b'"fullUrl"')


def renamed(text: bytes, copy: int) -> bytes:
    """With other UUIDs throughout; copy: 0 to 65,535, 0 the text as it is."""
    if copy == 0:
        return text
    return _UUID.sub(lambda found: b"%b%04x" % (found[1], int(found[2], 16) ^ copy), text)


@cache
def patients() -> list[dict[str, Any]]:
    return [
        entry["resource"]
        for _, text in synthea_bundles()
        for entry in json.loads(text)["entry"]
        if entry["resource"]["resourceType"] == "Patient"
    ]


def many_patients(count: int) -> Iterator[dict[str, Any]]:
    """Synthea's 40 patients again and again, each with a UUID of its own."""
    chance = Random("patients")
    for number in range(count):
        yield patients()[number % len(patients())] | {"id": str(UUID(int=chance.getrandbits(128), version=4))}


# Synthea's bundles hold none
LOCATION = {
    "resourceType": "Location",
    "status": "active",
    "name": "Example Ward",
    "mode": "instance",
    "telecom": [{"system": "phone", "value": "555-0100"}],
    "address": {"line": ["1 Example Way"], "city": "Boston", "state": "MA", "country": "US"},
    "position": {"longitude": -71.05, "latitude": 42.36},
    "managingOrganization": {"reference": "Organization/@Organization@"},
}


@cache
def crud_templates() -> dict[str, bytes]:
    """By type: JSON without an id, of about the wanted size; `@Type@` stands for the id of the other one."""
    types: dict[str, str] = {}
    nearest: dict[str, tuple[int, dict[str, Any]]] = {}
    for _, text in synthea_bundles():
        for entry in json.loads(text)["entry"]:
            resource = entry["resource"]
            kind = resource["resourceType"]
            types[entry["fullUrl"]] = kind
            if kind in CRUD_SIZES:
                distance = abs(len(_text(resource)) - CRUD_SIZES[kind])
                if kind not in nearest or distance < nearest[kind][0]:
                    nearest[kind] = distance, resource
    found = {kind: _template(resource, types) for kind, (_, resource) in nearest.items()}
    found["Location"] = _text(LOCATION)
    return {kind: _padded(found[kind], size) for kind, size in CRUD_SIZES.items()}


def _template(resource: dict[str, Any], types: dict[str, str]) -> bytes:
    text = _text({name: value for name, value in resource.items() if name != "id"})

    def patched(match: re.Match[bytes]) -> bytes:
        kind = types[match.group(1).decode()]
        target = f"@{kind}@" if kind in CRUD_SIZES else match.group(1).decode().removeprefix("urn:uuid:")
        return f'"reference":"{kind}/{target}"'.encode()

    return re.sub(rb'"reference":"(urn:uuid:[^"]+)"', patched, text)


def size_bytes(template: bytes) -> int:
    """How long it is with ids in place of the names."""
    return len(re.sub(rb"@[A-Za-z]+@", b"-" * 36, template))


def _padded(template: bytes, size: int) -> bytes:
    """Synthea's smallest types fall short of the workload's sizes: an extension fills them up."""
    missing = size - size_bytes(template) - len(_PADDING % b"")
    return template[:-1] + _PADDING % (b"x" * missing) + b"}" if missing > 0 else template


_PADDING = b',"extension":[{"url":"http://example.org/padding","valueString":"%s"}]'


def _text(resource: dict[str, Any]) -> bytes:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
