"""Token parameters: codes, identifiers, booleans and other texts that match as a whole.

https://hl7.org/fhir/R4/search.html#token

A Coding makes one row, the hash of its code within its system; the lexicon, which is kept once for all
resources, knows the hashes that a code alone or a system alone stands for. An Identifier makes a row for each
form it can be searched by, because its values are too many for a lexicon. A primitive makes one row, the hash
of its text. Sorting goes by the texts of the lexicon, so codes and booleans have theirs in it too; the texts
of the others come with the rows and are not kept. What people read of a code, for `:text`, is a row of its
hash in a column of its own, and its text is in the lexicon.

Codes are compared without case unless their system is known to need it; identifiers, ids and URIs exactly.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search import concept
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.text import normalise
from fhir_server.search.values import split, system_and_code, unescape
from fhir_server.store.algebra import LexiconIn, Node, Nothing, Present, TokenIn
from fhir_server.store.rows import Rows, hash64

MODIFIERS = frozenset(("not", "text", "of-type")) | concept.MODIFIERS
SYSTEM = "[system]"
"""Where the lexicon has the systems of a column's codes."""
TEXT = "[text]"
"""The column of what people read of a column's codes."""
OF_TYPE = "[of-type]"
"""The column of a column's identifiers by their types."""
SORTABLE = frozenset(("Coding", "CodeableConcept", "code", "boolean", "string"))

CASE_SENSITIVE_SYSTEMS = frozenset(("http://unitsofmeasure.org", "http://varnomen.hgvs.org"))
"""Systems in which codes differ by case alone: UCUM's `m` and `M`, HGVS's `c.` and `C`."""

BOOLEAN_SYSTEMS = frozenset(
    ("http://hl7.org/fhir/special-values", "http://terminology.hl7.org/CodeSystem/special-values")
)

MIME_TYPES = "http://hl7.org/fhir/ValueSet/mimetypes"
MIME_TYPE_SYSTEM = "urn:ietf:bcp:13"

_FOLDED = frozenset(("code", "boolean", "string", "markdown"))
_EXACT = frozenset(("id", "uri", "url", "canonical", "oid", "uuid"))
_NUMBERS = frozenset(("integer", "positiveInt", "unsignedInt", "decimal"))
_CODED = frozenset(("Coding", "CodeableConcept"))
_NOT_OF_A_NUMBER = re.compile(r"[\s()./-]")


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    if value_type in _FOLDED or value_type in _EXACT or value_type in _NUMBERS:
        return _primitive(column, folded=value_type in _FOLDED)
    build = _STRUCTURES.get(value_type)
    return None if build is None else build(column, indexing)


def code_hash(system: str | None, code: str | None) -> int:
    """The hash of a Coding. No system: `|code`; no code: `system|`."""
    system, code = system or "", code or ""
    return hash64(code if system in CASE_SENSITIVE_SYSTEMS else code.casefold(), system)


def _primitive(column: str, *, folded: bool) -> Emit:
    @lru_cache(maxsize=512)
    def rows_of(value: Any) -> tuple[tuple[str, int], tuple[str, str, int]]:
        text = value if isinstance(value, str) else str(value)
        text = text.casefold() if folded else text
        hashed = hash64(text)
        return (column, hashed), (column, text, hashed)

    def emit(value: Any, rows: Rows) -> None:
        row, text = rows_of(value)
        rows.tokens.add(row)
        if folded:
            rows.lexicon.add(text)
        else:
            rows.texts.add(text[:2])

    return emit


# as sets, which keep the hashes of what they hold: adding them to others costs less than adding their members
_Tokens = frozenset[tuple[str, int]]
_Texts = frozenset[tuple[str, str, int]]


def _coding(column: str, indexing: Indexing) -> Emit:
    coding_rows = _coding_rows(column, indexing)

    def emit(value: Any, rows: Rows) -> None:
        get = value.get
        tokens, texts = coding_rows(get("system"), get("code"), get("display"), None)
        rows.tokens.update(tokens)
        rows.lexicon.update(texts)

    return emit


def _codeable_concept(column: str, indexing: Indexing) -> Emit:
    coding_rows = _coding_rows(column, indexing)

    def emit(value: Any, rows: Rows) -> None:
        text, codings = value.get("text"), value.get("coding")
        if codings is None:
            codings = _NO_CODE
        for coding in codings:
            get = coding.get
            tokens, texts = coding_rows(get("system"), get("code"), get("display"), text)
            rows.tokens.update(tokens)
            rows.lexicon.update(texts)

    return emit


