"""Which interaction a request is: one table, from which the CapabilityStatement is made too.

https://hl7.org/fhir/R4/http.html#summary
"""

from fhir_server.interactions import conditional
from fhir_server.interactions.batch import batch
from fhir_server.interactions.capabilities import Capabilities
from fhir_server.interactions.context import Context
from fhir_server.interactions.create import create
from fhir_server.interactions.delete import delete
from fhir_server.interactions.history import history
from fhir_server.interactions.names import require_id, require_type
from fhir_server.interactions.operations import operation_of
from fhir_server.interactions.patch import patch
from fhir_server.interactions.read import read
from fhir_server.interactions.reindexing import with_progress
from fhir_server.interactions.request import Method, Request, Response
from fhir_server.interactions.search import search
from fhir_server.interactions.table import Interaction, Shape, Table, shape_of
from fhir_server.interactions.transaction import transaction
from fhir_server.interactions.update import update
from fhir_server.interactions.vread import vread
from fhir_server.outcome import method_not_allowed, unknown_type
from fhir_server.search.rules import BuildingError
from fhir_server.store.ruled import OutdatedError

_ANY_TYPE = "*"


async def perform(context: Context, request: Request) -> Response:
    """The answer to `request`; raises FhirError."""
    try:
        _require_names(context, request)
        if request.operation is not None:
            return await _operate(context, request)
        methods = TABLE[shape_of(request)]
        interaction = methods.get(request.method)
        if interaction is None:
            raise method_not_allowed(f"this URL does not take {request.method}", tuple(methods))
        return await interaction.perform(context, request)
    except OutdatedError:
        # nothing was done yet
        if context.present is None:
            raise
        return await perform(await context.renewed(), request)
    except BuildingError as error:
        raise await with_progress(context.store, error) from None


def _require_names(context: Context, request: Request) -> None:
    if request.resource_type is not None:
        require_type(context.definitions, request.resource_type)
    if request.id is not None:
        require_id(request.id)
    if request.compartment_type not in (None, _ANY_TYPE):
        require_type(context.definitions, str(request.compartment_type))


async def _operate(context: Context, request: Request) -> Response:
    operation = operation_of(context, request.operation)
    level = shape_of(request).partition("/")[0]
    if operation is None or level not in operation.levels or not operation.concerns(request.resource_type):
        raise unknown_type(f"there is no operation ${request.operation} here")
    if request.method != "POST" and (operation.affects_state or request.method not in ("GET", "HEAD")):
        allowed: tuple[Method, ...] = ("POST",) if operation.affects_state else ("GET", "HEAD", "POST")
        raise method_not_allowed(f"${request.operation} does not take {request.method}", allowed)
    return await operation.perform(context, request)


async def _bundle(context: Context, request: Request) -> Response:
    if (request.resource or {}).get("type") == "transaction":
        return await transaction(context, request, perform)
    return await batch(context, request, perform)


def _with_head(methods: dict[Method, Interaction]) -> dict[Method, Interaction]:
    """HEAD is allowed wherever GET is: https://hl7.org/fhir/R4/http.html#head"""
    return methods | ({"HEAD": methods["GET"]._replace(codes=())} if "GET" in methods else {})


_SHAPES: dict[Shape, dict[Method, Interaction]] = {
    "system": {
        "GET": Interaction(search, ("search-system",)),
        "POST": Interaction(_bundle, ("transaction", "batch")),
    },
    "system/_history": {"GET": Interaction(history, ("history-system",))},
    "system/_search": {"POST": Interaction(search, ())},
    "type": {
        "GET": Interaction(search, ("search-type",)),
        "POST": Interaction(create, ("create",)),
        "PUT": Interaction(conditional.update, ()),
        "PATCH": Interaction(conditional.patch, ()),
        "DELETE": Interaction(conditional.delete, ()),
    },
    "type/_history": {"GET": Interaction(history, ("history-type",))},
    "type/_search": {"POST": Interaction(search, ())},
    "instance": {
        "GET": Interaction(read, ("read",)),
        "PUT": Interaction(update, ("update",)),
        "PATCH": Interaction(patch, ("patch",)),
        "DELETE": Interaction(delete, ("delete",)),
    },
    "instance/_history": {"GET": Interaction(history, ("history-instance",))},
    "version": {"GET": Interaction(vread, ("vread",))},
    "compartment": {"GET": Interaction(search, ())},
    "compartment/_search": {"POST": Interaction(search, ())},
}
_SHAPES["metadata"] = {"GET": Interaction(Capabilities(_SHAPES).answer, ())}
TABLE: Table = {shape: _with_head(methods) for shape, methods in _SHAPES.items()}
