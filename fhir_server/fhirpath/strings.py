"""indexOf(), substring(), startsWith(), matches() and the other functions on strings.

https://hl7.org/fhirpath/N1/#string-manipulation; split(), join(), trim(), lastIndexOf() and matchesFull() are
of https://hl7.org/fhirpath/#additional-string-functions, and so are the flags of
regular expressions.
"""

from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import ABSENT, BOOLEAN, INTEGER, STRING, Compiled, describe, from_one
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.regex import PatternError, flagged, matcher, replaced
from fhir_server.fhirpath.scope import TEXT_LIMIT, Scope
from fhir_server.fhirpath.values import to_system


def _test(operation: Callable[[str, str], bool]) -> Function:
    """A question about a string and another, empty when one of them is."""

    def compile_(call: Call) -> Compiled:
        focus, other = call.focus_string(), call.string(0)
        fixed = call.argument(0).constant

        def of_fixed(this: Any, scope: Scope) -> bool | None:
            found = focus(this, scope)
            return None if found is None else operation(found, fixed)

        def one(this: Any, scope: Scope) -> bool | None:
            found = focus(this, scope)
            if found is None:
                return None
            argument = other(this, scope)
            return None if argument is None else operation(found, argument)

        return from_one(one if fixed is ABSENT or type(fixed) is not str else of_fixed, BOOLEAN)

    return Function(compile_, 1, 1)


def _change(operation: Callable[[str], str]) -> Function:
    def compile_(call: Call) -> Compiled:
        focus = call.focus_string()

        def one(this: Any, scope: Scope) -> str | None:
            found = focus(this, scope)
            return None if found is None else operation(found)

        return from_one(one, STRING)

    return Function(compile_)


def _index_of(call: Call) -> Compiled:
    focus, other = call.focus_string(), call.string(0)

    def one(this: Any, scope: Scope) -> int | None:
        found, part = focus(this, scope), other(this, scope)
        return None if found is None or part is None else found.find(part)

    return from_one(one, INTEGER)


def _substring(call: Call) -> Compiled:
    focus, start = call.focus_string(), call.integer(0)
    length = call.integer(1) if call.count > 1 else None

    def one(this: Any, scope: Scope) -> str | None:
        found, begin = focus(this, scope), start(this, scope)
        if found is None or begin is None or not 0 <= begin < len(found):
            return None
        if length is None:
            return found[begin:]
        # an empty length counts as if it were not given
        count = length(this, scope)
        return found[begin:] if count is None else found[begin : begin + max(0, count)]

    return from_one(one, STRING)


def _replace(call: Call) -> Compiled:
    focus, pattern, substitution = call.focus_string(), call.string(0), call.string(1)
    at = call.at

    def one(this: Any, scope: Scope) -> str | None:
        found, old, new = focus(this, scope), pattern(this, scope), substitution(this, scope)
        if found is None or old is None or new is None:
            return None
        scope.build(len(found) + (found.count(old) if old else len(found) + 1) * len(new), at)
        return found.replace(old, new)

    return from_one(one, STRING)


def _matches(call: Call, *, whole: bool = False) -> Compiled:
    """whole: the pattern has to match all of the text."""
    focus, pattern, at = call.focus_string(), call.string(0), call.node.arguments[0].at
    fixed = call.argument(0).constant
    flags = call.string(1) if call.count > 1 else None

    def compiled(found: str, set_: str = "") -> Callable[[str], bool]:
        try:
            return matcher(flagged(rf"\A(?:{found})\z" if whole else found, set_))
        except PatternError as error:
            raise FhirPathError(str(error), at, costly=error.costly) from None

    if type(fixed) is str and flags is None:
        matches = compiled(fixed)

        def of_fixed(this: Any, scope: Scope) -> bool | None:
            found = focus(this, scope)
            return None if found is None else matches(found)

        return from_one(of_fixed, BOOLEAN)

    def one(this: Any, scope: Scope) -> bool | None:
        found, expression = focus(this, scope), pattern(this, scope)
        set_ = "" if flags is None else flags(this, scope)
        if found is None or expression is None or set_ is None:
            return None
        return compiled(expression, set_)(found)

    return from_one(one, BOOLEAN)


