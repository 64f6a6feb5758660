"""Compiled expressions, kept by their text.

https://hl7.org/fhirpath/N1/
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Context, is_costly
from fhir_server.fhirpath.compiled import Compiled, truth
from fhir_server.fhirpath.compiler import Compiler
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import UNKNOWN, Item, unwrap
from fhir_server.fhirpath.model import SAME_IN_FHIR, Definitions, Model
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.paths import Located
from fhir_server.fhirpath.scope import Resolve, Scope
from fhir_server.fhirpath.values import to_json

CACHE_SIZE = 20_000  # expressions; the core of R4 has 1,600

# what closures raise on JSON of another shape than the definitions say
_WRONG_SHAPE = (AttributeError, TypeError, KeyError, ValueError)
_FAILURES = (FhirPathError, RecursionError, *_WRONG_SHAPE)
_DEFINE, _PATHNAME = "defineVariable", "pathname"
# without these, and without certain nodes, one empty scope serves all runs
_FUNCTIONS_READ_SCOPE = frozenset(
    ("resolve", "memberOf", "conformsTo", "trace", "now", "today", "timeOfDay", "aggregate", "repeat",
     "descendants", "replace", "replaceMatches", "subsumes", "subsumedBy", "slice", "elementDefinition",
     "sort", "join", "encode", "decode", "escape", "unescape", "repeatAll", "sum", "min", "max", "avg",
     _PATHNAME, _DEFINE)
)  # fmt: skip
_NO_SCOPE = Scope()
_NONE_DEFINED: Mapping[str, list[Any]] = {}


class Expression:
    """One expression for items of one type; thread-safe, since a run changes only its scope."""

    __slots__ = (
        "_compiled",
        "_finish",
        "_locates",
        "_model",
        "_needs_scope",
        "_prepare",
        "_run",
        "_truth",
        "ast",
        "text",
        "type",
    )

    def __init__(self, text: str, tree: ast.Node, model: Model, type_: str | None, *, strict: bool) -> None:
        self.text = text
        self.ast = tree
        self.type = type_  # of the item at which a run starts; None: the item itself says it
        called = {node.name for node, _ in ast.walk(tree) if isinstance(node, ast.Function)}
        context = Context(
            type_, _resource_type(model, type_), type_, strict=strict, defines=_DEFINE in called
        )
        self._locates = _PATHNAME in called
        self._model = model
        self._compiled = Compiler(model).compile(tree, context)
        self._run = self._compiled.run
        self._truth = truth(self._compiled, tree.at, "the expression")
        self._finish = _finish(model, self._compiled)
        self._needs_scope = _needs_scope(tree)
        self._prepare = _prepare(tree, model, type_)

    def evaluate(
        self,
        resource: Any,
        *,
        context: Any = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
    ) -> list[Any]:
        """The JSON values that the expression selects, in a list that is the caller's.

        context: the item at which it starts; None: `resource` itself. Primitives without a value are left
        out. Raises FhirPathError.
        """
        scope = Scope(resource, None, variables, resolve) if self._needs_scope else _NO_SCOPE
        found = self.items(resource if context is None else context, scope)
        finish = self._finish
        return [*found] if finish is None else finish(found)

    def typed(
        self,
        resource: Any,
        *,
        context: Any = None,
        variables: Mapping[str, Any] | None = None,
        resolve: Resolve | None = None,
    ) -> list[tuple[str, Any]]:
        """(FHIR type name, JSON value) of each item; System types by the FHIR type that is theirs."""
        scope = Scope(resource, None, variables, resolve) if self._needs_scope else _NO_SCOPE
        return self.typed_items(self.items(resource if context is None else context, scope))

    def typed_items(self, found: list[Any]) -> list[tuple[str, Any]]:
        """What `items` gave, as `typed` gives it."""
        if not found:
            return []
        type_ = self._compiled.type
        if type_ is not None and self._finish is None and not self._model.is_abstract_resource(type_):
            return [(type_, item) for item in found]
        return [
            (_fhir_type(self._model, item, type_), plain)
            for item in found
            if (plain := to_json(unwrap(item))) is not None
        ]

    def items(self, item: Any, scope: Scope) -> list[Any]:
        """The collection as the engine has it: for callers that make one scope for many expressions."""
        if self._locates and scope.located is None:
            return self._located(item, scope)
        if self._prepare is not None:
            item = self._prepare(item, scope)
        if self._needs_scope:
            scope.visited, scope.deadline, scope.defined = 0, None, _NONE_DEFINED
        try:
            return self._run(item, scope)
        except _FAILURES as error:
            raise self._failure(error) from _cause(error)

    def _located(self, item: Any, scope: Scope) -> list[Any]:
        """`items` of an expression that asks where something is; what comes out is of the resource again."""
        root = scope.resource if scope.root is None else scope.root
        found = Located(self._model, unwrap(item) if root is None else root)
        own = scope.within(found)
        if type(item) is Item:
            start: Any = Item(found.adopt(item.value), item.type, found.adopt(item.element))
        else:
            start = found.adopt(item)
        return [found.original_item(each) for each in self.items(start, own)]

    def truth(self, item: Any, scope: Scope) -> bool | None:
        """The result as one Boolean; None: it is empty. What a constraint asks."""
        if self._locates and scope.located is None:
            found = self._located(item, scope)
            return truth(Compiled(lambda this, within: found, None), 0, "the expression")(None, scope)
        if self._prepare is not None:
            item = self._prepare(item, scope)
        if self._needs_scope:
            scope.visited, scope.deadline, scope.defined = 0, None, _NONE_DEFINED
        try:
            return self._truth(item, scope)
        except _FAILURES as error:
            raise self._failure(error) from _cause(error)

    def _failure(self, error: Exception) -> FhirPathError:
        if isinstance(error, FhirPathError):
            return error.located(self.text)
        if isinstance(error, RecursionError):
            return FhirPathError("nested too deeply", 0, self.text, costly=True)
        wanted = self.type or "a resource"
        return FhirPathError(f"the item does not have the structure of {wanted}", 0, self.text)

    @property
    def is_of_item(self) -> bool:
        """Whether the result hangs on the item alone, not on its resource, the time or terminology."""
        return not self._needs_scope and not self._locates

    @property
    def result(self) -> str | None:
        """What comes out, as far as it is known: `HumanName`, `string[]` where there may be several."""
        type_ = self._compiled.type
        if type_ is None or type_ in ("", "System.Any"):
            return None
        return SAME_IN_FHIR.get(type_, type_) + ("" if self._compiled.one is not None else "[]")

    def located(self, resource: Any) -> Located:
        """The resource in the form that tells where the items of a run stand."""
        return Located(self._model, resource)

    def __repr__(self) -> str:
        return f"Expression({self.text!r}, {self.type!r})"


def _cause(error: Exception) -> Exception | None:
    """What a developer wants to see behind a FhirPathError; None: it says all itself."""
    return None if isinstance(error, FhirPathError) else error


def _resource_type(model: Model, type_: str | None) -> str:
    """The type of %resource for an expression on `type_`."""
    root = (type_ or "").partition(".")[0]
    return root if root and model.kind(root) == "resource" else "Resource"


def _needs_scope(tree: ast.Node) -> bool:
    return any(_reads_scope(node) for node, _ in ast.walk(tree))


def _reads_scope(node: ast.Node) -> bool:
    match node:
        case ast.Variable() | ast.Index() | ast.Total() | ast.Instance() | ast.Binary("&" | "+"):
            return True
        case ast.Function(_, name, arguments):
            return name in _FUNCTIONS_READ_SCOPE or any(map(is_costly, arguments))
        case _:
            return False


Prepare = Callable[[Any, Scope], Any]


def _prepare(tree: ast.Node, model: Model, type_: str | None) -> Prepare | None:
    """What has to happen to the item at which a run starts; None: nothing."""
    uses_context = any(node == ast.Variable("context") for node, _ in ast.walk(tree))
    if type_ is not None and not uses_context:
        return None

    def prepare(item: Any, scope: Scope) -> Any:
        if type_ is None and type(item) is not Item:
            item = Item(item, model.guess_type(item))
        if uses_context:
            scope.context = item
        return item

    return prepare


Finish = Callable[[list[Any]], list[Any]]


def _finish(model: Model, compiled: Compiled) -> Finish | None:
    """Items to JSON values in a list of its own; None: they are JSON values as they stand."""
    if compiled.type is not None and model.kind(compiled.type) in ("complex", "resource"):
        return None
    if compiled.type is not None and model.is_primitive(compiled.type):
        return _of_primitives
    return _of_any


def _of_primitives(found: list[Any]) -> list[Any]:
    for item in found:
        if type(item) is Item:
            return _of_any(found)
    return [*found]


def _of_any(found: list[Any]) -> list[Any]:
    return [plain for item in found if (plain := to_json(unwrap(item))) is not None]


def typed(items: list[Item]) -> list[tuple[str, Any]]:
    """(FHIR type name, JSON value) of items that carry their type, as a trace shows them."""
    return [
        (SAME_IN_FHIR.get(item.type, item.type), plain)
        for item in items
        if (plain := to_json(item.value)) is not None
    ]


def _fhir_type(model: Model, item: Any, static: str | None) -> str:
    type_ = item.type if type(item) is Item else model.type_of(item, static or UNKNOWN)
    return SAME_IN_FHIR.get(type_, type_)


_models: WeakKeyDictionary[Definitions, Model] = WeakKeyDictionary()


def compile_expression(
    text: str, definitions: Definitions, type_name: str | None = None, *, strict: bool = False
) -> Expression:
    """The expression for items of the type `type_name`; None: each item says its type itself.

    strict: an element that the type does not have is an error; otherwise it is the empty collection, as
    search parameters need that speak of several types. Raises FhirPathError.
    """
    model = _models.get(definitions)
    if model is None:
        model = _models[definitions] = Model(definitions)
    return _compile(text, model, type_name, strict)


@lru_cache(CACHE_SIZE)
def _compile(text: str, model: Model, type_name: str | None, strict: bool) -> Expression:
    tree = parse(text)
    if type_name is not None and not model.has_type(type_name):
        raise FhirPathError(f"{type_name} is not a type", 0, text)
    try:
        return Expression(text, tree, model, type_name, strict=strict)
    except FhirPathError as error:
        raise error.located(text) from None
    except RecursionError:
        raise FhirPathError("nested too deeply", 0, text, costly=True) from None
