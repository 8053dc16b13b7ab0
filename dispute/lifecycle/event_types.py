"""Event types: each is one row of `EventKind`, and a payload where it has something of its own to tell.

A new type is a row here, a row of the transition table with its effect, and a test. The codec maps a payload by the
names of its fields, which are those of `Particulars` in journal.proto; a field without one is an error at import.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self

from dispute.lifecycle.link_payloads import (
    LinkDeclined,
    Linked,
    LinkProposed,
    Payload,
    Unlinked,
    Unshared,
)
from dispute.lifecycle.provisional import SettledDate
from dispute.lifecycle.vocabulary import (
    Channel,
    Colour,
    MadeBy,
    Milestone,
    Penalty,
    ReferTarget,
    Remedy,
    Stage,
    Supervision,
)


class Registered(Payload, frozen=True):
    """Limit of a petition, amount in dispute, and whether a change of the law lies between receipt and registration.

    Attributes:
        clause: Of the limits.
        amount_fen: Amount in dispute.
        transitional: The law changed between receipt and registration.
        procedure: Procedure of the suit; empty elsewhere.
        stage: Of a suit.
        preserved_on: Day of a preservation taken before the suit; None without one.
        case_code: Printed code; empty where the county is not known, and in events of earlier releases.
    """

    clause: str = ""
    amount_fen: int = 0
    transitional: bool = False
    procedure: str = ""
    stage: Stage = Stage.NONE
    preserved_on: date | None = None
    case_code: str = ""


class DuplicateLinked(Payload, frozen=True):
    """Master that the matter is counted at; earlier releases wrote it."""

    master_dispute_id: str


class InformationRequested(Payload, frozen=True):
    """What the screening lacks, and its last day of waiting with the clause."""

    clause: str = ""
    missing: tuple[str, ...] = ()
    wait_until: date | None = None


class NotDocked(Payload, frozen=True):
    """Clause by which it is no matter for docking."""

    clause: str = ""


class Resubmitted(Payload, frozen=True):
    """Number of the hand-over, and the limit with its clause."""

    clause: str = ""
    round: int = 0


class MediationBegun(Payload, frozen=True):
    """Clause of a term that begins anew, after a refused confirmation or for a second attempt."""

    clause: str = ""


class Failed(Payload, frozen=True):
    """Dispute of the same matter whose mediation failed; empty when it was this one's own."""

    shared_from: str = ""
    clause: str = ""


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
    """Last day that the clock stop moved, and what cut the new one, a cohort date, to fewer days than it stood."""

    clause: str = ""
    due_before: date | None = None


