"""The words of texts, as `_text` and `_content` find them: the same for resources and for what is asked.

https://hl7.org/fhir/R4/search.html#text

Letters of one kind and digits in a row are a word. Ideographs and kana have no spaces between words: each two
neighbours are one, 高血压 is 高血 and 血压, and the last of a run stands alone. So a text of two or more is a
phrase, wherever a dictionary would cut it. For single ones each that occurs is added once more at the end.
"""

import re
from functools import cache
from html import unescape
from typing import Any

from fhir_server.resource import Resource, decode
from fhir_server.search.text import IDEOGRAPH, normalise
from fhir_server.store.algebra import FullText
from fhir_server.store.matching import stands_in
from fhir_server.store.protocol import Wording, Words

LENGTH = 64  # characters of a word; what comes after them does not count

_APART = "\x01"  # between texts: a phrase does not go from one to the next
_GAP = "\ue000"  # the word that is indexed for it, a character of private use
_RUN = f"{IDEOGRAPH}\u3040-\u30ff"
_HAS_RUN = re.compile(f"[{_RUN}]").match
_ASCII_WORD = re.compile(f"[a-z0-9]+|{_APART}")
_WORD = re.compile(rf"[a-z0-9]+|{_APART}|[{_RUN}]+|[^\W_a-z0-9{_RUN}]+")

# elements that stand within a word of HTML; the others stand between words
_INLINE = re.compile(r"</?(?:a|abbr|b|big|code|em|i|small|span|strong|sub|sup|tt)(?:\s[^>]*)?>")
_MARKUP = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)

_NO_TEXT = frozenset(("id", "reference", "data", "hash", "resourceType"))
"""Elements that are found by other parameters, or are binary."""
_NO_WORDS = re.compile(r"(?:https?:|urn:)\S*|\d{4}(?:-\d\d){1,2}T[\d:.+Z-]+")
"""URIs and times are no text, wherever they stand."""
_ASCII = bytes(range(128))
_DOUBTFUL = frozenset("hu0123456789")  # what these begin with


def words(body: bytes) -> Words:
    """Those of a resource's JSON."""
    return words_of(decode(body))


def words_of(resource: Resource) -> Words:
    narrative, others = _texts(resource)
    return Words(_all(narrative), _all(f" {_APART} ".join(others)))


def has(body: bytes, node: FullText) -> bool:
    """Whether a body has the words of a query: without looking at texts that cannot have them."""
    if node.where == "narrative" and b"<div" not in body:
        return False
    others = set(body.translate(None, _ASCII).decode())
    # markup stands within words, and some characters become others: then only the words themselves tell
    if not (b"<div" in body or any(map(_changes, others)) or _may_have(body.decode(), node.words)):
        return False
    narrative, texts = _texts(decode(body))
    if node.where == "anywhere" and any(_has(text, node) for text in texts):
        return True
    return _has(narrative, node)


def _has(text: str, node: FullText) -> bool:
    if text.isascii() and not _may_have(text, node.words):
        return False
    return stands_in(node, Words(_all(text), ()))


def _may_have(text: str, words: tuple[str, ...]) -> bool:
    """Of a text that `normalise` only makes lower: whether all the words stand in it somewhere."""
    text = text.lower()
    return all(word in text if word.isascii() else all(c in text for c in word) for word in words)


@cache
def _changes(character: str) -> bool:
    """Whether `normalise` makes another one of it."""
    return normalise(f"a{character}a") != f"a{character}a"


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


def _texts(resource: Resource) -> tuple[str, list[str]]:
    """The narrative, and all other texts."""
    narrative, others = "", list[str]()
    for name, value in resource.items():
        if name == "text" and isinstance(value, dict) and "div" in value:
            narrative = _plain(str(value["div"]))
        else:
            _collect(name, value, others)
    return narrative, others


def _collect(name: str, value: Any, found: list[str]) -> None:
    """Add the texts below an element."""
    if isinstance(value, str):
        if name == "div":
            found.append(_plain(value))
        elif name not in _NO_TEXT and not (value[:1] in _DOUBTFUL and _NO_WORDS.fullmatch(value)):
            found.append(value)
    elif isinstance(value, dict):
        for key, each in value.items():
            _collect(key, each, found)
    elif isinstance(value, list):
        for each in value:
            _collect(name, each, found)


def _plain(html: str) -> str:
    """The text of a narrative."""
    return unescape(_MARKUP.sub(" ", _INLINE.sub("", html)))


def _all(text: str) -> tuple[str, ...]:
    found, _ = _split(text)
    singles = {c for word in found if not word.isascii() and _HAS_RUN(word) for c in word}
    for character in sorted(singles):
        found += (_GAP, character)
    return tuple(found)


def _split(text: str) -> tuple[list[str], str]:
    """The words, and the run of ideographs that the text ends with ("" when it does not)."""
    text = normalise(text)
    if text.isascii():
        return [_GAP if word == _APART else word[:LENGTH] for word in _ASCII_WORD.findall(text)], ""
    found, run = [], ""
    for word in _WORD.findall(text):
        run = "" if word.isascii() or not _HAS_RUN(word) else word
        if run:
            found += [run[n : n + 2] for n in range(len(run))]
        else:
            found.append(_GAP if word == _APART else word[:LENGTH])
    return found, run


WORDING = Wording(words, has)
"""What a store is opened with to be searched by text."""
