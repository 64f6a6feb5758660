"""$fhirpath: an expression, evaluated on a resource.

https://hl7.org/fhir/R4/fhirpath.html; parameters and answer are those of
https://github.com/brianpos/fhirpath-lab/blob/master/server-api.md

    POST [base]/$fhirpath           Parameters: expression, resource, context, variables
    GET  [base]/Patient/1/$fhirpath?expression=name.given

The answer has one part `result` for each item that `context` selects, and in it a part for each item of the
expression, named by its type; what trace() showed stands beside them.
"""

from collections.abc import Iterator
from typing import Any

from fhir_server import __version__
from fhir_server.fhirpath import (
    Expression,
    FhirPathError,
    Located,
    Scope,
    compile_expression,
    outline,
    typed,
)
from fhir_server.interactions.context import Context
from fhir_server.interactions.evaluation import evaluated
from fhir_server.interactions.operations.parameters import Argument, Arguments, arguments, parameters, part
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import FhirError, Issue, bad_value, exhausting, missing, not_supported
from fhir_server.resource import Resource, decode, encode, parse

_KNOWN = ("expression", "context", "resource", "variables", "validate", "terminologyserver")
JSON_VALUE = "http://fhir.forms-lab.com/StructureDefinition/json-value"
XML_VALUE = "http://fhir.forms-lab.com/StructureDefinition/xml-value"
RESOURCE_PATH = "http://fhir.forms-lab.com/StructureDefinition/resource-path"
_EMPTY_TEXT = "empty-string"  # what many would drop of a resource


async def fhirpath(context: Context, request: Request) -> Response:
    """200 with Parameters; 400 for an expression that is wrong, 422 for one that would take too long."""
    given = arguments(request, _KNOWN)
    text = given.required_text("expression")
    if given.text("terminologyserver"):
        raise bad_value("terminologyserver: this server asks its own terminology")
    resource = await _resource(context, request, given)
    evaluation = _Evaluation(context, resource, given)
    try:
        found = await evaluation.of(text)
    except FhirPathError as error:
        raise _refused(error) from None
    asked = [part("evaluator", valueString=f"fhir-server {__version__} (R4)"), *evaluation.told(text)]
    if where := given.text("context"):
        asked.append(part("context", valueString=where))
    asked.append(part("expression", valueString=text))
    if resource is not None:
        asked.append(part("resource", resource=resource))
    asked += [part("variables", part=list(map(_echo, each.arguments))) for each in given.parts("variables")]
    answer = parameters(part("parameters", part=asked), *found)
    return Response(200, resource=answer | {"id": "fhirpath"})


def _echo(given: Argument) -> dict[str, Any]:
    if given.parts is not None:
        return part(given.name, part=list(map(_echo, given.parts.arguments)))
    if given.resource is not None:
        return part(given.name, resource=given.resource)
    return part(given.name, {} if given.value is None else {f"value{given.type}": given.value})


def _refused(error: FhirPathError) -> FhirError:
    if error.costly:
        return exhausting(str(error))
    return FhirError(400, Issue("error", "invalid", str(error), None, "fhirpath"))


async def _resource(context: Context, request: Request, given: Arguments) -> Resource | None:
    """The one in the parameter, also as JSON in a text or as `Patient/1`; else the one of the URL."""
    found = given.one("resource")
    if found is not None and found.resource is not None:
        return found.resource
    name = _in_extension(request) if found is None or found.value is None else str(found.value)
    if name is not None and name.lstrip().startswith("{"):
        return parse(name.encode())
    if name is None:
        if request.resource_type is None or request.id is None:
            return None
        name = f"{request.resource_type}/{request.id}"
    resource_type, _, id_ = name.partition("/")
    if not id_ or resource_type not in context.definitions.resource_types:
        raise bad_value(f"resource is {name!r}; it can be a resource, its JSON or Type/id")
    stored: Resource = decode(existing(await context.store.read(resource_type, id_), name).body)
    return stored


def _in_extension(request: Request) -> str | None:
    """The JSON of a resource in an extension of the parameter, which is how the Lab sends other releases."""
    for each in (request.resource or {}).get("parameter", ()):
        for extension in each.get("extension", ()) if each.get("name") == "resource" else ():
            if extension.get("url") == XML_VALUE:
                raise not_supported("resource: XML is not read here")
            if extension.get("url") == JSON_VALUE:
                return str(extension.get("valueString", ""))
    return None


