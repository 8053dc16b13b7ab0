"""Closed lists of codes.

A member named `NONE` is the empty string on the wire: not known, or not yet set.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final, Self

from typing_extensions import override

CORRECTABLE: Final = ("category", "case_cause", "town_code", "village_code", "grid_code")
"""Dimensions that a correction replaces; every other one of a counted fact is history and stays."""

SIGN_OFF_EXPIRED: Final = "sign_off_expired"
"""Reason of a bounce that the hub itself makes when nobody signed a dispatch in time."""


class Channel(StrEnum):
    """How a dispute came; the one list of channels.

    Attributes:
        zh: Chinese name.
        docked: It has a bridge, and a source system that is owed the dispute's return.
    """

    zh: str
    docked: bool

    def __new__(cls, code: str, zh: str = "", docked: bool = False) -> Self:  # noqa: FBT001, FBT002 - a column of the list
        """Make one row of the list."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh, member.docked = zh, docked
        return member

    COURT = "court", "诉调", True
    POLICE = "police", "警调", True
    PETITION = "petition", "访调", True
    WINDOW = "window", "窗口"
    HOTLINE = "hotline", "热线"
    GRID = "grid", "网格"
    APP = "app", "掌上"
    DEPARTMENT = "department", "部门"
    SELF = "self", "自行发现"


class Role(StrEnum):
    """Role of an actor."""

    SYSTEM = "system"
    AGENCY = "agency"
    CLERK = "clerk"
    DISPATCHER = "dispatcher"
    HANDLER = "handler"
    MEDIATOR = "mediator"
    REVIEWER = "reviewer"
    LEADER = "leader"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    PARTY = "party"
    PUBLIC = "public"
    COURT = "court"

    @classmethod
    @override
    def _missing_(cls, value: object) -> Role | None:
        """Read the name that earlier releases gave to an agency."""
        return cls.AGENCY if value == "bridge" else None


class Regime(StrEnum):
    """Court regime by date of receipt.

    `A` mediates before filing (until 2024-12-31), `B` after registration.
    """

    NONE = ""
    A = "A"
    B = "B"


class Level(StrEnum):
    """Level of the four-level linkage, lowest first.

    Which organ a level is differs by county and is data.
    """

    NONE = ""
    GRID = "grid"
    VILLAGE = "village"
    TOWNSHIP = "township"
    COUNTY = "county"


class Colour(StrEnum):
    """Four-colour warning (四色预警); a dispute starts without one."""

    NONE = ""
    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


class Supervision(StrEnum):
    """Levels of supervision (督办), lowest first.

    A leader is responsible for an `escalated` dispute.
    """

    NORMAL = "normal"
    REMINDED = "reminded"
    OVERDUE = "overdue"
    SUPERVISED = "supervised"
    ESCALATED = "escalated"


class Recurrence(StrEnum):
    """First or repeat matter."""

    NONE = ""
    FIRST = "first"
    REPEAT = "repeat"


class Scale(StrEnum):
    """One person's matter or a group's."""

    NONE = ""
    INDIVIDUAL = "individual"
    GROUP = "group"


class DispatchMode(StrEnum):
    """转办 (passed on) or 交办 (assigned, has to report back)."""

    NONE = ""
    PASSED_ON = "passed_on"
    ASSIGNED = "assigned"


class MediationKind(StrEnum):
    """人民、行政、司法、行业性专业性、信访、社会调解."""

    NONE = ""
    PEOPLE = "people"
    ADMINISTRATIVE = "administrative"
    JUDICIAL = "judicial"
    SECTORAL = "sectoral"
    PETITION = "petition"
    SOCIAL = "social"


class OutcomeForm(StrEnum):
    """Form in which a mediation succeeded."""

    NONE = ""
    AGREEMENT = "agreement"
    MEDIATION_STATEMENT = "mediation_statement"
    WITHDRAWN_AFTER_SETTLEMENT = "withdrawn_after_settlement"
    SELF_SETTLED = "self_settled"
    OTHER = "other"


