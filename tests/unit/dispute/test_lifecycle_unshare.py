"""What was heard of another dispute is taken back when that one leaves the matter."""

from __future__ import annotations

from dispute.lifecycle import EventKind, OutcomeForm, ShareAgreement, ShareFailure, State, Unshare
from tests.support.lifecycle import Walk, reach

OTHER = "7f9c2d3e-8f5c-5d0e-9a6b-3c1f7e2a4d58"


def heard() -> Walk:
    walk = reach(State.MEDIATING)
    walk.do(ShareAgreement(OTHER, OutcomeForm.AGREEMENT, 100))
    return walk


def test_a_shared_agreement_says_whose_it_is() -> None:
    dispute = heard().state
    assert (dispute.state, dispute.shared_from, dispute.confirmable) == (State.AGREED, OTHER, False)


def test_it_stands_as_before_and_the_figures_are_restated() -> None:
    before = reach(State.MEDIATING).state
    walk = heard()
    walk.do(Unshare(OTHER))
    after = walk.state
    assert (after.state, after.shared_from, after.cohort) == (State.MEDIATING, "", before.cohort)
    assert [taken.type for taken in walk.last.retracts] == [EventKind.AGREED]
    assert tuple(after.counted) == tuple(before.counted)


def test_only_the_last_shared_outcome_is_taken_back() -> None:
    walk = reach(State.ACCEPTED)
    walk.do(ShareFailure(OTHER, "refused"))
    assert walk.state.shared_from == OTHER
    walk.do(Unshare(OTHER))
    walk.do(ShareAgreement(OTHER, OutcomeForm.AGREEMENT))
    walk.do(Unshare(OTHER))
    assert (walk.state.state, walk.state.shared_from) == (State.ACCEPTED, "")
    assert walk.state.checkpoints == ()
