"""States of a dispute, from registration to strike-off."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """State of a dispute."""

    REGISTERED = "registered"
    SCREENING = "screening"
    DUPLICATE = "duplicate"
    NOT_MEDIABLE = "not_mediable"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    MEDIATING = "mediating"
    SUSPENDED = "suspended"
    AGREED = "agreed"
    JC_PENDING = "jc_pending"
    JC_CONFIRMED = "jc_confirmed"
    JC_REFUSED = "jc_refused"
    PERFORMED = "performed"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"
    REFERRED = "referred"
    FOLLOW_UP = "follow_up"
    TRACKING = "tracking"
    CLOSED = "closed"


STATE_TERMS: Final[dict[State, str]] = {
    State.REGISTERED: "登记",
    State.SCREENING: "甄别",
    State.DUPLICATE: "重复件",
    State.NOT_MEDIABLE: "不宜调解",
    State.ACCEPTED: "受理",
    State.DISPATCHED: "分流交办",
    State.SIGNED: "签收",
    State.MEDIATING: "调解中",
    State.SUSPENDED: "中止",
    State.AGREED: "调解成功",
    State.JC_PENDING: "司法确认申请中",
    State.JC_CONFIRMED: "已司法确认",
    State.JC_REFUSED: "不予司法确认",
    State.PERFORMED: "已履行",
    State.FAILED: "调解不成",
    State.WITHDRAWN: "撤回",
    State.RETURNED: "退回来源",
    State.REFERRED: "引导其他途径",
    State.FOLLOW_UP: "回访",
    State.TRACKING: "跟踪管控",
    State.CLOSED: "销号",
}
"""Official Chinese term of each state."""

ENDS: Final = frozenset({State.CLOSED, State.DUPLICATE, State.RETURNED, State.REFERRED})
"""Closed, linked as a duplicate, or left by a statutory exit: every registered dispute reaches one of these."""

OPEN: Final = tuple(state for state in State if state not in {State.DUPLICATE, State.CLOSED})
"""States in which overlays and petition milestones may still happen."""
