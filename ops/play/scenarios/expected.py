"""Computes the sums that a run must show.

The driver adds them up from its own records; no code of the hub is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from ops.play.scenarios.days import SHANGHAI
from ops.play.scenarios.model import ScenarioWindow
from ops.play.scenarios.record import Record
from ops.play.scenarios.vocabulary import Fate
from ops.run.rates import CHANNELS, METRICS, RateRow

EVER: Final = ScenarioWindow(start=date(1900, 1, 1), end=date(9999, 1, 1))
"""A window that contains every day, for gauges, which have no window."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The counts of one channel.

    Each fact counts on its own business day.
    """

    registered: int = 0
    accepted: int = 0
    agreed: int = 0
    failed: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.registered + other.registered,
            self.accepted + other.accepted,
            self.agreed + other.agreed,
            self.failed + other.failed,
        )


def percent(numerator: int, denominator: int) -> str | None:
    """Return a rate in percent with one decimal.

    It is rounded half-up; None on denominator 0. Only integers are used, so no float error can occur: 530/578 is 91.7
    (91.695…).
    """
    if denominator == 0:
        return None
    tenths = (2000 * numerator + denominator) // (2 * denominator)
    return f"{tenths // 10}.{tenths % 10}"


def business_day(at: datetime) -> date:
    """Return an instant's day in Asia/Shanghai."""
    return at.astimezone(SHANGHAI).date()


def sums(records: Iterable[Record], ends_at: dict[int, datetime], window: ScenarioWindow) -> dict[str, Sums]:
    """Add up the records of each channel and of all.

    Args:
        records: Every record that is submitted.
        ends_at: Record number to the instant of its settlement or failure, as the mediators play it.
        window: Days that are counted.
    """
    found = {channel: Sums() for channel in CHANNELS}
    for record in records:
        ended = record.number in ends_at and window.holds(business_day(ends_at[record.number]))
        accepted = record.acceptable and window.holds(business_day(record.handed_over_at))
        one = Sums(
            registered=int(window.holds(record.received_on)),
            accepted=int(accepted),
            agreed=int(record.acceptable and ended and record.ending.fate is Fate.SETTLED),
            # The timer decides the day on which the term ends; a scenario leaves room for it inside the window.
            failed=int(
                record.acceptable
                and (record.ending.fate is Fate.EXPIRED or (ended and record.ending.fate is Fate.FAILED))
            ),
        )
        found[record.channel] += one
        found["all"] += one
    return found


def rates(of: dict[str, Sums]) -> tuple[RateRow, ...]:
    """Return the rates of every channel and metric."""
    return tuple(_rate(channel, metric, of[channel]) for channel in CHANNELS for metric in METRICS)


def _rate(channel: str, metric: str, of: Sums) -> RateRow:
    numerator, denominator = {
        "diversion": (of.accepted, of.registered),
        "success": (of.agreed, of.accepted),
        "success_on_concluded": (of.agreed, of.agreed + of.failed),
        "resolution": (of.agreed, of.accepted),
    }[metric]
    return RateRow(channel, metric, numerator, denominator, percent(numerator, denominator))


def ticks(window: ScenarioWindow, tick_days: int, records: Sequence[Record]) -> list[datetime]:
    """Return the instants of the scenario clock.

    The clock is advanced to each of them; the last one is the window's end.
    """
    start = min((business_day(record.arrives_at) for record in records), default=window.start)
    at = datetime(start.year, start.month, start.day, tzinfo=SHANGHAI)
    found = []
    while at < window.closes_at:
        at = min(at + timedelta(days=tick_days), window.closes_at)
        found.append(at)
    return found
