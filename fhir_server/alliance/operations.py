"""The operations of the alliance, handed in to the interactions by the application.

What an operation needs is imported when it is first called: a server starts without it.
"""

from fhir_server.alliance import systems
from fhir_server.interactions.context import Context
from fhir_server.interactions.operation import Operation
from fhir_server.interactions.request import Request, Response

_DEFINITIONS = f"{systems.BASE}/OperationDefinition"
_INSTANCE = frozenset(("instance",))


async def _work_report(context: Context, request: Request) -> Response:
    from fhir_server.alliance.report.operation import work_report

    return await work_report(context, request)


OPERATIONS: dict[str, Operation] = {
    "work-report": Operation(
        _work_report,
        f"{_DEFINITIONS}/Organization-work-report",
        _INSTANCE,
        frozenset(("Organization",)),
    ),
}
"""By code, without the `$`."""
