"""The grammar of `_filter`.

https://hl7.org/fhir/R4/search_filter.html

    filter    = paramExp / logExp / "not" "(" filter ")" / "(" filter ")"
    logExp    = filter ("and" / "or") filter       from left to right, neither binds stronger
    paramExp  = paramPath SP compareOp SP compValue
    paramPath = paramName (("[" filter "]")? "." paramPath)?
    compValue = JSON string / token                 a token ends before a space, ")" or "]"
"""

import json
import re
from dataclasses import dataclass
from typing import Literal

from fhir_server.outcome import FhirError, invalid, too_costly
from fhir_server.suggestion import choices

DEPTH = 20  # of brackets
COMPARISONS = 100

OPERATORS = (
    "eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb",
    "pr", "po", "ss", "sb", "in", "re",
)  # fmt: skip

_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
_OPERATOR = re.compile(r"[^\s()\[\]\"]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(r"[^\s\])]+")
_SPACE = re.compile(r"\s*")
_AND_OR = re.compile(r"(and|or)(?=[\s(])", re.IGNORECASE)
_NOT = re.compile(r"not\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path; `where`: what is to be true of what it refers to."""

    name: str
    at: int
    where: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class Comparison:
    path: tuple[Step, ...]
    operator: str
    value: str
    at: int  # where the operator stands, from 1


@dataclass(frozen=True, slots=True)
class Logical:
    operator: Literal["and", "or"]
    terms: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    term: "Expression"


Expression = Comparison | Logical | Negation


def parse(text: str) -> Expression:
    """Raises 400 with the place of what is not understood."""
    reading = _Reading(text)
    found = reading.either(0)
    if reading.at < len(text):
        raise reading.error("'and', 'or' or the end is wanted")
    return found


def error(text: str, what: str, at: int) -> FhirError:
    """at: from 1"""
    return invalid(f"_filter={text}: {what}, at {at}")


class _Reading:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.comparisons = 0
        self._space()

    def error(self, what: str) -> FhirError:
        return error(self.text, what, self.at + 1)

    def _space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        """What stands here, and goes on behind it and the spaces that follow; None: something else does."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        self._space()
        return found[0]

    def _close(self, bracket: str) -> None:
        if not self.text.startswith(bracket, self.at):
            raise self.error(f"{bracket!r} is wanted")
        self.at += 1

    def either(self, depth: int) -> Expression:
        """Comparisons joined by and, or."""
        if depth > DEPTH:
            raise too_costly(f"a _filter has brackets within each other {DEPTH} deep at most")
        found = self._one(depth)
        while operator := self._take(_AND_OR):
            joined: Literal["and", "or"] = "and" if operator.lower() == "and" else "or"
            right = self._one(depth)
            if isinstance(found, Logical) and found.operator == joined:
                found = Logical(joined, (*found.terms, right))
            else:
                found = Logical(joined, (found, right))
        return found

    def _one(self, depth: int) -> Expression:
        negated = self._take(_NOT) is not None
        if not negated and not self.text.startswith("(", self.at):
            return self._comparison(depth)
        if not negated:
            self.at += 1
            self._space()
        found = self.either(depth + 1)
        self._close(")")
        self._space()
        return Negation(found) if negated else found

    def _comparison(self, depth: int) -> Comparison:
        self.comparisons += 1
        if self.comparisons > COMPARISONS:
            raise too_costly(f"a _filter has {COMPARISONS} comparisons at most")
        path = self._path(depth)
        at = self.at
        operator = (self._take(_OPERATOR) or "").lower()
        if operator not in OPERATORS:
            self.at = at
            found = f"{operator!r} is no operator" if operator else "an operator is wanted"
            raise self.error(f"{found}{choices(operator, OPERATORS)}")
        return Comparison(path, operator, self._value(), at + 1)

    def _path(self, depth: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            at = self.at
            name = _NAME.match(self.text, at)
            if name is None:
                raise self.error("the name of a search parameter is wanted")
            self.at, where = name.end(), None
            if self.text.startswith("[", self.at):
                self.at += 1
                self._space()
                where = self.either(depth + 1)
                self._close("]")
                if not self.text.startswith(".", self.at):
                    raise self.error("'.' and the name of a search parameter are wanted")
            steps.append(Step(name[0], at + 1, where))
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        if not self.text[self.at : self.at + 1].isspace():
            raise self.error("a space and an operator are wanted")
        self._space()
        return tuple(steps)

    def _value(self) -> str:
        at = self.at
        if not self.text.startswith('"', at):
            token = self._take(_TOKEN)
            if token is None:
                raise self.error("a value is wanted")
            return token
        quoted = self._take(_STRING)
        if quoted is None:
            raise self.error("the string is not closed")
        try:
            found: str = json.loads(quoted, strict=False)
        except ValueError:
            self.at = at
            raise self.error(f"{quoted} is no JSON string") from None
        return found
