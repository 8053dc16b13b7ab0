"""Clocks that are passed in: the machine's, and one that tests set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; whoever needs "now" takes one as an argument."""

    def now(self) -> datetime:
        """Return the present instant, UTC and aware."""


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time, UTC and aware."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; tests own it.

    Attributes:
        at: UTC, aware.
    """

    def __init__(self, at: datetime) -> None:
        self.at = _aware(at)

    def now(self) -> datetime:
        """Return the instant that was set last."""
        return self.at

    def move_to(self, at: datetime) -> None:
        """Stand at `at`, which may be earlier: machines' clocks do that too."""
        self.at = _aware(at)

    def advance(self, by: timedelta) -> None:
        """Move by `by`."""
        self.at += by


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC)
