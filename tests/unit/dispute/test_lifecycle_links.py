"""Links add and take nothing away, and can be undone (ADR-0017)."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dispute.lifecycle import (
    OVERLAYS,
    Agree,
    Channel,
    DeclineLink,
    Dispute,
    EscalateLevel,
    EventKind,
    Fail,
    FailureReason,
    Instruction,
    Limit,
    Link,
    OutcomeForm,
    ProposeLink,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    Remedy,
    Reopen,
    ReopenReason,
    Resume,
    ReturnToSource,
    ShareAgreement,
    ShareFailure,
    Sign,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    Unlink,
    dispute_id_of,
    replay,
)
from hub.errors import Rejected
from tests.support.lifecycle import (
    BEGIN,
    CLOSE,
    DIGEST,
    DISPATCH,
    DUE,
    FOLLOW_UP,
    LINKED,
    MASTER,
    MEDIATING,
    ORGAN,
    PATHS,
    START,
    TODAY,
    Walk,
    command,
    payload_of,
    reach,
    refused,
    registration,
)

DAY = timedelta(days=1)
OTHER = dispute_id_of(ORGAN, "a third one")
LINK = Link(MASTER, 83, ("same_parties", "same_subject"))
UNLINK = Unlink("clerk_error")
AGREEMENT = ShareAgreement(MASTER, OutcomeForm.AGREEMENT, 50_000, DIGEST)
FAILURE = ShareFailure(MASTER, "deadlock")
OPEN = sorted(set(PATHS) - {State.CLOSED})


def kinds(walk: Walk) -> list[EventKind]:
    return [fact.type for fact in walk.state.counted]


def plain(dispute: Dispute) -> Dispute:
    """Leave out what a link that was undone may leave behind: numbers, and how often it happened."""
    ordinals = tuple((kind, count) for kind, count in dispute.ordinals if kind not in OVERLAYS)
    return replace(dispute, sequence=0, ordinals=ordinals, checkpoints=())


# linking
@pytest.mark.parametrize("state", OPEN)
def test_a_link_changes_nothing_but_that_it_is_counted(state: State) -> None:
    walk = reach(state)
    before, facts = walk.state, list(walk.state.counted)
    walk.do(LINK)
    assert plain(replace(walk.state, counted=before.counted, master_dispute_id="")) == plain(before)
    assert (walk.last.from_state, walk.last.to_state, walk.last.retracts) == (state, state, ())
    assert list(walk.state.counted)[:-1] == facts
    assert kinds(walk)[-1] is EventKind.LINKED
    told = payload_of(walk.last)
    assert (told.master_dispute_id, told.score, told.reasons) == (MASTER, 83, LINK.reasons)


def test_a_linked_dispute_is_screened_answered_and_counted_by_itself() -> None:
    walk = Walk(*LINKED)
    assert (walk.state.state, walk.state.master_dispute_id) == (State.ACCEPTED, MASTER)
    assert kinds(walk) == [EventKind.REGISTERED, EventKind.LINKED, EventKind.ACCEPTED]


def test_a_dispute_belongs_to_one_matter_until_it_is_unlinked() -> None:
    walk = Walk(*LINKED)
    assert refused(walk.state, command(Link(OTHER))).code == "linked_already"
    assert refused(walk.state, command(ProposeLink(OTHER, 60))).code == "linked_already"
    assert walk.all([UNLINK, Link(OTHER)]).state.master_dispute_id == OTHER
    assert kinds(walk).count(EventKind.LINKED) == 1


# undoing
@pytest.mark.parametrize("state", sorted(PATHS))
def test_undoing_gives_the_very_state_before_back(state: State) -> None:
    linked = Walk(PATHS[state][0], LINK, *PATHS[state][1:]).do(UNLINK)
    assert [taken.type for taken in linked.last.retracts] == [EventKind.LINKED]
    assert linked.state.master_dispute_id == ""
    assert kinds(linked) == kinds(reach(state))


def test_nothing_is_undone_without_a_link_or_a_reason() -> None:
    assert refused(reach(State.ACCEPTED).state, command(UNLINK)).code == "not_linked"
    assert refused(Walk(*LINKED).state, command(Unlink(""))).code == "reason_malformed"


# proposing
def test_a_proposed_link_waits_for_a_person_and_counts_nothing() -> None:
    walk = reach(State.ACCEPTED)
    facts = walk.state.counted
    walk.do(ProposeLink(MASTER, 60, ("same_parties",))).do(ProposeLink(OTHER, 55))
    assert (walk.state.proposed_links, walk.state.master_dispute_id) == ((MASTER, OTHER), "")
    assert walk.do(DeclineLink(OTHER)).state.proposed_links == (MASTER,)
    assert walk.do(LINK).state.proposed_links == ()
    assert [fact for fact in walk.state.counted if fact.type is not EventKind.LINKED] == list(facts)


def test_only_what_was_proposed_is_declined_and_only_once() -> None:
    walk = reach(State.ACCEPTED).do(ProposeLink(MASTER, 60))
    assert refused(walk.state, command(DeclineLink(OTHER))).code == "not_proposed"
    assert refused(walk.do(DeclineLink(MASTER)).state, command(DeclineLink(MASTER))).code == "not_proposed"


def test_the_same_candidate_is_proposed_once() -> None:
    walk = reach(State.ACCEPTED).do(ProposeLink(MASTER, 60))
    assert refused(walk.state, command(ProposeLink(MASTER, 61))).code == "proposed_already"


# what is shared
def test_an_agreement_of_the_matter_is_this_disputes_success_too() -> None:
    walk = reach(State.MEDIATING).do(LINK).do(AGREEMENT)
    event = walk.last
    assert (event.type, event.transition, event.ordinal, event.conclusion_ordinal) == (EventKind.AGREED, "T14c", 1, 1)
    assert (payload_of(event).shared_from, payload_of(event).confirmable) == (MASTER, False)
    assert (event.dimensions.outcome_form, event.dimensions.mediator_id) == (OutcomeForm.AGREEMENT, BEGIN.mediator_id)
    assert (walk.state.cohort.agreed_on, walk.state.cohort.concluded_on) == (TODAY, TODAY)


def test_a_failure_of_the_matter_ends_what_has_no_session_of_its_own() -> None:
    walk = reach(State.SIGNED).do(LINK).do(FAILURE)
    assert (walk.state.state, walk.last.transition, walk.last.reason_code) == (State.FAILED, "T15c", "deadlock")
    assert payload_of(walk.last).shared_from == MASTER
    assert refused(reach(State.MEDIATING).do(LINK).state, command(FAILURE)).code == "wrong_state"


@pytest.mark.parametrize(
    "then",
    [
        (),
        (RecordPerformance(DIGEST),),
        (RecordPerformance(DIGEST), FOLLOW_UP, CLOSE),
        (RecordNonPerformance(Remedy.SUIT),),
        (FOLLOW_UP, ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True)),
    ],
    ids=["agreed", "performed", "closed", "not performed", "sued"],
)
def test_undoing_takes_the_shared_agreement_back_with_all_that_followed(then: tuple[Instruction, ...]) -> None:
    walk = reach(State.MEDIATING)
    before = walk.state
    walk.all([LINK, AGREEMENT, *then, UNLINK])
    assert (walk.last.rewinds_to, walk.state.state) == (8, State.MEDIATING)
    assert [taken.sequence for taken in walk.last.retracts] == list(range(7, 9 + len(then)))
    assert plain(walk.state) == plain(before)
    assert replay(tuple(walk.events)) == walk.state


def test_undoing_takes_a_shared_failure_back_with_the_return() -> None:
    walk = reach(State.DISPATCHED)
    before = walk.state
    walk.all([LINK, FAILURE, ReturnToSource(Channel.COURT, DIGEST), UNLINK])
    assert plain(walk.state) == plain(before)
    assert replay(tuple(walk.events)) == walk.state


def test_what_was_put_right_meanwhile_stays_right() -> None:
    moved = Reclassify(category="0101", reason_code="clerk_error")
    straight = reach(State.MEDIATING).do(moved)
    shared = reach(State.MEDIATING).all([LINK, AGREEMENT, moved, UNLINK])
    assert plain(shared.state) == plain(straight.state)


def test_an_outcome_of_its_own_stays_when_the_link_goes() -> None:
    own = Walk(*LINKED, DISPATCH, Sign(), BEGIN, Fail(FailureReason.DEADLOCK)).do(UNLINK)
    assert (own.state.state, own.last.rewinds_to) == (State.FAILED, 0)


def test_a_second_attempt_after_a_shared_failure_is_this_disputes_own() -> None:
    walk = Walk(*LINKED, DISPATCH, Sign(), BEGIN, EscalateLevel("town-centre", "deadlock"), FAILURE)
    walk.do(BEGIN, limit=Limit(TODAY + 9 * DAY))
    walk.all([Agree(OutcomeForm.OTHER, signed_by_all=True), UNLINK])
    assert (walk.state.state, walk.last.rewinds_to) == (State.AGREED, 0)
    assert EventKind.FAILED not in kinds(walk)
    assert [fact.conclusion_ordinal for fact in walk.state.counted if fact.type is EventKind.AGREED] == [1]
    assert replay(tuple(walk.events)) == walk.state


def test_a_relapse_settles_what_was_shared_in_the_opening_before() -> None:
    walk = reach(State.MEDIATING).all([LINK, AGREEMENT, FOLLOW_UP, Reopen(ReopenReason.NEW_CALL), UNLINK])
    assert (walk.state.state, walk.last.rewinds_to) == (State.ACCEPTED, 0)
    assert EventKind.AGREED in kinds(walk)


def test_the_alarms_of_before_stand_again() -> None:
    walk = reach(State.MEDIATING, replace(registration(Channel.PETITION), local_due_on=DUE))
    walk.do(Supervise(Supervision.OVERDUE, "local_due_on")).all([LINK, AGREEMENT])
    assert walk.state.supervision is Supervision.NORMAL
    walk.do(UNLINK)
    assert (walk.state.supervision, len(walk.state.alarms)) == (Supervision.OVERDUE, 1)
    assert kinds(walk).count(EventKind.SUPERVISED) == 1


STEPS: st.SearchStrategy[list[Instruction]] = st.lists(
    st.sampled_from(
        [
            Supervise(Supervision.OVERDUE, "local_due_on"),
            Supervise(Supervision.REMINDED, "due_on"),
            Reclassify(category="0101", reason_code="clerk_error"),
            Suspend(SuspendReason.APPRAISAL),
            Suspend(SuspendReason.APPRAISAL_BEFORE_FILING),
            Resume(DUE + DAY),
        ]
    ),
    max_size=6,
)
FOLLOWING: list[Instruction] = [RecordPerformance(DIGEST), FOLLOW_UP, CLOSE]


@given(
    length=st.integers(3, len(MEDIATING)),
    steps=STEPS,
    shared=st.sampled_from([AGREEMENT, FAILURE]),
    following=st.integers(0, len(FOLLOWING)),
)
def test_share_and_undo_after_any_walk_is_as_if_it_had_not_been(
    length: int, steps: list[Instruction], shared: Instruction, following: int
) -> None:
    walk = Walk(replace(registration(Channel.PETITION), local_due_on=DUE), *MEDIATING[1:length])
    for step in steps:
        tried(walk, step)
    before = walk.state
    walk.do(LINK)
    tried(walk, shared)
    for step in FOLLOWING[:following]:
        tried(walk, step)
    walk.do(UNLINK)
    assert plain(walk.state) == plain(before)
    assert replay(tuple(walk.events)) == walk.state
    assert all(after.from_state is one.to_state for one, after in pairwise(walk.events))


def tried(walk: Walk, instruction: Instruction) -> None:
    """Carry out what is allowed."""
    with suppress(Rejected):
        walk.do(instruction, at=START + DAY)
