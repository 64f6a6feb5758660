"""What referrals of the sample are about, and the states that they are in.

The states are pairs of `Task.status` and `Task.businessStatus`; together they cover every way to end.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Diagnosis:
    code: str
    text: str
    specialty: str
    priority: str
    reason: str
    green_channel: str | None = None  # None: the ordinary way


DIAGNOSES = (
    Diagnosis("I21.900", "急性心肌梗死", "cardiology", "stat", "胸痛2小时，心电图ST段抬高", "chest-pain"),
    Diagnosis("I63.900", "脑梗死", "neurology", "stat", "突发左侧肢体无力1小时", "stroke"),
    Diagnosis("O14.900", "子痫前期", "obstetrics", "asap", "孕34周，血压升高伴蛋白尿", "maternal"),
    Diagnosis("S72.000", "股骨颈骨折", "orthopaedics", "urgent", "跌倒后髋部疼痛，不能站立"),
    Diagnosis(
        "J44.100", "慢性阻塞性肺病伴急性加重", "respiratory", "urgent", "气促加重3天，基层治疗效果欠佳"
    ),
    Diagnosis("I50.900", "心力衰竭", "cardiology", "asap", "活动后气促，双下肢水肿"),
    Diagnosis("J18.900", "肺炎", "respiratory", "routine", "发热咳嗽1周，需进一步检查"),
)

DEADLINES = {
    "stat": timedelta(minutes=10),
    "asap": timedelta(hours=2),
    "urgent": timedelta(hours=24),
    "routine": timedelta(days=3),
}

BUSINESS_STATUS = {
    "submitted": "已提交",
    "received": "已接收",
    "awaiting-information": "待补充资料",
    "accepted": "已接受",
    "bed-reserved": "已预留床位",
    "in-transit": "转运中",
    "admitted": "已入院",
    "on-hold": "暂停",
    "outcome-returned": "结果已回传",
    "down-referred": "已下转",
    "declined": "已拒绝",
    "cancelled-by-placer": "转出方取消",
    "cancelled-by-patient": "患者取消",
    "no-show-final": "未到诊",
    "died": "死亡",
    "left": "自动离院",
    "unable": "无法完成",
    "expired": "超时未应答",
}


@dataclass(frozen=True, slots=True)
class State:
    status: str  # Task.status
    business_status: str
    request_status: str  # ServiceRequest.status
    arrived: bool = False
    reason: str | None = None  # Task.statusReason.text; None: the state needs none

    @property
    def open(self) -> bool:
        return self.status in ("requested", "received", "accepted", "in-progress", "on-hold")


RETURNED = State("completed", "outcome-returned", "completed", arrived=True)
DOWN_REFERRED = State("completed", "down-referred", "completed", arrived=True)

_OTHER_ENDS = (
    State("rejected", "declined", "active", reason="暂无床位"),
    State("cancelled", "cancelled-by-placer", "revoked", reason="病情好转，转出方取消"),
    State("cancelled", "cancelled-by-patient", "revoked", reason="患者要求留在本地治疗"),
    State("failed", "no-show-final", "active", reason="患者未到诊"),
    State("failed", "died", "completed", arrived=True, reason="抢救无效死亡"),
    State("failed", "left", "completed", arrived=True, reason="患者自动离院"),
    State("failed", "unable", "active", reason="设备故障，无法完成"),
    State("failed", "expired", "active", reason="超过应答时限"),
)
_UNDER_WAY = (
    State("requested", "submitted", "active"),
    State("received", "received", "active"),
    State("received", "awaiting-information", "active"),
    State("accepted", "accepted", "active"),
    State("accepted", "bed-reserved", "active"),
    State("in-progress", "in-transit", "active"),
    State("in-progress", "admitted", "active", arrived=True),
    State("on-hold", "on-hold", "active", arrived=True, reason="等待家属决定手术"),
)
_MISTAKE = State("entered-in-error", "cancelled-by-placer", "entered-in-error", reason="录入错误")

UP = (*(RETURNED, DOWN_REFERRED) * 8, *_OTHER_ENDS, *_UNDER_WAY, _MISTAKE)
DOWN = (*(RETURNED,) * 6, _OTHER_ENDS[0], _OTHER_ENDS[7], _UNDER_WAY[0], _UNDER_WAY[3], *(RETURNED,) * 4)
