"""What referrals of the sample are about, and the ways that they go.

A way is the pair of `Task.status` and `Task.businessStatus` that it has come to, with the business statuses
before it in their order: the milestones of the Task.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fhir_server.alliance.sample.elements import SHANGHAI


@dataclass(frozen=True, slots=True)
class Diagnosis:
    code: str
    text: str
    specialty: str
    priority: str
    reason: str
    green_channel: str | None = None  # None: the ordinary way


CHEST_PAIN = Diagnosis(
    "I21.900", "急性心肌梗死", "cardiology", "stat", "胸痛2小时，心电图ST段抬高", "chest-pain"
)
STROKE = Diagnosis("I63.900", "脑梗死", "neurology", "stat", "突发左侧肢体无力1小时", "stroke")
MATERNAL = Diagnosis("O14.900", "子痫前期", "obstetrics", "asap", "孕34周，血压升高伴蛋白尿", "maternal")
ORDINARY = (
    Diagnosis("S72.000", "股骨颈骨折", "orthopaedics", "urgent", "跌倒后髋部疼痛，不能站立"),
    Diagnosis(
        "J44.100", "慢性阻塞性肺病伴急性加重", "respiratory", "urgent", "气促加重3天，基层治疗效果欠佳"
    ),
    Diagnosis("I50.900", "心力衰竭", "cardiology", "asap", "活动后气促，双下肢水肿"),
    Diagnosis("J18.900", "肺炎", "respiratory", "routine", "发热咳嗽1周，需进一步检查"),
    Diagnosis("K80.200", "胆囊结石", "surgery", "routine", "反复右上腹痛，拟手术治疗"),
    Diagnosis("E11.700", "2型糖尿病伴多个并发症", "endocrinology", "routine", "血糖控制不佳，伴足部溃疡"),
    Diagnosis("N18.900", "慢性肾脏病", "nephrology", "routine", "血肌酐进行性升高，需评估透析"),
    Diagnosis("I61.900", "脑出血", "neurology", "asap", "突发头痛呕吐，CT示脑出血"),
    Diagnosis("K92.200", "消化道出血", "gastroenterology", "asap", "黑便2天，血红蛋白下降"),
    Diagnosis("C34.900", "肺恶性肿瘤", "oncology", "routine", "肺部占位，需明确病理"),
    Diagnosis("M51.200", "腰椎间盘突出", "orthopaedics", "routine", "腰痛伴下肢麻木，保守治疗无效"),
)
RECOVERING = (
    Diagnosis("I69.300", "脑梗死后遗症", "rehabilitation", "routine", "病情稳定，回基层康复治疗"),
    Diagnosis("Z47.800", "骨折术后康复", "rehabilitation", "routine", "术后恢复良好，回基层康复"),
    Diagnosis("I25.100", "冠状动脉粥样硬化性心脏病", "general-practice", "routine", "支架术后，回基层管理"),
    Diagnosis("J44.900", "慢性阻塞性肺病", "general-practice", "routine", "急性期已过，回基层继续治疗"),
    Diagnosis("E11.900", "2型糖尿病", "general-practice", "routine", "血糖平稳，回基层管理"),
)

_HOURS = {"stat": timedelta(minutes=10), "asap": timedelta(hours=2), "urgent": timedelta(hours=24)}
_WORKDAYS = 3


def deadline(priority: str, authored: datetime) -> datetime:
    """Till when the receiver has to answer: 10 minutes, 2 hours, 24 hours or three working days."""
    if priority in _HOURS:
        return authored + _HOURS[priority]
    found, left = authored, _WORKDAYS
    while left:
        found += timedelta(days=1)
        left -= found.astimezone(SHANGHAI).weekday() < 5
    return found


BUSINESS_STATUS = {
    "submitted": "已提交",
    "received": "已接收",
    "awaiting-information": "待补充资料",
    "accepted": "已接受",
    "bed-reserved": "已预留床位",
    "appointment-booked": "已预约",
    "in-transit": "转运中",
    "arrived": "已到诊",
    "admitted": "已入院",
    "visited": "已就诊",
    "no-show": "未到诊",
    "appointment-cancelled": "预约取消",
    "interim-report": "阶段反馈",
    "ready-for-down-referral": "可下转",
    "on-hold": "暂停",
    "outcome-returned": "结果已回传",
    "down-referred": "已下转",
    "declined": "已拒绝",
    "cancelled-by-placer": "转出方取消",
    "cancelled-by-patient": "患者取消",
    "no-show-final": "最终未到诊",
    "died": "死亡",
    "left": "自动离院",
    "unable": "无法完成",
    "expired": "超时未应答",
}

ARRIVALS = ("arrived", "admitted", "visited")


@dataclass(frozen=True, slots=True)
class State:
    status: str  # Task.status
    request_status: str  # ServiceRequest.status
    path: tuple[str, ...]  # business statuses, the last is Task.businessStatus
    reason: tuple[str, str] | None = None  # code of reject-reason, Task.statusReason.text; None: needs none
    onward: bool = False  # sent on to another hospital

    @property
    def business_status(self) -> str:
        return self.path[-1]

    @property
    def arrived(self) -> bool:
        return any(step in ARRIVALS for step in self.path)

    @property
    def open(self) -> bool:
        return self.status in ("requested", "received", "accepted", "in-progress", "on-hold")


_SENT = ("submitted", "received")
_ACCEPTED = (*_SENT, "accepted")
_BED = (*_SENT, "bed-reserved")
_IN = (*_BED, "in-transit", "arrived", "admitted")
_OUT = (*_SENT, "appointment-booked", "visited")

# come in, and gone home or back
RETURNED = State("completed", "completed", (*_IN, "outcome-returned"))
RETURNED_WALKING = State("completed", "completed", (*_ACCEPTED, "arrived", "outcome-returned"))
RETURNED_INTERIM = State("completed", "completed", (*_IN, "interim-report", "outcome-returned"))
RETURNED_HELD = State("completed", "completed", (*_IN, "on-hold", "outcome-returned"))
RETURNED_ADMITTED = State("completed", "completed", (*_ACCEPTED, "admitted", "outcome-returned"))
RETURNED_ASKED = State(
    "completed", "completed", (*_SENT, "awaiting-information", *_IN[2:], "outcome-returned")
)
VISITED = State("completed", "completed", (*_OUT, "outcome-returned"))
DOWN_REFERRED = State("completed", "completed", (*_IN, "ready-for-down-referral", "down-referred"))
DIED = State("failed", "completed", (*_IN, "died"), ("other", "抢救无效死亡"))
LEFT = State("failed", "completed", (*_IN, "left"), ("patient-refused", "患者自动离院"))
UNABLE_AFTER = State("failed", "active", (*_IN, "unable"), ("out-of-scope", "病情变化，需转上一级医院"))
# come in, and still there
ARRIVED = State("in-progress", "active", _IN[:-1])
ADMITTED = State("in-progress", "active", _IN)
READY = State("in-progress", "active", (*_IN, "ready-for-down-referral"))
INTERIM = State("in-progress", "active", (*_IN, "interim-report"))
ON_HOLD = State("on-hold", "active", (*_IN, "on-hold"), ("other", "等待家属决定手术"))
# come in, and sent on to another hospital (T16)
PASSED_ON = State(
    "on-hold", "active", (*_IN, "on-hold"), ("out-of-scope", "已再转上级医院，等待结果"), onward=True
)
RETURNED_PASSED_ON = State("completed", "completed", (*_IN, "outcome-returned"), onward=True)
# not come in
REQUESTED = State("requested", "active", _SENT[:1])
RECEIVED = State("received", "active", _SENT)
AWAITING = State("received", "active", (*_SENT, "awaiting-information"))
IS_ACCEPTED = State("accepted", "active", _ACCEPTED)
BED_RESERVED = State("accepted", "active", _BED)
IN_TRANSIT = State("in-progress", "active", (*_BED, "in-transit"))
NO_SHOW = State("in-progress", "active", (*_BED, "no-show"))
DECLINED = State("rejected", "active", (*_SENT, "declined"), ("no-bed", "暂无床位"))
DECLINED_SCOPE = State("rejected", "active", (*_SENT, "declined"), ("out-of-scope", "不在本院诊疗范围"))
DECLINED_TWICE = State("rejected", "revoked", (*_SENT, "declined"), ("duplicate", "重复申请"))
CANCELLED = State(
    "cancelled", "revoked", (*_SENT, "cancelled-by-placer"), ("not-indicated", "病情好转，转出方取消")
)
CANCELLED_EARLY = State(
    "cancelled", "revoked", ("submitted", "cancelled-by-placer"), ("other", "填写有误，转出方取消")
)
CANCELLED_BY_PATIENT = State(
    "cancelled", "revoked", (*_ACCEPTED, "cancelled-by-patient"), ("patient-refused", "患者要求留在本地治疗")
)
ABORTED = State(  # on his way when the placer asked to cancel (T14)
    "failed", "revoked", (*_BED, "in-transit", "cancelled-by-placer"), ("patient-refused", "家属要求返回")
)
MISSED = State("failed", "active", (*_BED, "no-show", "no-show-final"), ("patient-refused", "患者未到诊"))
UNABLE = State("failed", "active", (*_ACCEPTED, "unable"), ("other", "设备故障，无法完成"))
EXPIRED = State("failed", "active", ("submitted", "expired"), ("other", "超过应答时限"))
MISTAKE = State("entered-in-error", "entered-in-error", (*_IN, "outcome-returned"), ("other", "录入错误"))
