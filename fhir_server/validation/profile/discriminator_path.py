"""The path of a discriminator: the few forms that it may have, and whether there is anything at it.

https://hl7.org/fhir/R4/profiling.html#discriminator: element selections, extension(url), resolve(), ofType()
"""

from collections.abc import Iterable
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Element
from fhir_server.fhirpath import FhirPathError, ast, parse
from fhir_server.outcome import DefinitionError

Steps = list[tuple[str, str]]
"""(kind, name): ("child", "code"), ("extension", url), ("resolve", ""), ("type", "Quantity")"""

_OF_ANY = frozenset(("Resource", "DomainResource", "Element", "BackboneElement"))
"""Types whose elements are those of others too, which are not known here."""
_REFERENCES = frozenset(("Reference", "canonical", "uri", "url"))


def steps(definitions: Definitions, element: Element, path: Any, where: str) -> Steps:
    """Of an element that is sliced. Raises DefinitionError, after `where`, for what leads nowhere."""
    if not path:
        raise DefinitionError(f"{where}: there is no path")
    try:
        found = _steps(parse(str(path)))
    except FhirPathError as error:
        raise DefinitionError(f"{where}: {error}") from None
    _require(definitions, element, found, where)
    return found


def _steps(tree: ast.Node | None) -> Steps:
    match tree:
        case None | ast.This():
            return []
        case ast.Path(focus, name):
            return [*_steps(focus), ("child", name)]
        case ast.Function(focus, "resolve", ()):
            return [*_steps(focus), ("resolve", "")]
        case ast.Function(focus, "extension", (ast.String(url),)):
            return [*_steps(focus), ("extension", url)]
        case ast.Function(focus, "ofType", (ast.Path(None, type_name),)):
            return [*_steps(focus), ("type", type_name)]
        case ast.As(focus, type_):
            return [*_steps(focus), ("type", type_.name)]
        case _:
            raise FhirPathError("a discriminator is a path of elements, extension(), resolve(), ofType()", 0)


def _require(definitions: Definitions, element: Element, path: Steps, where: str) -> None:
    """Every step leads to something that the base types have."""
    here, types, targets = element.name, set(element.types), element.targets
    for kind, name in path:
        if not types or not types.isdisjoint(_OF_ANY):
            return
        match kind:
            case "child":
                found = _children(definitions, types, name)
                if not found:
                    raise DefinitionError(f"{where}: {' or '.join(sorted(types))} has no element {name}")
                types = {each for one in found for each in one.types}
                targets = tuple(each for one in found for each in one.targets)
            case "extension":
                types = {"Extension"}
            case "resolve":
                if types.isdisjoint(_REFERENCES):
                    raise DefinitionError(f"{where}: resolve() is of references, {here} is none")
                types = set(targets)
            case _:
                if not any(definitions.has_type(name) and definitions.is_a(name, each) for each in types):
                    raise DefinitionError(f"{where}: {here} has no type {name}")
                types = {name}
        here = name or here


def _children(definitions: Definitions, types: Iterable[str], name: str) -> list[Element]:
    known = [definitions.type(each) for each in types if definitions.has_type(each)]
    return [found for one in known if (found := one.elements.get(name)) is not None]
