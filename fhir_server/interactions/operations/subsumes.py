"""$subsumes: whether one code is above the other.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments, arguments, parameters, part
from fhir_server.interactions.operations.terminology import code_system, coding
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import invalid, missing
from fhir_server.terminology.subsumes import subsumption
from fhir_server.terminology.validate_code import Coding

_KNOWN = ("codeA", "codeB", "system", "version", "codingA", "codingB")


async def subsumes(context: Context, request: Request) -> Response:
    given = arguments(request, _KNOWN)
    a, b = _coding(given, "A"), _coding(given, "B")
    system, version = a.system or b.system, a.version or b.version
    if b.system not in (None, system) or b.version not in (None, version):
        raise invalid(f"{a.token} and {b.token} are codes of different code systems")
    if system is None and request.id is None:
        raise missing("the system of the codes is required")
    found = await code_system(context, request, given, system, version)
    outcome = await subsumption(found, a.code, b.code)
    return Response(200, resource=parameters(part("outcome", valueCode=outcome)))


def _coding(given: Arguments, which: str) -> Coding:
    code, value = given.text(f"code{which}"), given.value(f"coding{which}")
    if (code is None) == (value is None):
        raise missing(f"one of code{which} and coding{which} is required")
    if code is None:
        return coding(value, f"coding{which}")
    return Coding(code, given.text("system"), given.text("version"))
