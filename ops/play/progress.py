"""What a run has done so far: written by the driver, shown by the screen."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from ops.run.books import Books
from ops.run.rates import RateRow


@dataclass(slots=True)
class RunProgress:
    """Counters of a run.

    Attributes:
        business_date: Day up to which the scenario was played.
        tick: Ticks done, of `ticks`.
        sent: Records acknowledged, by channel.
        refused: Records refused at the door, by channel.
        commands: Commands carried out.
        timers: Timers fired by the scenario clock.
        rates: Latest table from stats.
        events: Events that stats has folded.
        books: Latest books.
        kills: Services killed on purpose so far.
        lag_s: How far the slowest reader is behind, in seconds.
        line: What is going on, for people.
    """

    started: float = field(default_factory=time.monotonic)
    business_date: date | None = None
    tick: int = 0
    ticks: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    timers: int = 0
    rates: tuple[RateRow, ...] = ()
    events: int = 0
    books: Books | None = None
    lag_s: float | None = None
    kills: int = 0
    line: str = ""

    @property
    def seconds(self) -> float:
        """Wall seconds since the start."""
        return time.monotonic() - self.started
