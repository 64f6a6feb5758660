"""FHIRPath with what the server knows: the targets of references and its terminology.

https://hl7.org/fhir/R4/fhirpath.html#functions

An expression runs synchronously; what it asks is fetched between two runs, until it asks nothing new.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.fhirpath import FhirPathError, Located, Scope
from fhir_server.interactions.context import Context
from fhir_server.interactions.review import review
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode
from fhir_server.search.local import local

_ROUNDS = 50  # each one fetches something; a chain of references is followed that far
_MOST_QUESTIONS = 1000


async def evaluated(
    context: Context,
    variables: Mapping[str, Any],
    located: Located,
    run: Callable[[Scope], list[Any]],
) -> list[Any]:
    """What `run` gives when nothing that it asks is unknown any more. Raises FhirPathError.

    located: the resource; what comes out are its copies.
    """
    resource: Resource | None = located.given
    answers = _Answers(context, resource)
    for _ in range(_ROUNDS):
        scope = Scope(resource, None, variables, answers.resource, answers.member_of, answers.conforms_to)
        scope.subsumes = answers.subsumes
        scope.element_definition = answers.element_definition
        found = run(scope.within(located))
        if not await answers.ask():
            return found
    raise FhirPathError("too costly: one reference leads to the next without end", costly=True)


Question = tuple[str, ...]


class _Answers:
    def __init__(self, context: Context, resource: Resource | None) -> None:
        self._context = context
        self._resource = resource
        self._known: dict[Question, Any] = {}
        self._asked: dict[Question, None] = {}

    def _answer(self, *question: str) -> Any:
        if question not in self._known:
            self._asked[question] = None
        return self._known.get(question)

    async def ask(self) -> bool:
        """Whether there was something new to ask."""
        asked, self._asked = self._asked, {}
        if len(self._known) + len(asked) > _MOST_QUESTIONS:
            problem = f"too costly: more than {_MOST_QUESTIONS} questions to store and terminology"
            raise FhirPathError(problem, costly=True)
        for question in asked:
            self._known[question] = await _ASK[question[0]](self, *question[1:])
        return bool(asked)

    def resource(self, reference: str) -> Resource | None:
        found = self._in_bundle(reference)
        answer: Resource | None = self._answer("resource", reference) if found is None else found
        return answer

    def _in_bundle(self, reference: str) -> Resource | None:
        entries = (self._resource or {}).get("entry")
        for entry in entries if isinstance(entries, list) else ():
            found = entry.get("resource") if isinstance(entry, dict) else None
            if isinstance(found, dict) and (
                entry.get("fullUrl") == reference
                or f"{found.get('resourceType')}/{found.get('id')}" == reference
            ):
                return found
        return None

    def member_of(self, type_: str, value: Any, value_set: str) -> bool | None:
        """One coding of a concept is enough; None: the value set cannot be decided."""
        answers = [self._answer("member", value_set, system, code) for system, code in _codes(value)]
        return True if any(answers) else None if None in answers else False

    def subsumes(self, one: Any, other: Any) -> bool | None:
        answers = [
            code == below or self._answer("subsumes", system, code, below)
            for system, code in _codes(one)
            for same, below in _codes(other)
            if system == same
        ]
        return True if any(answers) else None if None in answers else False

    def conforms_to(self, value: dict[str, Any], profile: str) -> bool:
        if value is not self._resource:
            raise FhirPathError("conformsTo(): only the resource itself can be judged here")
        found: bool | None = self._answer("conforms", profile)
        return bool(found)

    def element_definition(self, path: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._answer("element", path)
        return found

    async def _fetch(self, reference: str) -> Resource | None:
        """A resource of this server; nothing is ever fetched from another."""
        found = local(reference, self._context.indexer.indexing.bases)
        version = None if found is None else await self._context.store.read(*found)
        if version is None or version.deleted:
            return None
        resource: Resource = decode(version.body)
        return resource

    async def _is_member(self, value_set: str, system: str, code: str) -> bool | None:
        try:
            return await self._context.terminology.contains(value_set, system or None, code)
        except FhirError:
            return None

    async def _is_below(self, system: str, code: str, below: str) -> bool | None:
        try:
            return below in await self._context.terminology.related(system, code, up=False)
        except FhirError:
            return None

    async def _conforms(self, profile: str) -> bool:
        """To this profile and the base specification, whatever else the resource claims."""
        assert self._resource is not None
        profiles = self._context.profiles
        if not await profiles.knows(profile):
            raise FhirPathError(f"conformsTo(): the profile {profile} is not known")
        found = await review(self._context.validator, profiles, _without_claims(self._resource), (profile,))
        return not any(issue.severity in ("fatal", "error") for issue in found)

    async def _element(self, path: str) -> dict[str, Any] | None:
        version = await self._context.store.read("StructureDefinition", path.partition(".")[0])
        if version is None or version.deleted:
            return None
        elements = decode(version.body).get("snapshot", {}).get("element", ())
        return next((element for element in elements if element.get("path") == path), None)


_ASK: dict[str, Callable[..., Any]] = {
    "resource": _Answers._fetch,
    "member": _Answers._is_member,
    "subsumes": _Answers._is_below,
    "conforms": _Answers._conforms,
    "element": _Answers._element,
}


def _without_claims(resource: Resource) -> Resource:
    meta = resource.get("meta")
    if not isinstance(meta, dict) or "profile" not in meta:
        return resource
    rest = {name: value for name, value in meta.items() if name not in ("profile", "_profile")}
    if rest:
        return resource | {"meta": rest}
    return {name: value for name, value in resource.items() if name != "meta"}


def _codes(value: Any) -> list[tuple[str, str]]:
    """(system, code) of a code, Coding, CodeableConcept or Quantity; no system: ""."""
    if isinstance(value, str):
        return [("", value)]
    if not isinstance(value, dict):
        return []
    codings = value.get("coding", ()) if "coding" in value or "text" in value else (value,)
    return [(each.get("system", ""), each["code"]) for each in codings if "code" in each]
