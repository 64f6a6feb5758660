"""Where in a JSON text the elements stand that FHIRPath expressions name.

https://www.rfc-editor.org/rfc/rfc8259; the text has been parsed before and is JSON.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from json import JSONDecoder, loads
from typing import Any, NamedTuple

from fhir_server.resource import BOM, encode

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
    def __init__(self, body: bytes, value: Any) -> None:
        """value: what the body was decoded to."""
        self._body = body.removeprefix(BOM)
        self._value = value
        self._asked = 0
        self._root: _Place | None = None  # None: not scanned, for few that ask

    def of(self, expression: str) -> Position:
        """Of the element; of the nearest around it where it is missing."""
        steps = expression.split(".")[1:]
        self._asked += 1
        if self._asked <= FEW:
            return _compact(self._body, self._value, steps) or self._position(_sought(self._text, steps))
        if self._root is None:
            self._root = _scanned(self._text)
        return self._position(_found(self._root, steps))

    @cached_property
    def _text(self) -> str:
        return self._body.decode()

    def _position(self, offset: int) -> Position:
        start = self._text.rfind("\n", 0, offset) + 1
        return Position(self._text.count("\n", 0, offset) + 1, offset - start + 1)


FEW = 8
"""Elements that are sought one by one, past all that stands before; for more the text is scanned whole."""


def _compact(body: bytes, value: Any, steps: list[str]) -> Position | None:
    """What stands before the element, encoded again, tells where it is, if the body begins with just that.

    None: it does not, as the body is laid out for people.
    """
    if steps and body[1:2] in _WHITE_SPACE:
        return None
    before = b""
    for step in steps:
        match = _STEP.match(step)
        key = _key(value, match[1]) if match is not None and type(value) is dict else None
        if match is None or key is None:
            break
        others = _before(value, key)
        before = b"".join((before, encode(others)[:-1], b"," if others else b"", f'"{key}":'.encode()))
        value = value[key]
        if match[2] is not None:
            index = int(match[2])
            if type(value) is not list or index >= len(value):
                break
            before = b"".join((before, encode(value[:index])[:-1], b"," if index else b""))
            value = value[index]
    if not body.startswith(before) or body[len(before) : len(before) + 1] in _WHITE_SPACE:
        return None
    return Position(1, len(before.decode()) + 1)


def _before(members: dict[str, Any], name: str) -> dict[str, Any]:
    """The members that stand before one."""
    found = {}
    for key, value in members.items():
        if key == name:
            break
        found[key] = value
    return found


_WHITE_SPACE = frozenset((b" ", b"\t", b"\n", b"\r"))


def _key(members: Iterable[str], name: str) -> str | None:
    """The property `name`, or that of the choice element: `valueQuantity` for value."""
    if name in members:
        return name
    for key in members:
        if key.startswith(name) and key[len(name) : len(name) + 1].isupper():
            return key
    beside = f"_{name}"
    return beside if beside in members else None


_white_space = re.compile(r"[ \t\n\r]*").match
_comma = re.compile(r"[ \t\n\r]*(?:,[ \t\n\r]*)?").match  # also where none comes: behind the last value
# the name of a member, with the comma before it and the colon behind it
_name = re.compile(r'[ \t\n\r]*,?[ \t\n\r]*"((?:[^"\\]++|\\.)*+)"[ \t\n\r]*:[ \t\n\r]*').match
# `raw_decode` without its Python; typeshed does not know it
_value: Callable[[str, int], tuple[Any, int]] = JSONDecoder().scan_once  # type: ignore[attr-defined]


def _sought(text: str, steps: list[str]) -> int:
    """The offset of an element; values that it is not in are passed over by the decoder, which is fast."""
    at = _behind(_white_space, text, 0)
    for step in steps:
        match = _STEP.match(step)
        member = None if match is None else _sought_member(text, at, match[1])
        if match is None or member is None:
            return at
        at = member
        if match[2] is not None:
            entry = _sought_entry(text, at, int(match[2]))
            if entry is None:
                return at
            at = entry
    return at


def _behind(matches: Callable[[str, int], re.Match[str] | None], text: str, at: int) -> int:
    found = matches(text, at)
    assert found is not None
    return found.end()


def _sought_member(text: str, at: int, name: str) -> int | None:
    """Like `_key`, for the object that begins at `at`; None: it has no such, or is no object."""
    if text[at] != "{":
        return None
    chosen: dict[str, int] = {}
    at += 1
    while (match := _name(text, at)) is not None:
        key, at = match[1], match.end()
        if "\\" in key:
            key = loads(f'"{key}"')
        if key == name:
            return at
        if key.startswith(name) and key[len(name) : len(name) + 1].isupper():
            chosen.setdefault("choice", at)
        elif key == f"_{name}":
            chosen.setdefault("beside", at)
        at = _value(text, at)[1]
    return chosen.get("choice", chosen.get("beside"))


def _sought_entry(text: str, at: int, index: int) -> int | None:
    if text[at] != "[":
        return None
    at = _behind(_white_space, text, at + 1)
    for _ in range(index):
        if text[at] == "]":
            return None
        at = _behind(_comma, text, _value(text, at)[1])
    return None if text[at] == "]" else at


def _found(place: _Place, steps: list[str]) -> int:
    for step in steps:
        match = _STEP.match(step)
        key = None if match is None else _key(place.members, match[1])
        if match is None or key is None:
            break
        place = place.members[key]
        if match[2] is not None:
            if int(match[2]) >= len(place.entries):
                break
            place = place.entries[int(match[2])]
    return place.offset


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
