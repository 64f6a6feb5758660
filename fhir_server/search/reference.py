"""Reference parameters: what a resource refers to.

https://hl7.org/fhir/R4/search.html#reference

A reference to a resource of this server is a row of (type, id), relative or absolute below one of the
server's own base URLs. Anything else (another server, `urn:uuid:…`, a canonical) is a token row of its text,
in a column of its own. References into the resource itself (`#x`) are not indexed. A version is left out, as
search knows only the current one. Identifiers of references have a column of their own, for `:identifier`.

Which URLs are the server's own can change, so a search for `Patient/1` also looks for its absolute form.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from fhir_server.fhirpath.reference import target_type
from fhir_server.outcome import bad_value
from fhir_server.search import token, uri
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.local import ABSOLUTE, ID, local
from fhir_server.search.values import unescape
from fhir_server.store.algebra import (
    LexiconIn,
    Node,
    Nothing,
    Or,
    Present,
    ReferenceIn,
    ReferenceOfType,
    TokenIn,
)
from fhir_server.store.rows import Rows, hash64

MODIFIERS = frozenset(("identifier", "above", "below"))
IDENTIFIER = "[identifier]"
ELSEWHERE = "[elsewhere]"
_CANONICALS = frozenset(("canonical", "uri", "url"))
_TYPE_ALONE = re.compile(r"[A-Za-z]+/", re.ASCII)


def elsewhere(text: str) -> Iterator[str]:
    """Texts by which a reference that is not local is found."""
    yield text
    if found := ABSOLUTE.fullmatch(text):
        prefix, resource_type, id_ = found.groups()
        yield f"{prefix}{resource_type}/{id_}"
    if named := target_type(text):
        yield _of_type(named)


def _of_type(resource_type: str) -> str:
    """The text that stands for any reference to another server's resources of a type."""
    return f"{resource_type}/"


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    bases, elsewhere_column = indexing.bases, column + ELSEWHERE
    if value_type in _CANONICALS:

        def emit_canonical(value: Any, rows: Rows) -> None:
            if value.startswith("#"):
                return
            if found := local(value, bases):
                rows.references.add((column, *found))
                return
            url, bar, _ = value.partition("|")
            rows.tokens.add((elsewhere_column, hash64(url)))
            if bar:
                hashed = hash64(value)
                rows.tokens.add((elsewhere_column, hashed))
                # for `url|1`, which is 1.0 and 1.1
                rows.lexicon.add((elsewhere_column, value, hashed))

        return emit_canonical
    if value_type == "Resource":

        def emit_resource(value: Any, rows: Rows) -> None:
            if id_ := value.get("id"):
                rows.references.add((column, value["resourceType"], id_))

        return emit_resource
    return _reference(column, indexing) if value_type == "Reference" else None


def _reference(column: str, indexing: Indexing) -> Emit:
    bases, elsewhere_column = indexing.bases, column + ELSEWHERE
    identifier = token.emitter(column + IDENTIFIER, "Identifier", replace(indexing, plain=True))
    assert identifier is not None

    def emit(value: Any, rows: Rows) -> None:
        text = value.get("reference")
        if text:
            found = local(text, bases)
            if found is not None:
                rows.references.add((column, *found))
            elif text[0] != "#":
                rows.tokens.update((elsewhere_column, hash64(each)) for each in elsewhere(text))
        if "identifier" in value:
            identifier(value["identifier"], rows)

    return emit


def modifiers(column: Column) -> frozenset[str]:
    """What goes with any reference; hierarchies of references have more (`hierarchy.py`).

    https://hl7.org/fhir/R4/search.html#reference
    """
    found = set()
    if "Reference" in column.value_types:
        found.add("identifier")
    if not _CANONICALS.isdisjoint(column.value_types):
        found.add("below")
    return frozenset(found)


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    if modifier == "identifier":
        return token.where(_identifiers(column), values, "", scope)
    if modifier == "below":
        return _of_versions(column, values, scope)
    resource_type = modifier
    pairs: dict[tuple[str, str], None] = {}
    texts: list[str] = []
    for value in values:
        found = identities(column, value, resource_type, scope)
        if found is None:
            texts.append(unescape(value))
        else:
            pairs |= dict.fromkeys(found)
    return referring(column, tuple(pairs), texts, scope)


def identities(column: Column, value: str, resource_type: str, scope: Scope) -> list[tuple[str, str]] | None:
    """The resources of this server that are meant by `id`, `Type/id` or a URL; None: it is elsewhere.

    resource_type: the one type that is meant, "": any
    """
    text = unescape(value)
    found = local(text, scope.bases)
    if found is not None:
        return [found] if _is_meant(column, found[0], resource_type, text) else []
    if ID.fullmatch(text) and not is_canonical(column):
        return [(each, text) for each in _types(column, resource_type, scope)]
    # the text of `_of_type`, which no client means
    return [] if _TYPE_ALONE.fullmatch(text) else None


def referring(column: Column, pairs: Sequence[tuple[str, str]], texts: Sequence[str], scope: Scope) -> Node:
    """What refers to one of the resources, or to what is elsewhere under one of the texts."""
    urls = dict.fromkeys((*texts, *(f"{base}/{type_}/{id_}" for base in scope.bases for type_, id_ in pairs)))
    terms: list[Node] = [ReferenceIn(column.name, tuple(pairs))] if pairs else []
    if urls:
        terms.append(TokenIn(column.name + ELSEWHERE, tuple(hash64(url) for url in urls)))
    return any_of(terms)


def _of_versions(column: Column, values: Sequence[str], scope: Scope) -> Node:
    """Canonicals whose version begins so: https://hl7.org/fhir/R4/search.html#versions"""
    beginnings = [each for value in values if "|" in value for each in uri.below(unescape(value))]
    name = column.name + ELSEWHERE
    versions = LexiconIn(name, tuple(beginnings), prefix=True) if beginnings else Nothing()
    return any_of((where(column, values, "", scope), versions))


def _types(column: Column, modifier: str, scope: Scope) -> tuple[str, ...]:
    """The resource types that an id alone may be of."""
    types = column.targets or tuple(sorted(scope.resource_types))
    return tuple(each for each in types if not modifier or each == modifier)


def _is_meant(column: Column, resource_type: str, modifier: str, text: str) -> bool:
    if modifier and resource_type != modifier:
        raise bad_value(f"{text!r} is not a {modifier}, as the modifier says")
    return not column.narrowed or resource_type in column.targets


def is_canonical(column: Column) -> bool:
    return _CANONICALS.issuperset(column.value_types)


def _identifiers(column: Column) -> Column:
    return Column(column.name + IDENTIFIER, "token", ("Identifier",))


def present(column: Column) -> Node:
    if column.narrowed:
        foreign = tuple(hash64(_of_type(resource_type)) for resource_type in column.targets)
        return Or((ReferenceOfType(column.name, column.targets), TokenIn(column.name + ELSEWHERE, foreign)))
    terms: list[Node] = [Present("reference", column.name), Present("token", column.name + ELSEWHERE)]
    if "Reference" in column.value_types:
        terms.append(Present("token", column.name + IDENTIFIER))
    return Or(tuple(terms))
