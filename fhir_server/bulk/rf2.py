"""Code systems as tab-separated files like those of SNOMED CT's release format 2.

Which file is which tells its first line: concepts, descriptions, relationships, and language reference sets.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from sys import intern
from typing import NamedTuple

from fhir_server.bulk.concepts import BadRow, Row, packed, wrong_code
from fhir_server.terminology.concepts import Concept, Designation, Property
from fhir_server.terminology.inline import is_inactive

SNOMED = "http://snomed.info/sct"
IS_A = "116680003"
FULLY_SPECIFIED = "900000000000003001"
DEFINITION = "900000000000550004"
PREFERRED = "900000000000548007"

_SYNONYM = "900000000000013009"
_LONGEST_HEADER = 1000  # bytes
_USES = {
    FULLY_SPECIFIED: "Fully specified name",
    _SYNONYM: "Synonym",
    DEFINITION: "Definition",
}
_EVERY = ("id", "effectiveTime", "active", "moduleId")
_KINDS = {
    (*_EVERY, "definitionStatusId"): "concept",
    (*_EVERY, "conceptId", "languageCode", "typeId", "term"): "description",
    (*_EVERY, "sourceId", "destinationId", "relationshipGroup", "typeId"): "relationship",
    (*_EVERY, "refsetId", "referencedComponentId", "acceptabilityId"): "language",
}


class Description(NamedTuple):
    id: str
    language: str
    type: str
    term: str


@dataclass
class Release:
    """Everything that is active in the files of a release, in little memory."""

    bad: list[BadRow] = field(default_factory=list)
    concepts: dict[str, int] = field(default_factory=dict)  # code: line, less than 0 when it is not active
    descriptions: dict[str, bytes] = field(default_factory=dict)  # lines in UTF-8: `id, language, type, term`
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    properties: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # type, target
    preferred: set[str] = field(default_factory=set)  # ids of descriptions

    def rows(self) -> Iterator[Row]:
        """Once: what has become a row is let go."""
        for code, line in self.concepts.items():
            yield packed(self._concept(code, line > 0), self.parents.pop(code, ()), abs(line))

    def _concept(self, code: str, active: bool) -> Concept:
        properties = tuple(
            Property(type_, "valueCode", target) for type_, target in self.properties.pop(code, ())
        )
        properties += () if active else (Property("inactive", "valueBoolean", True),)
        lines = self.descriptions.pop(code, b"").decode().split("\n")
        descriptions = [Description(*line.split("\t")) for line in lines if line]
        shown = min(descriptions, key=self._rank, default=None)
        definition = next((each.term for each in descriptions if each.type == DEFINITION), None)
        return Concept(
            code=code,
            display=None if shown is None or shown.type == DEFINITION else shown.term,
            definition=definition,
            designations=tuple(map(_designation, descriptions)),
            properties=properties,
            inactive=is_inactive(properties),
        )

    def _rank(self, description: Description) -> tuple[int, bool, bool]:
        """The display is the preferred synonym, in English where there is one."""
        kind = [_SYNONYM, FULLY_SPECIFIED, DEFINITION]
        place = kind.index(description.type) if description.type in kind else 1
        return place, description.id not in self.preferred, description.language != "en"


def _designation(description: Description) -> Designation:
    return Designation(description.term, description.language, _use(description.type))


@cache
def _use(type_: str) -> dict[str, str]:
    """One for all designations: there are a million of them."""
    return {"system": SNOMED, "code": type_, "display": _USES.get(type_, type_)}


def kind_of(path: Path) -> str | None:
    """Which file of a release it is, by its first line; None: it is no such file."""
    with path.open("rb") as lines:
        first = lines.readline(_LONGEST_HEADER).decode("latin-1")
    names = tuple(first.removeprefix("\xef\xbb\xbf").rstrip("\r\n").split("\t"))
    return next((kind for header, kind in _KINDS.items() if names[: len(header)] == header), None)


def read_release(files: Iterable[tuple[Path, str]]) -> Release:
    """files: with what `kind_of` says of them."""
    release = Release()
    readers = {
        "concept": _read_concept,
        "description": _read_description,
        "relationship": _read_relationship,
        "language": _read_language,
    }
    # concepts first: the others are about them
    for path, kind in sorted(files, key=lambda each: [*readers].index(each[1])):
        take = readers[kind]
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            width = len(next(rows))
            for number, cells in enumerate(rows, 2):
                wrong = (
                    take(release, cells, number)
                    if len(cells) == width
                    else f"{len(cells)} cells, not {width}"
                )
                if wrong is not None:
                    release.bad.append(BadRow(path.name, number, wrong))
    return release


def _read_concept(release: Release, cells: list[str], line: int) -> str | None:
    code, active = cells[0], cells[2]
    if (wrong := wrong_code(code)) is not None:
        return wrong
    if active not in ("0", "1"):
        return f"active is {active!r}, it can be 0 or 1"
    if code in release.concepts:
        return f"the concept {code!r} stands in line {abs(release.concepts[code])} already"
    release.concepts[intern(code)] = line if active == "1" else -line
    return None


def _read_description(release: Release, cells: list[str], line: int) -> str | None:
    id_, active, code, language, type_, term = cells[0], cells[2], *cells[4:8]
    if active != "1":
        return None
    if code not in release.concepts:
        return f"the description {id_} is of {code!r}, which is not among the concepts"
    found = "\t".join((id_, language, type_, term)).encode()
    before = release.descriptions.get(code)
    release.descriptions[code] = found if before is None else before + b"\n" + found
    return None


def _read_relationship(release: Release, cells: list[str], line: int) -> str | None:
    id_, active, source, target, type_ = cells[0], cells[2], cells[4], cells[5], cells[7]
    if active != "1":
        return None
    for code in (source, target):
        if code not in release.concepts:
            return f"the relationship {id_} names {code!r}, which is not among the concepts"
    if type_ == IS_A:
        release.parents[source] = (*release.parents.get(source, ()), intern(target))
    else:
        more = intern(type_), intern(target)
        release.properties[source] = (*release.properties.get(source, ()), more)
    return None


def _read_language(release: Release, cells: list[str], line: int) -> str | None:
    if cells[2] == "1" and cells[6] == PREFERRED:
        release.preferred.add(cells[5])
    return None
