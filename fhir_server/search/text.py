"""How texts are made comparable, the same when they are indexed and when they are searched.

https://hl7.org/fhir/R4/search.html#string

Case, width (NFKC), diacritical marks and repeated white space do not count. Punctuation does: a search for
`%` means the character. White space between two ideographs is dropped, and the dots that stand in names of
minorities in China are one dot.
"""

import re
import unicodedata

# marks that accent a letter; the marks of kana and of Indic scripts are part of the letter and stay
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
IDEOGRAPH = "\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_BETWEEN_IDEOGRAPHS = re.compile(f"(?<=[{IDEOGRAPH}·]) (?=[{IDEOGRAPH}·])")
_HAS_IDEOGRAPH = re.compile(f"[{IDEOGRAPH}]")
DOT = "·"
"""Between the parts of a name, 阿依古丽·买买提."""
DOTS = "•‧・∙⋅"
"""What is written for it."""
_AS_DOT = str.maketrans(dict.fromkeys(DOTS, DOT))


def normalise(text: str) -> str:
    """`text` as string parameters compare it."""
    if text.isascii():
        return " ".join(text.lower().split())
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    composed = unicodedata.normalize("NFKC", _MARKS.sub("", decomposed)).translate(_AS_DOT)
    return _BETWEEN_IDEOGRAPHS.sub("", " ".join(composed.split()))


def has_ideographs(text: str) -> bool:
    return not text.isascii() and _HAS_IDEOGRAPH.search(text) is not None
