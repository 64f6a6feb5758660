"""$lookup: what is known of a code.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import arguments, parameters, part
from fhir_server.interactions.operations.terminology import code_system, codings, require_now, spoken
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import missing
from fhir_server.terminology.expand import designation
from fhir_server.terminology.lookup import look_up

_KNOWN = ("code", "system", "version", "coding", "date", "displayLanguage", "property")


async def lookup(context: Context, request: Request) -> Response:
    given = arguments(request, _KNOWN)
    require_now(context, given)
    (coding,) = codings(given)
    if coding.system is None:
        raise missing("the system of the code is required")
    system = await code_system(context, request, given, coding.system, coding.version)
    found = await look_up(system, coding.code, frozenset(given.texts("property")), spoken(given, request))
    answer = [part("name", valueString=found.name)]
    if found.version is not None:
        answer.append(part("version", valueString=found.version))
    answer.append(part("display", valueString=found.display))
    for each in found.designations:
        item = designation(each)
        parts = [part("language", valueCode=item["language"])] if "language" in item else []
        parts += [part("use", valueCoding=item["use"])] if "use" in item else []
        answer.append(part("designation", part=[*parts, part("value", valueString=each.value)]))
    for named in found.properties:
        parts = [part("code", valueCode=named.code), part("value", {named.type: named.value})]
        if description := (system.about.properties or {}).get(named.code):
            parts.append(part("description", valueString=description))
        answer.append(part("property", part=parts))
    return Response(200, resource=parameters(*answer))
