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

from fhir_server.fhirpath import Expression, FhirPathError, Scope, compile_expression, typed
from fhir_server.interactions.context import Context
from fhir_server.interactions.evaluation import evaluated
from fhir_server.interactions.operations.parameters import Argument, Arguments, arguments, parameters, part
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import FhirError, Issue, bad_value, exhausting, missing
from fhir_server.resource import Resource, decode, encode, parse

_KNOWN = ("expression", "context", "resource", "variables", "validate", "terminologyserver")
_COSTLY = "too costly"
JSON_VALUE = "http://fhir.forms-lab.com/StructureDefinition/json-value"
RESOURCE_PATH = "http://fhir.forms-lab.com/StructureDefinition/resource-path"


async def fhirpath(context: Context, request: Request) -> Response:
    """200 with Parameters; 400 for an expression that is wrong, 422 for one that would take too long."""
    given = arguments(request, _KNOWN)
    text = given.required_text("expression")
    if given.text("terminologyserver"):
        raise bad_value("terminologyserver: this server asks its own terminology")
    resource = await _resource(context, request, given)
    try:
        found = await _Evaluation(context, resource, given).of(text)
    except FhirPathError as error:
        raise _refused(error) from None
    asked = [part("evaluator", valueString="fhir-server (R4)"), part("expression", valueString=text)]
    if where := given.text("context"):
        asked.append(part("context", valueString=where))
    if resource is not None:
        asked.append(part("resource", resource=resource))
    answer = parameters(part("parameters", part=asked), *found)
    return Response(200, resource=answer | {"id": "fhirpath"})


def _refused(error: FhirPathError) -> FhirError:
    if error.problem.startswith(_COSTLY):
        return exhausting(str(error))
    return FhirError(400, Issue("error", "invalid", str(error), None, "fhirpath"))


async def _resource(context: Context, request: Request, given: Arguments) -> Resource | None:
    """The one in the parameter, also as JSON in a text or as `Patient/1`; else the one of the URL."""
    found = given.one("resource")
    if found is not None and found.resource is not None:
        return found.resource
    name = None if found is None else str(found.value)
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


class _Evaluation:
    """One resource and what is known beside it."""

    def __init__(self, context: Context, resource: Resource | None, given: Arguments) -> None:
        self._context = context
        self._definitions = context.definitions
        self._resource = resource
        self._where = given.text("context")
        self._variables = {
            name: value for each in given.parts("variables") for name, value in _variables(each)
        }
        self._paths = {} if resource is None else dict(_paths(resource, str(resource.get("resourceType"))))
        self._values = self._definitions.type("Parameters.parameter").properties

    async def of(self, text: str) -> list[dict[str, Any]]:
        """The parts `result`. Raises FhirPathError."""
        type_ = None if self._resource is None else str(self._resource.get("resourceType"))
        if self._where is None:
            return [await self._result(text, self._resource, type_)]
        expression = self._compiled(self._where, type_)
        items, _ = await self._items(expression, self._resource)
        found = expression.typed_items(items)
        return [await self._result(text, value, each) for each, value in found]

    def _compiled(self, text: str, type_: str | None) -> Expression:
        known = type_ is not None and self._definitions.has_type(type_)
        return compile_expression(text, self._definitions, type_ if known else None)

    async def _items(
        self, expression: Expression, item: Any
    ) -> tuple[list[Any], list[tuple[str, list[Any]]]]:
        """The items of the expression, and what was traced on the way."""
        heard: list[tuple[str, list[Any]]] = []

        def run(scope: Scope) -> list[Any]:
            heard.clear()
            scope.trace = lambda name, shown: heard.append((name, shown))
            return expression.items(item, scope)

        return await evaluated(self._context, self._resource, self._variables, run), heard

    async def _result(self, text: str, item: Any, type_: str | None) -> dict[str, Any]:
        expression = self._compiled(text, type_)
        items, heard = await self._items(expression, item)
        found = [self._part(name, value) for name, value in expression.typed_items(items)]
        for name, shown in heard:
            traced = [self._part(type_ or "Element", value) for type_, value in typed(shown)]
            found.append(part("trace", valueString=name) | ({"part": traced} if traced else {}))
        where = self._paths.get(id(item)) if self._where is not None else None
        return part("result", {"valueString": where} if where else {}) | ({"part": found} if found else {})

    def _part(self, type_: str, value: Any) -> dict[str, Any]:
        """One item, named by its type; what no value[x] can hold stands as JSON in an extension."""
        extensions = []
        if path := self._paths.get(id(value)):
            extensions.append({"url": RESOURCE_PATH, "valueString": path})
        held = f"value{type_[:1].upper()}{type_[1:]}"
        content: dict[str, Any] = {}
        if isinstance(value, dict) and "resourceType" in value:
            content["resource"] = value
        elif value is None:
            pass
        elif held in self._values and value != "":
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


def _paths(value: Any, at: str) -> Iterator[tuple[int, str]]:
    """The FHIRPath of each object in a resource, by its identity."""
    waiting = [(value, at)]
    while waiting:
        found, path = waiting.pop()
        if isinstance(found, dict):
            yield id(found), path
            waiting += [
                (each, f"{path}.{name}") for name, each in found.items() if isinstance(each, dict | list)
            ]
        else:
            waiting += [
                (each, f"{path}[{n}]") for n, each in enumerate(found) if isinstance(each, dict | list)
            ]
