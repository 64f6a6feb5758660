"""How Chinese names are read: pinyin without tones, and its initials.

A character may have several readings. All are found, within bounds; those of a surname come first where a
surname stands (单 is Shan, and Dan too). Readings are kept beside a name, they never stand for it.
"""

import os
import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from heapq import heappop, heappush

from fhir_server.search.characters import COMPOUND_SURNAMES, ONE_READING, SURNAMES
from fhir_server.search.text import DOT, DOTS, has_ideographs

OF_A_CHARACTER = 3
OF_A_TEXT = 8
INITIALS_OF_A_TEXT = 4
LENGTH = 64  # characters of a text; what comes after them is not read

_UMLAUT = re.compile("u([\u0300-\u036f]*)\u0308")
_MARKS = re.compile("[\u0300-\u036f]")
_BETWEEN_SYLLABLES = re.compile(rf"[\s'’`.\-{DOT}{DOTS}]")
_TONE_DIGIT = re.compile("(?<=[a-z])[1-5]")
_TYPED = re.compile("[a-z0-9]+")
_WORD = re.compile("[a-z0-9]+|[^a-z0-9]")


@lru_cache(8192)
def readings(text: str, *, surname: bool = False) -> tuple[str, ...]:
    """The pinyin of normalised text as one word each, the likeliest first; without ideographs: none.

    surname: one may stand at the beginning. Letters and digits between ideographs stay.
    """
    return _likely(_syllables(text, surname), OF_A_TEXT)


@lru_cache(8192)
def initials(text: str, *, surname: bool = False) -> tuple[str, ...]:
    """`zs` for 张三, as `readings`; none for a single character, whose reading begins with it."""
    syllables = _syllables(text, surname)
    if len(syllables) < 2:
        return ()
    letters = [tuple(dict.fromkeys([each[0] for each in found])) for found in syllables]
    return _likely(letters, INITIALS_OF_A_TEXT)


def typed(text: str) -> str | None:
    """Pinyin as somebody typed it, in the form of `readings`; None when it cannot be pinyin.

    `Zhang San`, `zhāng sān`, `zhang1san1`, `Xi'an`, `lǚ` and `lv` are understood.
    """
    if text.isascii():
        plain = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text).casefold()
        plain = _MARKS.sub("", _UMLAUT.sub(r"v\1", decomposed))
    plain = _TONE_DIGIT.sub("", _BETWEEN_SYLLABLES.sub("", plain))
    return plain if _TYPED.fullmatch(plain) else None


def _likely(choices: Sequence[Sequence[str]], limit: int) -> tuple[str, ...]:
    """One of each choice, joined, in up to `limit` ways: first those nearest to the first choices."""
    if not choices:
        return ()
    usual = "".join([found[0] for found in choices])
    if all(len(found) == 1 for found in choices):
        return (usual,)
    ways: dict[str, None] = {}
    nearest = (0,) * len(choices)
    seen, line = {nearest}, [(0, nearest)]
    while line and len(ways) < limit:
        distance, places = heappop(line)
        ways["".join(found[-place] for found, place in zip(choices, places, strict=True))] = None
        for n, found in enumerate(choices):
            # places are negative, so that of two at one distance the one that differs earlier comes first
            if 1 - places[n] < len(found):
                other = (*places[:n], places[n] - 1, *places[n + 1 :])
                if other not in seen:
                    seen.add(other)
                    heappush(line, (distance + 1, other))
    return tuple(ways)


def _syllables(text: str, surname: bool) -> list[tuple[str, ...]]:
    """The readings of each character. Runs of letters and digits count as one, what has no sound is left."""
    if not has_ideographs(text):
        return []
    text = text[:LENGTH]
    first = _surname(text) if surname else []
    found = [*first]
    for word in _WORD.findall(text[len(first) :]):
        if choices := ((word,) if word.isascii() and word.isalnum() else _of_character(word)):
            found.append(choices)
    return found


def _surname(text: str) -> list[tuple[str, ...]]:
    """The readings of the surname that the text begins with, where they are not the ordinary ones alone."""
    compound = COMPOUND_SURNAMES.get(text[:2])
    if compound is not None:
        return [
            tuple(dict.fromkeys((*_spellings(special), *_of_character(character))))
            for special, character in zip(compound.split(), text, strict=False)
        ]
    special = SURNAMES.get(text[:1])
    if special is None:
        return []
    return [tuple(dict.fromkeys((*special.split(), *_of_character(text[0]))))]


@lru_cache(8192)
def _of_character(character: str) -> tuple[str, ...]:
    toned = _dictionary().get(ord(character))
    if toned is None:
        return tuple(SURNAMES.get(character, "").split())
    found: dict[str, None] = {}
    most = 1 if character in ONE_READING else OF_A_CHARACTER
    for each in toned.split(","):
        plain = _MARKS.sub("", _UMLAUT.sub(r"v\1", unicodedata.normalize("NFD", each)))
        if plain.isascii() and plain.isalpha() and len(found) < most:
            found |= dict.fromkeys(_spellings(plain))
    return tuple(found)


def _spellings(plain: str) -> tuple[str, ...]:
    """ü is typed v or u, and is yu in passports."""
    if "v" not in plain:
        return (plain,)
    return plain, plain.replace("v", "u"), plain.replace("v", "yu")


@cache
def _dictionary() -> dict[int, str]:
    """Toned readings by code point, the commonest first.

    0.1 s and 14 MB when the first ideograph comes; its dictionary of phrases would cost four times that.
    """
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")
    from pypinyin.constants import PINYIN_DICT

    found: dict[int, str] = PINYIN_DICT
    return found
