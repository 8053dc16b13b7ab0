"""Folds events into the state of a dispute.

It never refuses a valid next event, because the event has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from dispute.calendar.days import end_of
from dispute.lifecycle.dispute import Counted, CountedFact, Dispute
from dispute.lifecycle.events import Event
from dispute.lifecycle.provisional import DateName
from dispute.lifecycle.vocabulary import (
    CONCLUSIONS,
    COUNTED,
    EventKind,
    Milestone,
    Supervision,
    SuspendReason,
)
from hub.errors import Fault


def evolve(dispute: Dispute | None, event: Event) -> Dispute:
    """Return the state after `event`.

    Raises:
        Fault: `history_broken` when the event is not the next one of this dispute.
    """
    expected = 1 if dispute is None else dispute.sequence + 1
    same = dispute is None or dispute.dispute_id == event.dispute_id
    if event.sequence != expected or not same:
        raise Fault("history_broken", f"event {event.sequence} of {event.dispute_id} where {expected} was due")
    if dispute is None:
        return Dispute(
            dispute_id=event.dispute_id,
            state=event.to_state,
            sequence=1,
            dimensions=event.dimensions,
            cohort=event.cohort,
            registered_at=event.occurred_at,
            source_ref=event.source_ref,
            ordinals=((event.type, 1),),
            counted=_counted(Counted(), event),
            provisional=event.provisional,
        )
    opened = event.type is EventKind.REOPENED
    changes: dict[str, Any] = _new_opening() if opened else {}
    changes.update(PARTICULAR.get(event.type, _nothing_more)(dispute, event))
    if event.type in CONCLUSIONS:
        changes["conclusions"] = dispute.conclusions + 1
    if event.particulars.supervision:
        changes["supervision"] = Supervision(event.particulars.supervision)
    return replace(
        dispute,
        state=event.to_state,
        sequence=event.sequence,
        dimensions=event.dimensions,
        cohort=event.cohort,
        reopen_seq=event.reopen_seq,
        ordinals=_bumped(() if opened else dispute.ordinals, event.type),
        counted=_counted(dispute.counted, event),
        provisional=event.provisional,
        **changes,
    )


def _new_opening() -> dict[str, Any]:
    """Reset the values of an opening.

    Lead, colour, petition limits and counted facts stay.
    """
    return {
        "sign_by": None,
        "clock_stopped_on": None,
        "agreement_on": None,
        "confirmable": False,
        "confirm_by": None,
        "partial": False,
        "clean_visits": 0,
        "milestones": (),
        "conclusions": 0,
    }


def _dispatched(_: Dispute, event: Event) -> dict[str, Any]:
    return {"co_departments": event.particulars.co_departments, "sign_by": event.particulars.sign_by}


def _suspended(_: Dispute, event: Event) -> dict[str, Any]:
    stops = event.reason_code == SuspendReason.APPRAISAL_BEFORE_FILING
    return {"clock_stopped_on": event.business_day if stops else None}


def _clock_is_off(_: Dispute, __: Event) -> dict[str, Any]:
    return {"clock_stopped_on": None}


def _agreed(_: Dispute, event: Event) -> dict[str, Any]:
    return {
        "agreement_on": event.business_day,
        "confirmable": event.particulars.confirmable,
        "confirm_by": event.particulars.confirm_by,
        "partial": event.particulars.partial,
        "clock_stopped_on": None,
    }


def _settled(dispute: Dispute, event: Event) -> dict[str, Any]:
    """Move dates that only the dispute has.

    The cohort dates are in the event.
    """
    changes: dict[str, Any] = {}
    for date in event.particulars.settled:
        if date.name is DateName.SIGN_BY and date.before == dispute.last_day(DateName.SIGN_BY):
            changes["sign_by"] = end_of(date.after)
        if date.name is DateName.CONFIRM_BY and date.before == dispute.confirm_by:
            changes["confirm_by"] = date.after
    return changes


def _visits_start(_: Dispute, __: Event) -> dict[str, Any]:
    return {"clean_visits": 0}


def _visited(dispute: Dispute, event: Event) -> dict[str, Any]:
    return {"clean_visits": dispute.clean_visits + 1 if event.particulars.clean_visit else 0}


PARTICULAR: Final[Mapping[EventKind, Callable[[Dispute, Event], dict[str, Any]]]] = {
    EventKind.DUPLICATE_LINKED: lambda _, event: {"master_dispute_id": event.particulars.master_dispute_id},
    EventKind.DISPATCHED: _dispatched,
    EventKind.LEVEL_ESCALATED: _dispatched,
    EventKind.BOUNCED: lambda _, __: {"co_departments": (), "sign_by": None},
    EventKind.SIGNED: lambda _, __: {"sign_by": None},
    EventKind.SUSPENDED: _suspended,
    EventKind.RESUMED: _clock_is_off,
    EventKind.FAILED: _clock_is_off,
    EventKind.WITHDRAWN: _clock_is_off,
    EventKind.EXTENDED: lambda dispute, event: {
        "statutory_extended": dispute.statutory_extended or event.transition == "T13b"
    },
    EventKind.AGREED: _agreed,
    EventKind.FOLLOW_UP_BEGUN: _visits_start,
    EventKind.TRACKED: _visits_start,
    EventKind.VISITED: _visited,
    EventKind.DUE_DATES_SETTLED: _settled,
    EventKind.MILESTONE_REACHED: lambda dispute, event: {
        "milestones": (*dispute.milestones, Milestone(event.particulars.milestone))
    },
}
"""Changes by events of one kind; kinds that are not listed change nothing more."""


def _nothing_more(_: Dispute, __: Event) -> dict[str, Any]:
    return {}


def _bumped(ordinals: tuple[tuple[EventKind, int], ...], kind: EventKind) -> tuple[tuple[EventKind, int], ...]:
    counts = dict(ordinals)
    counts[kind] = counts.get(kind, 0) + 1
    return tuple(counts.items())


def _counted(known: Counted, event: Event) -> Counted:
    """Apply the retractions, then count the event itself."""
    facts = known
    if event.retracts:
        by_sequence = {fact.sequence: fact for fact in known}
        for taken in event.retracts:
            if taken.sequence not in by_sequence:
                raise Fault("history_broken", f"event {taken.sequence} of {event.dispute_id} is no counted fact")
            if taken.restated_as is None:
                del by_sequence[taken.sequence]
            else:
                fact = by_sequence[taken.sequence]
                cohort = taken.restated_cohort or fact.cohort
                by_sequence[taken.sequence] = replace(fact, dimensions=taken.restated_as, cohort=cohort)
        facts = Counted(tuple(by_sequence.values()))
    if event.type not in COUNTED:
        return facts
    fact = CountedFact(
        event.type,
        event.business_day,
        event.dimensions,
        event.sequence,
        event.cohort,
        event.ordinal,
        event.conclusion_ordinal,
        event.reopen_seq,
    )
    return facts.plus(fact)


def replay(events: tuple[Event, ...]) -> Dispute:
    """Return the state after all events.

    The events of one dispute, from its registration on.

    Raises:
        Fault: `history_broken` when there are none, or they are not contiguous, or of several disputes.
    """
    dispute: Dispute | None = None
    for event in events:
        dispute = evolve(dispute, event)
    if dispute is None:
        raise Fault("history_broken", "no event at all")
    return dispute
