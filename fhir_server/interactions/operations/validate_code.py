"""$validate-code, of CodeSystem and of ValueSet.

https://hl7.org/fhir/R4/codesystem-operation-validate-code.html,
https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.operations import value_sets
from fhir_server.interactions.operations.parameters import Arguments, arguments, parameters, part
from fhir_server.interactions.operations.terminology import CODES, code_system, codings, require_now, spoken
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import bad_value
from fhir_server.terminology.validate_code import Conditions, Verdict, in_code_system, in_value_set
from fhir_server.terminology.value_set import composed, composed_of

_OF_CODE_SYSTEM = (
    "url", "codeSystem", "date", "abstract", "displayLanguage",
    *(name for name in CODES if name != "system"),
)  # fmt: skip
_OF_VALUE_SET = (
    *value_sets.PARAMETERS, "systemVersion", "abstract", *(name for name in CODES if name != "version")
)  # fmt: skip


async def validate_code(context: Context, request: Request) -> Response:
    of = _of_code_system if request.resource_type == "CodeSystem" else _of_value_set
    verdict = await of(context, request)
    answer = [part("result", valueBoolean=verdict.result)]
    if verdict.messages:
        answer.append(part("message", valueString="; ".join(verdict.messages)))
    if verdict.display is not None:
        answer.append(part("display", valueString=verdict.display))
    return Response(200, resource=parameters(*answer))


async def _of_code_system(context: Context, request: Request) -> Verdict:
    given = arguments(request, _OF_CODE_SYSTEM, bare="codeSystem")
    require_now(context, given)
    found = codings(given, system="url")
    url = given.text("url")
    if url is None and request.id is None and given.one("codeSystem") is None:
        systems = {each.system for each in found}
        if len(systems) != 1:
            raise bad_value("the codings are of several code systems: say which one is meant by url")
        (url,) = systems
    system = await code_system(context, request, given, url, given.text("version") or found[0].version)
    conditions = _conditions(given, request)
    verdicts = [await in_code_system(system, each, conditions) for each in found]
    return next((each for each in verdicts if each.result), verdicts[0])


async def _of_value_set(context: Context, request: Request) -> Verdict:
    given = arguments(request, _OF_VALUE_SET, bare="valueSet")
    require_now(context, given)
    found = codings(given, version="systemVersion")
    snapshot = await context.terminology.snapshot()
    meant = await value_sets.value_set(context, request, given, snapshot)
    if meant.stored:
        value_set = meant.value_set
        version = f"|{value_set['version']}" if "version" in value_set else ""
        members = await composed(snapshot, value_set["url"] + version)
    else:
        members = await composed_of(snapshot, meant.value_set)
    return await in_value_set(snapshot, members, meant.name, found, _conditions(given, request))


def _conditions(given: Arguments, request: Request) -> Conditions:
    return Conditions(given.boolean("abstract") is True, spoken(given, request))
