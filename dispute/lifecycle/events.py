"""Events of one dispute.

The same fields as the journal's event, without the time of recording.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.provisional import ProvisionalDate, SettledDate
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import Colour, EventKind, Role


@dataclass(frozen=True, slots=True)
class Retraction:
    """A counted fact that a later event takes back.

    It repeats the fact completely, as it was counted. Meanings: journal.proto. `restated_as` is set exactly when it is
    `restated`: the fact then counts again under these dimensions, and with `restated_cohort` where its dates changed
    too.
    """

    type: EventKind
    business_day: date
    dimensions: Dimensions
    sequence: int
    cohort: CohortDates
    ordinal: int = 1
    conclusion_ordinal: int = 0
    reopen_seq: int = 0
    restated: bool = False
    restated_as: Dimensions | None = None
    restated_cohort: CohortDates | None = None


@dataclass(frozen=True, slots=True)
class Particulars:
    """Typed particulars of an event.

    Only those of the event's kind are set. `document_sha256` is the digest of the agreement, of the evidence of
    performance, or of the return packet.
    """

    clause: str = ""
    target: str = ""
    master_dispute_id: str = ""
    co_departments: tuple[str, ...] = ()
    amount_fen: int = 0
    document_sha256: str = ""
    days: int = 0
    milestone: str = ""
    supervision: str = ""
    satisfaction: int = 0
    clean_visit: bool = False
    partial: bool = False
    oral: bool = False
    confirmable: bool = False
    sign_by: datetime | None = None
    colour_before: Colour = Colour.NONE
    transitional: bool = False
    reviewer_id: str = ""
    visit_on: date | None = None
    confirm_by: date | None = None
    due_before: date | None = None
    settled: tuple[SettledDate, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a dispute.

    Meanings of the fields: journal.proto.

    Attributes:
        source_ref: Only on `registered` and only in this process: the journal carries no partner's reference.
    """

    dispute_id: str
    sequence: int
    event_id: str
    type: EventKind
    causation_id: str
    correlation_id: str
    occurred_at: datetime
    business_day: date
    cohort: CohortDates
    dimensions: Dimensions
    transition: str
    from_state: State | None
    to_state: State
    actor_role: Role
    actor_id: str
    retracts: tuple[Retraction, ...] = ()
    reason_code: str = ""
    reopen_seq: int = 0
    ordinal: int = 1
    conclusion_ordinal: int = 0
    particulars: Particulars = field(default_factory=Particulars)
    source_ref: str = ""
    provisional: tuple[ProvisionalDate, ...] = ()
