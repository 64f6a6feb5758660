"""A syntax tree to closures, with the types of the definitions.

https://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation

Operators are compiled here, functions in the files of their section. A path of a known type is resolved
now: an alternative that cannot apply (`Patient.name | Person.name` on a Patient) leaves nothing to run.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fhir_server.fhirpath import ast, boolean, comparison, equality, math, strings, subsetting, tree
from fhir_server.fhirpath.call import Call, Context
from fhir_server.fhirpath.collections import membership, union
from fhir_server.fhirpath.compiled import EMPTY, Compiled, from_one, is_empty, truth, value
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.functions import function
from fhir_server.fhirpath.instance import instance
from fhir_server.fhirpath.items import UNKNOWN, Item
from fhir_server.fhirpath.literals import literal
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.navigation import step, unknown_element
from fhir_server.fhirpath.reference import resolves_to
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.types import is_type, of_type, type_name
from fhir_server.fhirpath.variables import variable, within

_EQUALITY = {
    "=": equality.equals,
    "!=": equality.not_equals,
    "~": equality.equivalent_to,
    "!~": equality.not_equivalent_to,
}


class Compiler:
    def __init__(self, model: Model) -> None:
        self.model = model

    def compile(self, node: ast.Node, context: Context) -> Compiled:
        found = literal(node)
        if found is not None:
            return found
        compile_ = _COMPILE[type(node)]
        if _is_worth_keeping(node, context):
            key = self.model.key(node, context.resource_type)
            return _kept(compile_(self, node, replace(context, depth=0)), key)
        return compile_(self, node, context)

    def operand(self, node: ast.Node, context: Context) -> Compiled:
        """What is no step on the way to what stands behind it: the variables it defines are its own."""
        found = self.compile(node, context)
        return within(found) if context.defines else found

    def this(self, node: ast.Node | None, context: Context) -> Compiled:
        if context.collection:
            return Compiled(lambda this, scope: this, context.type)
        return Compiled(
            lambda this, scope: [this],
            context.type,
            lambda this, scope: this,
            lambda this, scope: True,
            this=context.type is not None,
        )

    def focus(self, node: ast.Node | None, context: Context) -> Compiled:
        return self.this(None, context) if node is None else self.compile(node, context)

    def path(self, node: ast.Path, context: Context, wanted: str | None = None) -> Compiled:
        if node.focus is None and node.name[:1].isupper() and self.model.has_type(node.name):
            # https://hl7.org/fhirpath/N1/#path-selection: the name of a type, "or a supertype"
            return of_type(self.model, self.this(None, context), node.name)
        focus = self.focus(node.focus, context)
        if is_empty(focus):
            return EMPTY
        found = step(self.model, focus, node.name, wanted)
        if found is not None:
            return found
        if context.strict:
            raise unknown_element(self.model, focus.type or UNKNOWN, node.name, node.at)
        return EMPTY

    def function(self, node: ast.Function, context: Context) -> Compiled:
        found = function(node.name, len(node.arguments), node.at)
        call = Call(node, self.focus(node.focus, context), context, self.model, self.operand)
        match node:
            case ast.Function(ast.Function(inner, "children", ()), "count", ()):
                parent = Call(node, self.focus(inner, context), context, self.model, self.compile)
                if counted := tree.count_of_children(parent):
                    return counted
        return found.compile(call)

    def indexer(self, node: ast.Indexer, context: Context) -> Compiled:
        focus = self.compile(node.focus, context)
        return subsetting.item_at(focus, self.operand(node.index, context), node.at)

    def polarity(self, node: ast.Polarity, context: Context) -> Compiled:
        return math.polarity(self.model, node.operator, self.compile(node.operand, context), node.at)

    def union(self, node: ast.Union, context: Context) -> Compiled:
        return union(self.model, [self.operand(operand, context) for operand in node.operands])

    def is_(self, node: ast.Is, context: Context) -> Compiled:
        wanted = type_name(self.model, node.type)
        match node.operand:
            case ast.Function(focus, "resolve", ()) if self.model.kind(wanted) == "resource":
                found = self.focus(focus, context)
                return EMPTY if is_empty(found) else resolves_to(self.model, found, wanted, node.at)
        return is_type(self.model, self.compile(node.operand, context), wanted, node.at)

    def as_(self, node: ast.As, context: Context) -> Compiled:
        wanted = type_name(self.model, node.type)
        if isinstance(node.operand, ast.Path):
            return of_type(self.model, self.path(node.operand, context, wanted), wanted)
        return of_type(self.model, self.compile(node.operand, context), wanted)

    def binary(self, node: ast.Binary, context: Context) -> Compiled:
        left, right = self.operand(node.left, context), self.operand(node.right, context)
        match node.operator:
            case "and" | "or" | "xor" | "implies" as operator:
                return boolean.OPERATORS[operator](
                    truth(left, node.left.at, operator), truth(right, node.right.at, operator)
                )
            case "=" | "!=" | "~" | "!~" as operator:
                return _EQUALITY[operator](self.model, left, right)
            case "<" | "<=" | ">" | ">=" as operator:
                return comparison.compared(self.model, operator, left, right, node.at)
            case "in":
                return membership(self.model, left, right, node.at, "in")
            case "contains":
                return membership(self.model, right, left, node.at, "contains")
            case "&":
                return strings.joined((value(left, node.at, "&"), value(right, node.at, "&")), node.at)
            case operator:
                return math.arithmetic(self.model, operator, left, right, node.at)

    def index(self, node: ast.Index, context: Context) -> Compiled:
        def one(this: Any, scope: Scope) -> int:
            if scope.index is None:
                raise FhirPathError("$index stands outside of a function that sets it", node.at)
            return scope.index

        return from_one(one, "System.Integer")

    def total(self, node: ast.Total, context: Context) -> Compiled:
        def many(this: Any, scope: Scope) -> list[Item]:
            if scope.total is None:
                raise FhirPathError("$total stands outside of aggregate()", node.at)
            return scope.total

        return Compiled(many, None)

    def instance(self, node: ast.Instance, context: Context) -> Compiled:
        return instance(self.model, node, context, self.operand)

    def order(self, node: ast.Order, context: Context) -> Compiled:
        return self.compile(node.key, context)

    def variable(self, node: ast.Variable, context: Context) -> Compiled:
        return variable(self.model, node, context)


_OF_RESOURCE = (ast.Variable("resource"), ast.Variable("rootResource"))


def _is_worth_keeping(node: ast.Node, context: Context) -> bool:
    """Whether it is the same for every item that is gone through, or walks a whole resource."""
    match node:
        case ast.Variable():
            return False
        case ast.Function(_, "descendants", ()):
            return _is_fixed(node)
        case _:
            return context.depth > 0 and _is_fixed(node)


def _is_fixed(node: ast.Node) -> bool:
    """Whether its value hangs on %resource alone."""
    match node:
        case ast.Variable():
            return node in _OF_RESOURCE
        case ast.Path(focus) | ast.Function(focus, _, ()):
            return focus is not None and _is_fixed(focus)
        case ast.Union() | ast.Binary() | ast.As() | ast.Is():
            below = [each for each in ast.children(node) if not isinstance(each, ast.TypeSpecifier)]
            return any(map(_is_fixed, below)) and all(
                _is_fixed(each) or literal(each) is not None for each in below
            )
        case _:
            return False


def _kept(compiled: Compiled, key: object) -> Compiled:
    """The same, calculated once per scope."""
    if compiled.one is not None:
        before = compiled.one

        def one(this: Any, scope: Scope) -> Any:
            if key not in scope.memo:
                scope.memo[key] = before(this, scope)
            return scope.memo[key]

        return from_one(one, compiled.type)
    run = compiled.run

    def many(this: Any, scope: Scope) -> list[Any]:
        if key not in scope.memo:
            scope.memo[key] = run(this, scope)
        found: list[Any] = scope.memo[key]
        return found

    return Compiled(many, compiled.type)


_COMPILE: dict[type[ast.Node], Callable[[Compiler, Any, Context], Compiled]] = {
    ast.This: Compiler.this,
    ast.Index: Compiler.index,
    ast.Total: Compiler.total,
    ast.Variable: Compiler.variable,
    ast.Path: Compiler.path,
    ast.Function: Compiler.function,
    ast.Indexer: Compiler.indexer,
    ast.Polarity: Compiler.polarity,
    ast.Union: Compiler.union,
    ast.Is: Compiler.is_,
    ast.As: Compiler.as_,
    ast.Binary: Compiler.binary,
    ast.Order: Compiler.order,
    ast.Instance: Compiler.instance,
}
