"""What holds of every dispute, whatever happened to it: read in its history alone.

Nothing of the product's rules is used. Each check returns what it found wrong, one text each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from dispute.wire.journal.v1 import journal_pb2
from tests.year.season import is_open

History = Sequence[journal_pb2.JournalEvent]
DAY: Final = timedelta(days=1)
REASONED: Final = frozenset(
    {
        "bounced",
        "failed",
        "mediation_refused",
        "not_docked",
        "withdrawn",
        "level_escalated",
        "suspended",
        "reopened",
        "colour_changed",
        "reclassified",
        "unlinked",
        "tracked",
        "confirmation_refused",
    }
)
OVER: Final = frozenset({"closed", "returned", "referred"})
"""States in which nothing runs any more."""
SHORT: Final = frozenset({"summary", "small_claims"})
BEFORE_FILING_DAYS, ORDINARY_DAYS, SHORT_DAYS = 30, 15, 7


def told_wrong(history: History) -> Iterator[str]:
    """Yield events without actor, reason, or time, and steps that do not continue the ones before."""
    state = ""
    for number, event in enumerate(history, start=1):
        name = f"{event.dispute_id}/{number} {event.type}"
        if event.sequence != number:
            yield f"{name}: has sequence {event.sequence}"
        if not (event.actor_role and event.actor_id):
            yield f"{name}: nobody acted"
        if not (event.HasField("occurred_at") and event.HasField("recorded_at") and event.business_day):
            yield f"{name}: has no time"
        if event.type in REASONED and not event.reason_code:
            yield f"{name}: has no reason"
        if event.rewinds_to >= number:
            yield f"{name}: takes back event {event.rewinds_to}"
        if event.from_state != state:
            yield f"{name}: goes on from {event.from_state}, the dispute was {state}"
        state = event.to_state


def ill_led(history: History) -> Iterator[str]:
    """Yield events of a dispute in hand without one lead, or whose lead is a co-handler too."""
    for event in history:
        lead, others = event.dimensions.lead_department, event.particulars.co_departments
        in_hand = event.to_state in {"dispatched", "signed", "mediating", "suspended"}
        if in_hand and not lead:
            yield f"{event.dispute_id}/{event.sequence} {event.type}: nobody leads"
        if lead in others or len(set(others)) < len(others):
            yield f"{event.dispute_id}/{event.sequence} {event.type}: {lead} leads and helps"


def ill_dated(history: History) -> Iterator[str]:
    """Yield terms that end after the statutory limit, or on another day than the law gives a suit."""
    before, signatures = "", list[int]()
    for event in history:
        due, statutory = event.cohort.due_on, event.cohort.statutory_due_on
        moved = bool(due) and due != before
        before = due
        # A term whose statutory limit is over already ends with its own first day.
        if moved and statutory and due > max(statutory, event.business_day):
            yield f"{event.dispute_id}/{event.sequence} {event.type}: due {due} after the statute's {statutory}"
        if event.type in {"reopened", "resubmitted"}:
            signatures.clear()
        if event.rewinds_to:
            signatures = [each for each in signatures if each < event.rewinds_to]
        if event.type == "signed":
            expected = None if signatures else _suit_due(history, event)
            signatures.append(event.sequence)
            if expected is not None and due != expected.isoformat():
                yield f"{event.dispute_id}/{event.sequence} signed: due {due}, the law says {expected}"


def unfinished(state: str, supervision: str, limit: str) -> bool:
    """Tell whether a dispute is open, and nothing runs and nobody was alarmed."""
    return state not in OVER and not limit and supervision in {"", "normal", "reminded"}


def _suit_due(history: History, signed: journal_pb2.JournalEvent) -> date | None:
    """Return the last day of a suit's mediation (特邀 27, 立案与调解意见); None where nothing is said here."""
    if signed.dimensions.channel != "court":
        return None
    begun = history[0].particulars
    short = begun.procedure in SHORT
    filed = signed.dimensions.regime == "B" or begun.stage == "in_litigation"
    if signed.reopen_seq:
        return None
    days = BEFORE_FILING_DAYS if not filed else SHORT_DAYS if short else ORDINARY_DAYS
    last = date.fromisoformat(signed.business_day) + days * DAY
    while not is_open(last):
        last += DAY
    return last
