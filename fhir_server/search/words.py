"""The words of texts, as `_text` and `_content` find them: the same for resources and for what is asked.

https://hl7.org/fhir/R4/search.html#text

Letters and digits in a row are a word. Ideographs and kana have no spaces between words: each two neighbours
are one, 高血压 is 高血 and 血压, and the last of a run stands alone. So a text of two or more is a phrase,
wherever a dictionary would cut it. For single ones each that occurs is added once more at the end.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from fhir_server.resource import Resource, decode
from fhir_server.search.text import IDEOGRAPH, normalise
from fhir_server.store.protocol import Words

LENGTH = 64  # characters of a word; what comes after them does not count

_APART = "\ue000"  # between texts: a phrase does not go from one to the next. A character of private use
_RUN = f"{IDEOGRAPH}\u3040-\u30ff"
_HAS_RUN = re.compile(f"[{_RUN}]").match
_WORD = re.compile(rf"(?P<run>[{_RUN}]+)|[^\W_{_RUN}]+|{_APART}")

# elements that stand within a word of HTML; the others stand between words
_INLINE = re.compile(r"</?(?:a|abbr|b|big|code|em|i|small|span|strong|sub|sup|tt)(?:\s[^>]*)?>")
_MARKUP = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)

_NO_TEXT = frozenset(("id", "reference", "data", "hash", "resourceType"))
"""Elements that are found by other parameters, or are binary."""
_NO_WORDS = re.compile(r"(?:https?:|urn:)\S*|\d{4}(?:-\d\d){1,2}T[\d:.+Z-]+")
"""URIs and times are no text, wherever they stand."""


def words(body: bytes) -> Words:
    """Those of a resource's JSON."""
    return words_of(decode(body))


def words_of(resource: Resource) -> Words:
    narrative, others = "", list[str]()
    for name, value in resource.items():
        if name == "text" and isinstance(value, dict) and "div" in value:
            narrative = _plain(str(value["div"]))
        else:
            others += _texts(name, value)
    return Words(_all(narrative), _all(f" {_APART} ".join(others)))


def asked(text: str, *, prefix: bool = False) -> tuple[tuple[str, ...], bool]:
    """The words that must stand in this order, and whether the last one may go on.

    A run of ideographs at the end may always go on. prefix: so may another word
    """
    found, last = _split(text.replace(_APART, " "))
    if not last:
        return tuple(found), prefix
    if len(last) > 1:
        return tuple(found[:-1]), False
    return tuple(found), len(found) > 1


def _texts(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if name == "div":
            yield _plain(value)
        elif name not in _NO_TEXT and _NO_WORDS.fullmatch(value) is None:
            yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(key, each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(name, each)


def _plain(html: str) -> str:
    """The text of a narrative."""
    return unescape(_MARKUP.sub(" ", _INLINE.sub("", html)))


def _all(text: str) -> tuple[str, ...]:
    found, _ = _split(text)
    singles = {character for word in found if _HAS_RUN(word) for character in word}
    for character in sorted(singles):
        found += (_APART, character)
    return tuple(found)


def _split(text: str) -> tuple[list[str], str]:
    """The words, and the run of ideographs that the text ends with ("" when it does not)."""
    found, run = [], ""
    for match in _WORD.finditer(normalise(text)):
        run = match["run"] or ""
        if run:
            found += [run[n : n + 2] for n in range(len(run))]
        else:
            found.append(match[0][:LENGTH])
    return found, run
