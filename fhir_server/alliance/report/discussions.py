"""Cases that practitioners discussed, and results that were recognised elsewhere.

https://hl7.org/fhir/R4/communication.html, https://hl7.org/fhir/R4/diagnosticreport.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_server.alliance import systems
from fhir_server.alliance.elements import extensions, first_moment, value
from fhir_server.alliance.report.directory import Directory
from fhir_server.alliance.report.measure import Event, Measure
from fhir_server.alliance.report.period import ReportPeriod, instant
from fhir_server.alliance.report.sources import Sources
from fhir_server.resource import Resource


@dataclass(frozen=True, slots=True)
class Discussion:
    """What was opened by a Communication that answers none."""

    opened: int | None  # microseconds
    answered: int | None  # the first answer of somebody else; None: there is none
    origin: str | None
    destination: str | None


@dataclass(frozen=True, slots=True)
class Recognition:
    at: int
    origin: str | None  # who made the report
    destination: str | None  # who recognised it


async def discussions(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Discussion]:
    found = await sources.walk(
        "Communication",
        [
            ("category", f"{systems.code_system('communication-category')}|case-discussion"),
            ("status", "completed"),
            ("sent", f"lt{instant(period.end)}"),
        ],
    )
    await sources.load(sources.target(actor) for each in found for actor in _parties(each))
    answers: dict[str, list[Resource]] = {}
    for each in found:
        for name in sources.targets(each.get("inResponseTo", ()), "Communication"):
            answers.setdefault(name, []).append(each)
    return [
        _discussion(sources, directory, each, answers.get(f"Communication/{each['id']}", []))
        for each in found
        if not each.get("inResponseTo")
    ]


def _parties(communication: Resource) -> Iterator[object]:
    yield communication.get("sender")
    yield from communication.get("recipient", ())


def _discussion(
    sources: Sources, directory: Directory, opening: Resource, answers: list[Resource]
) -> Discussion:
    sender = sources.target(opening.get("sender"))
    moments = (
        first_moment(each.get("sent")) for each in answers if sources.target(each.get("sender")) != sender
    )
    return Discussion(
        first_moment(opening.get("sent")),
        min((each for each in moments if each is not None), default=None),
        directory.of(opening.get("sender")),
        directory.first_of(opening.get("recipient", ())),
    )


async def recognitions(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Recognition]:
    found = await sources.walk(
        "DiagnosticReport",
        [
            ("status", "final,amended,corrected"),
            ("issued", f"ge{instant(period.start)}"),
            ("issued", f"lt{instant(period.end)}"),
        ],
    )
    recognised = [
        (each, extension)
        for each in found
        for extension in extensions(each, "mutual-recognition")
        if value(extension, "recognized") is True
    ]
    await sources.load(sources.target(actor) for each, _ in recognised for actor in each.get("performer", ()))
    made = [
        Recognition(
            first_moment(each.get("issued")) or 0,
            directory.first_of(each.get("performer", ())),
            directory.of(value(extension, "by")),
        )
        for each, extension in recognised
    ]
    return [each for each in made if period.has(each.at)]


# ---- what is counted


def _opened(discussions: list[Discussion], period: ReportPeriod) -> Iterator[Event]:
    for each in discussions:
        if each.opened is not None and period.has(each.opened):
            yield Event(each.opened, each.origin, each.destination)


def _solved(discussions: list[Discussion], period: ReportPeriod) -> Iterator[Event]:
    for each in discussions:
        if each.answered is not None and period.has(each.answered):
            yield Event(each.answered, each.origin, each.destination)


def _recognised(recognitions: list[Recognition], _: ReportPeriod) -> Iterator[Event]:
    for each in recognitions:
        yield Event(each.at, each.origin, each.destination)


_OPENS = "category `case-discussion`, status `completed`, without inResponseTo"

DISCUSSION_MEASURES = (
    Measure(
        "COM-CASES", "线上病例讨论", "cases discussed in writing", "例", "Communication",
        f"{_OPENS}; sent in the period", "communications", _opened,
    ),
    Measure(
        "COM-SOLVED", "线上解决方案", "cases with a solution", "例", "Communication",
        f"{_OPENS}; the first answer (inResponseTo) of another sender was sent in the period",
        "communications", _solved,
    ),
)  # fmt: skip
RECOGNITION_MEASURES = (
    Measure(
        "REC-RESULTS", "检查检验结果互认", "results recognised", "例", "DiagnosticReport",
        "status `final`, `amended` or `corrected`; issued in the period; mutual-recognition with "
        "`recognized` true",
        "recognitions", _recognised,
    ),
)  # fmt: skip
