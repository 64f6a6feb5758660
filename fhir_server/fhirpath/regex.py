"""Regular expressions that take time in proportion to the text.

RE2 has no backtracking, so no expression of a client can hold the server; what RE2 refuses (look-around,
references to groups) is an error that says so.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

LENGTH_LIMIT = 2_000  # characters of a pattern
PROGRAM_LIMIT = 20_000  # instructions; beyond it RE2 may run out of memory in the middle of a text

_GROUP = re.compile(r"\$(?:(\d{1,2})|\{(\w+)\}|\$)")


class PatternError(Exception):
    """What is wrong with a regular expression; costly: it is right, and asks for more than it may."""

    def __init__(self, problem: str, *, costly: bool = False) -> None:
        super().__init__(problem)
        self.costly = costly


_FLAGS = frozenset("im")


def flagged(pattern: str, flags: str) -> str:
    """The pattern with flags: `i` in any case, `m` for `^` and `$` at each line. Raises PatternError.

    https://hl7.org/fhirpath/#fn-matches
    """
    unknown = set(flags) - _FLAGS
    if unknown:
        raise PatternError(f"{min(unknown)!r} is no flag, there are i and m")
    return f"(?{''.join(sorted(set(flags)))}){pattern}" if flags else pattern


@lru_cache(1024)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether the pattern matches somewhere in a text; raises PatternError.

    https://hl7.org/fhirpath/N1/#matchesregex-string-boolean: case-sensitive, "single line" mode.
    """
    _compiled(pattern)
    # a Set answers yes or no ten times faster than a pattern builds its match
    single = re2.Set.SearchSet(_options())
    single.Add(pattern)
    single.Compile()
    match = single.Match
    return lambda text: match(text) is not None


def replaced(pattern: str, substitution: str, text: str, longest: int) -> str:
    """The text with each match replaced; `$1`, `${name}` are groups, `$$` is a dollar.

    longest: characters that the replacements may have together. Raises PatternError.
    """
    found = _compiled(pattern)
    length = 0

    def expand(match: Any) -> str:
        nonlocal length

        def group(reference: re.Match[str]) -> str:
            number, name = reference.groups()
            if number is None and name is None:
                return "$"
            try:
                return match.group(name if name and not name.isdigit() else int(number or name)) or ""
            except IndexError:
                raise PatternError(f"there is no group {reference.group()!r}") from None

        part = _GROUP.sub(group, substitution)
        length += len(part)
        if length > longest:
            raise PatternError(f"too costly: replacements of more than {longest} characters", costly=True)
        return part

    result: str = found.sub(expand, text)
    return result


def _options() -> Any:
    options = re2.Options()
    options.dot_nl = True
    options.log_errors = False
    return options


@lru_cache(1024)
def _compiled(pattern: str) -> Any:
    if len(pattern) > LENGTH_LIMIT:
        raise PatternError(
            f"a regular expression of {len(pattern)} characters, at most {LENGTH_LIMIT} are allowed",
            costly=True,
        )
    try:
        found = re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        problem = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"the regular expression is not supported: {problem}") from None
    if found.programsize > PROGRAM_LIMIT:
        raise PatternError("the regular expression is too costly", costly=True)
    return found
