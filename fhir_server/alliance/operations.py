"""The operations of the alliance, handed in to the interactions by the application.

What an operation needs is imported when it is first called: a server starts without it.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module

from fhir_server.alliance import systems
from fhir_server.interactions.context import Context
from fhir_server.interactions.operation import Operation
from fhir_server.interactions.request import Request, Response

IMPLEMENTED = ("alliance-server",)
"""Ids of the CapabilityStatements of the package that the server meets; the others are of its clients."""
_DEFINITIONS = f"{systems.BASE}/OperationDefinition"
_INSTANCE = frozenset(("instance",))


Perform = Callable[[Context, Request], Awaitable[Response]]


def _later(module: str, function: str) -> Perform:
    async def perform(context: Context, request: Request) -> Response:
        found: Response = await getattr(import_module(f"fhir_server.alliance.{module}"), function)(
            context, request
        )
        return found

    return perform


def _referral(
    name: str, module: str, resource_type: str, *, level: str = "instance", reads: bool = False
) -> Operation:
    function = name.replace("-", "_")
    types = frozenset((resource_type,)) if resource_type else frozenset[str]()
    definition = f"{_DEFINITIONS}/{resource_type}-{name}" if resource_type else f"{_DEFINITIONS}/{name}"
    return Operation(
        _later(f"referral.{module}", function),
        definition,
        frozenset((level,)),
        types,
        affects_state=not reads,
    )


OPERATIONS: dict[str, Operation] = {
    "assess": Operation(
        _later("assessment", "assess"),
        f"{_DEFINITIONS}/PractitionerRole-assess",
        _INSTANCE,
        frozenset(("PractitionerRole",)),
    ),
    "accept": _referral("accept", "moves", "Task"),
    "arrive": _referral("arrive", "moves", "Task"),
    "available-actions": _referral("available-actions", "actions", "Task", reads=True),
    "check-capacity": _referral("check-capacity", "capacity", "ServiceRequest", level="type", reads=True),
    "complete": _referral("complete", "moves", "Task"),
    "convert-consult-to-referral": _referral("convert-consult-to-referral", "back", "ServiceRequest"),
    "refer-back": _referral("refer-back", "back", "ServiceRequest"),
    "reject": _referral("reject", "moves", "Task"),
    "request-info": _referral("request-info", "moves", "Task"),
    "submit-referral": _referral("submit-referral", "submit", "", level="system"),
    "work-report": Operation(
        _later("report.operation", "work_report"),
        f"{_DEFINITIONS}/Organization-work-report",
        _INSTANCE,
        frozenset(("Organization",)),
    ),
}
"""By code, without the `$`."""
