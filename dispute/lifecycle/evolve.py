"""Folds events into the state of a dispute.

It never refuses a valid next event, because the event has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from dispute.lifecycle.dispute import CountedFact, CountedFacts, Dispute
from dispute.lifecycle.event_types import (
    CONCLUSIONS,
    Agreed,
    Dispatched,
    EventKind,
    Extended,
    Failed,
    InformationRequested,
    LevelEscalated,
    Registered,
    Visited,
)
from dispute.lifecycle.events import Event
from dispute.lifecycle.link_payloads import LinkDeclined, Linked, LinkProposed, Payload
from dispute.lifecycle.rewinding import (
    RAISING,
    alarms_after,
    checkpoint_at,
    checkpoints_after,
    level_of,
    own_dates,
    restored,
)
from dispute.lifecycle.vocabulary import MadeBy, Supervision, SuspendReason
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
        of = event.payload if isinstance(event.payload, Registered) else Registered()
        return Dispute(
            dispute_id=event.dispute_id,
            state=event.to_state,
            sequence=1,
            dimensions=event.dimensions,
            cohort=event.cohort,
            registered_at=event.occurred_at,
            since=event.occurred_at,
            source_ref=event.source_ref,
            case_code=of.case_code,
            procedure=of.procedure,
            stage=of.stage,
            preserved_on=of.preserved_on,
            ordinals=((event.type, 1),),
            counted=_counted(CountedFacts(), event),
            provisional=event.provisional,
        )
    if event.rewinds_to:
        dispute = restored(dispute, checkpoint_at(dispute, event.rewinds_to))
    opened = event.type in OPENINGS
    changes: dict[str, Any] = _new_opening() if opened else {}
    own = OWN_CHANGES.get(event.type)
    if own is not None:
        changes.update(own(dispute, event, event.payload))
    if event.type in CONCLUSIONS:
        changes["conclusions"] = dispute.conclusions + 1
    after = replace(
        dispute,
        state=event.to_state,
        since=dispute.since if event.to_state is dispute.state else event.occurred_at,
        sequence=event.sequence,
        dimensions=event.dimensions,
        cohort=event.cohort,
        reopen_seq=event.reopen_seq,
        ordinals=_bumped(() if opened else dispute.ordinals, event.type),
        counted=_counted(dispute.counted, event),
        provisional=event.provisional,
        checkpoints=checkpoints_after(dispute, event),
        **changes,
    )
    if after.supervision is Supervision.NORMAL and event.type not in LEVELLING:
        return after
    alarms = alarms_after(dispute, after, event)
    return replace(after, alarms=alarms, supervision=level_of(alarms, after.dimensions.colour))


def _new_opening() -> dict[str, Any]:
    """Reset the values of an opening.

    Lead, colour, petition limits and counted facts stay.
    """
    return {
        "sign_by": None,
        "screen_by": None,
        "missing": (),
        "failed_on": None,
        "clock_stopped_on": None,
        "agreement_on": None,
        "confirmable": False,
        "confirm_by": None,
        "severable": False,
        "made_by": MadeBy.NONE,
        "partial": False,
        "shared_from": "",
        "clean_visits": 0,
        "milestones": (),
        "conclusions": 0,
    }


def _dispatched(_: Dispute, __: Event, of: Dispatched) -> dict[str, Any]:
    return {"co_departments": of.co_departments, "sign_by": of.sign_by}


def _escalated(_: Dispute, __: Event, of: LevelEscalated) -> dict[str, Any]:
    return {"co_departments": of.co_departments, "sign_by": None}


def _suspended(_: Dispute, event: Event, __: Payload) -> dict[str, Any]:
    stops = event.reason_code == SuspendReason.APPRAISAL_BEFORE_FILING
    return {"clock_stopped_on": event.business_day if stops else None}


def _clock_is_off(_: Dispute, __: Event, ___: Payload) -> dict[str, Any]:
    return {"clock_stopped_on": None}


def _extended(dispute: Dispute, event: Event, _: Extended) -> dict[str, Any]:
    return {"statutory_extended": dispute.statutory_extended or event.transition == "T13b"}


def _agreed(_: Dispute, event: Event, of: Agreed) -> dict[str, Any]:
    return {
        "agreement_on": event.business_day,
        "confirmable": of.confirmable,
        "confirm_by": of.confirm_by,
        "severable": of.severable,
        "made_by": of.made_by,
        "partial": of.partial,
        "shared_from": of.shared_from,
        "clock_stopped_on": None,
    }


def _visits_start(_: Dispute, __: Event, ___: Payload) -> dict[str, Any]:
    return {"clean_visits": 0}


def _visited(dispute: Dispute, _: Event, of: Visited) -> dict[str, Any]:
    return {"clean_visits": dispute.clean_visits + 1 if of.clean_visit else 0}


def _begun(dispute: Dispute, event: Event, _: Payload) -> dict[str, Any]:
    """Take back the conclusion that a further attempt takes back: the next one is the first again."""
    since = event.rewinds_to or event.sequence
    taken = sum(each.type in CONCLUSIONS and each.sequence < since for each in event.retracts)
    return {"conclusions": dispute.conclusions - taken}


def _failed(_: Dispute, event: Event, of: Failed) -> dict[str, Any]:
    return {"clock_stopped_on": None, "failed_on": event.business_day, "shared_from": of.shared_from}


def _linked(dispute: Dispute, _: Event, of: Linked) -> dict[str, Any]:
    left = tuple(name for name in dispute.proposed_links if name != of.master_dispute_id)
    return {"master_dispute_id": of.master_dispute_id, "proposed_links": left}


def _link_proposed(dispute: Dispute, _: Event, of: LinkProposed) -> dict[str, Any]:
    return {"proposed_links": (*dispute.proposed_links, of.candidate_dispute_id)}


def _link_declined(dispute: Dispute, _: Event, of: LinkDeclined) -> dict[str, Any]:
    left = tuple(name for name in dispute.proposed_links if name != of.candidate_dispute_id)
    return {"proposed_links": left}


def _asked(_: Dispute, __: Event, of: InformationRequested) -> dict[str, Any]:
    return {"missing": of.missing, "screen_by": of.wait_until}


def _withdrawn(_: Dispute, __: Event, ___: Payload) -> dict[str, Any]:
    return {"clock_stopped_on": None, "missing": (), "screen_by": None}


def _screened(_: Dispute, __: Event, ___: Payload) -> dict[str, Any]:
    return {"missing": (), "screen_by": None}


OWN_CHANGES: Final[Mapping[EventKind, Callable[[Dispute, Event, Any], dict[str, Any]]]] = {
    EventKind.DUPLICATE_LINKED: lambda _, __, of: {"master_dispute_id": of.master_dispute_id},
    EventKind.DISPATCHED: _dispatched,
    EventKind.LEVEL_ESCALATED: _escalated,
    EventKind.BOUNCED: lambda _, __, ___: {"co_departments": (), "sign_by": None},
    EventKind.SIGNED: lambda _, __, ___: {"sign_by": None},
    EventKind.SUSPENDED: _suspended,
    EventKind.RESUMED: _clock_is_off,
    EventKind.FAILED: _failed,
    EventKind.WITHDRAWN: _withdrawn,
    EventKind.EXTENDED: _extended,
    EventKind.AGREED: _agreed,
    EventKind.FOLLOW_UP_BEGUN: _visits_start,
    EventKind.TRACKED: _visits_start,
    EventKind.VISITED: _visited,
    EventKind.DUE_DATES_SETTLED: lambda dispute, _, of: own_dates(dispute, of),
    EventKind.LINKED: _linked,
    EventKind.UNLINKED: lambda _, __, ___: {"master_dispute_id": ""},
    EventKind.LINK_PROPOSED: _link_proposed,
    EventKind.LINK_DECLINED: _link_declined,
    EventKind.INFORMATION_REQUESTED: _asked,
    EventKind.ACCEPTED: _screened,
    EventKind.MEDIATION_REFUSED: _screened,
    EventKind.NOT_DOCKED: _screened,
    EventKind.MEDIATION_BEGUN: _begun,
    EventKind.RESUBMITTED: lambda _, __, of: {"round": of.round},
    EventKind.MILESTONE_REACHED: lambda dispute, _, of: {"milestones": (*dispute.milestones, of.milestone)},
}
"""Changes by the payload of an event; the payload of a type that isn't listed changes nothing."""
OPENINGS: Final = frozenset({EventKind.REOPENED, EventKind.RESUBMITTED})
"""Events that begin another opening of the same dispute."""
LEVELLING: Final = RAISING | {EventKind.COLOUR_CHANGED, EventKind.REOPENED}
"""Events that may change the level of a dispute that is not supervised."""


def _bumped(ordinals: tuple[tuple[EventKind, int], ...], kind: EventKind) -> tuple[tuple[EventKind, int], ...]:
    for place, (known, count) in enumerate(ordinals):
        if known is kind:
            return (*ordinals[:place], (kind, count + 1), *ordinals[place + 1 :])
    return (*ordinals, (kind, 1))


def _counted(known: CountedFacts, event: Event) -> CountedFacts:
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
        facts = CountedFacts(tuple(by_sequence.values()))
    if not event.type.is_counted:
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
