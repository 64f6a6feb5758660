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
from functools import lru_cache
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search import token
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.values import unescape
from fhir_server.store.algebra import Node, Or, Present, ReferenceIn, ReferenceOfType, TokenIn
from fhir_server.store.rows import Rows, hash64

IDENTIFIER = "[identifier]"
ELSEWHERE = "[elsewhere]"
_CANONICALS = frozenset(("canonical", "uri", "url"))
_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII)
_ABSOLUTE = re.compile(rf"((?:https?|HTTPS?)://.+/){_LOCAL.pattern}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


@lru_cache(maxsize=8192)
def local(text: str, bases: tuple[str, ...]) -> tuple[str, str] | None:
    """(type, id) of a reference to a resource of this server."""
    if found := _LOCAL.fullmatch(text):
        return found[1], found[2]
    if found := _ABSOLUTE.fullmatch(text):
        prefix, resource_type, id_ = found.groups()
        if prefix[:-1] in bases:
            return resource_type, id_
    return None


def elsewhere(text: str) -> Iterator[str]:
    """Texts by which a reference that is not local is found."""
    yield text
    if found := _ABSOLUTE.fullmatch(text):
        prefix, resource_type, id_ = found.groups()
        yield f"{prefix}{resource_type}/{id_}"
        yield _of_type(resource_type)


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
            for text in {value, value.partition("|")[0]}:
                rows.tokens.add((elsewhere_column, hash64(text)))

        return emit_canonical
    if value_type == "Resource":

        def emit_resource(value: Any, rows: Rows) -> None:
            if id_ := value.get("id"):
                rows.references.add((column, value["resourceType"], id_))

        return emit_resource
    return _reference(column, indexing) if value_type == "Reference" else None


def _reference(column: str, indexing: Indexing) -> Emit:
    bases, elsewhere_column = indexing.bases, column + ELSEWHERE
    identifier = token.emitter(column + IDENTIFIER, "Identifier", indexing)
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


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    if modifier == "identifier":
        return token.where(_identifiers(column), values, "", scope)
    pairs: dict[tuple[str, str], None] = {}
    texts: dict[str, None] = {}
    types = _types(column, modifier, scope)
    for value in values:
        text = unescape(value)
        found = local(text, scope.bases)
        if found is not None:
            pairs |= {found: None} if _is_meant(column, found[0], modifier, text) else {}
        elif _ID.fullmatch(text) and not _is_canonical(column):
            pairs |= {(resource_type, text): None for resource_type in types}
        else:
            texts[text] = None
    texts |= {f"{base}/{type_}/{id_}": None for base in scope.bases for type_, id_ in pairs}
    terms: list[Node] = [ReferenceIn(column.name, tuple(pairs))] if pairs else []
    if texts:
        terms.append(TokenIn(column.name + ELSEWHERE, tuple(hash64(text) for text in texts)))
    return any_of(terms)


def _types(column: Column, modifier: str, scope: Scope) -> tuple[str, ...]:
    """The resource types that an id alone may be of."""
    types = column.targets or tuple(sorted(scope.resource_types))
    return tuple(each for each in types if not modifier or each == modifier)


def _is_meant(column: Column, resource_type: str, modifier: str, text: str) -> bool:
    if modifier and resource_type != modifier:
        raise bad_value(f"{text!r} is not a {modifier}, as the modifier says")
    return not column.narrowed or resource_type in column.targets


def _is_canonical(column: Column) -> bool:
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
