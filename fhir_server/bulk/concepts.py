"""Rows of a table of codes, wherever they come from, and what is wrong with some.

https://hl7.org/fhir/R4/codesystem.html
"""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fhir_server.store.concepts import Ancestry, NewConcept
from fhir_server.terminology.concepts import Concept, Designation, Property
from fhir_server.terminology.detail import to_detail
from fhir_server.terminology.hierarchy import Hierarchy
from fhir_server.terminology.inline import as_text, text_of

ENCODINGS = ("utf-8-sig", "gb18030")  # the first that fits; GB 18030 holds GBK and GB 2312
_CONTROL = frozenset(map(chr, [*range(9), 11, 12, *range(14, 32)]))


class BadRow(NamedTuple):
    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Row:
    """A concept in little memory: there may be half a million, and objects take ten times the room."""

    code: str
    parents: tuple[str, ...]
    line: int
    packed: bytes  # what `concept` has beside the code
    file: str = ""

    @property
    def concept(self) -> Concept:
        display, definition, designations, properties, inactive, abstract = pickle.loads(self.packed)
        return Concept(
            self.code,
            display,
            definition,
            tuple(Designation(*each) for each in designations),
            tuple(Property(*each) for each in properties),
            inactive,
            abstract,
        )


def packed(concept: Concept, parents: tuple[str, ...], line: int, file: str = "") -> Row:
    kept = (
        concept.display,
        concept.definition,
        tuple(map(tuple, concept.designations)),
        tuple(map(tuple, concept.properties)),
        concept.inactive,
        concept.abstract,
    )
    return Row(concept.code, parents, line, pickle.dumps(kept, pickle.HIGHEST_PROTOCOL), file)


def decoded(content: bytes) -> str:
    """The text of a file; raises UnicodeDecodeError when it is in none of the encodings."""
    for encoding in ENCODINGS[:-1]:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode(ENCODINGS[-1])


def wrong_code(code: str) -> str | None:
    """Why this cannot be a code: https://hl7.org/fhir/R4/datatypes.html#code"""
    if not code:
        return "there is no code"
    if code != " ".join(code.split()):
        return f"the code {code!r} has blanks before, after, or two together"
    if not _CONTROL.isdisjoint(code):
        return f"the code {code!r} has control characters"
    return None


def by_prefix(codes: Sequence[str]) -> dict[str, str]:
    """Of each code the longest other one that it begins with: J18.900x001 is below J18.900, that below J18.9.

    A trailing mark such as the dot in `J18.` is no difference.
    """
    known = {*codes}
    found = {}
    for code in codes:
        for end in range(len(code) - 1, 0, -1):
            if code[:end] in known:
                found[code] = code[:end]
                break
    return found


class Numbered:
    """Concepts in the order of the file, and what each is below."""

    def __init__(self, canonical: str, rows: Sequence[Row], parents: Mapping[str, Sequence[str]]) -> None:
        """parents: of each code; raises 422 when a code would be below itself."""
        self._rows = rows
        self._hierarchy = Hierarchy(canonical, {row.code: parents.get(row.code, ()) for row in rows})
        self._numbers = {row.code: number for number, row in enumerate(rows)}

    def __len__(self) -> int:
        return len(self._rows)

    def concepts(self) -> Iterator[NewConcept]:
        for number, row in enumerate(self._rows):
            concept = row.concept
            parents = self._hierarchy.parents[concept.code]
            properties = [(each.code, as_text(each.value)) for each in concept.properties]
            properties += [("parent", code) for code in parents]
            properties += [("child", code) for code in self._hierarchy.children.get(concept.code, ())]
            detail = to_detail(concept, parents)
            yield NewConcept(
                number, concept.code, concept.display, detail, text_of(concept), tuple(properties)
            )

    def ancestries(self) -> Iterator[Ancestry]:
        numbers = self._numbers
        for number, row in enumerate(self._rows):
            code = row.code
            parents = self._hierarchy.parents[code]
            others = self._hierarchy.above(code).difference(parents)
            yield Ancestry(
                number, tuple(numbers[each] for each in parents), tuple(numbers[each] for each in others)
            )
