"""What rules find, and how they are called.

A rule is given a value and answers what is wrong with it, mostly nothing at all: then neither a path nor a
text has been made. Where something is found, each rule on the way up puts its own step before the path.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fhir_server.outcome import IssueCode, Severity

if TYPE_CHECKING:
    from fhir_server.validation.profile.run import Run

UNKNOWN = "profile-unknown"
LATER = "later"
_ERRORS = frozenset(("fatal", "error"))


class Problem(NamedTuple):
    severity: Severity
    code: IssueCode
    text: str
    message: str  # the rule that says so, stable for tests
    later: "Callable[[], Found] | None" = None  # what answers in its place, once the run goes on


Found = Sequence[tuple[str, Problem]]
"""(FHIRPath from the value that a rule was given, problem); `""` is the path of the value itself"""

Beside = dict[str, Any] | None
"""`_x`, id and extensions of a primitive; None: there is none."""

Rule = Callable[[Any, Beside, str, "Run"], Found]
"""(value, what stands beside it, its type, run)

The type of a resource is its own, of a backbone element its path. The value is None for a primitive that has
extensions and no value.
"""

NOTHING: Found = ()


def problem(severity: Severity, code: IssueCode, text: str, message: str) -> Found:
    """Of the value itself."""
    return (("", Problem(severity, code, text, message)),)


def unknown(canonical: str) -> Found:
    """A profile that is not known; the run says what that means."""
    return problem("information", "not-found", canonical, UNKNOWN)


def later(rule: "Callable[[], Found]") -> Found:
    """A rule that waits for an answer; its answer comes to stand where this does."""
    return (("", Problem("information", "incomplete", "", LATER, rule)),)


def behind(step: str, found: Found) -> Found:
    """The same, `step` further up."""
    return [(step + path, one) for path, one in found]


def passes(found: Found) -> bool:
    """Whether there is no error in it."""
    return not any(one.severity in _ERRORS for _, one in found)


def waits(found: Found) -> bool:
    """Whether some of it is said later."""
    return any(one.message == LATER for _, one in found)


def unknowns(found: Found) -> Found:
    """The profiles in it that are not known."""
    return [each for each in found if each[1].message == UNKNOWN]


def all_of(rules: Iterable[Rule]) -> Rule | None:
    """One rule after the other; None: there are none."""
    rules = tuple(rules)
    if len(rules) < 2:
        return rules[0] if rules else None

    def rule(value: Any, beside: Beside, type_: str, run: "Run") -> Found:
        found = NOTHING
        for one in rules:
            if more := one(value, beside, type_, run):
                found = [*found, *more]
        return found

    return rule
