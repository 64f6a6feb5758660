"""The table of measures: what every number of a report is, and what it is read from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhir_server.alliance.report import activities, capability, discussions, emergency, referrals
from fhir_server.alliance.report.directory import Directory, Scope
from fhir_server.alliance.report.measure import Event, Measure
from fhir_server.alliance.report.period import ReportPeriod
from fhir_server.alliance.report.sources import Sources


@dataclass(frozen=True, slots=True)
class Reading:
    """What the records of a subject are read from."""

    sources: Sources
    directory: Directory
    scope: Scope
    period: ReportPeriod


class Subject(NamedTuple):
    read: Callable[[Reading], Awaitable[list[Any]]]
    measures: tuple[Measure, ...]


class Chapter(NamedTuple):
    """A section of the report."""

    id: str
    chinese: str
    english: str
    subjects: tuple[Subject, ...]

    @property
    def measures(self) -> list[Measure]:
        return [measure for subject in self.subjects for measure in subject.measures]


Read = Callable[[Sources, Directory, ReportPeriod], Awaitable[list[Any]]]


def _read(read: Read) -> Callable[[Reading], Awaitable[list[Any]]]:
    return lambda reading: read(reading.sources, reading.directory, reading.period)


async def _affiliations(reading: Reading) -> list[capability.Affiliation]:
    return capability.affiliations(reading.directory, reading.scope, reading.period)


async def _sizes(reading: Reading) -> list[capability.Size]:
    return await capability.sizes(reading.sources, reading.directory, reading.scope)


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        "members", "成员", "Members",
        (Subject(_affiliations, capability.AFFILIATION_MEASURES), Subject(_sizes, capability.SIZE_MEASURES)),
    ),
    Chapter(
        "referrals", "双向转诊", "Referrals",
        (Subject(_read(referrals.referrals), referrals.MEASURES),
         Subject(_read(emergency.timelines), emergency.MEASURES)),
    ),
    Chapter(
        "rotations", "专家下沉与教学", "Rotations and teaching",
        (Subject(_read(activities.activities), activities.ACTIVITY_MEASURES),
         Subject(_read(activities.postings), activities.POSTING_MEASURES)),
    ),
    Chapter(
        "capability", "能力提升与交流", "Capability and exchange",
        (Subject(_read(capability.techniques), capability.TECHNIQUE_MEASURES),
         Subject(_read(capability.surgeries), capability.SURGERY_MEASURES),
         Subject(_read(discussions.discussions), discussions.DISCUSSION_MEASURES),
         Subject(_read(discussions.recognitions), discussions.RECOGNITION_MEASURES)),
    ),
)  # fmt: skip

MEASURES: dict[str, Measure] = {each.id: each for chapter in CHAPTERS for each in chapter.measures}


def events_of(measure: Measure, records: list[Any], scope: Scope, period: ReportPeriod) -> list[Event]:
    """Those with a party among the members that the report is about."""
    return [each for each in measure.events(records, period) if each.parties & scope.members]
