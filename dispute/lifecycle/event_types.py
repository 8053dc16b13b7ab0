"""Event types: each is one row of `EventKind`, and a payload where it has something of its own to tell.

A new type is a row here, a row of the transition table with its effect, and a test. The codec maps a payload by the
names of its fields, which are those of `Particulars` in journal.proto; a field without one is an error at import.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self

from msgspec import Struct

from dispute.lifecycle.provisional import SettledDate
from dispute.lifecycle.vocabulary import Channel, Colour, Milestone, ReferTarget, Remedy, Supervision


class Payload(Struct, frozen=True):
    """What an event tells beyond the fields that all events have."""


class Registered(Payload, frozen=True):
    """Limit of a petition, amount in dispute, and whether a change of the law lies between receipt and registration."""

    clause: str = ""
    amount_fen: int = 0
    transitional: bool = False


class DuplicateLinked(Payload, frozen=True):
    """Master that the matter is counted at."""

    master_dispute_id: str


class MediationRefused(Payload, frozen=True):
    """Clause of the exclusion."""

    clause: str = ""


class Accepted(Payload, frozen=True):
    """Clause, and whether the rules changed between receipt and decision."""

    clause: str = ""
    transitional: bool = False


class Dispatched(Payload, frozen=True):
    """Co-handlers, and the limit for the handler's signature with its clause."""

    clause: str = ""
    co_departments: tuple[str, ...] = ()
    sign_by: datetime | None = None


class Signed(Payload, frozen=True):
    """Clause of the mediation term that begins."""

    clause: str = ""


class Bounced(Payload, frozen=True):
    """`overdue` when nobody signed in time."""

    supervision: Supervision | None = None


class LevelEscalated(Payload, frozen=True):
    """Co-handlers that stay."""

    co_departments: tuple[str, ...] = ()


class Resumed(Payload, frozen=True):
    """Last day that the clock stop moved; the new one is a cohort date."""

    due_before: date | None = None


class Extended(Payload, frozen=True):
    """Days granted, their clause, and the last day that they moved; the new one is a cohort date."""

    clause: str = ""
    days: int = 0
    due_before: date | None = None


class Agreed(Payload, frozen=True):
    """Agreement: amount, digest of its document, and what its form allows.

    Attributes:
        amount_fen: Amount agreed.
        document_sha256: Hex digest of the document.
        partial: Only a part of the matter was agreed.
        oral: Oral, and recorded.
        confirmable: Open to judicial confirmation.
        confirm_by: Last day to apply for it.
    """

    amount_fen: int = 0
    document_sha256: str = ""
    partial: bool = False
    oral: bool = False
    confirmable: bool = False
    confirm_by: date | None = None


class Performed(Payload, frozen=True):
    """Hex digest of the evidence."""

    document_sha256: str


class NotPerformed(Payload, frozen=True):
    """Way that is open now."""

    target: Remedy


class Returned(Payload, frozen=True):
    """Channel that it goes back to, and the hex digest of the packet."""

    target: Channel
    document_sha256: str = ""


class Referred(Payload, frozen=True):
    """Statutory exit."""

    target: ReferTarget


class FollowUpBegun(Payload, frozen=True):
    """Planned day of the visit."""

    visit_on: date | None = None


class Closed(Payload, frozen=True):
    """Second person of the strike-off, a pseudonym."""

    reviewer_id: str = ""


class Visited(Payload, frozen=True):
    """Whether no sign of a relapse was seen."""

    clean_visit: bool = False


class Reopened(Payload, frozen=True):
    """Colour before the relapse, and the level of supervision after it."""

    colour_before: Colour = Colour.NONE
    supervision: Supervision | None = None


class Supervised(Payload, frozen=True):
    """Level of supervision."""

    supervision: Supervision


class ColourChanged(Payload, frozen=True):
    """Colour before, and the level of supervision when red raised it."""

    colour_before: Colour = Colour.NONE
    supervision: Supervision | None = None


class MilestoneReached(Payload, frozen=True):
    """Milestone of a petition."""

    milestone: Milestone


class Rated(Payload, frozen=True):
    """Code of `Satisfaction`."""

    satisfaction: int = 0


class DueDatesSettled(Payload, frozen=True):
    """Provisional dates that a holiday table settled."""

    settled: tuple[SettledDate, ...] = ()


