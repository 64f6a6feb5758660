"""What a measure is, and the events that it counts.

https://hl7.org/fhir/R4/measure.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fhir_server.alliance.report.period import ReportPeriod

Statistic = Literal["count", "sum", "distinct", "median"]
Unit = Literal["人次", "例", "次", "期", "名", "人", "项", "批", "家", "张", "分钟"]

# resources of the directory, which every member may read whole: hiding small numbers of them hides nothing
_PUBLIC = frozenset(
    ("Organization", "OrganizationAffiliation", "PractitionerRole", "HealthcareService", "Group")
)


@dataclass(frozen=True, slots=True)
class Event:
    """What one resource adds to a measure."""

    at: int  # microseconds since the epoch: says the month
    origin: str | None = None  # the member that it comes from, `Organization/1`; None: there is none
    destination: str | None = None  # the member that it goes to
    value: float = 1
    who: str | None = None  # whom a distinct count counts; None elsewhere
    strata: Mapping[str, str] = field(default_factory=dict)  # by stratifier, but from-member and the like

    @property
    def parties(self) -> set[str]:
        return {each for each in (self.origin, self.destination) if each}


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of the table of measures."""

    id: str  # "R-UP"
    chinese: str
    english: str
    unit: Unit
    resource: str  # the type of the resources that are counted
    criterion: str  # when one of them counts
    sums: str  # what is added up
    events: Callable[[Any, ReportPeriod], Iterable[Event]]  # of the records of its subject
    statistic: Statistic = "count"
    stratifiers: tuple[str, ...] = ()  # beside those of every measure

    @property
    def hides_small_cells(self) -> bool:
        return self.resource not in _PUBLIC


STRATIFIERS: dict[str, tuple[str, str]] = {
    "from-member": ("转出（派出）机构", "from member"),
    "to-member": ("转入（接收）机构", "to member"),
    "tier-pair": ("机构层级", "tiers"),
    "month": ("月份", "month"),
    "specialty": ("专科", "specialty"),
    "icd-chapter": ("疾病分类（ICD-10 章）", "chapter of ICD-10"),
    "setting": ("就诊类别", "care setting"),
    "green-channel": ("绿色通道", "green channel"),
    "mode": ("方式", "mode"),
    "tier": ("层级", "tier"),
    "governance": ("理事会身份", "governance tier"),
    "activity": ("活动", "activity"),
    "surgical-level": ("手术级别", "surgical level"),
}
"""By code, what they are called."""
EVERYWHERE = ("from-member", "to-member", "tier-pair", "month")
NONE = "-"
"""The stratum of what has no value in a stratifier: no specialty, no diagnosis with a code."""
