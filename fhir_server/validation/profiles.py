"""Validation against profiles: those that a resource claims, that are bound to its type, that are asked for.

https://hl7.org/fhir/R4/validation.html, https://hl7.org/fhir/R4/profiling.html#resources

The rules run synchronously; what they need of the store and of the terminology is fetched between two runs.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import DefinitionError, Issue, Severity
from fhir_server.resource import Resource
from fhir_server.ucum import unit
from fhir_server.validation.profile import base_binding, extension
from fhir_server.validation.profile.finding import unknown
from fhir_server.validation.profile.library import Codes, Library, NeededError
from fhir_server.validation.profile.run import Questions, Run
from fhir_server.validation.scope import shown
from fhir_server.validation.survey import Survey, walks

Unknown = Literal["ignore", "warn", "error"]
_UNKNOWN: dict[str, Severity] = {"warn": "warning", "error": "error"}
WORKFLOW_TYPES = frozenset(
    (
        "Appointment", "AppointmentResponse", "CarePlan", "CommunicationRequest",
        "CoverageEligibilityRequest", "DeviceRequest", "EnrollmentRequest",
        "ImmunizationRecommendation", "MedicationRequest",
        "NutritionOrder", "RequestGroup", "ServiceRequest", "SupplyRequest", "Task", "VisionPrescription",
    )
)  # fmt: skip
"""Requests and tasks, https://hl7.org/fhir/R4/workflow.html#list: who acts on one must know its modifiers."""
_UCUM = "http://unitsofmeasure.org"
_CODES_KEPT = 20_000
_UNKNOWN_KEPT = 2000  # profiles and extensions that nobody defined
_ROUNDS = 2000  # each fetches one thing at least; the profiles of IPS together take 400


class _Surveyed(NamedTuple):
    resource: Resource
    place: str
    contained: bool
    named: tuple[str, ...]  # profiles that it claims and that are bound to its type
    survey: Survey  # what was found in it


class Sources(Protocol):
    """What is handed in: definitions, terminology and other resources."""

    async def stamp(self) -> int:
        """Another number once any definition has changed, in whatever process."""

    async def structure(self, canonical: str) -> Resource | None:
        """The StructureDefinition `url` or `url|version`; None: there is none."""

    async def questionnaire(self, canonical: str) -> Resource | None:
        """The Questionnaire `url` or `url|version`; None: there is none."""

    async def codes(self, value_set: str) -> Codes | None:
        """(system, code) of a value set; None: they cannot be listed, or it is not known."""

    async def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """For a value set that cannot be listed; None: cannot be decided."""

    async def has_code(self, system: str, code: str) -> bool | None:
        """Whether a code system has a code; None: the codes of the system are not all here."""

    async def resource(self, reference: str) -> Resource | None:
        """The target of a reference; None: not here."""


Question = tuple[str, str | None, str]
"""(value set, system, code), as `Sources.contains` is asked."""


class _Answers(Questions):
    """What one check has asked of its sources; what is new is asked after the run, for the next one."""

    def __init__(self, sources: Sources, members: dict[Question, bool | None], closed: bool) -> None:
        """members: what earlier checks found; what this one finds is added.

        closed: what cannot be decided now cannot be as long as no definition changes.
        """
        self._sources = sources
        self._members = members
        self._closed = closed
        self._undecided: set[Question] = set()
        self._resources: dict[str, Resource | None] = {}
        self._asked_contains: set[Question] = set()
        self._asked_resources: set[str] = set()
        self.unsettled = False  # True: an answer was needed at once, and was not here

    def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        question = value_set, system, code
        if question not in self._members and question not in self._undecided:
            self._asked_contains.add(question)
            self.unsettled = True
        return self._members.get(question)

    def resolve(self, reference: str) -> Resource | None:
        if self.waits_for(reference):
            self.unsettled = True
        return self._resources.get(reference)

    def waits_for(self, reference: str) -> bool:
        if reference in self._resources:
            return False
        self._asked_resources.add(reference)
        return True

    @property
    def lacks(self) -> bool:
        """Whether there is something to ask."""
        return bool(self._asked_contains or self._asked_resources)

    async def ask(self) -> None:
        for question in self._asked_contains:
            answer = await self._sources.contains(*question)
            if answer is None and not self._closed:
                self._undecided.add(question)  # by this check; another server may know it later
            else:
                self._members[question] = answer
        for reference in self._asked_resources:
            self._resources[reference] = await self._sources.resource(reference)
        self._asked_contains.clear()
        self._asked_resources.clear()


