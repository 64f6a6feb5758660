"""Organization/[id]/$work-report: the numbers of an alliance in a period, as document, table or page."""

import asyncio

from fhir_server.alliance.elements import target
from fhir_server.alliance.report.document import document
from fhir_server.alliance.report.period import read_period
from fhir_server.alliance.report.report import Report, Wanted, report
from fhir_server.alliance.report.sheet import sheet
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments, arguments
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import bad_value

PARAMETERS = ("start", "end", "period", "members", "format")
FORMATS = ("json", "csv", "html")
_CSV = "text/csv; charset=utf-8"
_HTML = "text/html; charset=utf-8"
# the page has its styles and drawings in itself, and nothing in it runs or is fetched
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


async def work_report(context: Context, request: Request) -> Response:
    assert request.id is not None
    given = arguments(request, PARAMETERS)
    form = given.text("format") or "json"
    if form not in FORMATS:
        raise bad_value(f"format is {form!r}, it can be {', '.join(FORMATS)}")
    name = f"Organization/{request.id}"
    existing(await context.store.read("Organization", request.id), name)
    wanted = Wanted(
        name,
        read_period(given.text("start"), given.text("end"), given.value("period")),
        tuple(_members(given, request.base_url)),
        request.organization,
    )
    found = await report(context, wanted, request.base_url)
    match form:
        case "json":
            made = await asyncio.to_thread(document, found, request.base_url)
            return Response(200, resource=made)
        case "csv":
            return Response(
                200,
                body=(await asyncio.to_thread(sheet, found)).encode(),
                media_type=_CSV,
                headers={"Content-Disposition": 'attachment; filename="work-report.csv"'},
            )
        case _:
            # drawing takes its time, and the library that draws takes long to import
            body = await asyncio.to_thread(_page, found)
            return Response(
                200, body=body.encode(), media_type=_HTML, headers={"Content-Security-Policy": _POLICY}
            )


def _page(found: Report) -> str:
    from fhir_server.alliance.report.page import page

    return page(found)


def _members(given: Arguments, base_url: str) -> list[str]:
    """`Organization/1,Organization/2`, or a Reference, once or more often."""
    found = []
    for value in given.values("members"):
        texts = value.split(",") if isinstance(value, str) else [value.get("reference")]
        for text in texts:
            name = target({"reference": text}, (base_url.rstrip("/"),))
            if name is None or not name.startswith("Organization/"):
                raise bad_value(f"members names {text!r}, it takes references such as Organization/1")
            found.append(name)
    return found
