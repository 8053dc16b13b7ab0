"""The progress of a run.

The driver writes it and the screen shows it.
"""

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
        business_date: Business day that the scenario has reached.
        tick: Ticks done, of `ticks`.
        sent: Records acknowledged, by channel.
        refused: Requests that the bridge refused, by channel.
        commands: Commands carried out.
        timers: Timers fired by the scenario clock.
        rates: Latest table from stats.
        events: Events that stats has folded.
        books: Latest books.
        kills: Services killed on purpose so far.
        lag_s: Lag of the slowest reader, in seconds.
        line: Current activity, for people.
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
