"""Times of emergencies: the timeline of a case, from the first medical contact to treatment.

https://hl7.org/fhir/R4/observation.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fhir_server.alliance import systems
from fhir_server.alliance.elements import codes, first_moment
from fhir_server.alliance.report.directory import Directory
from fhir_server.alliance.report.measure import Event, Measure
from fhir_server.alliance.report.period import ReportPeriod, instant
from fhir_server.alliance.report.sources import Sources
from fhir_server.resource import Resource

_MINUTE_US = 60_000_000

# code of timeline-event, from, to, Chinese, English
_INTERVALS: tuple[tuple[str, str, str, str, str], ...] = (
    ("fmc-ecg", "fmc", "first-ecg", "首次医疗接触至首份心电图", "first medical contact to ECG"),
    ("door-in-door-out", "door-in", "transfer-out", "入门至转出", "door in to door out"),
    ("door-to-wire", "door-in", "wire-crossing", "入门至导丝通过", "door to wire"),
    ("fmc-to-wire", "fmc", "wire-crossing", "首次医疗接触至导丝通过", "first medical contact to wire"),
    ("door-to-needle", "door-in", "needle", "入门至溶栓", "door to needle"),
)


@dataclass(frozen=True, slots=True)
class Timeline:
    at: int
    minutes: Mapping[str, float]  # by code of timeline-event
    origin: str | None
    destination: str | None


async def timelines(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Timeline]:
    found = await sources.walk(
        "Observation",
        [
            ("code", f"{systems.code_system('observation-kind')}|emergency-timeline"),
            ("date", f"ge{instant(period.start)}"),
            ("date", f"lt{instant(period.end)}"),
        ],
    )
    await sources.load(name for each in found for name in sources.targets(each.get("basedOn", ()), *_REQUEST))
    requests = [_request(sources, each) for each in found]
    await sources.load(
        sources.target(actor) for each in requests for actor in (each.get("requester"), *_performers(each))
    )
    await sources.load(sources.target(actor) for each in found for actor in _performers(each))
    made = [_timeline(directory, each, request) for each, request in zip(found, requests, strict=True)]
    return [each for each in made if period.has(each.at)]


_REQUEST = ("ServiceRequest",)


def _request(sources: Sources, timeline: Resource) -> Resource:
    names = sources.targets(timeline.get("basedOn", ()), *_REQUEST)
    return next((found for name in names if (found := sources.get(name))), {})


def _performers(resource: Resource) -> list[Any]:
    return list(resource.get("performer", ()))


def _timeline(directory: Directory, timeline: Resource, request: Resource) -> Timeline:
    effective = timeline.get("effectivePeriod", {}).get("start")
    here = directory.first_of(_performers(timeline))
    return Timeline(
        at=first_moment(timeline.get("effectiveDateTime") or effective or timeline.get("effectiveInstant"))
        or 0,
        minutes=dict(_minutes(timeline)),
        origin=directory.of(request.get("requester")),
        destination=directory.first_of(_performers(request)) or here,
    )


def _minutes(timeline: Resource) -> Iterator[tuple[str, float]]:
    """What is stated, else the difference of the two times."""
    times: dict[str, int] = {}
    stated: dict[str, float] = {}
    for component in timeline.get("component", ()):
        for code in codes((component.get("code", {}),), "timeline-event"):
            if (moment := first_moment(component.get("valueDateTime"))) is not None:
                times[code] = moment
            quantity = component.get("valueQuantity", {})
            if quantity.get("code", quantity.get("unit")) == "min" and "value" in quantity:
                stated[code] = float(quantity["value"])
    for code, first, last, *_ in _INTERVALS:
        if code in stated:
            yield code, stated[code]
        elif first in times and last in times and times[last] >= times[first]:
            yield code, (times[last] - times[first]) / _MINUTE_US


def _interval(timelines: list[Timeline], _: ReportPeriod, code: str) -> Iterator[Event]:
    for each in timelines:
        if code in each.minutes:
            yield Event(each.at, each.origin, each.destination, each.minutes[code])


MEASURES: tuple[Measure, ...] = tuple(
    Measure(
        f"GRN-{code.upper()}",
        f"{chinese}（中位数）",
        f"{english}, median",
        "分钟",
        "Observation",
        "emergency-timeline; effective in the period; has both times, or the interval",
        f"minutes of `{code}`: as stated, else from `{first}` to `{last}`",
        partial(_interval, code=code),
        "median",
    )
    for code, first, last, chinese, english in _INTERVALS
)
