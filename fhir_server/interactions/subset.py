"""`_summary` and `_elements` of a read: a part of one version.

https://hl7.org/fhir/R4/http.html#parameters, https://hl7.org/fhir/R4/search.html#summary
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Request
from fhir_server.outcome import bad_value
from fhir_server.resource import Resource, decode
from fhir_server.search import result
from fhir_server.search.subset import subset
from fhir_server.store.protocol import Version


def part_of(context: Context, request: Request, version: Version) -> Resource | None:
    """The part that is asked for; None: all of it, as it is stored."""
    summary = None
    elements: tuple[str, ...] = ()
    for name, value in request.parameters:
        if name == "_summary":
            summary = result.summary(value)
        elif name == "_elements":
            elements += result.elements(value, (version.resource_type,), context.definitions)
    if summary == "count":
        raise bad_value("_summary=count is for searches; a read can be asked for true, text, data or false")
    if summary == "false":
        summary = None
    if summary is None and not elements:
        return None
    return subset(decode(version.body), context.definitions, summary=summary, elements=elements)
