"""In which order the timers of a dispute ring, at different times and at one instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

from services.intake.law.ringing import next_to_ring
from services.intake.law.timers import FOLLOW_UP, Step, Timer

AT = datetime(2024, 6, 26, 16, tzinfo=UTC)
DAY = timedelta(days=1)


def timer(limit: str, step: Step = Step.OVERDUE, at: datetime = AT, rings_at: datetime | None = None) -> Timer:
    return Timer("d-1", limit, step, at, rings_at or at)


def test_only_the_earliest_ring() -> None:
    early, late = timer("investigated"), timer("statutory_due_on", Step.REMINDER, AT + 26 * DAY)
    assert next_to_ring([late, early]) == [early]
    assert next_to_ring([]) == []


def test_what_waits_for_late_paper_rings_in_the_order_of_its_own_time() -> None:
    rings_at = AT + 30 * DAY
    first, second = timer("met", at=AT, rings_at=rings_at), timer("fed_back", at=AT + DAY, rings_at=rings_at)
    assert next_to_ring([second, first]) == [first]
    assert next_to_ring([second]) == [second]


def test_at_one_instant_the_ends_that_change_the_dispute_ring_last() -> None:
    in_order = [
        timer("fed_back", Step.REMINDER),
        timer("local_due_on", Step.ESCALATED),
        timer("preserved"),
        timer("state"),
        timer("statutory_due_on"),
        timer("sign_by"),
        timer("screen_by"),
        timer("due_on"),
        timer(FOLLOW_UP),
    ]
    for some in permutations(in_order, 3):
        assert next_to_ring(some) == [each for each in in_order if each in some]
    assert [each.limit for each in next_to_ring(reversed(in_order))] == [each.limit for each in in_order]


def test_a_reminder_of_a_limit_that_ends_the_dispute_is_no_end() -> None:
    reminder, alarm = timer("due_on", Step.REMINDER), timer("statutory_due_on")
    assert next_to_ring([alarm, reminder]) == [reminder, alarm]
