"""What came late is counted where it happened, and what an alarm said in between is no longer counted."""

from __future__ import annotations

from datetime import date, timedelta

from dispute.lifecycle import (
    Channel,
    Fail,
    FailureReason,
    Limit,
    RefuseMediation,
    ReturnToSource,
    Role,
    State,
    Withdraw,
    WithdrawReason,
)
from dispute.lifecycle.own_commands import RequestInformation
from tests.support.lifecycle import ACCEPT, AGREE, BEGIN, DIGEST, DUE, START, TODAY, Walk, reach
from tests.support.stats import Days, Figure, folded_figures, recounted_figures

MARCH: Days = (date(2024, 3, 1), date(2024, 4, 1))
APRIL: Days = (date(2024, 4, 1), None)
EXPIRED_AT = START + timedelta(days=31)
"""On 1 April."""
BACK = ReturnToSource(Channel.COURT, DIGEST)


def figures(walk: Walk, days: Days = (None, None)) -> dict[str, Figure]:
    """Return all figures of a window; checked by the recount."""
    found = folded_figures([walk.events], days)
    assert found == recounted_figures([walk.state], days)
    return found


def expired() -> Walk:
    """Return a dispute whose term ended and which went back."""
    walk = reach(State.MEDIATING).do(Fail(FailureReason.TERM_EXPIRED), at=EXPIRED_AT, role=Role.SYSTEM)
    return walk.do(BACK, at=EXPIRED_AT)


def test_a_late_agreement_takes_the_failure_of_the_term_back() -> None:
    walk = expired()
    assert (figures(walk)["success_on_concluded"], figures(walk, APRIL)["success_on_concluded"]) == ((0, 1, 0),) * 2
    assert figures(walk, MARCH)["success"] == (0, 1, 0)
    walk.do(AGREE, at=START + timedelta(days=10))
    assert walk.last.rewinds_to
    assert figures(walk, APRIL)["success_on_concluded"] == (0, 0, 0)
    assert figures(walk, MARCH)["success_on_concluded"] == (1, 1, 0)
    assert figures(walk)["success"] == figures(walk, MARCH)["success"] == (1, 1, 0)


def test_a_second_attempt_takes_the_failure_back_and_is_open_until_its_own_end() -> None:
    walk = reach(State.FAILED)
    assert figures(walk)["success"] == (0, 1, 0)
    walk.do(BEGIN, at=START + timedelta(days=3), limit=Limit(TODAY + timedelta(days=7)))
    assert figures(walk)["success"] == (0, 1, 1)
    assert figures(walk)["success_on_concluded"] == (0, 0, 0)
    failed = Fail(FailureReason.DEADLOCK)
    for end, concluded in ((AGREE, (1, 1, 0)), (failed, (0, 1, 0))):
        ended = Walk()
        ended.dispute, ended.events = walk.dispute, list(walk.events)
        ended.do(end, at=START + timedelta(days=5))
        assert ended.last.conclusion_ordinal == 1
        assert figures(ended)["success_on_concluded"] == concluded
        assert figures(ended)["success"] == concluded


def test_a_mediation_begun_before_the_term_ended_takes_only_that_end_back() -> None:
    """A paper of before the end, and no second attempt: the next conclusion is the first."""
    walk = reach(State.SIGNED).do(Fail(FailureReason.TERM_EXPIRED), at=EXPIRED_AT, role=Role.SYSTEM)
    walk.do(BEGIN, at=START + timedelta(days=4), limit=Limit(DUE + timedelta(days=30)))
    if walk.last.rewinds_to:
        assert figures(walk)["success"] == (0, 1, 1)
    walk.do(AGREE, at=START + timedelta(days=12))
    assert walk.last.conclusion_ordinal == 1
    assert figures(walk)["success"] == (1, 1, 0)


def waited() -> Walk:
    """Return a dispute that was refused because what it lacked did not come, and went back."""
    walk = reach(State.SCREENING).do(RequestInformation(("consent_missing",), TODAY + timedelta(days=7)))
    refusal = RefuseMediation("consent_missing", waited=True)
    return walk.do(refusal, at=START + timedelta(days=8), role=Role.SYSTEM).do(BACK, at=START + timedelta(days=8))


def test_a_late_consent_takes_the_refusal_back() -> None:
    walk = waited()
    assert figures(walk)["diversion"] == (0, 1, 0)
    walk.do(ACCEPT, at=START + timedelta(days=5))
    assert figures(walk)["diversion"] == (1, 1, 0)
    assert figures(walk)["success"] == (0, 1, 1)


def test_a_late_withdrawal_decides_what_was_refused_for_waiting() -> None:
    refused = reach(State.SCREENING).do(RequestInformation(("consent_missing",), TODAY + timedelta(days=7)))
    refused.do(RefuseMediation("consent_missing", waited=True), at=START + timedelta(days=8), role=Role.SYSTEM)
    for walk in (waited(), refused):
        walk.do(Withdraw(WithdrawReason.APPLICANT_WITHDREW), at=START + timedelta(days=5))
        assert walk.last.rewinds_to
        assert figures(walk)["diversion"] == (0, 1, 0)