_NO_CODE: tuple[dict[str, str], ...] = ({},)


def _coding_rows(
    column: str, indexing: Indexing
) -> Callable[[str | None, str | None, str | None, str | None], tuple[_Tokens, _Texts]]:
    """The rows of a coding by system, code, display, and the text of the CodeableConcept that it is of."""
    systems, text_rows = column + SYSTEM, _text_rows(column, indexing)

    @lru_cache(maxsize=1024)
    def rows_of(
        system: str | None, code: str | None, display: str | None, text: str | None
    ) -> tuple[_Tokens, _Texts]:
        (tokens, texts), (more_tokens, more_texts) = text_rows(display), text_rows(text)
        found, explained = set(tokens | more_tokens), set(texts | more_texts)
        if system or code:
            hashed = code_hash(system, code)
            found.add((column, hashed))
            if system:
                explained.add((systems, system, hashed))
            if code:
                explained.add((column, code.casefold(), hashed))
        return frozenset(found), frozenset(explained)

    return rows_of


def _text_rows(column: str, indexing: Indexing) -> Callable[[str | None], tuple[_Tokens, _Texts]]:
    """The rows of what people read of a code, normalised like strings."""
    named = column + TEXT

    @lru_cache(maxsize=512)
    def rows_of(text: str | None) -> tuple[_Tokens, _Texts]:
        comparable = normalise(text) if text and not indexing.plain else ""
        if not comparable:
            return frozenset(), frozenset()
        hashed = hash64(comparable)
        return frozenset(((named, hashed),)), frozenset(((named, comparable, hashed),))

    return rows_of


def _identifier(column: str, indexing: Indexing) -> Emit:
    type_rows = _identifier_type(column, indexing)

    def emit(value: Any, rows: Rows) -> None:
        system, text, add = value.get("system"), value.get("value"), rows.tokens.add
        if text:
            add((column, hash64(text)))
            add((column, hash64(text, system or "")))
            rows.texts.add((column, text))
        if system:
            add((column, hash64("", system)))
        if "type" in value and not indexing.plain:
            type_rows(value, rows)

    return emit


def _identifier_type(column: str, indexing: Indexing) -> Emit:
    """`system|code|value` for each code of an identifier's type, and the type's text."""
    of_type, text_rows = column + OF_TYPE, _text_rows(column, indexing)

    def emit(value: Any, rows: Rows) -> None:
        type_, text = value["type"], value.get("value")
        if text:
            for coding in type_.get("coding", ()):
                system, code = coding.get("system"), coding.get("code")
                if system and code:
                    rows.tokens.add((of_type, hash64(text, system, code.casefold())))
        tokens, texts = text_rows(type_.get("text"))
        rows.tokens.update(tokens)
        rows.lexicon.update(texts)

    return emit


def _contact_point(column: str, indexing: Indexing) -> Emit:
    def emit(value: Any, rows: Rows) -> None:
        if text := value.get("value"):
            comparable = contact(text)
            rows.tokens.add((column, hash64(comparable)))
            rows.texts.add((column, comparable))
            if system := value.get("system"):
                rows.tokens.add((column, hash64(comparable, system)))

    return emit


def contact(text: str) -> str:
    """A ContactPoint's value as it is compared: `(0555) 12-34` is `05551234`, other values without case."""
    bare = _NOT_OF_A_NUMBER.sub("", text)
    return bare if bare.lstrip("+").isdigit() else text.casefold().strip()


_STRUCTURES: dict[str, Callable[[str, Indexing], Emit]] = {
    "Coding": _coding,
    "CodeableConcept": _codeable_concept,
    "Identifier": _identifier,
    "ContactPoint": _contact_point,
}


def modifiers(column: Column) -> frozenset[str]:
    """What can be asked of the types that the column holds.

    https://hl7.org/fhir/R4/search.html#token
    """
    types, found = set(column.value_types), {"not"}
    if MIME_TYPE_SYSTEM in column.systems:
        found.add("below")
    elif types & _CODED or (column.systems and "code" in types):
        found |= concept.MODIFIERS
    if types & (_CODED | {"Identifier"}):
        found.add("text")
    if "Identifier" in types:
        found.add("of-type")
    return frozenset(found)


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    match modifier:
        case "text":
            return _texts(column, values)
        case "of-type":
            return TokenIn(column.name + OF_TYPE, tuple(dict.fromkeys(_typed(value) for value in values)))
        case "below" if MIME_TYPE_SYSTEM in column.systems:
            return _mime_types(column, values)
        case "in" | "not-in" | "above" | "below":
            return _concepts(column, concept.concepts(column, values, modifier, scope))
        case _:
            return _equal(column, values, scope)