class _Evaluation:
    """One resource and what is known beside it."""

    def __init__(self, context: Context, resource: Resource | None, given: Arguments) -> None:
        self._context = context
        self._definitions = context.definitions
        self._resource = resource
        self._where = given.text("context")
        self._validate = given.boolean("validate")
        self._variables = {
            name: value for each in given.parts("variables") for name, value in _variables(each)
        }
        self._type = None if resource is None else str(resource.get("resourceType"))
        self._located: Located | None = None
        self._values = self._definitions.type("Parameters.parameter").properties
        self._main: Expression | None = None

    async def of(self, text: str) -> list[dict[str, Any]]:
        """The parts `result`. Raises FhirPathError."""
        if self._where is None:
            self._main = self._compiled(text, self._type)
            located = self._locate(self._main)
            return [await self._result(self._main, located.resource, None)]
        expression = self._compiled(self._where, self._type)
        located = self._locate(expression)
        items, _ = await self._items(expression, located.resource)
        results = []
        for index, item in enumerate(items):
            known = expression.typed_items([item])
            type_ = known[0][0] if known else None
            self._main = self._compiled(text, type_)
            where = located.path(item, short=True) or f"{self._where}[{index}]"
            results.append(await self._result(self._main, item, where))
        if not items:
            self._main = self._compiled(text, None)  # it has to be right even so
        return results

    def told(self, text: str) -> Iterator[dict[str, Any]]:
        """What is known of the expression without running it."""
        assert self._main is not None
        if self._main.result:
            yield part("expectedReturnType", valueString=self._main.result)
        yield part("parseDebugTree", valueString=encode(outline(self._main.ast)).decode())
        if self._validate:
            try:
                self._compiled(text, self._main.type, strict=True)
            except FhirPathError as error:
                yield part("parseDebug", valueString=str(error))

    def _locate(self, expression: Expression) -> Located:
        self._located = expression.located(self._resource)
        return self._located

    def _compiled(self, text: str, type_: str | None, *, strict: bool = False) -> Expression:
        known = type_ is not None and self._definitions.has_type(type_)
        return compile_expression(text, self._definitions, type_ if known else None, strict=strict)

    async def _items(
        self, expression: Expression, item: Any
    ) -> tuple[list[Any], list[tuple[str, list[Any]]]]:
        """The items of the expression, and what was traced on the way."""
        assert self._located is not None
        heard: list[tuple[str, list[Any]]] = []

        def run(scope: Scope) -> list[Any]:
            heard.clear()
            scope.trace = lambda name, shown: heard.append((name, shown))
            return expression.items(item, scope)

        return await evaluated(self._context, self._variables, self._located, run), heard

    async def _result(self, expression: Expression, item: Any, where: str | None) -> dict[str, Any]:
        items, heard = await self._items(expression, item)
        found = [self._part(each, expression.typed_items([each])) for each in items]
        for name, shown in heard:
            traced = [self._part(each, typed([each])) for each in shown]
            kept = [each for each in traced if each is not None]
            found.append(part("trace", valueString=name) | ({"part": kept} if kept else {}))
        parts = [each for each in found if each is not None]
        return part("result", {"valueString": where} if where else {}) | ({"part": parts} if parts else {})

    def _part(self, item: Any, known: list[tuple[str, Any]]) -> dict[str, Any] | None:
        """One item, named by its type; what no value[x] can hold stands as JSON in an extension.

        None: a primitive without a value.
        """
        assert self._located is not None
        if not known:
            return None
        ((type_, copy),) = known
        value, extensions = self._located.original(copy), []
        if path := self._located.path(item, short=True):
            extensions.append({"url": RESOURCE_PATH, "valueString": path})
        held = f"value{type_[:1].upper()}{type_[1:]}"
        content: dict[str, Any] = {}
        if isinstance(value, dict) and "resourceType" in value:
            content["resource"] = value
        elif value == "":
            type_ = _EMPTY_TEXT
        elif held in self._values:
            content[held] = value
        else:
            extensions.append({"url": JSON_VALUE, "valueString": encode(value).decode()})
        if extensions:
            content["extension"] = extensions
        return part(type_, content)


def _variables(given: Arguments) -> Iterator[tuple[str, Any]]:
    for each in given.arguments:
        yield each.name, _variable(each)


def _variable(given: Argument) -> Any:
    if given.parts is not None:
        return [_variable(each) for each in given.parts.arguments]
    found = given.value if given.resource is None else given.resource
    if found is None:
        raise missing(f"the variable {given.name} has no value")
    return found
