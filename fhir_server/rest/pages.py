"""The pages for people, in FastAPI: imported when somebody first asks for one, for it takes its time."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from fhir_server.config import Settings
from fhir_server.outcome import FhirError, not_found, operation_outcome
from fhir_server.rest.docs_page import docs
from fhir_server.rest.home import SECURITY_HEADERS, Overview, home
from fhir_server.rest.url import base_url

AskOverview = Callable[[], Awaitable[Overview]]
Fail = Callable[[Exception], FhirError]
AskCapabilities = Callable[[str], Awaitable[dict[str, Any]]]


def pages(overview: AskOverview, capabilities: AskCapabilities, settings: Settings, fail: Fail) -> FastAPI:
    """fail: what a client gets to know of an error of ours."""
    # its own pages of documentation load scripts from elsewhere
    application = FastAPI(title="fhir-server", docs_url=None, redoc_url=None)

    def base(request: Request) -> str:
        host = dict(request.headers.raw).get(b"host")
        return base_url(settings.base_url, settings.open, request.url.scheme, host)

    @application.get("/", response_class=HTMLResponse)
    async def show_home(request: Request) -> HTMLResponse:
        return HTMLResponse(home(await overview(), base(request)), headers=SECURITY_HEADERS)

    @application.get("/docs", response_class=HTMLResponse)
    async def show_docs(request: Request) -> HTMLResponse:
        found = base(request)
        return HTMLResponse(docs(await capabilities(found), found), headers=SECURITY_HEADERS)

    @application.exception_handler(FhirError)
    async def refuse(request: Request, error: FhirError) -> JSONResponse:
        return _outcome(error, error.status)

    @application.exception_handler(Exception)
    async def refuse_all(request: Request, error: Exception) -> JSONResponse:
        found = fail(error)
        return _outcome(found, found.status)

    @application.exception_handler(HTTPException)
    async def refuse_http(request: Request, error: HTTPException) -> JSONResponse:
        return _outcome(not_found("there is no such page here"), error.status_code)

    return application


def _outcome(error: FhirError, status: int) -> JSONResponse:
    return JSONResponse(
        operation_outcome(error.issues),
        status,
        headers=SECURITY_HEADERS,
        media_type="application/fhir+json; charset=utf-8",
    )
