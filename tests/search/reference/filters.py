"""https://hl7.org/fhir/R4/search_filter.html: what `_filter` says, and whether it is true.

filter   = paramExp / logExp / ("not") "(" filter ")"
logExp   = filter ("and" / "or" filter)+
paramExp = paramPath SP compareOp SP compValue
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fhir_server.definitions.types import SearchParameter
from tests.search.reference import Refused, dates, full_text, names, strings
from tests.search.reference.references import Identity

if TYPE_CHECKING:
    from tests.search.reference.criteria import Criteria

ORDERED = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
OPERATORS = {
    "string": ("eq", "ne", "co", "sw", "ew", "pr"),
    "token": ("eq", "ne", "pr"),
    "reference": ("eq", "ne", "re", "pr"),
    "uri": ("eq", "ne", "ss", "sb", "pr"),
    "date": (*ORDERED, "po", "pr"),
    "number": (*ORDERED, "pr"),
    "quantity": (*ORDERED, "pr"),
}
"""Those that need no terminology; "in", "ss" and "sb" of tokens do."""
STEPS = 3


@dataclass(frozen=True)
class Step:
    code: str
    where: "Filter | None" = None  # in brackets


@dataclass(frozen=True)
class Filter:
    """One of three: a comparison (`path`), a negation ("not"), several that are joined ("and", "or")."""

    kind: str
    terms: "tuple[Filter, ...]" = ()
    path: tuple[Step, ...] = ()
    operator: str = ""
    value: str = ""


class Reading:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def whole(self) -> Filter:
        found = self.joined()
        if self.place < len(self.text):
            raise Refused(f"{self.text[self.place :]!r} is left over")
        return found

    def joined(self) -> Filter:
        """ "no precedence": from left to right."""
        found = self.term()
        while word := self.taken(r" +(and|or) +"):
            found = Filter(word, (found, self.term()))
        return found

    def term(self) -> Filter:
        if self.taken(r"(not) *\("):
            return Filter("not", (self.closed(")"),))
        if self.taken(r"(\() *"):
            return self.closed(")")
        path = [self.step()]
        while self.taken(r"(\.)"):
            path.append(self.step())
        operator = self.taken(r" +([a-z]+) +")
        value = self.value()
        if not operator or value is None:
            raise Refused(f"no comparison at {self.place} of {self.text!r}")
        return Filter("compare", path=tuple(path), operator=operator, value=value)

    def closed(self, by: str) -> Filter:
        found = self.joined()
        if not self.taken(rf" *({re.escape(by)})"):
            raise Refused(f"{self.text!r} lacks a {by}")
        return found

    def step(self) -> Step:
        code = self.taken(r"(_?[A-Za-z][A-Za-z0-9_-]*)")
        if not code:
            raise Refused(f"no name at {self.place} of {self.text!r}")
        return Step(code, self.closed("]")) if self.taken(r"(\[) *") else Step(code)

    def value(self) -> str | None:
        if found := self.taken(r'("(?:[^"\\]|\\.)*")'):
            text: str = json.loads(found)
            return text
        return self.taken(r"([^ )\]\"]+)")

    def taken(self, pattern: str) -> str | None:
        found = re.compile(pattern).match(self.text, self.place)
        if found is None:
            return None
        self.place = found.end()
        return found[1]


def parse(text: str) -> Filter:
    return Reading(text).whole()


def check(criteria: "Criteria", types: tuple[str, ...], found: Filter, steps: int = 0) -> None:
    """Raises Refused for what a server has to refuse."""
    for each in found.terms:
        check(criteria, types, each, steps)
    if found.kind != "compare":
        return
    first, *rest = found.path
    if first.code in full_text.PARAMETERS:
        _check_words(criteria, types, found)
        return
    for type_ in types:
        parameter = _parameter(criteria, type_, first.code)
        if rest:
            targets = _chained(criteria, type_, parameter, found)
            if parameter.type != "reference" or not targets or steps >= STEPS:
                raise Refused(f"{first.code} does not chain")
            for target in targets:
                check(criteria, (target,), replace(found, path=tuple(rest)), steps + 1)
                if first.where is not None:
                    check(criteria, (target,), first.where, steps + 1)
        elif found.operator not in OPERATORS.get(parameter.type, ()) or first.where is not None:
            raise Refused(f"{found.operator} of {first.code}")
        else:
            _check_value(criteria, parameter, found)


def _check_words(criteria: "Criteria", types: tuple[str, ...], found: Filter) -> None:
    if len(found.path) > 1 or found.operator != "co" or not criteria.knows(types, found.path[0].code):
        raise Refused(f"{found.operator} of texts")
    full_text.parse(found.value)


def _check_value(criteria: "Criteria", parameter: SearchParameter, found: Filter) -> None:
    if found.operator == "pr":
        if found.value not in ("true", "false"):
            raise Refused("pr")
    elif parameter.type in ("date", "number", "quantity"):
        if found.value[:1].isalpha():
            raise Refused("letters before a value")
        prefix = "" if found.operator == "po" else found.operator
        criteria.check_value(parameter, "", prefix + found.value)
    elif parameter.type == "uri" and found.operator in _STEPS:
        criteria.check_value(parameter, _STEPS[found.operator], _written(found.value))
    else:
        criteria.check_value(parameter, "", _written(found.value))


def _parameter(criteria: "Criteria", type_: str, code: str) -> SearchParameter:
    parameter = criteria.world.parameter(type_, code)
    if parameter is None or parameter.type == "special" or parameter.expression is None:
        raise Refused(f"{type_} has no {code}")
    return parameter


def _chained(criteria: "Criteria", type_: str, parameter: SearchParameter, found: Filter) -> list[str]:
    targets = criteria.world.targets(parameter, type_) if parameter.type == "reference" else ()
    return [each for each in targets if criteria.knows((each,), found.path[1].code)]


def fits(criteria: "Criteria", identity: Identity, found: Filter) -> bool:
    match found.kind:
        case "not":
            return not fits(criteria.opposite(), identity, found.terms[0])
        case "and":
            return all(fits(criteria, identity, each) for each in found.terms)
        case "or":
            return any(fits(criteria, identity, each) for each in found.terms)
    if found.path[0].code in full_text.PARAMETERS:
        return criteria.has_words(identity, found.path[0].code, found.value)
    parameter = _parameter(criteria, identity[0], found.path[0].code)
    if len(found.path) > 1:
        return _fits_there(criteria, identity, parameter, found)
    return _compares(criteria, identity, parameter, found)


def _fits_there(criteria: "Criteria", identity: Identity, parameter: SearchParameter, found: Filter) -> bool:
    """ "subject.name": of something that is referred to, and that fits what the brackets say."""
    world, where = criteria.world, found.path[0].where
    types = _chained(criteria, identity[0], parameter, found)
    there = [each for each in world.referred(identity, parameter) if each in world.resources]
    return any(
        fits(criteria, target, replace(found, path=found.path[1:]))
        and (where is None or fits(criteria, target, where))
        for target in there + world.contained(identity, parameter)
        if target[0] in types
    )


def _compares(criteria: "Criteria", identity: Identity, parameter: SearchParameter, found: Filter) -> bool:
    operator, value = found.operator, found.value
    if operator == "pr":
        return criteria.is_present(identity, parameter) is (value == "true")
    if operator == "ne" and parameter.type not in ("date", "number", "quantity"):
        # ":ne … there are values, and none is": what has none is not unequal
        is_there = criteria.is_present(identity, parameter)
        return is_there and not _compares(criteria, identity, parameter, replace(found, operator="eq"))
    if parameter.code == "_id":
        return identity[1].rpartition("#")[2] == value
    values = criteria.world.values(identity, parameter)
    match parameter.type:
        case "string":
            own, more = _texts(criteria, identity, parameter)
            if operator in ("co", "sw") and any(
                criteria.fits_name(
                    parameter, identity[0], each, strings.folded(value), anywhere=operator == "co"
                )
                for each in values
            ):
                return True
            if operator == "sw" and parameter.code == "phonetic" and criteria.generous:
                wanted = strings.folded(value)
                if any(names.sounds(parameter, *each, wanted, generous=True) for each in values):
                    return True
            # what is equal, and how a text ends, goes by what is written, not by what is put together of it
            have = own if operator == "eq" else own + more
            return any(_TEXTS[operator](each, strings.folded(value)) for each in have)
        case "date" if operator == "po":
            first, last = dates.range_of(value, criteria.world.zone)
            return any(
                low <= last and high >= first
                for typed in values
                for low, high in dates.ranges(*typed, criteria.world.zone)
            )
        case "date" | "number" | "quantity":
            return criteria.fits_one(identity, parameter, "", operator + value)
    return criteria.fits_one(identity, parameter, _STEPS.get(operator, ""), _written(value))


def _texts(
    criteria: "Criteria", identity: Identity, parameter: SearchParameter
) -> tuple[list[str], list[str]]:
    """As they are compared: those that are written, and those that a server has beside them."""
    own, more = [], []
    for typed in criteria.world.values(identity, parameter):
        own += [strings.folded(each) for each in strings.texts(*typed)]
        family = names.is_family(parameter)
        more += [strings.folded(each) for each in strings.more_texts(*typed, family=family)]
    return own, more


_STEPS = {"ss": "below", "sb": "above"}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda have, wanted: have == wanted,
    "co": lambda have, wanted: wanted in have,
    "sw": str.startswith,
    "ew": str.endswith,
}


def _written(value: str) -> str:
    r"""As a value of an ordinary search: a comma is a comma here; `|` divides, as there."""
    return value.replace("\\", "\\\\").replace(",", "\\,")


def written(found: Filter) -> str:
    """The inverse of `parse`."""
    match found.kind:
        case "not":
            return f"not ({written(found.terms[0])})"
        case "and" | "or":
            # from left to right: what stands first needs no parentheses, what comes then may
            last = written(found.terms[1])
            return f"{written(found.terms[0])} {found.kind} " + (
                f"({last})" if found.terms[1].kind in ("and", "or") else last
            )
    path = ".".join(
        each.code + (f"[{written(each.where)}]" if each.where is not None else "") for each in found.path
    )
    bare = re.fullmatch(r"[^ )\]\"\\]+", found.value)
    return f"{path} {found.operator} {found.value if bare else json.dumps(found.value)}"
