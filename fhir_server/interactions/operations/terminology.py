"""What the operations on code systems, value sets and concept maps have in common: which codes, of what.

https://hl7.org/fhir/R4/terminology-service.html
"""

from typing import Any, cast

from fhir_server.clock import format_instant
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request
from fhir_server.outcome import FhirError, bad_value, invalid, missing, not_supported
from fhir_server.resource import Resource, decode
from fhir_server.terminology import languages
from fhir_server.terminology.canonicals import ResourceType
from fhir_server.terminology.concepts import CodeSystem
from fhir_server.terminology.languages import Languages
from fhir_server.terminology.snapshot import Snapshot
from fhir_server.terminology.validate_code import Coding

CODES = ("code", "system", "version", "display", "coding", "codeableConcept")


def codings(given: Arguments, *, version: str = "version", system: str = "system") -> tuple[Coding, ...]:
    """The codes that are asked about: by `code`, by `coding` or by `codeableConcept`.

    version, system: the parameters that go with `code`.
    """
    forms = [name for name in ("code", "coding", "codeableConcept") if given.one(name) is not None]
    if len(forms) != 1:
        found = " and ".join(forms) or "none of them"
        raise missing(f"one of code, coding and codeableConcept is required, found {found}")
    if forms == ["code"]:
        code = given.required_text("code")
        return (Coding(code, given.text(system), given.text(version), given.text("display")),)
    if forms == ["coding"]:
        return (coding(given.value("coding"), "coding"),)
    concept = given.value("codeableConcept")
    codes: Any = concept.get("coding") if isinstance(concept, dict) else None
    if not isinstance(codes, list) or not codes:
        raise bad_value("codeableConcept has no coding")
    return tuple(coding(each, "codeableConcept.coding") for each in codes)


def coding(value: Any, name: str) -> Coding:
    """A Coding as it came, in a body; in a query there is no way to write one."""
    elements = value if isinstance(value, dict) else {}
    texts = {each: elements.get(each) for each in ("system", "version", "code", "display")}
    if not elements.get("code") or any(not isinstance(each, str | None) for each in texts.values()):
        raise bad_value(f"{name} takes a Coding with a code")
    return Coding(str(elements["code"]), texts["system"], texts["version"], texts["display"])


def spoken(given: Arguments, request: Request) -> Languages:
    """The languages asked for, by the parameter or else by the header; the header is no reason to refuse."""
    text = given.text("displayLanguage")
    if text is not None:
        return languages.parse(text)
    try:
        return languages.parse(request.accept_language or "")
    except FhirError:
        return ()


def require_now(context: Context, given: Arguments) -> None:
    """Definitions are used as they are: a day that is over cannot be asked for."""
    date = given.text("date")
    if date is not None and date < format_instant(context.clock())[: min(len(date), 10)]:
        raise not_supported(f"date is {date}, and definitions are used as they are now")


async def of_instance(context: Context, request: Request) -> Resource | None:
    """The resource that the URL names; None: the URL names a type."""
    if request.id is None:
        return None
    assert request.resource_type is not None
    version = await context.store.read(request.resource_type, request.id)
    return cast(Resource, decode(existing(version, f"{request.resource_type}/{request.id}").body))


def inline(given: Arguments, name: str, resource_type: str) -> Resource | None:
    """A definition that came with the request."""
    found = given.resource(name)
    if found is not None and found.get("resourceType") != resource_type:
        raise bad_value(f"{name} is a {found.get('resourceType')}, it takes a {resource_type}")
    return found


async def is_meant(snapshot: Snapshot, resource_type: ResourceType, resource: Resource) -> bool:
    """Whether a stored definition is the one that its canonical means."""
    if "url" not in resource:
        return False
    found = await snapshot.found(resource_type, resource["url"], resource.get("version"))
    return found is not None and (found.resource["id"], found.resource["meta"]) == (
        resource["id"],
        resource["meta"],
    )


async def code_system(
    context: Context, request: Request, given: Arguments, url: str | None, version: str | None
) -> CodeSystem:
    """That of the URL, of the parameter `codeSystem`, or with this canonical; raises 404."""
    snapshot = await context.terminology.snapshot()
    resource = await of_instance(context, request)
    if resource is not None and url not in (None, resource.get("url")):
        raise invalid(f"{url} is not the url of CodeSystem/{request.id}, {resource.get('url')}")
    if resource is None:
        resource = inline(given, "codeSystem", "CodeSystem")
    elif await is_meant(snapshot, "CodeSystem", resource):
        return await snapshot.require_code_system(resource["url"], resource.get("version"))
    if resource is not None:
        return await snapshot.code_system_of(resource)
    if not url:
        raise missing("which code system is meant is not said")
    url, _, of_url = url.partition("|")
    return await snapshot.require_code_system(url, version or of_url or None)
