"""What `$everything` of a resource is, as a question to the store.

https://hl7.org/fhir/R4/patient-operation-everything.html,
https://hl7.org/fhir/R4/encounter-operation-everything.html

Its *members* are what belongs to it: of Patient and Encounter their compartment, of an Organization what
makes it up. With them come the persons, organisations, places and things of the directory that members refer
to, and what these refer to in turn. What belongs to another patient does not come, whoever refers to it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from fhir_server.definitions.registry import Definitions
from fhir_server.search.access import EVERYTHING, Access, permitted
from fhir_server.search.column import Column
from fhir_server.search.columns import columns_of
from fhir_server.search.combine import all_of, any_of, none_of
from fhir_server.search.reference import ELSEWHERE
from fhir_server.store.algebra import (
    And,
    Between,
    IdIn,
    Node,
    OfType,
    Or,
    Present,
    ReferenceIn,
    ReferenceOfType,
    Referred,
    TokenIn,
    UpdatedBetween,
)
from fhir_server.store.rows import hash64

DIRECTORY = (
    "Device", "Endpoint", "HealthcareService", "Location", "Medication", "Organization",
    "OrganizationAffiliation", "Practitioner", "PractitionerRole", "Substance",
)  # fmt: skip
"""Types that belong to no patient, of which what is referred to comes along."""

OF_AN_ORGANIZATION = {
    "Organization": ("partof",),
    "Location": ("organization",),
    "HealthcareService": ("organization",),
    "PractitionerRole": ("organization",),
    "OrganizationAffiliation": ("primary-organization", "participating-organization"),
    "Endpoint": ("organization",),
    "InsurancePlan": ("owned-by", "administered-by"),
}
"""No compartment says what an organisation consists of: types, with the parameters that refer to it."""

CARE_DATES = {
    "Account": ("period",), "AdverseEvent": ("date",), "AllergyIntolerance": ("onset",),
    "Appointment": ("date",), "AuditEvent": ("date",), "CarePlan": ("date",), "CareTeam": ("date",),
    "ChargeItem": ("occurrence",), "Claim": ("created",), "ClaimResponse": ("created",),
    "ClinicalImpression": ("date",), "Communication": ("sent",), "CommunicationRequest": ("occurrence",),
    "Composition": ("date",), "Condition": ("onset-date",), "Consent": ("date",),
    "CoverageEligibilityRequest": ("created",), "CoverageEligibilityResponse": ("created",),
    "DetectedIssue": ("identified",), "DeviceRequest": ("event-date",), "DiagnosticReport": ("date",),
    "DocumentManifest": ("created",), "DocumentReference": ("period", "date"), "Encounter": ("date",),
    "EpisodeOfCare": ("date",), "ExplanationOfBenefit": ("created",), "FamilyMemberHistory": ("date",),
    "Flag": ("date",), "Goal": ("start-date",), "ImagingStudy": ("started",), "Immunization": ("date",),
    "ImmunizationEvaluation": ("date",), "ImmunizationRecommendation": ("date",), "Invoice": ("date",),
    "List": ("date",), "MeasureReport": ("period",), "Media": ("created",),
    "MedicationAdministration": ("effective-time",), "MedicationDispense": ("whenhandedover",),
    "MedicationRequest": ("authoredon",), "MedicationStatement": ("effective",),
    "NutritionOrder": ("datetime",), "Observation": ("date",), "Procedure": ("date",),
    "Provenance": ("recorded",), "QuestionnaireResponse": ("authored",), "RequestGroup": ("authored",),
    "ResearchSubject": ("date",), "RiskAssessment": ("date",), "Schedule": ("date",),
    "ServiceRequest": ("occurrence", "authored"), "Specimen": ("collected",), "SupplyRequest": ("date",),
    "VisionPrescription": ("datewritten",),
}  # fmt: skip
"""Parameters that tell when the care was given that a resource is about; any of their values counts."""


@dataclass(frozen=True, slots=True)
class Wanted:
    resource_type: str
    id: str | None  # None: of every resource of the type
    start: int | None = None  # dates of care, µs since the epoch, UTC, both inclusive
    end: int | None = None
    since_ms: int | None = None  # only what was changed then or later
    types: tuple[str, ...] = ()  # only these types; (): all

    @property
    def dated(self) -> bool:
        return self.start is not None or self.end is not None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What does not depend on the request."""

    members: Mapping[str, tuple[str, ...]]  # by type: columns by which they belong
    references: tuple[str, ...]  # all columns of members that refer to something
    in_directory: tuple[str, ...]  # those of the directory
    own: tuple[str, ...]  # those of the resource itself
    own_targets: tuple[str, ...]  # types that it refers to; (): only the directory comes along


