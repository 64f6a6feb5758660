"""A function call on its way to becoming closures: what each section of the specification is given."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.compiled import Compiled, One, Truth, singleton, truth, typed_value, value
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.scope import Scope

Walk = Callable[[list[Any], Scope], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Context:
    """Where a part of an expression stands."""

    type: str | None  # of `$this`; None: it is an `Item`
    resource_type: str  # of %resource, as far as it is known
    root_type: str | None  # of %context
    collection: bool = False  # True: `$this` is a collection, as in the arguments of iif()
    depth: int = 0  # functions around it that run it once per item
    strict: bool = False  # True: an unknown element is an error, not the empty collection
    defines: bool = False  # whether defineVariable() stands anywhere in the expression


Compile = Callable[[ast.Node, Context], Compiled]


@dataclass(frozen=True, slots=True)
class Call:
    node: ast.Function
    focus: Compiled
    context: Context
    model: Model
    compile: Compile

    @property
    def at(self) -> int:
        return self.node.at

    @property
    def name(self) -> str:
        return f"{self.node.name}()"

    @property
    def count(self) -> int:
        return len(self.node.arguments)

    def argument(self, index: int) -> Compiled:
        """An argument that is evaluated once, where the call stands."""
        return self.compile(self.node.arguments[index], self.context)

    def each(self, index: int) -> Compiled:
        """An argument that is evaluated per item of the focus, which is its `$this`."""
        context = replace(self.context, type=self.focus.type, collection=False, depth=self.context.depth + 1)
        return self.compile(self.node.arguments[index], context)

    def criteria(self, index: int) -> Truth:
        return truth(self.each(index), self.node.arguments[index].at, self.name)

    def walk(self, *indexes: int) -> Walk | None:
        """How to go through the focus while `each` of these arguments is evaluated; None: just so."""
        arguments = [self.node.arguments[index] for index in indexes]
        if self.context.depth == 0 and not any(map(is_costly, arguments)):
            return None
        at = self.at

        def walk(items: list[Any], scope: Scope) -> Iterator[Any]:
            before = scope.index
            for index, item in enumerate(items):
                scope.visit(1, at)
                scope.index = index
                yield item
            scope.index = before

        return walk

    def string(self, index: int) -> Callable[[Any, Scope], str | None]:
        return typed_value(self.argument(index), str, self.node.arguments[index].at, self.name)

    def integer(self, index: int) -> Callable[[Any, Scope], int | None]:
        return typed_value(self.argument(index), int, self.node.arguments[index].at, self.name)

    def focus_string(self) -> Callable[[Any, Scope], str | None]:
        return typed_value(self.focus, str, self.at, self.name)

    def focus_one(self) -> One:
        return singleton(self.focus, self.at, self.name)

    def focus_value(self) -> One:
        return value(self.focus, self.at, self.name)

    def type_argument(self, index: int) -> ast.TypeSpecifier:
        found = ast.type_specifier(self.node.arguments[index])
        if found is None:
            raise FhirPathError(f"{self.name} takes the name of a type", self.node.arguments[index].at)
        return found

    def error(self, problem: str) -> FhirPathError:
        return FhirPathError(f"{self.name}: {problem}", self.at)


@dataclass(frozen=True, slots=True)
class Function:
    compile: Callable[[Call], Compiled]
    least: int = 0  # arguments
    most: int = 0


_GROWING = frozenset(("children", "descendants"))


def is_costly(node: ast.Node) -> bool:
    """Whether evaluating it once per item may take more than looking at the item.

    Such criteria count what they visit, and number it: `$index` is one of them.
    """
    return any(_is_costly(found) for found, _ in ast.walk(node))


def _is_costly(node: ast.Node) -> bool:
    match node:
        case ast.Index() | ast.Variable() | ast.Binary("in" | "contains"):
            return True
        case ast.Function(_, name, arguments):
            return name in _GROWING or bool(arguments)
        case _:
            return False
