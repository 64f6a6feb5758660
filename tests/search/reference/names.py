"""Names by pinyin, by its initials, by their parts, by their sound: https://hl7.org/fhir/R4/patient.html#search

What a server has to find, and what it may: a character is read in one usual way, and a server may know
others. Where characters have one reading the two are the same. Readings are those that the library pypinyin
has of characters, and of its phrases.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from math import prod
from typing import Any

from jellyfish import metaphone
from pypinyin import Style, pinyin
from pypinyin.contrib.tone_convert import to_normal
from pypinyin.phrases_dict import phrases_dict

from fhir_server.definitions.types import SearchParameter
from tests.search.reference.strings import folded, is_chinese, texts

Choices = tuple[tuple[str, ...], ...]
"""The readings of each character, the usual one first."""

OF_A_NAME = 8  # readings that are found
WAYS = 4096  # of reading what is asked for, that are looked at
_OWNERS = ("Organization", "Location", "HealthcareService")
_SURNAMES = {
    "单": "shan", "单于": "chan yu", "曾": "zeng", "朴": "piao", "尉迟": "yu chi", "仇": "qiu", "解": "xie",
    "查": "zha", "区": "ou", "任": "ren", "盖": "ge", "翟": "zhai", "缪": "miao", "万俟": "mo qi",
    "乐": "yue", "长孙": "zhang sun", "𠮷": "ji",
}  # fmt: skip
"""Surnames that are not read as their characters are elsewhere."""
_SEPARATORS = " '’`·.-"


@dataclass(frozen=True)
class Spoken:
    text: str  # folded
    surname: bool  # whether one may stand first
    initials: bool = True  # whether they are promised


def is_family(parameter: SearchParameter) -> bool:
    return all(branch.endswith(".family") for branch in (parameter.expression or "").split(" | "))


def is_name(parameter: SearchParameter, resource_type: str, type_name: str) -> bool:
    """ "Names of people, organizations, locations and healthcare services\""""
    if type_name == "HumanName":
        return True
    branches = (parameter.expression or "").split(" | ")
    if all(branch.endswith((".family", ".given")) for branch in branches):
        return True
    own = [branch for branch in branches if branch.partition(".")[0] == resource_type]
    return resource_type in _OWNERS and any(branch.endswith((".name", ".alias")) for branch in own)


def spoken(parameter: SearchParameter, type_name: str, value: Any) -> list[Spoken]:
    """The texts of a name that are read, those with Chinese characters alone."""
    if type_name != "HumanName":
        found = [Spoken(value, is_family(parameter))]
    else:
        surname, given = value.get("family") or "", "".join(each for each in value.get("given", ()) if each)
        found = [Spoken(value.get("text") or "", True), Spoken(given, False, False), Spoken(surname, True)]
        if any(map(is_chinese, surname)):
            found.append(Spoken(surname + given, True))
    known = [Spoken(folded(each.text), each.surname, each.initials) for each in found]
    return [each for each in known if any(map(is_chinese, each.text))]


def fits(names: list[Spoken], wanted: str, *, anywhere: bool, generous: bool) -> bool:
    """By dots and parts, by pinyin, by initials. wanted: folded"""
    return any(
        _without_dots(each.text, wanted, anywhere, generous)
        or _by_pinyin(part, wanted, anywhere=anywhere, generous=generous)
        for each in names
        for part in _parts(each)
    )


def _parts(name: Spoken) -> Iterator[Spoken]:
    """The whole, and what stands behind each dot."""
    yield name
    words = name.text.split("·")
    yield from (Spoken("·".join(words[start:]), False) for start in range(1, len(words)))


def _without_dots(text: str, wanted: str, anywhere: bool, generous: bool) -> bool:
    words = text.split("·")
    if len(words) == 1 and not generous:
        return False
    endings = ["·".join(words[start:]) for start in range(len(words))]
    have = [each.replace("·", "") for each in endings]
    if generous:
        wanted = wanted.replace("·", "")
    have += endings[1:]
    return bool(wanted) and any(wanted in each if anywhere else each.startswith(wanted) for each in have)


def _by_pinyin(name: Spoken, wanted: str, *, anywhere: bool, generous: bool) -> bool:
    latin = typed(wanted)
    if latin is None:
        return False
    choices = _choices(name.text, name.surname)
    letters = tuple(tuple(each[0] for each in found) for found in choices)
    if generous:
        return could_read(latin, choices, anywhere) or could_read(latin, letters, anywhere)
    have = usual(name)
    if name.initials and len(choices) > 1:
        have.append("".join(found[0] for found in letters))
    return any(latin in each if anywhere else each.startswith(latin) for each in have)


def usual(name: Spoken) -> list[str]:
    """How everybody reads it: each character for itself, a surname in both ways, or as in phrases."""
    promised = _promised(name.text, name.surname)
    found = ["".join(each[0] for each in promised)]
    if prod(map(len, promised)) <= OF_A_NAME:
        found += ["".join(each) for each in product(*promised)]
    if prod(map(len, _choices(name.text, name.surname))) <= OF_A_NAME and not name.surname:
        found.append("".join(_in_phrases(name.text)))
    return found


