"""Texts of other formats to dates: `'15/01/24'.toDate('dd/MM/yy')`.

https://hl7.org/fhirpath/#format-codes

All codes but the names of months and of time zones; 上午 and 下午 are read as AM and PM are. A two-digit year
is of 1950 to 2049. What the format leaves out ends the date: without a day it is one of a month.
"""

import re
from functools import lru_cache

from fhir_server.fhirpath.moments import Moment, parse_moment

LENGTH_LIMIT = 100  # characters of a format

_CODE = re.compile(r"yyyy|yy|MMMM|MMM|MM|M|dd|d|hh|h|HH|H|mm|m|ss|s|S+|a|z|Z")
_NOT_SUPPORTED = frozenset(("MMMM", "MMM", "z"))
_TWO, _ONE_OR_TWO = r"\d\d", r"\d{1,2}"
_FIELDS = {
    "yyyy": ("year", r"\d{4}"),
    "yy": ("year", _TWO),
    "MM": ("month", _TWO),
    "M": ("month", _ONE_OR_TWO),
    "dd": ("day", _TWO),
    "d": ("day", _ONE_OR_TWO),
    "HH": ("hour", _TWO),
    "H": ("hour", _ONE_OR_TWO),
    "hh": ("half", _TWO),
    "h": ("half", _ONE_OR_TWO),
    "mm": ("minute", _TWO),
    "m": ("minute", _ONE_OR_TWO),
    "ss": ("second", _TWO),
    "s": ("second", _ONE_OR_TWO),
    "a": ("noon", r"[AaPp][Mm]?|上午|下午"),
    "Z": ("zone", r"Z|[+-]\d\d:?\d\d"),
}
_MORNING = frozenset(("a", "am", "上午"))
_CENTURY_BEGINS = 50


class FormatError(Exception):
    """A format that makes no sense, or uses a code that is not supported."""


@lru_cache(256)
def _pattern(text: str) -> re.Pattern[str]:
    if len(text) > LENGTH_LIMIT:
        raise FormatError(f"a format of {len(text)} characters, at most {LENGTH_LIMIT} are allowed")
    parts, at, used = [], 0, set[str]()
    for code in _CODE.finditer(text):
        if code.group() in _NOT_SUPPORTED:
            raise FormatError(f"the format code {code.group()} is not supported")
        name, pattern = _FIELDS.get(code.group(), ("fraction", rf"\d{{{len(code.group())}}}"))
        if name in used:
            raise FormatError(f"the format says the {name} twice")
        used.add(name)
        parts += [re.escape(text[at : code.start()]), f"(?P<{name}>{pattern})"]
        at = code.end()
    return re.compile("".join(parts) + re.escape(text[at:]), re.ASCII)


def parse_formatted(text: str, pattern: str) -> Moment | None:
    """The Date that the text says, or the DateTime where it says an hour; None: it is none of this format.

    Raises FormatError.
    """
    match = _pattern(pattern).fullmatch(text)
    if match is None:
        return None
    said = {name: value for name, value in match.groupdict().items() if value is not None}
    if "year" not in said:
        return None
    written = _year(said["year"])
    for name in ("month", "day"):
        if name not in said:
            return parse_moment(written)
        written += f"-{int(said[name]):02}"
    hour = _hour(said)
    return parse_moment(written if hour is None else f"{written}T{hour}{_clock(said)}{_zone(said)}")


def _year(text: str) -> str:
    if len(text) == 4:
        return text
    return f"{'19' if int(text) >= _CENTURY_BEGINS else '20'}{text}"


def _hour(said: dict[str, str]) -> str | None:
    if "hour" in said:
        return f"{int(said['hour']):02}"
    if "half" not in said:
        return None
    half = int(said["half"])
    if not 1 <= half <= 12:
        return "99"  # no hour of a day
    afternoon = said.get("noon", "a").lower() not in _MORNING
    return f"{half % 12 + 12 * afternoon:02}"


def _clock(said: dict[str, str]) -> str:
    if "minute" not in said:
        return ""
    clock = f":{int(said['minute']):02}"
    if "second" in said:
        clock += f":{int(said['second']):02}"
        if "fraction" in said:
            clock += f".{said['fraction']}"
    return clock


def _zone(said: dict[str, str]) -> str:
    zone = said.get("zone", "")
    return f"{zone[:3]}:{zone[-2:]}" if len(zone) > 1 else zone