def _equal(column: Column, values: Sequence[str], scope: Scope) -> Node:
    hashes: dict[int, None] = {}
    codes: list[str] = []
    systems: list[str] = []
    everything = False
    coded = not _CODED.isdisjoint(column.value_types)
    for value in values:
        system, code = system_and_code(value)
        hashes |= dict.fromkeys(_hashes(column, system, code, scope))
        if coded and system is None:
            codes.append(code.casefold())
        elif coded and system and not code:
            systems.append(system)
        everything = everything or (code == "" and system in column.systems)
    terms: list[Node] = [Present("token", column.name)] if everything else []
    if hashes:
        terms.append(TokenIn(column.name, tuple(hashes)))
    if codes:
        terms.append(LexiconIn(column.name, tuple(codes)))
    if systems:
        terms.append(LexiconIn(column.name, tuple(systems), lexicon=column.name + SYSTEM))
    return any_of(terms)


def _hashes(column: Column, system: str | None, code: str, scope: Scope) -> list[int]:
    """Hashes that are known without the lexicon, by each of the types that the column holds."""
    found: list[int] = []
    for value_type in column.value_types:
        if value_type in _CODED:
            if system is not None and code:
                found.append(code_hash(system, code))
        elif value_type == "Identifier":
            found += _identifier_hashes(system, code, scope)
        elif value_type == "ContactPoint":
            comparable = contact(code)
            found.append(hash64(comparable, system) if system else hash64(comparable))
        elif code and (not system or system in column.systems):
            found.append(hash64(code.casefold() if value_type in _FOLDED else code))
    return found


def _identifier_hashes(system: str | None, value: str, scope: Scope) -> list[int]:
    """An identifier is the same under each of the names that its system has."""
    if system is None:
        return [hash64(value)]
    names = scope.terms.names_of(system) if system and scope.terms else (system,)
    return [hash64(value, name) for name in names]


def _texts(column: Column, values: Sequence[str]) -> Node:
    """ "The search functions as a normal string search": texts that begin so."""
    texts = [normalise(unescape(value)) for value in values]
    if not all(texts):
        raise bad_value(f"{values[texts.index('')]!r} has no character that a search could compare")
    return LexiconIn(column.name + TEXT, tuple(dict.fromkeys(texts)), prefix=True)


def _typed(value: str) -> int:
    parts = [unescape(part) for part in split(value, "|")]
    if len(parts) != 3 or not all(parts):
        raise bad_value(f"{value!r} is not system|code|value, the type of an identifier and its value")
    system, code, identifier = parts
    return hash64(identifier, system, code.casefold())


def _mime_types(column: Column, values: Sequence[str]) -> Node:
    """`text/xml` is above `text/xml; charset=UTF-8`, and `text` above both.

    https://hl7.org/fhir/R4/search.html#mimetype
    """
    types = [system_and_code(value)[1].casefold().strip() for value in values]
    beginnings = [each for type_ in types for each in _below_mime_type(type_)]
    exact = TokenIn(column.name, tuple(hash64(type_) for type_ in types))
    return any_of((exact, LexiconIn(column.name, tuple(beginnings), prefix=True)))


def _below_mime_type(type_: str) -> tuple[str, ...]:
    return (f"{type_};", f"{type_} ;") if "/" in type_ else (f"{type_}/",)


def _concepts(column: Column, concepts: frozenset[tuple[str, str]]) -> Node:
    """Any of many codes, of which a system and a code are known."""
    hashes = () if _CODED.isdisjoint(column.value_types) else _code_hashes(concepts)
    if "code" in column.value_types:
        codes = {code.casefold() for system, code in concepts if system in column.systems}
        hashes += tuple(hash64(code) for code in sorted(codes))
    return TokenIn(column.name, hashes) if hashes else Nothing()


@lru_cache(maxsize=4)
def _code_hashes(concepts: frozenset[tuple[str, str]]) -> tuple[int, ...]:
    """Of a value set that is asked for again and again; a frozen set keeps its own hash."""
    return tuple(sorted({code_hash(system, code) for system, code in concepts}))


def present(column: Column) -> Node:
    return Present("token", column.name)
