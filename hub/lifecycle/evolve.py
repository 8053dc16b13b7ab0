"""Folds events into the state of a dispute. Judges nothing: what happened, happened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hub.errors import Fault
from hub.lifecycle.dispute import CountedFact, Dispute
from hub.lifecycle.events import Event
from hub.lifecycle.vocabulary import (
    CONCLUSIONS,
    COUNTED,
    EventKind,
    Milestone,
    Supervision,
    SuspendReason,
)


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
            counted=_counted((), event),
        )
    opened = event.type is EventKind.REOPENED
    changes: dict[str, Any] = _new_opening() if opened else {}
    changes.update(_particular(dispute, event))
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
        **changes,
    )


def _new_opening() -> dict[str, Any]:
    """What belongs to an opening starts anew; lead, colour, petition limits and counted facts go on."""
    return {
        "sign_by": None,
        "clock_stopped_on": None,
        "agreement_on": None,
        "statutory_extended": False,
        "confirmable": False,
        "partial": False,
        "clean_visits": 0,
        "milestones": (),
        "conclusions": 0,
    }


def _particular(dispute: Dispute, event: Event) -> dict[str, Any]:
    told = event.particulars
    match event.type:
        case EventKind.DUPLICATE_LINKED:
            return {"master_dispute_id": told.master_dispute_id}
        case EventKind.DISPATCHED | EventKind.LEVEL_ESCALATED:
            return {"co_departments": told.co_departments, "sign_by": told.sign_by}
        case EventKind.BOUNCED:
            return {"co_departments": (), "sign_by": None}
        case EventKind.SIGNED:
            return {"sign_by": None}
        case EventKind.SUSPENDED:
            stops = event.reason_code == SuspendReason.APPRAISAL_BEFORE_FILING
            return {"clock_stopped_on": event.business_day if stops else None}
        case EventKind.RESUMED | EventKind.FAILED | EventKind.WITHDRAWN:
            return {"clock_stopped_on": None}
        case EventKind.EXTENDED:
            return {"statutory_extended": dispute.statutory_extended or event.transition == "T13b"}
        case EventKind.AGREED:
            return {
                "agreement_on": event.business_day,
                "confirmable": told.confirmable,
                "partial": told.partial,
                "clock_stopped_on": None,
            }
        case EventKind.FOLLOW_UP_BEGUN | EventKind.TRACKED:
            return {"clean_visits": 0}
        case EventKind.VISITED:
            return {"clean_visits": dispute.clean_visits + 1 if told.clean_visit else 0}
        case EventKind.MILESTONE_REACHED:
            return {"milestones": (*dispute.milestones, Milestone(told.milestone))}
        case _:
            return {}


def _bumped(ordinals: tuple[tuple[EventKind, int], ...], kind: EventKind) -> tuple[tuple[EventKind, int], ...]:
    counts = dict(ordinals)
    counts[kind] = counts.get(kind, 0) + 1
    return tuple(counts.items())


def _counted(known: tuple[CountedFact, ...], event: Event) -> tuple[CountedFact, ...]:
    """Apply the event's retractions, one fact for each, then count the event itself."""
    facts = list(known)
    for taken in event.retracts:
        place = facts.index(CountedFact(taken.type, taken.business_day, taken.dimensions))
        if taken.restated:
            facts[place] = replace(facts[place], dimensions=event.dimensions)
        else:
            del facts[place]
    if event.type in COUNTED and event.conclusion_ordinal in {0, 1}:
        facts.append(CountedFact(event.type, event.business_day, event.dimensions))
    return tuple(facts)


def replay(events: tuple[Event, ...]) -> Dispute:
    """Return the state after all `events` of one dispute, from its registration on.

    Raises:
        Fault: `history_broken` when they are none, not contiguous, or of several disputes.
    """
    dispute: Dispute | None = None
    for event in events:
        dispute = evolve(dispute, event)
    if dispute is None:
        raise Fault("history_broken", "no event at all")
    return dispute
