"""All that can be said of a resource: by the base specification, by profiles, by what goes beyond both.

https://hl7.org/fhir/R4/validation.html

The same for `$validate` and for the command line.
"""

from collections.abc import Iterable, Sequence

from fhir_server.outcome import DefinitionError, Issue
from fhir_server.resource import Resource
from fhir_server.validation import bundle, questionnaire, questionnaire_response
from fhir_server.validation.profiles import Profiles
from fhir_server.validation.structure import Validator

# with these in it a resource has not the shape that profiles speak of
_SHAPELESS = frozenset(("structure", "invalid", "value"))


async def review(
    validator: Validator, profiles: Profiles, resource: Resource, asked: Sequence[str] = ()
) -> list[Issue]:
    """All issues; asked: profiles beyond those that the resource claims and that are bound to its type."""
    found = validator.review(resource)
    if any(issue.severity == "error" and issue.code in _SHAPELESS for issue in found):
        return found
    at = str(resource["resourceType"])
    try:
        found += await profiles.review(resource, at, asked=asked)
    except DefinitionError as error:
        found.append(Issue("error", "not-supported", f"a definition is wrong: {error}", at, "definition"))
    if at in _SPECIAL:
        found += await _special(profiles, resource, at)
    return list(dict.fromkeys(found)) if len(found) > 1 else found


_SPECIAL = frozenset(("Bundle", "Questionnaire", "QuestionnaireResponse"))


async def _special(profiles: Profiles, resource: Resource, at: str) -> list[Issue]:
    found: list[Issue] = []
    if at == "Bundle":
        found += bundle.issues(resource, at)
    if at == "Questionnaire":
        found += questionnaire.issues(resource, at)
    for response, place in _responses(resource, at):
        canonical = response.get("questionnaire")
        answered = await profiles.questionnaire(str(canonical), resource) if canonical else None
        if answered is not None:
            found += questionnaire_response.issues(response, answered, place)
    return found


def _responses(resource: Resource, at: str) -> Iterable[tuple[Resource, str]]:
    if at == "QuestionnaireResponse":
        yield resource, at
    if at == "Bundle":
        for index, entry in enumerate(resource.get("entry", ())):
            inner = entry.get("resource")
            if isinstance(inner, dict) and inner.get("resourceType") == "QuestionnaireResponse":
                yield inner, f"{at}.entry[{index}].resource"