class MadeBy(StrEnum):
    """Under whom an agreement was made.

    One made by the police is not open to judicial confirmation.
    """

    NONE = ""
    PEOPLE_COMMITTEE = "people_committee"
    POLICE = "police"
    ORGANISATION = "organisation"
    COURT = "court"


class Clarity(StrEnum):
    """How clear the legal relation or the facts are."""

    NONE = ""
    CLEAR = "clear"
    FAIRLY_CLEAR = "fairly_clear"
    UNCLEAR = "unclear"


class SuspendReason(StrEnum):
    """Reason of a suspension.

    Only `appraisal_before_filing` stops the clock (在线调解规则 26).
    """

    APPRAISAL_BEFORE_FILING = "appraisal_before_filing"
    APPRAISAL = "appraisal"
    SUSPECTED_SHAM = "suspected_sham"


class FailureReason(StrEnum):
    """Why a mediation failed."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    DEADLOCK = "deadlock"
    TERM_EXPIRED = "term_expired"
    EXCLUDED = "excluded"
    SHAM = "sham"
    UNSIGNED = "unsigned"
    RENEWED_VIOLENCE = "renewed_violence"
    FLED = "fled"


class WithdrawReason(StrEnum):
    """Why a dispute was withdrawn without settlement."""

    APPLICANT_WITHDREW = "applicant_withdrew"
    OTHER = "other"


class Remedy(StrEnum):
    """What follows an agreement that was not performed."""

    ENFORCEMENT = "enforcement"
    SUIT = "suit"
    PENALTY_PROCEDURE = "penalty_procedure"


class ReferTarget(StrEnum):
    """Statutory exit other than the source system."""

    COURT = "court"
    ARBITRATION = "arbitration"
    ADMINISTRATIVE_ADJUDICATION = "administrative_adjudication"
    RECONSIDERATION = "reconsideration"
    DISCIPLINE_INSPECTION = "discipline_inspection"


class TrackReason(StrEnum):
    """Why a followed-up dispute stays under watch."""

    RESENTFUL = "resentful"
    NOT_REALLY_SOLVED = "not_really_solved"
    MAY_BLOW_UP = "may_blow_up"
    COLOUR = "colour"


class ReopenReason(StrEnum):
    """How a relapse (反弹) was noticed."""

    NEW_CALL = "new_call"
    NEW_PETITION = "new_petition"
    NEW_SUIT = "new_suit"
    REPORT = "report"


class Milestone(StrEnum):
    """Steps of a first petition.

    Meet in 3 days, investigate in 5, feed back in 7, conclude in 30.
    """

    MET = "met"
    INVESTIGATED = "investigated"
    FED_BACK = "fed_back"
    CONCLUDED = "concluded"


class Satisfaction(IntEnum):
    """Rating codes of the petition system, which has no 2."""

    LAPSED = -1
    SATISFIED = 0
    BASICALLY = 1
    NOT = 3


class Stage(StrEnum):
    """Whether a suit was filed when it came to mediation.

    诉前委派 (before filing) or 诉中委托 (in litigation); other channels have no stage.
    """

    NONE = ""
    BEFORE_FILING = "before_filing"
    IN_LITIGATION = "in_litigation"


class Penalty(StrEnum):
    """What follows for the penalty when a police matter's agreement was performed."""

    NONE = ""
    LIFTED = "lifted"
    OPEN = "open"


WHISTLE_BLOWING: Final = "whistle_blowing"
"""Exclusion (检举控告) whose only exit is the discipline inspection body."""

LEVELS: Final = (Level.GRID, Level.VILLAGE, Level.TOWNSHIP, Level.COUNTY)
COLOURS: Final = (Colour.NONE, Colour.GREEN, Colour.BLUE, Colour.YELLOW, Colour.RED)
RUNGS: Final = tuple(Supervision)
WARNING_COLOURS: Final = frozenset({Colour.YELLOW, Colour.RED})
SETTLED_FORMS: Final = frozenset({OutcomeForm.WITHDRAWN_AFTER_SETTLEMENT, OutcomeForm.SELF_SETTLED})
"""The parties settled themselves: a success without a mediator's document."""
DOCKED: Final = tuple(channel for channel in Channel if channel.docked)
"""Channels with a source system that is owed the dispute's return, in the order of the list."""