class Extended(Payload, frozen=True):
    """Extension of a limit.

    Attributes:
        clause: What it rests on, and what cut it.
        days: Days that it really gave.
        days_asked: Days asked for, where the statute gave fewer; 0 when all of them were given.
        due_before: Last day that it moved; the new one is a cohort date.
    """

    clause: str = ""
    days: int = 0
    days_asked: int = 0
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
        clause: Clause that bars the confirmation, where one does.
        shared_from: Dispute of the same matter whose agreement it is; empty when it is its own.
        severable: Only a part is open to confirmation; a reviewer decides which.
        made_by: Under whom it was made.
    """

    amount_fen: int = 0
    document_sha256: str = ""
    partial: bool = False
    oral: bool = False
    confirmable: bool = False
    confirm_by: date | None = None
    clause: str = ""
    shared_from: str = ""
    severable: bool = False
    made_by: MadeBy = MadeBy.NONE


class Performed(Payload, frozen=True):
    """Hex digest of the evidence, and what follows for a penalty.

    Attributes:
        document_sha256: Of the evidence.
        penalty: Of a police matter: lifted by the performance, or open because something lacks.
        clause: That the penalty rests on.
    """

    document_sha256: str
    penalty: Penalty = Penalty.NONE
    clause: str = ""


class NotPerformed(Payload, frozen=True):
    """Way that is open now: enforcement, suit, or penalty procedure."""

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
    """Level of supervision, and the clause of the limit that led to it."""

    supervision: Supervision
    clause: str = ""


class ColourChanged(Payload, frozen=True):
    """Colour before, the level of supervision when red raised it, and the clause of the rule that gave it."""

    colour_before: Colour = Colour.NONE
    supervision: Supervision | None = None
    clause: str = ""


class MilestoneReached(Payload, frozen=True):
    """Milestone of a petition, and whether it was reached after its limit.

    Attributes:
        milestone: Which one.
        clause: Of its limit; empty where the county has none.
        due_on: Last day of its limit.
        late: Reached after that day.
    """

    milestone: Milestone
    clause: str = ""
    due_on: date | None = None
    late: bool = False


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
        is_final: Nothing further follows that result in this opening, unless it is taken back.
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
    MEDIATION_BEGUN = "mediation_begun",          "开始调解",         MediationBegun
    LEVEL_ESCALATED = "level_escalated",          "升级办理",         LevelEscalated
    SUSPENDED = "suspended",                      "中止"
    RESUMED = "resumed",                          "恢复",             Resumed
    EXTENDED = "extended",                        "延期",             Extended
    AGREED = "agreed",                            "达成协议",         Agreed,           True,   "agreed"
    FAILED = "failed",                            "调解不成",         Failed,           True,   "failed"
    WITHDRAWN = "withdrawn",                      "撤回",             Payload,          True,   "withdrawn"
    CONFIRMATION_APPLIED = "confirmation_applied", "申请司法确认"
    CONFIRMED = "confirmed",                      "司法确认",         Payload,          True,   "confirmed"
    CONFIRMATION_REFUSED = "confirmation_refused", "不予确认",        Payload,          True,   "refused"
    PERFORMED = "performed",                      "已履行",           Performed,        True,   "performed"
    NOT_PERFORMED = "not_performed",              "未履行",           NotPerformed,     True,   "not_performed", True
    RETURNED = "returned",                        "退回来源",         Returned,         True,   "returned", True
    REFERRED = "referred",                        "引导其他途径",     Referred,         True,   "referred", True
    FOLLOW_UP_BEGUN = "follow_up_begun",          "安排回访",         FollowUpBegun
    CLOSED = "closed",                            "销号",             Closed,           True,   "closed", True
    TRACKED = "tracked",                          "跟踪管控"
    VISITED = "visited",                          "回访",             Visited
    REOPENED = "reopened",                        "反弹重启",         Reopened
    SUPERVISED = "supervised",                    "督办",             Supervised,       True,   "alarm"
    COLOUR_CHANGED = "colour_changed",            "四色变更",         ColourChanged
    MILESTONE_REACHED = "milestone_reached",      "信访节点",         MilestoneReached
    RECLASSIFIED = "reclassified",                "更正",             Payload,          False
    RATED = "rated",                              "评价",             Rated
    DUE_DATES_SETTLED = "due_dates_settled",      "期限更正",         DueDatesSettled,  False,  "due_dates_corrected"
    LINKED = "linked",                            "关联同一事项",     Linked,           True,   "linked"
    UNLINKED = "unlinked",                        "解除关联",         Unlinked,         False,  "unlinked"
    UNSHARED = "unshared",                        "撤回共享结果",     Unshared,         False,  "unshared"
    LINK_PROPOSED = "link_proposed",              "建议关联",         LinkProposed,     False
    LINK_DECLINED = "link_declined",              "不予关联",         LinkDeclined,     False
    INFORMATION_REQUESTED = "information_requested", "要求补充",      InformationRequested, False, "to_complete"
    NOT_DOCKED = "not_docked",                    "不属对接范围",     NotDocked,        False,  "not_docked", True
    RESUBMITTED = "resubmitted",                  "再次移交",         Resubmitted
    # fmt: on


RETIRED: Final = frozenset({EventKind.DUPLICATE_LINKED})
"""Events of earlier releases: read for ever, never written."""
OVERLAYS: Final = frozenset(
    {
        EventKind.LINKED,
        EventKind.UNLINKED,
        EventKind.UNSHARED,
        EventKind.LINK_PROPOSED,
        EventKind.LINK_DECLINED,
        EventKind.VISITED,
        EventKind.RATED,
        EventKind.SUPERVISED,
        EventKind.COLOUR_CHANGED,
        EventKind.MILESTONE_REACHED,
        EventKind.RECLASSIFIED,
        EventKind.DUE_DATES_SETTLED,
    }
)
"""Events beside the way of the dispute: they stand, also when that way is taken back to an earlier point."""
CONCLUSIONS: Final = frozenset({EventKind.AGREED, EventKind.FAILED, EventKind.WITHDRAWN})
"""Events that end a mediation; the first of an opening has `conclusion_ordinal` 1."""