def _replace_matches(call: Call) -> Compiled:
    focus, pattern, substitution = call.focus_string(), call.string(0), call.string(1)
    flags = call.string(2) if call.count > 2 else None
    at = call.at

    def one(this: Any, scope: Scope) -> str | None:
        found, old, new = focus(this, scope), pattern(this, scope), substitution(this, scope)
        set_ = "" if flags is None else flags(this, scope)
        if found is None or old is None or new is None or set_ is None:
            return None
        try:
            changed = replaced(flagged(old, set_), new, found, TEXT_LIMIT)
        except PatternError as error:
            raise FhirPathError(str(error), at, costly=error.costly) from None
        scope.build(len(changed), at)
        return changed

    return from_one(one, STRING)


def _split(call: Call) -> Compiled:
    """The parts between separators; an empty separator parts the characters."""
    focus, separator = call.focus_string(), call.string(0)

    def many(this: Any, scope: Scope) -> list[Any]:
        found, between = focus(this, scope), separator(this, scope)
        if found is None or between is None:
            return []
        return found.split(between) if between else list(found)

    return Compiled(many, STRING)


def _join(call: Call) -> Compiled:
    """All items in one string, with the separator between them; empty when there is none."""
    run, convert, at = call.focus.run, to_system(call.model, call.focus.type), call.at
    separator = call.string(0) if call.count else None

    def one(this: Any, scope: Scope) -> str | None:
        parts = [convert(item) for item in run(this, scope)]
        between = "" if separator is None else separator(this, scope)
        if any(type(part) is not str for part in parts):
            raise call.error("not all items are Strings")
        if between is None or not parts:
            return None
        scope.build(sum(map(len, parts)) + len(between) * len(parts), at)
        return between.join(parts)

    return from_one(one, STRING)


def _last_index_of(call: Call) -> Compiled:
    focus, other = call.focus_string(), call.string(0)

    def one(this: Any, scope: Scope) -> int | None:
        found, part = focus(this, scope), other(this, scope)
        return None if found is None or part is None else found.rfind(part)

    return from_one(one, INTEGER)


def _length(call: Call) -> Compiled:
    focus = call.focus_string()

    def one(this: Any, scope: Scope) -> int | None:
        found = focus(this, scope)
        return None if found is None else len(found)

    return from_one(one, INTEGER)


def _to_chars(call: Call) -> Compiled:
    focus = call.focus_string()
    return Compiled(lambda this, scope: list(focus(this, scope) or ""), STRING)


def joined(operands: tuple[Callable[[Any, Scope], Any], ...], at: int) -> Compiled:
    """`&`: the empty collection counts as the empty string.

    https://hl7.org/fhirpath/N1/#string-concatenation
    """

    def one(this: Any, scope: Scope) -> str:
        parts = [_as_text(operand(this, scope), at) for operand in operands]
        scope.build(sum(map(len, parts)), at)
        return "".join(parts)

    return from_one(one, STRING)


def _as_text(value: Any, at: int) -> str:
    if value is None or type(value) is str:
        return value or ""
    raise FhirPathError(f"&: {describe(value)} is not a String", at)


FUNCTIONS = {
    "indexOf": Function(_index_of, 1, 1),
    "substring": Function(_substring, 1, 2),
    "startsWith": _test(str.startswith),
    "endsWith": _test(str.endswith),
    "contains": _test(str.__contains__),
    "upper": _change(str.upper),
    "lower": _change(str.lower),
    "replace": Function(_replace, 2, 2),
    "matches": Function(_matches, 1, 2),
    "matchesFull": Function(lambda call: _matches(call, whole=True), 1, 2),
    "replaceMatches": Function(_replace_matches, 2, 3),
    "length": Function(_length),
    "toChars": Function(_to_chars),
    "split": Function(_split, 1, 1),
    "join": Function(_join, 0, 1),
    "trim": _change(str.strip),
    "lastIndexOf": Function(_last_index_of, 1, 1),
}