class Profiles:
    """bound: by resource type, canonicals that every resource of the type is checked against.

    closed: what the sources say of codes follows from definitions, those that their stamp is of.
    """

    def __init__(
        self,
        definitions: Definitions,
        sources: Sources,
        *,
        bound: Mapping[str, tuple[str, ...]] | None = None,
        unknown: Unknown = "warn",
        closed: bool = False,
    ) -> None:
        self._definitions = definitions
        self._sources = sources
        self._bound = bound or {}
        self._unknown = unknown
        self._library = Library(definitions)
        self._members: dict[Question, bool | None] = {}  # of value sets whose codes cannot be listed
        self._closed = closed
        # (system, code) and (value set, system, code) that are looked up no more
        self._fine: set[Any] = set()
        self._stamp: int | None = None

    def of(self, resource: Resource) -> tuple[str, ...]:
        """What a resource is checked against without being asked: its own claims and what is bound."""
        claimed = _claimed(resource)
        bound = self._bound.get(str(resource.get("resourceType")))
        if bound is None:
            return claimed
        return tuple(dict.fromkeys((*claimed, *bound)))

    def concerns(self, resource: Resource) -> bool:
        """Whether any profile is about a resource or one within it, or its modifiers have to be known."""
        if self.of(resource) or any(self.of(inner) for inner, _, _ in _inner(resource, "")):
            return True
        return resource["resourceType"] in WORKFLOW_TYPES and extension.has_modifiers(resource)

    async def knows(self, canonical: str) -> bool:
        """Whether there is such a profile."""
        return await self._sources.structure(canonical) is not None

    async def _unknown_codes(self, surveyed: _Surveyed) -> list[Issue]:
        """Codes that are none of their system, as far as the codes of the system are here."""
        issues = []
        for system, code, trail in surveyed.survey.codes:
            found = await self._has_code(system, code)
            if found or (found is None and self._closed):
                self._fine.add((system, code))
            if found is not False:
                continue
            at = trail.path(surveyed.place)
            text = f"{at}: {shown(code)} is not a code of {system}"
            issues.append(Issue("error", "code-invalid", text, at, "code-unknown"))
        return issues

    async def _has_code(self, system: str, code: str) -> bool | None:
        if system == _UCUM:  # a grammar, not a list
            return unit(code) is not None
        return await self._sources.has_code(system, code)

    async def questionnaire(self, canonical: str, response: Resource) -> Resource | None:
        """What a response answers: a contained Questionnaire, or one that is known by its canonical."""
        if canonical.startswith("#"):
            inside = (one for one in response.get("contained", ()) if one.get("id") == canonical[1:])
            return next(inside, None)
        return await self._sources.questionnaire(canonical)

    async def check(self, resource: Resource, at: str, *, asked: Iterable[str] = ()) -> list[Issue]:
        """What is wrong with a resource that the base specification allows: profiles and extensions.

        asked: profiles beyond those that the resource claims and that are bound to its type.
        """
        await self._refresh()
        surveyed = self._surveyed(resource, at)
        return await self._check(surveyed, tuple(asked), whole=False)

    async def review(self, resource: Resource, at: str, *, asked: Iterable[str] = ()) -> list[Issue]:
        """`check`, and what refuses no write: other bindings of the base, codes that no system has."""
        await self._refresh()
        surveyed = self._surveyed(resource, at)
        found = await self._check(surveyed, tuple(asked), whole=True)
        for each in surveyed:
            if each.survey.codes:
                found += await self._unknown_codes(each)
        return found

    def _surveyed(self, resource: Resource, at: str) -> list[_Surveyed]:
        survey, fine = walks(self._definitions).survey, self._fine
        found = [_Surveyed(resource, at, False, self.of(resource), survey(resource, fine))]
        for inner, place, contained in _inner(resource, at):
            found.append(_Surveyed(inner, place, contained, self.of(inner), survey(inner, fine)))
        return found

    async def _check(self, surveyed: list[_Surveyed], asked: tuple[str, ...], *, whole: bool) -> list[Issue]:
        if not asked and not any(_says_more(each, whole) for each in surveyed):
            return []
        answers = _Answers(self._sources, self._members, self._closed)
        for _ in range(_ROUNDS):
            run, answers.unsettled = Run(self._library, surveyed[0].resource, questions=answers), False
            try:
                self._run(run, surveyed, asked, whole=whole)
                while answers.lacks:
                    await answers.ask()
                    if answers.unsettled or run.gathered.unsettled:
                        break
                    run.go_on()
                else:
                    return self._issues(run)
            except NeededError as needed:
                await self._fetch(needed)
                await self._fetch_named(surveyed, asked)
        named = ", ".join(surveyed[0].named)
        raise DefinitionError(f"{named}: more definitions than a profile can need")

    def _issues(self, run: Run) -> list[Issue]:
        """Those of a run that has all its answers."""
        self._fine |= run.gathered.passed
        if self._closed:
            self._fine |= run.gathered.undecided
        if not run.gathered.found:
            return []
        return list(dict.fromkeys([*run.issues, *self._about_unknown(run)]))

    async def _refresh(self) -> None:
        stamp = await self._sources.stamp()
        if stamp != self._stamp:
            self._stamp, self._library = stamp, Library(self._definitions)
            self._fine, self._members = set(), {}
        if len(self._fine) > _CODES_KEPT:
            self._fine = set()
        if len(self._members) > _CODES_KEPT:
            self._members = {}
        self._library.forget_unknown(_UNKNOWN_KEPT)

    async def _fetch(self, needed: NeededError) -> None:
        library = self._library
        if needed.kind == "structure":
            library.add_structure(needed.name, await self._sources.structure(needed.name))
        else:
            library.add_codes(needed.name, await self._sources.codes(needed.name))

    async def _fetch_named(self, surveyed: list[_Surveyed], asked: tuple[str, ...]) -> None:
        """All that a client names itself, at once: it may name thousands, and each would cost a run."""
        names = list(asked)
        for each in surveyed:
            names += (*each.named, *extension.urls(each.survey.extensions))
        for name in self._library.lacking(names):
            self._library.add_structure(name, await self._sources.structure(name))

    def _run(self, run: Run, surveyed: list[_Surveyed], asked: tuple[str, ...], *, whole: bool) -> None:
        for number, (resource, place, contained, named, survey) in enumerate(surveyed):
            own = run.within(resource, contained=contained) if number else run
            for canonical in named if number or not asked else dict.fromkeys((*asked, *named)):
                profile = run.library.profile(canonical)
                if profile is None:
                    run.take(place, unknown(canonical))
                else:
                    own.take(place, profile.rule(resource, None, str(resource["resourceType"]), own))
            if survey.extensions:
                own.take(place, extension.check(resource, own, survey.extensions))
            if whole and survey.bound:
                own.take(place, base_binding.check(survey.bound, own))

    def _about_unknown(self, run: Run) -> Iterable[Issue]:
        severity = _UNKNOWN.get(self._unknown)
        if severity is None:
            return
        for canonical, at in run.unknown.items():
            text = f"{at}: the profile {canonical} is not known here, nothing is checked against it"
            yield Issue(severity, "not-found", text, at, "profile-unknown")


def _says_more(surveyed: _Surveyed, whole: bool) -> bool:
    """Whether anything but the base specification has to do with it."""
    survey = surveyed.survey
    return bool(surveyed.named or survey.extensions or (whole and survey.bound))


def _claimed(resource: Resource) -> tuple[str, ...]:
    meta = resource.get("meta")
    found = meta.get("profile") if isinstance(meta, dict) else None
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _inner(resource: Resource, at: str) -> Iterable[tuple[Resource, str, bool]]:
    """(resource, place, whether it is contained) of the resources within one."""
    for index, one in enumerate(resource.get("contained", ())):
        yield one, f"{at}.contained[{index}]", True
    if resource.get("resourceType") == "Bundle":
        for index, entry in enumerate(resource.get("entry", ())):
            if isinstance(found := entry.get("resource"), dict):
                yield found, f"{at}.entry[{index}].resource", False
