"""Extensions by their definitions: where each may stand, and what it holds.

https://hl7.org/fhir/R4/defining-extensions.html

An extension that nobody defined is allowed anywhere. A modifier that nobody defined is not: who reads the
resource cannot know what it changes (https://hl7.org/fhir/R4/extensibility.html#modifierExtension).
"""

from collections.abc import Iterable, Iterator
from copy import copy
from functools import lru_cache
from typing import Any, NamedTuple

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath import FhirPathError, compile_expression
from fhir_server.fhirpath.items import Item, unwrap
from fhir_server.resource import Resource, encode
from fhir_server.validation.profile.finding import NOTHING, Found, Rule, behind, problem
from fhir_server.validation.profile.library import Library
from fhir_server.validation.profile.run import Run
from fhir_server.validation.scope import shown
from fhir_server.validation.survey import Step, Trail

_MODIFIER = "modifierExtension"


class Owner(NamedTuple):
    """The element that an extension is on, as a context of use names it."""

    type: str
    path: str  # `Patient.contact.name`
    names: frozenset[str]  # its type and those that this specialises, its paths: `HumanName`


class Defined(NamedTuple):
    """What the definition of an extension says."""

    anywhere: bool
    elements: frozenset[str]  # contexts that are elements, as `Owner.names` has them
    contexts: tuple[dict[str, Any], ...]  # all
    invariants: tuple[str, ...]
    is_modifier: bool
    rule: Rule  # of its profile


def defined(library: Library, url: str) -> Defined | None:
    """None: there is no such definition. Raises DefinitionError for one that is wrong."""
    structure, profile = library.structure(url), None
    if structure is not None and structure.get("type") == "Extension":
        profile = library.profile(url)
    if structure is None or profile is None:
        return None
    contexts = structure.get("context", ())
    elements = [
        str(one.get("expression")).replace("[x]", "") for one in contexts if one.get("type") == "element"
    ]
    return Defined(
        any(one == "Element" or "#" in one for one in elements)
        or any(one.get("type") not in _CONTEXTS for one in contexts),
        frozenset(elements),
        tuple(contexts),
        tuple(structure.get("contextInvariant", ())),
        bool(library.snapshots.tree(url).properties.get("isModifier")),
        profile.rule,
    )


_CONTEXTS = frozenset(("element", "extension", "fhirpath"))


def has_modifiers(resource: Resource) -> bool:
    return b'"modifierExtension":' in encode(resource)


def check(resource: Resource, run: Run, trails: Iterable[Trail]) -> Found:
    """The extensions of a resource, found by a survey; not those of the resources in it."""
    found = NOTHING
    for trail in trails:
        if more := _check(resource, trail, run):
            found = [*found, *behind(trail.path(""), more)]
    return found


@lru_cache(maxsize=4096)
def _owner(definitions: Definitions, start: str, steps: tuple[Step, ...]) -> Owner:
    """The element at the end of `steps` from a resource type or, for what an extension holds, `Extension`."""
    type_ = start
    paths: tuple[str, ...] = (start,)
    for each in steps:
        type_ = each.type
        paths = tuple(f"{path}.{each.name}" for path in paths)
        paths = paths if definitions.type(type_).kind == "backbone" else (*paths, type_)
    return Owner(type_, paths[0], frozenset((*_lineage(definitions, type_), *paths)))


def _owner_of(definitions: Definitions, resource: Resource, trail: Trail) -> Owner:
    steps: list[Step] = []
    above = trail.before
    while above is not None and above.step.type != "Extension":
        steps.append(above.step)
        above = above.before
    start = str(resource["resourceType"]) if above is None else "Extension"
    return _owner(definitions, start, tuple(reversed(steps)))


def _lineage(definitions: Definitions, type_: str) -> Iterator[str]:
    name: str | None = type_
    while name is not None:
        yield name
        name = definitions.type(name).base


def urls(trails: Iterable[Trail]) -> Iterator[str]:
    return (str(_at(trail).get("url")) for trail in trails)


def _at(trail: Trail) -> dict[str, Any]:
    found: dict[str, Any] = trail.holder[trail.step.name][trail.place]
    return found


def _check(resource: Resource, trail: Trail, run: Run) -> Found:
    extension, is_modifier = _at(trail), trail.step.name == _MODIFIER
    url = str(extension.get("url"))
    definition = run.library.extension(url)
    if definition is None:
        return _unknown(url, is_modifier)
    owner = _owner_of(run.library.definitions, resource, trail)
    found = _placed(definition, url, owner, trail, run)
    if definition.is_modifier != is_modifier:
        wanted, stands = (_MODIFIER, "extension") if not is_modifier else ("extension", _MODIFIER)
        text = f"{shown(url)} stands in {stands}, it is defined for {wanted}"
        found = [*found, *problem("error", "extension", text, "extension-modifier")]
    if more := definition.rule(extension, None, "Extension", run):
        found = [*found, *more]
    return found


def _placed(definition: Defined, url: str, owner: Owner, trail: Trail, run: Run) -> Found:
    """Whether it may stand where it does."""
    found = NOTHING
    if not (
        definition.anywhere
        or not definition.elements.isdisjoint(owner.names)
        or any(_fits(owner, trail, context, run) for context in definition.contexts)
    ):
        allowed = ", ".join(str(context.get("expression")) for context in definition.contexts)
        text = f"{shown(url)} may stand on {allowed}, not on {owner.path}"
        found = problem("error", "extension", text, "extension-context")
    for expression in definition.invariants:
        if not _holds(owner, trail, expression, run):
            text = f"{shown(url)} may stand only where {expression}"
            found = [*found, *problem("error", "extension", text, "extension-context-invariant")]
    return found


def _unknown(url: str, is_modifier: bool) -> Found:
    if is_modifier:
        text = f"the modifier {shown(url)} has no definition here, so nobody knows what it changes"
        return problem("error", "extension", text, "extension-modifier-unknown")
    text = f"{shown(url)} has no definition here"
    return problem("information", "extension", text, "extension-unknown")


def _fits(owner: Owner, trail: Trail, context: dict[str, Any], run: Run) -> bool:
    """Contexts that are no elements: https://hl7.org/fhir/R4/defining-extensions.html#context"""
    wanted = str(context.get("expression"))
    match context.get("type"):
        case "extension":
            return owner.type == "Extension" and trail.holder.get("url") == wanted
        case "fhirpath":
            return _selects(wanted, trail, run)
        case _:
            return False


def _selects(expression: str, trail: Trail, run: Run) -> bool:
    """Whether an expression on the resource selects the element that the extension is on."""
    try:
        found = compile_expression(expression, run.library.definitions).items(run.resource, run.scope)
    except FhirPathError:
        return True  # a definition that nobody can evaluate refuses nothing
    return any(_raw(item) is trail.holder for item in found)


def _raw(item: Any) -> Any:
    """What the JSON has: of a primitive, its companion, where extensions are."""
    return item.element if isinstance(item, Item) and item.element is not None else unwrap(item)


def _holds(owner: Owner, trail: Trail, expression: str, run: Run) -> bool:
    """contextInvariant, on the element that has the extension; `%extension` is the extension.

    https://hl7.org/fhir/R4/structuredefinition-definitions.html#StructureDefinition.contextInvariant
    """
    scope = copy(run.scope)
    scope.variables = {"extension": trail.holder[trail.step.name][trail.place]}
    try:
        made = compile_expression(expression, run.library.definitions, owner.type)
        return made.truth(trail.holder, scope) is not False
    except FhirPathError:
        return True
