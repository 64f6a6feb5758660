"""How names in Latin letters sound: a key that names which are spoken alike share.

https://hl7.org/fhir/R4/patient.html#search `phonetic`: "some kind of phonetic matching algorithm"; here it is
Metaphone, word by word. Chinese names are compared by `pinyin.py`.
"""

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+")


def keys(text: str) -> list[str]:
    """The keys of the words of normalised text that have one."""
    return [key for word in _WORD.findall(text) if (key := _key(word))]


@lru_cache(8192)
def _key(word: str) -> str:
    """ "" for a word of other letters."""
    if not word.isascii():
        return ""
    from jellyfish import metaphone

    return metaphone(word)
