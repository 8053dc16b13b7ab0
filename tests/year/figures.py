"""Counts the figures again from the histories, by docs/figures.md, and compares them with what stats says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final, NamedTuple
from zlib import crc32

from tests.faults.recount import CONCLUSIONS, EPOCH, Recount, recount
from tests.year.invariants import History

METRICS: Final = ("diversion", "success", "success_on_concluded", "resolution", "matters")
ALL: Final = "all"
SHARDS: Final = 24
Window = tuple[date, date]


class Figure(NamedTuple):
    """One figure of a channel."""

    numerator: int
    denominator: int
    open: int


Table = Mapping[tuple[str, str], Figure]
"""Figures by channel and metric."""


def counted(histories: Iterable[History]) -> Recount:
    """Return what counts in the end, of every dispute; its `problems` are facts that were taken back and not told."""
    return recount(
        (f"intake/{crc32(event.dispute_id.encode()) % SHARDS}/year", position, event)
        for history in histories
        for position, event in enumerate(history, start=1)
    )


def months(first: date, last: date) -> Iterator[Window]:
    """Yield the months of some days, each as its first day and the day after its last."""
    day = first.replace(day=1)
    while day <= last:
        after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        yield day, after
        day = after


def figures(of: Recount, window: Window, channels: Iterable[str]) -> Table:
    """Return every figure of a window."""
    first, after = (day.toordinal() - EPOCH for day in window)
    sums: Counter[tuple[str, str]] = Counter()
    for facts in of.facts.values():
        for fact in facts.values():
            if first <= fact.day < after:
                for channel in (fact.where.channel, ALL):
                    sums[channel, fact.type] += 1
                    sums[channel, f"first {fact.type}"] += fact.type in CONCLUSIONS and fact.first
                    sums[channel, f"concluding {fact.type}"] += fact.type in CONCLUSIONS and fact.concluding
    for (day, what, where), number in of.open().items():
        if first <= day < after:
            for channel in (where.channel, ALL):
                sums[channel, f"open {what}"] += number
    return {key: value for channel in (*channels, ALL) for key, value in _of(channel, sums)}


def _of(channel: str, sums: Counter[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], Figure]]:
    def number(*names: str) -> int:
        return sum(sums[channel, name] for name in names)

    success = Figure(number("first agreed"), number("accepted", "reopened"), number("open openings"))
    ended = number("concluding agreed", "concluding failed")
    received = number("registered")
    yield (channel, "diversion"), Figure(number("accepted"), number("registered", "resubmitted"), number("open rounds"))
    yield (channel, "success"), success
    yield (channel, "success_on_concluded"), Figure(number("concluding agreed"), ended, 0)
    yield (channel, "resolution"), success
    yield (channel, "matters"), Figure(received - number("linked"), received, 0)


def differing(told: Table, ours: Table, window: Window) -> Iterator[str]:
    """Yield the figures that stats tells otherwise."""
    for key in sorted(told.keys() | ours.keys()):
        if told.get(key) != ours.get(key, Figure(0, 0, 0)):
            yield f"{window[0]:%Y-%m} {' '.join(key)}: stats says {told.get(key)}, counted {ours.get(key)}"
