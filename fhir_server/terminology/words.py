"""Texts as the filter of an expansion compares them.

https://hl7.org/fhir/R4/valueset-operation-expand.html: what `filter` means is left to the server. Here: each
word of it, separated by white space, must be found; a word of letters and digits at the beginning of a word,
one with ideographs anywhere. Case, width, accents and punctuation do not count.

A text becomes tokens after blanks, each ideograph one: ` 肺 炎 j18 9`. What begins a token is then a part of
the text, in memory and in a full-text index alike.
"""

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f]")
_IDEOGRAPH = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_WHOLE = re.compile(f"[{_IDEOGRAPH}]")
_TOKEN = re.compile(f"[{_IDEOGRAPH}]|[^\\W_{_IDEOGRAPH}]+")


def folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKC", _MARKS.sub("", decomposed))


def tokens(text: str) -> str:
    """The tokens of a text, each after a blank; "" for a text without any."""
    return "".join(f" {token}" for token in _TOKEN.findall(folded(text)))


def phrases(filter_: str) -> tuple[str, ...]:
    """What must be in the tokens of a text that the filter finds."""
    return tuple(phrase for word in filter_.split() if (phrase := tokens(word)))


def asked(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The phrases for an index: a blank ends one whose last token is whole, as each ideograph is."""
    return tuple(f"{phrase} " if _WHOLE.fullmatch(phrase[-1]) else phrase for phrase in wanted)


def matches(text: str, wanted: tuple[str, ...]) -> bool:
    """text: as `tokens` made it."""
    return all(phrase in text for phrase in wanted)
