"""Who is a member: organizations, what they are part of, and which of them a report is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.alliance.elements import codes, end_moment, first_moment, value
from fhir_server.alliance.report.period import ReportPeriod
from fhir_server.alliance.report.sources import Sources
from fhir_server.outcome import bad_value
from fhir_server.resource import Resource

_OWNERS = {
    "PractitionerRole": "organization",
    "HealthcareService": "providedBy",
    "Location": "managingOrganization",
}
"""The element that names the organization of what acts or is acted at."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One OrganizationAffiliation."""

    network: str | None  # `Organization/1`
    member: str | None
    resource: Resource

    def during(self, period: ReportPeriod) -> bool:
        """Whether it held at some time of `period`. One that was ended by active=false held until its end."""
        found = self.resource.get("period", {})
        after = end_moment(found.get("end"))
        if self.resource.get("active") is False and after is None:
            return False
        return period.overlaps(first_moment(found.get("start")), after)


class Directory:
    """The organizations of the server as a report sees them. Names are `Organization/1`."""

    def __init__(self, sources: Sources, organizations: Iterable[Resource], affiliations: Iterable[Resource]):
        self._sources = sources
        self._organizations = {f"Organization/{each['id']}": each for each in organizations}
        self.memberships = [
            Membership(sources.target(each.get("organization")), self._participant(each), each)
            for each in affiliations
        ]
        self._members = {each.member for each in self.memberships} - {None}
        self._homes: dict[str, str] = {}

    def _participant(self, affiliation: Resource) -> str | None:
        return self._sources.target(affiliation.get("participatingOrganization"))

    def home(self, organization: str | None) -> str | None:
        """The member that a department is part of, itself for a member; without one, the root."""
        if organization is None:
            return None
        found = self._homes.get(organization)
        if found is None:
            found = self._homes[organization] = self._climbed(organization)
        return found

    def _climbed(self, organization: str) -> str:
        seen, here = {organization}, organization
        while here not in self._members:
            above = self._sources.target(self._organizations.get(here, {}).get("partOf"))
            if above is None or above in seen:
                return here
            seen.add(above)
            here = above
        return here

    def of(self, reference: Any) -> str | None:
        """The member behind a Reference to an organization, a role, a service or a place that was loaded."""
        name = self._sources.target(reference)
        if name is None:
            return None
        resource_type = name.partition("/")[0]
        if resource_type == "Organization":
            return self.home(name)
        element = _OWNERS.get(resource_type)
        owner = self._sources.get(name) if element else None
        return self.of(owner.get(element)) if owner and element else None

    def first_of(self, references: Iterable[Any]) -> str | None:
        return next((found for each in references if (found := self.of(each))), None)

    def tier(self, organization: str | None) -> str:
        """A code of organization-tier; "unknown" without one."""
        types = self._organizations.get(organization or "", {}).get("type", ())
        return next(codes(types, "organization-tier"), "unknown")

    def name(self, organization: str) -> str:
        return str(self._organizations.get(organization, {}).get("name", organization))

    def resource(self, organization: str) -> Resource | None:
        return self._organizations.get(organization)

    def scope(self, organization: str, period: ReportPeriod) -> "Scope":
        """A network's members in the period, those of the networks that a lead leads, or one organization."""
        networks = {organization} | {
            name
            for name, each in self._organizations.items()
            if self._sources.target(value(each, "lead-organization")) == organization
        }
        held = [each for each in self.memberships if each.network in networks and each.during(period)]
        members = {each.member for each in held if each.member} | {organization}
        return Scope(frozenset(members), tuple(held))


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is about: what has a party among `members`."""

    members: frozenset[str]
    memberships: tuple[Membership, ...]

    def only(self, wanted: Iterable[str]) -> "Scope":
        """Some of the members; raises 400 for what is none."""
        chosen = frozenset(wanted)
        for each in sorted(chosen - self.members):
            raise bad_value(f"members names {each}, which is no member in that time")
        return Scope(chosen, tuple(each for each in self.memberships if each.member in chosen))


async def directory(sources: Sources) -> Directory:
    return Directory(
        sources,
        await sources.walk("Organization"),
        await sources.walk("OrganizationAffiliation"),
    )


def specialty(resource: Mapping[str, Any] | None) -> str | None:
    """The text of the first specialty of a role or a service."""
    for concept in (resource or {}).get("specialty", ()):
        if found := text(concept):
            return found
    return None


def text(concept: Mapping[str, Any]) -> str | None:
    """What a person reads of a CodeableConcept."""
    codings = concept.get("coding", ())
    displays = (each.get("display") or each.get("code") for each in codings)
    return next((each for each in displays if each), None) or concept.get("text")
