"""Every error of a request becomes an OperationOutcome.

https://hl7.org/fhir/R4/http.html#Status-Codes, https://hl7.org/fhir/R4/operationoutcome.html
"""

import secrets
from collections.abc import Awaitable

from fhir_server.interactions.request import Response
from fhir_server.outcome import FhirError, internal, operation_outcome
from fhir_server.rest.body import DisconnectError
from fhir_server.rest.exchange import Exchange
from fhir_server.rest.log import Log
from fhir_server.rest.response import Answer, render


async def answered(exchange: Exchange, work: Awaitable[Answer], log: Log) -> Answer:
    """The answer of `work`, or that of the error it raises; `DisconnectError` has none and is raised on."""
    try:
        return await work
    except FhirError as error:
        return render(exchange, failure(error))
    except DisconnectError:
        raise
    except Exception as error:
        return render(exchange, failure(traced(error, exchange.request_id, log)))


def traced(error: Exception, request_id: str | None, log: Log) -> FhirError:
    """What a client gets to know of an error of ours; the rest stands in the log under the same id."""
    trace_id = secrets.token_hex(8)
    log.failed(request_id, trace_id, error)
    return internal(trace_id)


async def settled(work: Awaitable[None]) -> None:
    """Starlette answers an error and raises it all the same, for a server that would write all of it down."""
    try:
        await work
    except Exception:
        return


def failure(error: FhirError) -> Response:
    return Response(error.status, resource=operation_outcome(error.issues), headers=error.headers)
