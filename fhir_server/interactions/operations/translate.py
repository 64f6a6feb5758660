"""$translate: codes of other code systems for a code.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from collections.abc import Sequence
from typing import Any

from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments, arguments, parameters, part
from fhir_server.interactions.operations.terminology import coding, codings, inline, of_instance
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import invalid, missing
from fhir_server.resource import Resource
from fhir_server.terminology.snapshot import Snapshot
from fhir_server.terminology.translate import NO_MATCHES, Dependency, Match, Question
from fhir_server.terminology.translate import translate as translations

_KNOWN = (
    "url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source", "coding",
    "codeableConcept", "target", "targetsystem", "dependency", "reverse",
)  # fmt: skip


async def translate(context: Context, request: Request) -> Response:
    given = arguments(request, _KNOWN, bare="conceptMap")
    question = _question(given)
    snapshot = await context.terminology.snapshot()
    maps = await _maps(context, request, given, snapshot, question)
    found = await translations(snapshot, maps, question)
    right = any(match.equivalence not in NO_MATCHES and match.concept for match in found)
    answer = [part("result", valueBoolean=right)]
    if not right:
        codes = ", ".join(each.token for each in question.codings)
        answer.append(part("message", valueString=f"there is no translation of {codes}"))
    return Response(200, resource=parameters(*answer, *map(_shown, found)))


def _question(given: Arguments) -> Question:
    found = codings(given)
    for each in found:
        if each.system is None:
            raise missing("the system of the code is required")
    return Question(
        codings=found,
        target_system=given.text("targetsystem"),
        source=given.text("source"),
        target=given.text("target"),
        dependencies=tuple(_dependency(each) for each in given.parts("dependency")),
        reverse=given.boolean("reverse") is True,
    )


def _dependency(given: Arguments) -> Dependency:
    concept: Any = given.value("concept")
    if not isinstance(concept, dict):
        raise missing("a dependency needs element and concept")
    codes = tuple(coding(each, "dependency.concept") for each in concept.get("coding", ()))
    return Dependency(given.required_text("element"), codes)


async def _maps(
    context: Context, request: Request, given: Arguments, snapshot: Snapshot, question: Question
) -> Sequence[Resource]:
    """The map of the URL, of the body, with a canonical, or all that have the code's system."""
    named = [name for name in ("url", "conceptMap") if given.one(name) is not None]
    resource = await of_instance(context, request)
    if len(named) + (resource is not None) > 1:
        raise invalid("more than one map is named: by the URL, by url, or by conceptMap")
    resource = resource or inline(given, "conceptMap", "ConceptMap")
    if resource is not None:
        return [resource]
    url, version = given.text("url"), given.text("conceptMapVersion")
    if url is not None:
        return [await snapshot.resource("ConceptMap", f"{url}|{version}" if version else url)]
    systems = dict.fromkeys(each.system for each in question.codings if each.system is not None)
    return [
        concept_map
        for system in systems
        for concept_map in await snapshot.maps(system, target=question.reverse)
    ]


def _shown(match: Match) -> dict[str, Any]:
    parts = [part("equivalence", valueCode=match.equivalence)]
    if match.concept:
        parts.append(part("concept", valueCoding=match.concept))
    for element, concept in match.products:
        product = [part("element", valueUri=element), part("concept", valueCoding=concept)]
        parts.append(part("product", part=product))
    if match.source is not None:
        parts.append(part("source", valueUri=match.source))
    return part("match", part=parts)
