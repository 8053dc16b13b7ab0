"""Clocks that are passed in as arguments.

One is the machine's, the other is set by tests.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Gives the present time.

    Code that needs "now" takes a clock as an argument.
    """

    def now(self) -> datetime:
        """Return the present instant, UTC and aware."""


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time, UTC and aware."""
        return datetime.now(UTC)


class FixedClock:
    """A clock for tests that only tests move.

    Attributes:
        at: UTC, aware.
    """

    def __init__(self, at: datetime) -> None:
        self.at = _aware(at)

    def now(self) -> datetime:
        """Return the instant that was set last."""
        return self.at

    def move_to(self, at: datetime) -> None:
        """Set the clock to `at`.

        `at` may be earlier: machines' clocks go back too.
        """
        self.at = _aware(at)

    def advance(self, by: timedelta) -> None:
        """Move the clock by `by`."""
        self.at += by


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC)
