"""Clocks, and the day on which something counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from dispute.calendar.days import business_day
from hub.runtime.clock import Clock, FixedClock, WallClock


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2024, 6, 30, 15, 59, 59, tzinfo=UTC), date(2024, 6, 30)),
        (datetime(2024, 6, 30, 16, 0, 0, tzinfo=UTC), date(2024, 7, 1)),
        (datetime(2024, 12, 31, 23, 0, 0, tzinfo=UTC), date(2025, 1, 1)),
        (datetime(2024, 2, 28, 20, 0, 0, tzinfo=timezone(timedelta(hours=-5))), date(2024, 2, 29)),
    ],
)
def test_the_business_day_is_the_date_in_shanghai(instant: datetime, day: date) -> None:
    assert business_day(instant) == day


def test_a_naive_instant_has_no_day() -> None:
    with pytest.raises(ValueError, match="time zone"):
        business_day(datetime(2024, 1, 1))  # noqa: DTZ001 - the point of the test


def test_the_wall_clock_is_aware_and_moves() -> None:
    clock: Clock = WallClock()
    assert clock.now().tzinfo is UTC
    assert clock.now() >= datetime(2024, 1, 1, tzinfo=UTC)


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(datetime(2024, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))))
    assert clock.now() == clock.now() == datetime(2024, 1, 1, tzinfo=UTC)
    clock.advance(timedelta(days=1))
    assert clock.now() == datetime(2024, 1, 2, tzinfo=UTC)
    clock.move_to(datetime(2023, 1, 1, tzinfo=UTC))
    assert clock.now().year == 2023
    with pytest.raises(ValueError, match="time zone"):
        clock.move_to(datetime(2023, 1, 1))  # noqa: DTZ001 - the point of the test
