"""Events of one dispute.

The same fields as the journal's event, without the time of recording.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from msgspec import Struct

from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.link_payloads import Payload
from dispute.lifecycle.provisional import ProvisionalDate
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import Role

NOTHING: Final = Payload()


class Retraction(Struct, frozen=True):
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


class Event(Struct, frozen=True, omit_defaults=True):
    """One event of a dispute.

    Meanings of the fields: journal.proto.

    Attributes:
        payload: Of the type that the kind names.
        limit: Limit whose end the event reports, of an alarm.
        rewinds_to: First event that it takes back, with all later ones of the dispute's way; 0 when it takes back none.
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
    ordinal: int
    retracts: tuple[Retraction, ...] = ()
    reason_code: str = ""
    reopen_seq: int = 0
    conclusion_ordinal: int = 0
    payload: Payload = NOTHING
    limit: str = ""
    rewinds_to: int = 0
    source_ref: str = ""
    provisional: tuple[ProvisionalDate, ...] = ()
