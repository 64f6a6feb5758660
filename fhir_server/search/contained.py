"""Contained resources in the index, and in the algebra.

https://hl7.org/fhir/R4/search.html#contained

Each contained resource is an instance of the resource that contains it: its rows belong together and stand in
columns of their own, `contained.Medication.code[token]`. A row says of which type it is, one which id it has,
and one for each reference in the container that leads to it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from fhir_server.outcome import FhirError, not_supported
from fhir_server.search.column import Emit
from fhir_server.search.combine import all_of, any_of, none_of
from fhir_server.store import algebra
from fhir_server.store.algebra import And, IdIn, Node, Not, Nothing, Or, Together, TokenIn
from fhir_server.store.rows import Rows, hash64

_PREFIX = "contained."
_TYPE = f"{_PREFIX}[type]"
_ID = f"{_PREFIX}[id]"
_REFERRED = "[contained]"
"""Where a reference of the container, the column before it, leads to the contained resource."""
_SETS = tuple(field.name for field in fields(Rows) if field.name not in ("instances", "texts"))

_COMPARISONS = (
    algebra.TokenIn, algebra.StringIs, algebra.StringStarts, algebra.StringEnds, algebra.StringContains,
    algebra.Between, algebra.ReferenceIn, algebra.ReferenceOfType, algebra.Near, algebra.Present,
    algebra.Forward,
)  # fmt: skip


def instance(contained: Any, made: Rows, referred: Iterable[str]) -> Rows:
    """The rows of a contained resource, as an instance.

    made: its rows, if it stood alone; referred: the container's columns that refer to it
    """
    found: dict[str, Any] = {
        name: {(f"{_PREFIX}{column}", *row) for column, *row in getattr(made, name)} for name in _SETS
    }
    rows = Rows(**found)
    of_type = hash64(contained["resourceType"])
    rows.tokens.add((_TYPE, of_type))
    rows.tokens.add((_ID, hash64(contained.get("id", ""))))
    rows.tokens.update((f"{column}{_REFERRED}", of_type) for column in referred)
    return rows


def fragments(column: str, value_type: str) -> Emit | None:
    """Puts references into the resource itself, `#m1`, into the texts of the column."""
    if value_type == "Reference":

        def emit(value: Any, rows: Rows) -> None:
            text = value.get("reference", "")
            if text[:1] == "#":
                rows.texts.add((column, text[1:]))

        return emit
    if value_type == "canonical":

        def emit_canonical(value: Any, rows: Rows) -> None:
            if value[:1] == "#":
                rows.texts.add((column, value[1:]))

        return emit_canonical
    return None


def containers(resource_types: Sequence[str], where: Node) -> Node:
    """What contains a resource of some types (none: of any type) that fits."""
    found = within(where)
    if found == Nothing():
        return found
    of_type = _of_types(resource_types) if resource_types else algebra.Present("token", _TYPE)
    return Together((of_type, found))


def with_id(container: Node, id_: str) -> Node:
    """`containers`, by the contained resource of this id alone."""
    match container:
        case Together(terms):
            return Together((*terms, TokenIn(_ID, (hash64(id_),))))
        case _:
            return container


def referred(column: str, resource_type: str, where: Node) -> Node:
    """A chain that goes to a contained resource: "evaluated inside contained resources".

    Nothing where that cannot be asked: by what refers to the target, or by parts of a composite.
    """
    try:
        found = within(where)
    except FhirError:
        return Nothing()
    if found == Nothing():
        return found
    return Together((TokenIn(f"{column}{_REFERRED}", (hash64(resource_type),)), found))


def within(node: Node) -> Node:
    """`node`, asked of an instance instead of a resource; raises 400 for what instances cannot be asked."""
    match node:
        case And(terms):
            return all_of(within(term) for term in terms)
        case Or(terms):
            return any_of(within(term) for term in terms)
        case Not(term):
            return none_of(within(term))
        case algebra.LexiconIn(column, lexicon=lexicon):
            renamed = None if lexicon is None else f"{_PREFIX}{lexicon}"
            return replace(node, column=f"{_PREFIX}{column}", lexicon=renamed)
        case _ if isinstance(node, _COMPARISONS):
            return replace(node, column=f"{_PREFIX}{node.column}")
        case _:
            return _of_resource(node)


def _of_resource(node: Node) -> Node:
    """What asks about the resource as a whole."""
    match node:
        case algebra.Everything() | Nothing():
            return node
        case IdIn(ids, resource_type):
            by_id = TokenIn(_ID, tuple(hash64(each) for each in ids))
            return by_id if resource_type is None else And((by_id, _of_types((resource_type,))))
        case algebra.OfType(resource_types):
            return _of_types(resource_types)
        case algebra.UpdatedBetween():
            return Nothing()  # a contained resource has no time of its own
        case Together(terms) if any(_leads_within(term) for term in terms):
            return Nothing()  # from one contained resource to another one
        case _:
            raise not_supported(
                "contained resources are not searched by composites of elements, by text or by _has"
            )


def _of_types(resource_types: Sequence[str]) -> Node:
    return TokenIn(_TYPE, tuple(hash64(each) for each in resource_types))


def _leads_within(term: Node) -> bool:
    return isinstance(term, TokenIn) and term.column.endswith(_REFERRED)


def contained_resources(container: Any, resource_types: Sequence[str]) -> Iterator[Any]:
    """Those of some types (none: of any type) that can be told apart."""
    for each in container.get("contained", ()):
        if "id" in each and (not resource_types or each["resourceType"] in resource_types):
            yield each