class Everything:
    """`types` and `where` of the resources of one request."""

    def __init__(
        self, definitions: Definitions, wanted: Wanted, bases: tuple[str, ...], access: Access | None
    ) -> None:
        self._definitions = definitions
        self._wanted = wanted
        self._bases = bases
        plan = _plan_of(definitions, wanted.resource_type)
        self._plan = plan
        found = {*plan.members, wanted.resource_type, *DIRECTORY, *plan.own_targets}
        self._types = tuple(sorted(found))
        self.types = tuple(sorted(found.intersection(wanted.types) if wanted.types else found))
        self.where = permitted(self._where(), access, self.types) if self.types else OfType(())

    def _where(self) -> Node:
        wanted, plan = self._wanted, self._plan
        members = any_of((*self._members(), self._itself()))
        if wanted.id is None:
            # nearly all of the directory is referred to when nearly all members are asked for
            around: Node = OfType(DIRECTORY)
        else:
            # what refers is told by the columns: all of it is of the same types, and worked out once for them
            once = Referred(plan.references, self._types, members)
            twice = Referred(plan.in_directory, self._types, once)
            around = And((OfType(DIRECTORY), Or((twice, once))))
        found = [around, members]
        if plan.own_targets:
            found.insert(0, Referred(plan.own, self._types, self._itself()))
        since = EVERYTHING if wanted.since_ms is None else UpdatedBetween(first=wanted.since_ms)
        # `members` stays the node that it is in `around`, so that a store need work it out only once
        return all_of((Or(tuple(found)), since))

    def _itself(self) -> Node:
        wanted = self._wanted
        return (
            OfType((wanted.resource_type,)) if wanted.id is None else IdIn((wanted.id,), wanted.resource_type)
        )

    def _members(self) -> Iterator[Node]:
        for resource_type, columns in self._plan.members.items():
            belonging = any_of(node for column in columns for node in self._belonging(column))
            yield all_of((belonging, self._cared(resource_type))) if self._wanted.dated else belonging

    def _belonging(self, column: str) -> Iterator[Node]:
        resource_type, id_ = self._wanted.resource_type, self._wanted.id
        if id_ is None:
            yield ReferenceOfType(column, (resource_type,))
            return
        yield ReferenceIn(column, ((resource_type, id_),))
        # as the client may have written it below an address that was not known to be this server's
        urls = tuple(hash64(f"{base}/{resource_type}/{id_}") for base in self._bases)
        if urls:
            yield TokenIn(column + ELSEWHERE, urls)

    def _cared(self, resource_type: str) -> Node:
        """Within the dates of care, or without such a date."""
        names = [
            column.name
            for code in CARE_DATES.get(resource_type, ())
            if (parameter := columns_of(self._definitions).parameter(resource_type, code)) is not None
            for column in parameter.columns
        ]
        if not names:
            return EVERYTHING
        inside = (
            Between("date", name, low_to=self._wanted.end, high_from=self._wanted.start) for name in names
        )
        return any_of((*inside, none_of(any_of(Present("date", name) for name in names))))


def _make(definitions: Definitions, resource_type: str) -> _Plan:
    if resource_type == "Organization":
        members: Mapping[str, tuple[str, ...]] = OF_AN_ORGANIZATION
    else:
        found = definitions.compartment(resource_type)
        members = {name: codes for name, codes in found.items() if codes and codes != ("{def}",)}
    columns = columns_of(definitions)
    belonging = {
        name: tuple(
            column.name
            for code in codes
            if code != "{def}" and (parameter := columns.parameter(name, code)) is not None
            for column in parameter.columns
            if not column.narrowed or resource_type in column.targets
        )
        for name, codes in members.items()
    }
    own = tuple(_references(definitions, resource_type)) if resource_type == "Encounter" else ()
    return _Plan(
        members={name: tuple(dict.fromkeys(found)) for name, found in belonging.items() if found},
        references=_names(definitions, (*members, resource_type)),
        in_directory=_names(definitions, DIRECTORY),
        own=tuple(column.name for column in own),
        own_targets=tuple(dict.fromkeys(target for column in own for target in column.targets)),
    )


def _names(definitions: Definitions, resource_types: tuple[str, ...]) -> tuple[str, ...]:
    found = (column.name for name in resource_types for column in _references(definitions, name))
    return tuple(dict.fromkeys(found))


def _references(definitions: Definitions, resource_type: str) -> Iterator[Column]:
    for parameter in columns_of(definitions).parameters(resource_type):
        if parameter.type == "reference":
            yield from parameter.columns


_PLANS: WeakKeyDictionary[Definitions, dict[str, _Plan]] = WeakKeyDictionary()


def _plan_of(definitions: Definitions, resource_type: str) -> _Plan:
    plans = _PLANS.setdefault(definitions, {})
    if resource_type not in plans:
        plans[resource_type] = _make(definitions, resource_type)
    return plans[resource_type]
