"""Where in a JSON text the elements stand that FHIRPath expressions name.

https://www.rfc-editor.org/rfc/rfc8259; the text has been parsed before and is JSON.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([{}\[\],:])|([^\s{}\[\],:"]+))')
_STEP = re.compile(r"`?([A-Za-z_]\w*)`?(?:\[(\d+)\])?$")


class Position(NamedTuple):
    line: int  # from 1
    column: int


@dataclass(slots=True)
class _Place:
    offset: int
    members: dict[str, "_Place"] = field(default_factory=dict)
    entries: list["_Place"] = field(default_factory=list)


class Positions:
    def __init__(self, text: str) -> None:
        self._text = text
        self._root = _scanned(text)

    def of(self, expression: str) -> Position:
        """Of the element; of the nearest around it where it is missing."""
        place = self._root
        for step in expression.split(".")[1:]:
            match = _STEP.match(step)
            found = None if match is None else _member(place, match[1])
            if match is None or found is None:
                break
            place = found
            if match[2] is not None:
                if int(match[2]) >= len(place.entries):
                    break
                place = place.entries[int(match[2])]
        before = self._text[: place.offset]
        return Position(before.count("\n") + 1, place.offset - (before.rfind("\n") + 1) + 1)


def _member(place: _Place, name: str) -> _Place | None:
    """The property `name`, or that of the choice element: `valueQuantity` for value."""
    if name in place.members:
        return place.members[name]
    for key, found in place.members.items():
        if key.startswith(name) and key[len(name) : len(name) + 1].isupper():
            return found
    return place.members.get(f"_{name}")


def _scanned(text: str) -> _Place:
    scan = _Scan()
    for match in _TOKEN.finditer(text):
        scan.take(match)
    return scan.root


class _Scan:
    """Builds the tree of a text, without its values; not recursive, so that depth is no matter."""

    def __init__(self) -> None:
        self.root = _Place(0)
        self._stack: list[_Place] = []
        self._name: str | None = None  # of the member whose value comes
        self._string: tuple[str, int] | None = None  # a name when a colon follows, else a value

    def take(self, match: re.Match[str]) -> None:
        string, mark, _ = match.groups()
        if self._string is not None:
            text, offset = self._string
            self._string = None
            if mark == ":":
                self._name = text
                return
            self._add(offset)
        if string is not None:
            self._string = string[1:-1], match.start(1)
        elif mark is None:
            self._add(match.start(3))
        elif mark in "{[":
            self._stack.append(self._add(match.start(2)))
        elif mark in "}]":
            self._stack.pop()

    def _add(self, offset: int) -> _Place:
        place = _Place(offset)
        if not self._stack:
            self.root = place
        elif self._name is not None:
            self._stack[-1].members.setdefault(self._name, place)
        else:
            self._stack[-1].entries.append(place)
        self._name = None
        return place
