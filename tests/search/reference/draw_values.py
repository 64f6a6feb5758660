"""Values that are drawn by chance: those that resources have, a bit changed, as they stand in a question."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from pypinyin import Style, pinyin

from tests.search.reference import strings, tokens
from tests.search.reference.difficult import DATES, HOSTILE, NAMES, NUMBERS, TIMES
from tests.search.reference.full_text import words
from tests.search.reference.grammar import written
from tests.search.reference.hostile import BASE
from tests.search.reference.ranges import PREFIXES
from tests.search.reference.units import UCUM
from tests.search.reference.world import Typed


def place(chance: Random, locations: Sequence[Any]) -> str:
    known = [each["position"] for each in locations if "position" in each]
    if not known or chance.random() < 0.1:
        return chance.choice(("0|0", "91|0|1|km", "1", "a|b", "90|180|20000|km", "1|2|3|miles", "1|2|-3"))
    position = chance.choice(known)
    latitude = float(position["latitude"]) + chance.uniform(-0.2, 0.2)
    longitude = float(position["longitude"]) + chance.uniform(-0.2, 0.2)
    latitude = max(-90.0, min(90.0, latitude))
    longitude = (longitude + 180) % 360 - 180
    distance, unit = chance.choice(
        (
            ("", ""),
            (f"|{chance.uniform(1, 50):.3f}", ""),
            (f"|{chance.uniform(1, 30):.2f}", "|[mi_i]"),
            (f"|{chance.uniform(1000, 40_000):.1f}", "|m"),
            (f"|{chance.uniform(100, 19_000):.1f}", "|km"),
        )
    )
    return f"{latitude:.5f}|{longitude:.5f}{distance}{unit}"


def _string(chance: Random, typed: Typed) -> str:
    have = [*strings.texts(*typed), *strings.more_texts(*typed, family=True)]
    text = chance.choice(have) if have else chance.choice(NAMES)
    change: Callable[[str], str] = chance.choice(
        (
            lambda text: text,
            lambda text: text,
            lambda text: text[: chance.randint(1, max(1, len(text)))],
            lambda text: text[len(text) // 2 :],
            str.upper,
            str.swapcase,
            strings.folded,
            lambda text: text + "x",
            lambda text: text.replace(" ", "  "),
        )
    )
    if any(map(strings.is_chinese, text)) and chance.random() < 0.5:
        return written(_as_typed(chance, text))
    return written(change(text))


def _as_typed(chance: Random, text: str) -> str:
    """A Chinese text as somebody types it: by its pinyin, a part of it, its initials, without its dot."""
    style = chance.choice((Style.NORMAL, Style.NORMAL, Style.TONE, Style.TONE3, Style.FIRST_LETTER))
    read = pinyin(text, style=style, heteronym=chance.random() < 0.3, v_to_u=chance.random() < 0.5)
    found = chance.choice(("", "", " ", "'")).join(chance.choice(each) for each in read)
    if chance.random() < 0.3:
        found = found[: chance.randint(1, len(found))]
    elif chance.random() < 0.2:
        found = found[len(found) // 2 :]
    if chance.random() < 0.2:
        found = text.replace("·", chance.choice((" ", "", "•")))
    if chance.random() < 0.1:
        found = found.replace("ü", "yu").replace("v", "u")
    return chance.choice((found, found, found.title(), found.upper()))


def full_text_query(chance: Random, have: Sequence[str], depth: int = 1) -> str:
    """A question for words. have: texts of a resource"""
    roll = chance.random()
    if depth and roll < 0.35:
        terms = [full_text_query(chance, have, depth - 1) for _ in range(2)]
        joined = chance.choice((" ", " and ", " or ", " OR ", "  ")).join(terms)
        return f"({joined})" if chance.random() < 0.4 else joined
    if depth and roll < 0.45:
        return chance.choice(("-", "not ", "not -")) + full_text_query(chance, have, 0)
    found = words(chance.choice(have)) if have else []
    if not found or roll > 0.98:
        return chance.choice(HOSTILE)
    place = chance.randrange(len(found))
    word = found[place]
    start = chance.randrange(len(word)) if strings.is_chinese(word[0]) else 0
    part = word[start : start + chance.randint(1, 4)]
    return chance.choice(
        (word, word, word.upper(), part, f"{part}*", f'"{" ".join(found[place : place + 2])}"',
         "-".join(found[place : place + 3]), f"{part} {chance.choice(NAMES)}", word.replace("a", "á"))
    )  # fmt: skip


def token(chance: Random, typed: Typed) -> str:
    type_name, value = typed
    if type_name == "CodeableConcept":
        codings = value.get("coding", ())
        return token(chance, ("Coding", chance.choice(codings))) if codings else ""
    if not isinstance(value, dict):
        system, code = "", str(value).lower() if isinstance(value, bool) else str(value)
    else:
        system = value.get("system", "")
        code = str(value.get("code" if type_name == "Coding" else "value", ""))
    code = chance.choice((code, code, code, code.upper(), code.lower(), code[1:]))
    code, system = written(code), written(system)
    if not system:
        return chance.choice((code, code, f"|{code}", f"http://x|{code}")) if code else ""
    return chance.choice(
        (code, code, *[f"{system}|{code}"] * 3, f"|{code}", f"{system}|", f"http://x|{code}")
    )


def _date(chance: Random, typed: Typed) -> str:
    type_name, value = typed
    if type_name == "Period":
        value = chance.choice(list(value.values()) or [DATES[0]])
    elif type_name == "Timing":
        value = chance.choice(
            [*value.get("event", ()), *value.get("repeat", {}).get("boundsPeriod", {}).values()] or TIMES
        )
    text = str(value) if chance.random() < 0.85 else chance.choice(TIMES)
    cut = chance.choice((4, 7, 10, 16, 19, 99, 99, 99))
    if cut < len(text):
        offset = text[-6:] if text[-6] in "+-" and "T" in text else "Z" if text.endswith("Z") else ""
        text = text[:cut] + (offset if cut in (16, 19) and chance.random() < 0.8 else "")
    return _prefixed(chance, text)


def _prefixed(chance: Random, text: str) -> str:
    return chance.choice(("", "", *PREFIXES)) + text


def _number(chance: Random, typed: Typed) -> str:
    value = typed[1]
    if isinstance(value, dict):
        ends = [each["value"] for each in (value.get("low"), value.get("high")) if each and "value" in each]
        value = chance.choice(ends or [1])
    return _prefixed(chance, _digits(chance, value))


def _digits(chance: Random, value: Any) -> str:
    number = Decimal(str(value))
    roll = chance.random()
    if roll < 0.15:
        return chance.choice(NUMBERS)
    if roll < 0.3 and number.adjusted() < 20:  # of the 28 digits that it can have
        return str(number.quantize(Decimal(10) ** -chance.randint(0, 3)))
    if roll < 0.4:
        return str(number + chance.choice((1, -1, Decimal("0.5"), Decimal("-0.05"))))
    return str(number)


def _quantity(chance: Random, typed: Typed) -> str:
    type_name, value = typed
    if type_name == "Range":
        value = value.get("low") or value.get("high") or {}
    if type_name == "Money":
        value = {"value": value.get("value"), "system": "urn:iso:std:iso:4217", "code": value.get("currency")}
    if value.get("value") is None:
        return ""
    number = _prefixed(chance, _digits(chance, value["value"]))
    system, code, unit = (written(value.get(name) or "") for name in ("system", "code", "unit"))
    return chance.choice(
        (
            number,
            f"{number}|{system}|{code}",
            f"{number}||{code}",
            f"{number}||{unit}",
            f"{number}|{UCUM}|{chance.choice(('mg', 'g', code))}",
        )
    )


def reference(chance: Random, typed: Typed) -> str:
    type_name, value = typed
    text = value.get("reference", "") if type_name == "Reference" else value
    if not isinstance(text, str):
        if "resourceType" not in text:
            return ""
        text = f"{text['resourceType']}/{text.get('id', 'x')}"
    bare = text.partition("/_history/")[0].partition("|")[0]
    forms = [
        text,
        bare,
        bare.rpartition("/")[2],
        f"{BASE}/{bare}",
        f"Patient/{bare.rpartition('/')[2]}",
        bare.swapcase(),
    ]
    return written(chance.choice(forms))


def _uri(chance: Random, typed: Typed) -> str:
    value = str(typed[1])
    return written(
        chance.choice((value, value, value.partition("|")[0], value.upper(), value[:-1], f"{value}/"))
    )


def _token_text(chance: Random, typed: Typed) -> str:
    have = [each for each in tokens.texts(*typed) if each]
    return _string(chance, ("string", chance.choice(have))) if have else ""


def _of_type(chance: Random, typed: Typed) -> str:
    type_name, value = typed
    codings = value.get("type", {}).get("coding", ()) if type_name == "Identifier" else ()
    coding = chance.choice(codings or ({"system": "http://x", "code": "MR"},))
    number = value.get("value", "") if isinstance(value, dict) else str(value)
    parts = [coding.get("system", ""), coding.get("code", ""), number]
    if chance.random() < 0.1:
        parts[chance.randrange(len(parts))] = chance.choice(("", "x"))
    return "|".join(written(part) for part in parts)


def _beginning(chance: Random, typed: Typed) -> str:
    text = str(typed[1])
    for _ in range(chance.choice((0, 1, 1, 2))):
        text = chance.choice((text.rpartition("/")[0], text.rpartition(".")[0], text[:-1])) or text
    return written(text)


def _continued(chance: Random, typed: Typed) -> str:
    more = chance.choice(("", "/", "/x", "/x/y?z", ".1", "|1", "x"))
    return written(f"{typed[1]}{more}")


MODIFIED: dict[str, Callable[[Random, Typed], str]] = {
    ":text": _token_text,
    ":of-type": _of_type,
    ":below": _beginning,
    ":above": _continued,
}

TEXTS: dict[str, Callable[[Random, Typed], str]] = {
    "string": _string,
    "token": token,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "reference": reference,
    "uri": _uri,
}
