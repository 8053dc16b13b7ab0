"""Decides which result an event gives its agency, and which earlier results it takes back.

Pure. An agency has at most one standing final result for each opening: once it stands, later events of that opening
give none, unless they take it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dispute.lifecycle.event_types import OVERLAYS, EventKind
from dispute.lifecycle.identity import event_id_of
from dispute.lifecycle.vocabulary import RUNGS, Supervision
from dispute.wire.journal.v1 import journal_pb2

COHORT_DATES: Final = ("due_on", "local_due_on", "statutory_due_on")
AGENCY_LIMITS: Final = frozenset({*COHORT_DATES, "confirm_by", "screen_by"})
"""Limits that concern an agency; the limit for a handler's signature is internal to the centre."""

RESULT_KINDS: Final[Mapping[str, EventKind]] = {kind.value: kind for kind in EventKind if kind.status}
"""Event types of the journal that give a result.

Any other type concerns the hub's own work, or is newer than this bridge: it is skipped and never an error, so that an
older bridge can read a newer journal.
"""
CORRECTED: Final = "corrected"
"""Status of a result whose event does nothing for the agency but take an earlier result back."""
STATUSES: Final = frozenset({CORRECTED, *(kind.status for kind in RESULT_KINDS.values())})
BESIDE: Final = frozenset(kind.status for kind in OVERLAYS if kind.status)
"""Statuses of events beside the way of the dispute: they stand when that way is taken back (journal.proto)."""
LATE: Final = frozenset(RUNGS[RUNGS.index(Supervision.OVERDUE) :])
"""Levels of supervision that an agency learns of; a reminder is internal to the centre."""


@dataclass(frozen=True, slots=True)
class EarlierResult:
    """A stored result of the same dispute, as far as later ones depend on it.

    Attributes:
        sequence: Of its event; 0 in results of earlier releases.
        opening: 1 for the first.
        superseded_by: Sequence of the event that took it back; 0 while it stands.
    """

    event_id: str
    sequence: int
    opening: int
    status: str
    final: bool
    superseded_by: int = 0

    def stands_before(self, sequence: int) -> bool:
        """Tell whether it stood right before an event.

        So an event that is read again is judged as it was at first.
        """
        return self.sequence < sequence and not 0 < self.superseded_by < sequence


@dataclass(frozen=True, slots=True)
class NewResult:
    """What an event gives.

    Attributes:
        supersedes: Event ids of the results that it takes back, in their order.
    """

    status: str
    final: bool
    supersedes: tuple[str, ...]


def opening_of(event: journal_pb2.JournalEvent) -> int:
    """Return the opening that an event belongs to: 1 for the first."""
    return event.reopen_seq + 1


def may_matter(event: journal_pb2.JournalEvent) -> bool:
    """Tell whether an event can give a result: by its own type, or because it takes back."""
    return gives_result(event) or event.rewinds_to > 0 or len(event.retracts) > 0


def gives_result(event: journal_pb2.JournalEvent) -> bool:
    """Tell whether an event concerns the agency by itself.

    Dates and alarms do only when they are about one of the limits in `AGENCY_LIMITS`.
    """
    kind = event.type
    if kind not in RESULT_KINDS:
        return False
    if kind == EventKind.DUE_DATES_SETTLED:
        return any(date.name in AGENCY_LIMITS for date in event.particulars.settled)
    if kind == EventKind.SUPERVISED:
        return event.limit in AGENCY_LIMITS and event.particulars.supervision in LATE
    return True


def new_result(event: journal_pb2.JournalEvent, earlier: Sequence[EarlierResult]) -> NewResult | None:
    """Return the result of an event; None when its agency gets none.

    Args:
        event: Of the journal.
        earlier: All stored results of its dispute, in their order.
    """
    sequence, opening = event.sequence, opening_of(event)
    standing = [one for one in earlier if one.stands_before(sequence)]
    # Nearly all events take nothing back.
    supersedes = _taken_back(event, standing) if event.rewinds_to or event.retracts else ()
    for one in standing:
        if one.final and one.opening == opening and one.event_id not in supersedes:
            return None
    if gives_result(event):
        kind = RESULT_KINDS[event.type]
        return NewResult(kind.status, kind.is_final, supersedes)
    return NewResult(CORRECTED, final=False, supersedes=supersedes) if supersedes else None


def _taken_back(event: journal_pb2.JournalEvent, standing: Sequence[EarlierResult]) -> tuple[str, ...]:
    """Return the ids of the standing results that an event takes back, in their order."""
    rewound, retracted = _rewound(event), _retracted(event)
    return tuple(
        one.event_id
        for one in standing
        if one.event_id in retracted or (one.event_id in rewound and one.status not in BESIDE)
    )


def _rewound(event: journal_pb2.JournalEvent) -> set[str]:
    """Return the ids of the events on the way that an event takes back."""
    first = event.rewinds_to or event.sequence
    return {event_id_of(event.dispute_id, sequence) for sequence in range(first, event.sequence)}


def _retracted(event: journal_pb2.JournalEvent) -> set[str]:
    """Return the ids of the events whose facts an event takes back.

    A fact that is restated still holds. What an agency was told of an earlier opening is history, except what stands
    beside the way: a link is undone whenever it was made.
    """
    return {
        event_id_of(event.dispute_id, taken.sequence)
        for taken in event.retracts
        if not taken.restated and (taken.reopen_seq == event.reopen_seq or taken.type in OVERLAYS)
    }
