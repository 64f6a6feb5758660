"""Real resources for tests: the official examples of R4 and Synthea's patients. See data/README.md."""

import json
import lzma
from collections.abc import Iterator
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


@cache
def official_examples() -> list[tuple[str, bytes]]:
    """(file, text) of 717 examples, everything but the ten large bundles of definitions."""
    return list(_lines("r4-examples.jsonl.xz"))


BROKEN_BUNDLES = {
    "Bundle-dataelements.json": {"constraint-bdl-7"},
    "Bundle-resources.json": {"constraint-txt-1"},
    "Bundle-types.json": {"constraint-txt-1"},
}
"""Bundles of definitions that break R4, and what: entries of one have the same fullUrl and no versionId, and
narratives have elements that a narrative may not have."""


def definition_bundles() -> Iterator[tuple[str, bytes]]:
    """(file, text) of the other ten examples, 2 to 35 MB each, read one at a time."""
    return _lines("r4-definition-bundles.jsonl.xz")


@cache
def synthea_bundles() -> list[tuple[str, bytes]]:
    """(file, text) of 40 transaction bundles, 11,361 resources."""
    return list(_lines("synthea.jsonl.xz"))


@cache
def definitions() -> list[tuple[str, bytes]]:
    """(file, text) of some definitions of R4, a sample of what its tables are built from."""
    return list(_lines("r4-definitions.jsonl.xz"))


def profile_packages() -> Iterator[tuple[str, bytes]]:
    """(package/file, text) of the StructureDefinitions of some packages, without the texts for people."""
    return _lines("profiles.jsonl.xz")


def _lines(name: str) -> Iterator[tuple[str, bytes]]:
    with lzma.open(DATA / name) as lines:
        for line in lines:
            row = json.loads(line)
            yield row["file"], row["text"].encode()


@cache
def profile_examples() -> list[tuple[str, bytes]]:
    """(package/file, text) of examples of IPS and SDC up to 40 kB; most claim a profile."""
    return list(_lines("profile-examples.jsonl.xz"))
