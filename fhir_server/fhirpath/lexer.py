"""Text to tokens.

https://hl7.org/fhirpath/N1/#lexical-elements, https://hl7.org/fhirpath/N1/grammar.html
"""

import re
from dataclasses import dataclass
from typing import Literal

from fhir_server.fhirpath.errors import FhirPathError

Kind = Literal[
    "datetime", "time", "number", "identifier", "delimited", "string", "variable", "special", "symbol", "end"
]

_TIME = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_TOKEN = re.compile(
    rf"""
      (?P<space> (?: [ \r\n\t]+ | //[^\r\n]* | /\*(?:[^*]|\*(?!/))*\*/ )+ )
    | (?P<datetime> @\d{{4}} (?: -\d\d (?: -\d\d (?:T(?:{_TIME})?)? | T )? | T )? (?:Z|[+-]\d\d:\d\d)? )
    | (?P<time> @T{_TIME} )
    | (?P<number> \d+(?:\.\d+|L(?![A-Za-z0-9_]))? )
    | (?P<identifier> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<delimited> `(?:[^`\\]|\\.)*` )
    | (?P<string> '(?:[^'\\]|\\.)*' )
    | (?P<special> \$(?:this|index|total)\b )
    | (?P<symbol> <=|>=|!=|!~|/(?!\*)|[-+*&|<>=~.,:()\[\]{{}}%] )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {character: character for character in "`'\\/\""}


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str  # strings and delimited identifiers without quotes and escapes
    at: int


def tokens(text: str) -> list[Token]:
    """The tokens of `text`, the last of kind "end"; raises FhirPathError."""
    found = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise FhirPathError(_unexpected(text, at), at)
        if match.lastgroup != "space":
            found.append(_token(match.lastgroup, match.group(), at))
        at = match.end()
    found.append(Token("end", "", len(text)))
    return found


def _token(kind: str, text: str, at: int) -> Token:
    if kind in ("string", "delimited"):
        text = _unescape(text[1:-1], at + 1)
    elif kind == "time":
        text = text[2:]
    elif kind == "datetime":
        text = text[1:]
    return Token(kind, text, at)  # type: ignore[arg-type]


def _unescape(text: str, at: int) -> str:
    if "\\" not in text:
        return text

    def character(match: re.Match[str]) -> str:
        code, letter = match.groups()
        if code:
            return chr(int(code, 16))
        if letter not in _ESCAPED:
            raise FhirPathError(f"unknown escape \\{letter}", at + match.start())
        return _ESCAPED[letter]

    plain = _ESCAPE.sub(character, text)
    # two escapes may spell one character beyond U+FFFF as a surrogate pair
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unexpected(text: str, at: int) -> str:
    match text[at]:
        case "'":
            return "a string that does not end"
        case "`":
            return "an identifier that does not end"
        case "/" if text.startswith("/*", at):
            return "a comment that does not end"
        case character:
            return f"unexpected character {character!r}"
