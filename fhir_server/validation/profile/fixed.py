"""fixed[x]: this value and no other. pattern[x]: at least this.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.fixed_x_
https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.pattern_x_
"""

from collections.abc import Callable
from functools import partial
from operator import eq
from typing import Any

from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, problem
from fhir_server.validation.profile.run import Run
from fhir_server.validation.scope import shown


def value_of(properties: dict[str, Any], word: str) -> Any:
    """What stands in `fixed[x]` or `pattern[x]`; None: nothing."""
    return next((value for name, value in properties.items() if _is(name, word)), None)


def _is(name: str, word: str) -> bool:
    return name.startswith(word) and name[len(word) : len(word) + 1].isupper()


def fixed(wanted: Any, source: str) -> Rule:
    same = equal_to(wanted)

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if same(value):
            return NOTHING
        text = f"found {shown(value)}, {source} wants exactly {shown(wanted)}"
        return problem("error", "value", text, "fixed")

    return rule


def pattern(wanted: Any, source: str) -> Rule:
    same = like(wanted)

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if same(value):
            return NOTHING
        text = f"found {shown(value)}, {source} wants at least {shown(wanted)}"
        return problem("error", "value", text, "pattern")

    return rule


def equals(value: Any, wanted: Any) -> bool:
    """Equal as JSON: numbers by value, `true` is no number, the order of properties is free."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(equals(value[name], one) for name, one in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(equals, value, wanted))
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def matches(value: Any, wanted: Any) -> bool:
    """Whether all that is in `wanted` is in `value`; of an array each entry in some entry."""
    return like(wanted)(value)


Test = Callable[[Any], bool]


def equal_to(wanted: Any) -> Test:
    """`equals` for one wanted value."""
    return partial(eq, wanted) if isinstance(wanted, str) else lambda value: equals(value, wanted)


def like(wanted: Any) -> Test:
    """`matches` for one wanted value."""
    if isinstance(wanted, dict):
        return _object_like(tuple((name, like(one)) for name, one in wanted.items()))
    if isinstance(wanted, list):
        return _array_like(tuple(map(like, wanted)))
    return equal_to(wanted)


def _object_like(parts: tuple[tuple[str, Test], ...]) -> Test:
    def test(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        for name, fits in parts:  # noqa: SIM110
            if name not in value or not fits(value[name]):
                return False
        return True

    return test


def _array_like(parts: tuple[Test, ...]) -> Test:
    def test(value: Any) -> bool:
        if not isinstance(value, list):
            return False
        for fits in parts:  # noqa: SIM110
            if not any(map(fits, value)):
                return False
        return True

    return test
