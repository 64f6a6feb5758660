"""By when a referral has to be answered: by its priority, in working days where it can wait."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from fhir_server.config import Settings

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Deadlines:
    stat: timedelta
    asap: timedelta
    urgent: timedelta
    routine_days: int  # working days
    zone: ZoneInfo
    holidays: frozenset[date]
    working_weekends: frozenset[date]  # days of a weekend that are worked, for a long holiday

    def of(self, priority: str | None, *, green: bool, since_ms: int) -> int:
        """The instant, in ms. green: the referral takes a green channel, and is answered like `stat`."""
        since = datetime.fromtimestamp(since_ms / 1000, self.zone)
        if green or priority == "stat":
            end = since + self.stat
        elif priority == "asap":
            end = since + self.asap
        elif priority == "urgent":
            end = since + self.urgent
        else:
            end = self._working_days(since)
        return round(end.timestamp() * 1000)

    def _working_days(self, since: datetime) -> datetime:
        """The same time of the day, so many working days later."""
        end, left = since, self.routine_days
        while left:
            end += timedelta(days=1)
            left -= self._is_worked(end.date())
        return end

    def _is_worked(self, day: date) -> bool:
        if day in self.working_weekends:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays


def deadlines(settings: Settings) -> Deadlines:
    return Deadlines(
        stat=timedelta(minutes=settings.referral_stat_minutes),
        asap=timedelta(minutes=settings.referral_asap_minutes),
        urgent=timedelta(minutes=settings.referral_urgent_minutes),
        routine_days=settings.referral_routine_days,
        zone=ZoneInfo(settings.time_zone),
        holidays=_days(settings.holidays),
        working_weekends=_days(settings.working_weekends),
    )


def _days(texts: Iterable[str]) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, texts))


def shown(instant_ms: int, zone: ZoneInfo) -> str:
    """A dateTime in the zone of the alliance: `2026-11-28T10:10:00+08:00`, whole seconds."""
    moment = datetime.fromtimestamp(instant_ms // 1000, UTC).astimezone(zone)
    return moment.isoformat(timespec="seconds")
