"""$expand: the codes of a value set.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from typing import Any

from fhir_server.clock import format_instant
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations import value_sets
from fhir_server.interactions.operations.parameters import Arguments, arguments
from fhir_server.interactions.operations.terminology import require_now, spoken
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import bad_value
from fhir_server.resource import Resource, encode
from fhir_server.terminology import expand as expansion
from fhir_server.terminology.value_set import Choice

_LEAST_BYTES = 500  # that an answer counts
_BOOLEANS = (
    "includeDesignations", "includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI",
    "excludePostCoordinated",
)  # fmt: skip
_CANONICALS = ("exclude-system", "system-version", "check-system-version", "force-system-version")
_INTEGERS = ("offset", "count")
_TEXTS = ("filter", "displayLanguage")
PARAMETERS = (
    *value_sets.PARAMETERS, *_TEXTS, *_INTEGERS, *_BOOLEANS, *_CANONICALS, "contextDirection", "designation",
)  # fmt: skip


async def expand(context: Context, request: Request) -> Response:
    """The answer to a query is kept until a definition changes: the same pages are asked for again."""
    if request.resource is not None or not context.terminology.is_closed:
        return Response(200, resource=await _expand(context, request))
    snapshot = await context.terminology.snapshot()
    key = request.id, request.accept_language, context.terminology.limit, *request.parameters
    body = snapshot.answers.get(key)
    if body is None:
        body = encode(await _expand(context, request))
        if not any(name == "date" for name, _ in request.parameters):
            snapshot.answers.put(key, body, _LEAST_BYTES + len(body))
    return Response(200, body=body)


async def _expand(context: Context, request: Request) -> Resource:
    given = arguments(request, PARAMETERS, bare="valueSet")
    require_now(context, given)
    direction = given.text("contextDirection")
    if direction not in (None, *value_sets.DIRECTIONS):
        raise bad_value(f"contextDirection is {direction!r}, it can be {' or '.join(value_sets.DIRECTIONS)}")
    snapshot = await context.terminology.snapshot()
    meant = await value_sets.value_set(context, request, given, snapshot)
    return await expansion.expand(
        context.terminology,
        snapshot,
        meant.value_set,
        _wanted(given, request),
        format_instant(context.clock()),
        stored=meant.stored,
    )


def _wanted(given: Arguments, request: Request) -> expansion.Wanted:
    numbers = {name: given.integer(name) for name in _INTEGERS}
    for name, number in numbers.items():
        if number is not None and number < 0:
            raise bad_value(f"{name} is {number}, it cannot be negative")
    flags = {name: given.boolean(name) for name in _BOOLEANS}
    tokens = tuple(given.texts("designation"))
    return expansion.Wanted(
        filter=given.text("filter"),
        offset=numbers["offset"],
        count=numbers["count"],
        active_only=flags["activeOnly"] is True,
        nested=flags["excludeNested"] is False,
        selectable_only=flags["excludeNotForUI"] is True,
        definition=flags["includeDefinition"] is True,
        designations=flags["includeDesignations"] is True or bool(tokens),
        designation_tokens=tokens,
        languages=spoken(given, request),
        choice=Choice(
            default=tuple(given.texts("system-version")),
            check=tuple(given.texts("check-system-version")),
            force=tuple(given.texts("force-system-version")),
            exclude=tuple(given.texts("exclude-system")),
        ),
        echo=_echo(given, numbers | flags),
    )


def _echo(given: Arguments, values: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    found = [(name, given.text(name)) for name in _TEXTS]
    found += values.items()
    echo = [(name, value) for name, value in found if value is not None]
    echo += [(name, value) for name in (*_CANONICALS, "designation") for value in given.texts(name)]
    return tuple(echo)
