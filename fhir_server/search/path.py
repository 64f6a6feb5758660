"""The expressions of search parameters as plain paths, where they are plain paths.

https://hl7.org/fhir/R4/searchparameter.html, https://hl7.org/fhir/R4/fhirpath.html

Nearly all of them select elements by name, type, extension URL or one fixed child; such a path is walked
over the JSON of a resource without an interpreter. Any other expression is left to FHIRPath.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath import ast, parse, print_expression


@dataclass(frozen=True, slots=True)
class Child:
    name: str  # of an element; `value` for value[x]


@dataclass(frozen=True, slots=True)
class OfType:
    name: str


@dataclass(frozen=True, slots=True)
class Having:
    """Items whose child `name` is the string `value`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Item:
    index: int


Step = Child | OfType | Having | Item


@dataclass(frozen=True, slots=True)
class Branch:
    """One operand of an expression's union, as far as one resource type is concerned."""

    steps: tuple[Step, ...] | None  # None: no plain path, FHIRPath must evaluate `text`
    text: str  # the same for the same meaning; without `where(resolve() is T)`
    target: str | None = None  # only references to this type are meant; None: to any
    of_resource: bool = False  # the path starts at %resource, not at the item of a composite


def branches(expression: str, resource_type: str, definitions: Definitions) -> Iterator[Branch]:
    """The branches that start at `resource_type` or at one of the types that it specialises."""
    tree = parse(expression)
    for operand in tree.operands if isinstance(tree, ast.Union) else (tree,):
        root = _root(operand)
        if root is None or (definitions.has_type(root) and definitions.is_a(resource_type, root)):
            yield _branch(operand, definitions)


def _root(node: ast.Node) -> str | None:
    """The type that the leftmost path names; None: it starts at the item itself."""
    while True:
        match node:
            case ast.Path(None, name):
                return name if name[0].isupper() else None
            case ast.Path(focus, _) | ast.Function(focus) | ast.Indexer(focus) if focus is not None:
                node = focus
            case ast.As(operand, _) | ast.Is(operand, _):
                node = operand
            case ast.Binary(_, left, _):
                node = left
            case _:
                return None


def _branch(node: ast.Node, definitions: Definitions) -> Branch:
    target = None
    if (found := _resolved_type(node)) is not None:
        node, target = found
    try:
        steps: tuple[Step, ...] | None = tuple(_steps(node, definitions))
    except _NotPlainError:
        steps = None
    text = print_expression(node) if steps is None else _text(steps)
    of_resource = any(isinstance(each, ast.Variable) for each, _ in ast.walk(node))
    return Branch(steps, f"%resource.{text}" if steps and of_resource else text, target, of_resource)


def _resolved_type(node: ast.Node) -> tuple[ast.Node, str] | None:
    """(`a.b`, T) for `a.b.where(resolve() is T)`."""
    match node:
        case ast.Function(
            ast.Node() as focus, "where", (ast.Is(ast.Function(None, "resolve", ()), specifier),)
        ):
            return focus, specifier.name
        case _:
            return None


class _NotPlainError(Exception):
    pass


def _steps(node: ast.Node, definitions: Definitions) -> list[Step]:
    match node:
        case ast.Path(None, name):
            return [] if name[0].isupper() else [Child(name)]
        case ast.Path(ast.Node() as focus, name):
            return [*_after(focus, definitions), Child(name)]
        case ast.As(operand, specifier):
            return [*_after(operand, definitions), OfType(_type_name(specifier.name, definitions))]
        case ast.Function(ast.Node() as focus, "ofType", (ast.Path(None, name),)):
            return [*_after(focus, definitions), OfType(_type_name(name, definitions))]
        case ast.Function(
            ast.Node() as focus, "where", (ast.Binary("=", ast.Path(None, name), ast.String(value)),)
        ):
            return [*_after(focus, definitions), Having(name, value)]
        case ast.Function(ast.Node() as focus, "extension", (ast.String(url),)):
            return [*_after(focus, definitions), Child("extension"), Having("url", url)]
        case ast.Indexer(focus, ast.Number(index)):
            return [*_after(focus, definitions), Item(int(index))]
        case _:
            raise _NotPlainError


def _after(focus: ast.Node, definitions: Definitions) -> list[Step]:
    match focus:
        case ast.This() | ast.Variable("resource"):
            return []
        case _:
            return _steps(focus, definitions)


def _type_name(name: str, definitions: Definitions) -> str:
    """Some definitions write `DateTime` for `dateTime` (Observation-code-value-date)."""
    lower = name[0].lower() + name[1:]
    return lower if not definitions.has_type(name) and definitions.has_type(lower) else name


def _text(steps: tuple[Step, ...]) -> str:
    parts = []
    for step in steps:
        match step:
            case Child(name):
                parts.append(f".{name}")
            case OfType(name):
                parts.append(f".ofType({name})")
            case Having(name, value):
                parts.append(f".where({name}='{value}')")
            case Item(index):
                parts.append(f"[{index}]")
    return "".join(parts).removeprefix(".")


@dataclass(frozen=True, slots=True)
class Property:
    """A move to the values of a JSON property."""

    name: str
    many: bool


Move = Property | Having | Item


@dataclass(frozen=True, slots=True)
class Walk:
    """A way through the JSON of a resource: moves, and what stands at their end."""

    moves: tuple[Move, ...]
    type_name: str
    element: str = ""  # name of the last element
    owner: str = ""  # type that the last element belongs to
    repeats: bool = False  # some step selects more than one item
    value_set: str | None = None  # required binding of the last element
    targets: tuple[str, ...] = ()  # of the last element, a Reference or canonical; (): any


def walks(start: str, steps: tuple[Step, ...], definitions: Definitions) -> list[Walk]:
    """All ways that `steps` go from a `start`, with the types known from the definitions."""
    found = [Walk((), start)]
    for step in steps:
        found = [following for walk in found for following in _follow(walk, step, definitions)]
    return found


def _follow(walk: Walk, step: Step, definitions: Definitions) -> Iterator[Walk]:
    match step:
        case Child(name):
            yield from _children(walk, name, definitions)
        case OfType(name):
            if definitions.has_type(name) and definitions.is_a(walk.type_name, name):
                yield walk
        case Having():
            yield replace(walk, moves=(*walk.moves, step))
        case Item():
            yield replace(walk, moves=(*walk.moves, step), repeats=False)


def _children(walk: Walk, name: str, definitions: Definitions) -> Iterator[Walk]:
    for property_name, (element, type_name) in definitions.type(walk.type_name).properties.items():
        if element.name == name:
            binding = element.binding
            yield Walk(
                moves=(*walk.moves, Property(property_name, element.many)),
                type_name=type_name,
                element=name,
                owner=walk.type_name,
                repeats=walk.repeats or element.many,
                value_set=binding.value_set if binding and binding.strength == "required" else None,
                targets=element.targets,
            )