def _in_phrases(text: str) -> Iterator[str]:
    """The longest phrase that begins at each place, or the character for itself."""
    while text:
        length = next((n for n in range(min(len(text), 6), 1, -1) if text[:n] in phrases_dict), 0)
        if length:
            yield from (to_normal(each[0]).replace("ü", "v") for each in phrases_dict[text[:length]])
        elif text[0].isascii():
            yield text[0] if text[0].isalnum() else ""
        else:
            yield from _readings(text[0])[:1]
        text = text[length or 1 :]


def typed(text: str) -> str | None:
    """Letters and digits of a folded text that may be pinyin: it has no marks, tones may be digits."""
    plain = ""
    for character in text:
        if character not in _SEPARATORS and not (character in "12345" and plain[-1:].isalpha()):
            plain += character
    return plain if plain.isascii() and plain.isalnum() else None


def could_read(wanted: str, choices: Choices, anywhere: bool) -> bool:
    """Whether some way to read the characters begins with it, or has it anywhere."""

    def goes_on(rest: str, place: int) -> bool:
        if place == len(choices):
            return False
        return any(ends_within(rest, each, place) for each in choices[place])

    def ends_within(rest: str, reading: str, place: int) -> bool:
        if reading.startswith(rest):
            return True
        return rest.startswith(reading) and goes_on(rest[len(reading) :], place + 1)

    if not anywhere:
        return goes_on(wanted, 0)
    return any(
        ends_within(wanted, reading[start:], place)
        for place, found in enumerate(choices)
        for reading in found
        for start in range(len(reading))
    )


@cache
def _choices(text: str, surname: bool) -> Choices:
    return tuple(tuple(dict.fromkeys(own + known)) for own, known in _characters(text, surname))


@cache
def _promised(text: str, surname: bool) -> Choices:
    """Of each character the usual readings, in all their spellings."""
    return tuple(
        tuple(dict.fromkeys([each for reading in own + known[:1] for each in _spelled(reading)]))
        for own, known in _characters(text, surname)
    )


def _characters(text: str, surname: bool) -> list[tuple[list[str], list[str]]]:
    """Readings of each character: of a surname, and those of pypinyin. Runs of letters are one."""
    special: list[str] = []
    if surname:
        special = _SURNAMES.get(text[:2], _SURNAMES.get(text[:1], "")).split()
    found: list[tuple[list[str], list[str]]] = []
    for place, word in enumerate(re.findall("[a-z0-9]+|[^a-z0-9]", text)):
        known = [word] if word.isascii() and word.isalnum() else _readings(word)
        own = special[place : place + 1]
        if known or own:
            found.append((own, known))
    return found


def _readings(character: str) -> list[str]:
    known = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False, errors="ignore")
    found = [each for each in (known[0] if known else ()) if each.isascii() and each.isalpha()]
    return [each for reading in found for each in _spelled(reading)] or _SURNAMES.get(character, "").split()


def _spelled(reading: str) -> list[str]:
    """ü is typed as v, u and yu."""
    return [reading, reading.replace("v", "u"), reading.replace("v", "yu")] if "v" in reading else [reading]


def sounds(parameter: SearchParameter, type_name: str, value: Any, wanted: str, *, generous: bool) -> bool:
    """`phonetic`: the same pinyin, or word by word the same Metaphone. wanted: folded"""
    names = [part for each in spoken(parameter, type_name, value) for part in _parts(each)]
    if any(map(is_chinese, wanted)):
        ways = islice(product(*_choices(wanted, True)), WAYS)
        asked = ["".join(each) for each in ways] if generous else usual(Spoken(wanted, True))[:1]
        if any(each and _sounds_so(name, each, generous) for name in names for each in asked):
            return True
    words = _words(wanted)
    keys = [_key(each) for each in words]
    have = {_key(word) for text in _spoken_texts(type_name, value, generous) for word in _words(text)}
    if generous:
        keys = [each for each in keys if each]
    return bool(keys) and have.issuperset(keys) and all(keys)


def _sounds_so(name: Spoken, wanted: str, generous: bool) -> bool:
    choices = _choices(name.text, name.surname)
    if generous:
        letters = tuple(tuple(each[0] for each in found) for found in choices)
        return could_read(wanted, choices, False) or could_read(wanted, letters, False)
    return "".join(each[0] for each in choices).startswith(wanted)


def _spoken_texts(type_name: str, value: Any, generous: bool) -> list[str]:
    if type_name != "HumanName" or generous:
        return [folded(each) for each in texts(type_name, value)]
    parts = [value.get("family"), *value.get("given", ())]
    said = [folded(each) for each in parts if each]
    return said or [folded(value.get("text") or "")]


def _words(text: str) -> list[str]:
    return "".join(each if each.isalpha() else " " for each in text).split()


def _key(word: str) -> str:
    """ "" for a word of other letters."""
    return metaphone(word) if word.isascii() else ""
