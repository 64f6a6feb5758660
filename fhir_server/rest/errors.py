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
        trace_id = secrets.token_hex(8)
        log.failed(exchange.request_id, trace_id, error)
        return render(exchange, failure(internal(trace_id)))


def failure(error: FhirError) -> Response:
    return Response(error.status, resource=operation_outcome(error.issues), headers=error.headers)
