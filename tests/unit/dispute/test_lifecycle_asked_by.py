"""Every recorded event tells what it was asked by: asked again, it happens again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    ApplyForConfirmation,
    BeginFollowUp,
    Bounce,
    ChangeColour,
    Channel,
    Colour,
    DeclineLink,
    EscalateLevel,
    Event,
    EventKind,
    Exclude,
    Extend,
    Extension,
    Instruction,
    Limit,
    Link,
    Milestone,
    OutcomeForm,
    ProposeLink,
    Rate,
    ReachMilestone,
    Reclassify,
    RecordNonPerformance,
    RecordVisit,
    Remedy,
    Reopen,
    ReopenReason,
    Resume,
    Satisfaction,
    ShareAgreement,
    ShareFailure,
    State,
    Supervise,
    Supervision,
    Unlink,
    Unshare,
    dispute_id_of,
    replay,
)
from dispute.lifecycle.asked_by import DATED, SINGLE, asked_by
from dispute.lifecycle.event_types import Extended
from tests.support.lifecycle import (
    CLOSE,
    DUE,
    ORGAN,
    PATHS,
    REGISTER,
    START,
    Walk,
    command,
    decided,
    reach,
    registration,
)

OTHER = dispute_id_of(ORGAN, "another")
ONLY_THE_HUB = {
    EventKind.REGISTERED,
    EventKind.RESUBMITTED,
    EventKind.DUPLICATE_LINKED,
    EventKind.INFORMATION_REQUESTED,
    EventKind.NOT_DOCKED,
    EventKind.DUE_DATES_SETTLED,
}
MORE: dict[str, tuple[State, Instruction]] = {
    "bounced": (State.DISPATCHED, Bounce("not_ours")),
    "escalated": (State.MEDIATING, EscalateLevel("county-bureau", "too_hard")),
    "extended": (State.MEDIATING, Extend(consent_of_all=True, days=10, due_on=DUE + timedelta(days=10))),
    "resumed": (State.SUSPENDED, Resume()),
    "severed": (State.AGREED, ApplyForConfirmation(jointly=True)),
    "not performed": (State.AGREED, RecordNonPerformance(Remedy.SUIT)),
    "shared agreement": (State.MEDIATING, ShareAgreement(OTHER, OutcomeForm.AGREEMENT, 5, partial=True)),
    "shared failure": (State.SIGNED, ShareFailure(OTHER, "deadlock")),
    "excluded": (State.MEDIATING, Exclude("special_procedure", "a clause")),
    "visited": (State.FOLLOW_UP, RecordVisit(clean=True)),
    "rated": (State.FOLLOW_UP, Rate(Satisfaction.SATISFIED)),
    "reopened": (State.CLOSED, Reopen(ReopenReason.REPORT, Colour.RED)),
    "supervised": (State.MEDIATING, Supervise(Supervision.SUPERVISED)),
    "coloured": (State.MEDIATING, ChangeColour(Colour.YELLOW, "tense")),
    "coloured by a rule": (State.MEDIATING, ChangeColour(Colour.RED, "weapon", "人民调解法 25")),
    "corrected": (State.MEDIATING, Reclassify(category="0201", town_code="620725102", reason_code="wrong")),
    "linked": (State.MEDIATING, Link(OTHER, 70, ("same_parties",))),
    "proposed": (State.MEDIATING, ProposeLink(OTHER, 50, ("same_parties",))),
    "visit planned": (State.RETURNED, BeginFollowUp(date(2024, 4, 1))),
    "closed": (State.FOLLOW_UP, CLOSE),
}


def asked_again(walk: Walk) -> Event:
    """Return what the newest event's instruction causes, asked at the state before it."""
    last, before = walk.last, replay(tuple(walk.events[:-1]))
    asked = asked_by(last, before.dimensions, before.cohort)
    assert asked is not None
    given = command(asked[1], at=last.occurred_at, role=last.actor_role, actor=last.actor_id)
    (again,) = decided(before, replace(given, command_id=last.causation_id))
    return again


@pytest.mark.parametrize("state", [each for each in PATHS if each not in {State.REGISTERED, State.DUPLICATE}])
def test_the_way_to_each_state_is_asked_again(state: State) -> None:
    walk = reach(state)
    assert asked_again(walk) == walk.last


@pytest.mark.parametrize("name", MORE)
def test_other_steps_are_asked_again(name: str) -> None:
    state, order = MORE[name]
    walk = reach(state).do(order, at=START + timedelta(hours=1))
    assert asked_again(walk) == walk.last


def test_a_link_that_was_undone_or_declined_is_asked_again() -> None:
    undone = reach(State.ACCEPTED).do(Link(OTHER)).do(Unlink("mistaken"))
    declined = reach(State.ACCEPTED).do(ProposeLink(OTHER, 50)).do(DeclineLink(OTHER))
    assert [asked_again(walk) == walk.last for walk in (undone, declined)] == [True, True]


def test_an_outcome_that_was_heard_and_taken_back_is_asked_again() -> None:
    heard = reach(State.MEDIATING).do(Link(OTHER)).do(ShareAgreement(OTHER, OutcomeForm.AGREEMENT, 5))
    unheard = heard.do(Unshare(OTHER))
    assert unheard.last.rewinds_to
    assert asked_again(unheard) == unheard.last


def test_a_petitions_milestone_is_asked_again() -> None:
    walk = reach(State.MEDIATING, registration(Channel.PETITION)).do(ReachMilestone(Milestone.MET))
    assert asked_again(walk) == walk.last


def test_every_event_type_has_its_instruction_or_is_the_hubs_own() -> None:
    assert {*SINGLE, *DATED, EventKind.RECLASSIFIED} == set(EventKind) - ONLY_THE_HUB
    first = Walk(REGISTER).last
    assert asked_by(first, first.dimensions, first.cohort) is None


def test_an_extension_that_was_cut_was_asked_for_in_full() -> None:
    walk = reach(State.MEDIATING)
    dispute = replay(tuple(walk.events))
    order = Extend(consent_of_all=True, days=30, due_on=DUE + timedelta(days=10))
    limit = Limit(DUE + timedelta(days=10), extension=Extension(30, "c"), days=10)
    (event,) = decided(dispute, replace(command(order), limit=limit))
    assert isinstance(event.payload, Extended)
    assert (event.payload.days, event.payload.days_asked) == (10, 30)
    assert asked_by(event, dispute.dimensions, dispute.cohort) == (replace(order, due_on=None), order)
