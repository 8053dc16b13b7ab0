"""Bounds on what is under way: in all, of one caller, of strangers; nothing is kept of who is gone."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from hub.errors import Kind, Retryable
from hub.runtime.quotas import Caller, Quota, caller_of

COURT = Caller("court-620725", known=True)


def taken(quota: Quota, *callers: Caller) -> str:
    """Hold one for each of the callers at once; return `.` for each that was let in and `x` for each that was not."""
    with ExitStack() as held:
        return "".join("." if _entered(held, quota, caller) else "x" for caller in callers)


def _entered(held: ExitStack, quota: Quota, caller: Caller) -> bool:
    try:
        held.enter_context(quota.hold(caller))
    except Retryable:
        return False
    return True


def strangers(count: int) -> list[Caller]:
    return [Caller(f"10.0.0.{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("quota", "callers", "expected"),
    [
        (Quota(3, 2), [COURT, COURT, COURT], "..x"),
        (Quota(3, 2), strangers(4), "...x"),
        (Quota(3, 2), [*strangers(1) * 3, COURT], "..x."),
        (Quota(3, 3, reserved=1), [*strangers(3), COURT], "..x."),
        (Quota(3, 3, reserved=1), [COURT, *strangers(3)], "...x"),
        (Quota(3, 3, reserved=1), [COURT] * 4, "...x"),
    ],
)
def test_each_bound_refuses_what_is_beyond_it_alone(quota: Quota, callers: list[Caller], expected: str) -> None:
    assert taken(quota, *callers) == expected
    assert taken(quota, *callers) == expected  # everything was given back
    assert quota.callers == 0


def test_what_fails_gives_back_its_place() -> None:
    quota = Quota(1, 1)
    with pytest.raises(ValueError, match="mine"), quota.hold(COURT):
        raise ValueError("mine")
    assert taken(quota, COURT) == "."


def test_a_refused_caller_leaves_nothing_behind() -> None:
    quota = Quota(1, 1)
    with quota.hold(COURT):
        assert taken(quota, *strangers(100)) == "x" * 100
        assert quota.callers == 1
        with pytest.raises(Retryable) as refused, quota.hold(COURT):
            pass
    assert (refused.value.code, refused.value.kind, refused.value.after_s) == ("too_many_at_once", Kind.EXHAUSTED, 1.0)


def test_a_stranger_is_known_by_its_address_and_takes_no_agencys_name() -> None:
    assert caller_of("court-620725", "10.0.0.1") == COURT
    assert caller_of(None, "10.0.0.1") == Caller("10.0.0.1")
    assert Caller("court-620725") != COURT
