"""Check characters of the identifiers that Chinese people and organisations carry.

GB 11643-1999 (resident identity number), GB 32100-2015 (unified social credit code),
GB 11714-1997 (organisation code).
"""

from datetime import date

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANIZATION_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# GB 32100 leaves out I, O, S, V and Z, which look like digits or like each other
CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def resident_check(first: str) -> str:
    """The 18th character for the first 17 digits of a resident identity number."""
    total = sum(int(digit) * weight for digit, weight in zip(first, _RESIDENT_WEIGHTS, strict=True))
    return _RESIDENT_CHECKS[total % 11]


def resident_number(division: str, born: date, sequence: int) -> str:
    """`division` (GB/T 2260), day of birth, three digits (odd: male), check character."""
    first = f"{division}{born:%Y%m%d}{sequence:03}"
    return first + resident_check(first)


def is_resident_number(text: str) -> bool:
    """18 characters with a real day of birth and the right check character, `X` in upper case."""
    if len(text) != 18 or not (text[:17].isascii() and text[:17].isdigit()):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return resident_check(text[:17]) == text[17]


def organization_check(first: str) -> str:
    """The 9th character for the first eight of an organisation code."""
    total = sum(
        _ORGANIZATION_CHARACTERS.index(character) * weight
        for character, weight in zip(first, _ORGANIZATION_WEIGHTS, strict=True)
    )
    check = 11 - total % 11
    return {10: "X", 11: "0"}.get(check, str(check))


def is_organization_code(text: str) -> bool:
    known = all(character in _ORGANIZATION_CHARACTERS for character in text)
    return len(text) == 9 and known and organization_check(text[:8]) == text[8]


def credit_check(first: str) -> str:
    """The 18th character for the first 17 of a unified social credit code."""
    if len(first) != 17:
        raise ValueError(f"{first!r} has {len(first)} characters, 17 are wanted")
    total = sum(
        CREDIT_CHARACTERS.index(character) * pow(3, place, 31) for place, character in enumerate(first)
    )
    return CREDIT_CHARACTERS[(31 - total % 31) % 31]


def credit_code(division: str, organization_code: str) -> str:
    """The code of a public institution (category `12`) registered in `division`."""
    first = f"12{division}{organization_code}"
    return first + credit_check(first)


def is_credit_code(text: str) -> bool:
    known = all(character in CREDIT_CHARACTERS for character in text)
    return len(text) == 18 and known and credit_check(text[:17]) == text[17]