class EventKind(StrEnum):
    """Event types of a dispute, in past tense; the one list of them.

    Attributes:
        zh: Chinese name.
        payload: Type of its payload.
        is_counted: A fact that a later event may take back or restate. Steps without a figure and corrections are none.
            The journal is kept for ever: a fact that is not retracted today can't be corrected in a later figure.
        status: Status of the result that the record's agency gets; empty when the event is the centre's own work.
        is_final: Nothing further follows that result in this opening.
    """

    zh: str
    payload: type[Payload]
    is_counted: bool
    status: str
    is_final: bool

    def __new__(  # noqa: PLR0917 - each is a column of the list
        cls,
        code: str,
        zh: str = "",
        payload: type[Payload] = Payload,
        is_counted: bool = True,  # noqa: FBT001, FBT002 - as above
        status: str = "",
        is_final: bool = False,  # noqa: FBT001, FBT002 - as above
    ) -> Self:
        """Make one row of the list."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh, member.payload, member.is_counted = zh, payload, is_counted
        member.status, member.is_final = status, is_final
        return member

    # fmt: off
    #                                             名称                payload          counted  status
    REGISTERED = "registered",                    "登记",             Registered
    DUPLICATE_LINKED = "duplicate_linked",        "并入主案",         DuplicateLinked,  True,   "duplicate", True
    SCREENING_BEGUN = "screening_begun",          "开始筛查",         Payload,          False
    MEDIATION_REFUSED = "mediation_refused",      "不予调解",         MediationRefused, True,   "not_mediable"
    ACCEPTED = "accepted",                        "受理",             Accepted,         True,   "accepted"
    DISPATCHED = "dispatched",                    "分流",             Dispatched,       True,   "dispatched"
    SIGNED = "signed",                            "签收",             Signed
    BOUNCED = "bounced",                          "退回分流",         Bounced
    MEDIATION_BEGUN = "mediation_begun",          "开始调解"
    LEVEL_ESCALATED = "level_escalated",          "升级办理",         LevelEscalated
    SUSPENDED = "suspended",                      "中止"
    RESUMED = "resumed",                          "恢复",             Resumed
    EXTENDED = "extended",                        "延期",             Extended
    AGREED = "agreed",                            "达成协议",         Agreed,           True,   "agreed"
    FAILED = "failed",                            "调解不成",         Payload,          True,   "failed"
    WITHDRAWN = "withdrawn",                      "撤回",             Payload,          True,   "withdrawn"
    CONFIRMATION_APPLIED = "confirmation_applied", "申请司法确认"
    CONFIRMED = "confirmed",                      "司法确认",         Payload,          True,   "confirmed"
    CONFIRMATION_REFUSED = "confirmation_refused", "不予确认",        Payload,          True,   "refused"
    PERFORMED = "performed",                      "已履行",           Performed,        True,   "performed"
    NOT_PERFORMED = "not_performed",              "未履行",           NotPerformed,     True,   "returned", True
    RETURNED = "returned",                        "退回来源",         Returned,         True,   "returned", True
    REFERRED = "referred",                        "引导其他途径",     Referred,         True,   "referred", True
    FOLLOW_UP_BEGUN = "follow_up_begun",          "安排回访",         FollowUpBegun
    CLOSED = "closed",                            "销号",             Closed,           True,   "closed", True
    TRACKED = "tracked",                          "跟踪管控"
    VISITED = "visited",                          "回访",             Visited
    REOPENED = "reopened",                        "反弹重启",         Reopened
    SUPERVISED = "supervised",                    "督办",             Supervised
    COLOUR_CHANGED = "colour_changed",            "四色变更",         ColourChanged
    MILESTONE_REACHED = "milestone_reached",      "信访节点",         MilestoneReached
    RECLASSIFIED = "reclassified",                "更正",             Payload,          False
    RATED = "rated",                              "评价",             Rated
    DUE_DATES_SETTLED = "due_dates_settled",      "期限更正",         DueDatesSettled,  False,  "due_dates_corrected"
    # fmt: on


CONCLUSIONS: Final = frozenset({EventKind.AGREED, EventKind.FAILED, EventKind.WITHDRAWN})
"""Events that end a mediation; the first of an opening has `conclusion_ordinal` 1."""
