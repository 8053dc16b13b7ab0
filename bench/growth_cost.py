"""Computes the cost of a growing service.

The cost is computed from samples of its process, at given sizes and for each tenth of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

LEAST_LOOKS: Final = 20


@dataclass(frozen=True, slots=True)
class Point:
    """One sample of the process.

    Attributes:
        at_s: Seconds since the service was ready.
        records: Records taken in so far.
        cpu_s: Processor time so far.
        rss_bytes: Resident memory now.
        disk_bytes: Store on disk now.
        turn_ns: One turn of the machine's loop at that moment (`bench.pace`), nanoseconds.
    """

    at_s: float
    records: int
    cpu_s: float
    rss_bytes: int
    disk_bytes: int
    turn_ns: float


def point_at(points: Sequence[Point], records: float) -> Point:
    """Return the point at a number of records.

    Values are interpolated linearly between samples; the memory is the peak until then.

    Raises:
        ValueError: The samples do not reach that number.
    """
    peak = 0
    for before, after in pairwise(points):
        peak = max(peak, before.rss_bytes)
        if after.records >= records:
            share = (records - before.records) / max(1, after.records - before.records)
            share = min(1.0, max(0.0, share))
            return Point(
                before.at_s + share * (after.at_s - before.at_s),
                round(records),
                before.cpu_s + share * (after.cpu_s - before.cpu_s),
                max(peak, after.rss_bytes),
                round(before.disk_bytes + share * (after.disk_bytes - before.disk_bytes)),
                after.turn_ns,
            )
    raise ValueError(f"no look at {records:.0f} records")


def cost_us(points: Sequence[Point], start: float, end: float) -> float:
    """Return the processor time per record in microseconds.

    It is measured between two counts of records.
    """
    first, last = point_at(points, start), point_at(points, end)
    return (last.cpu_s - first.cpu_s) / max(1, last.records - first.records) * 1e6


def under_way(points: Sequence[Point]) -> list[Point]:
    """Return the samples from the first record on.

    The cost of starting is not a cost of records.
    """
    begun = next((number for number, point in enumerate(points) if point.records > 0), 0)
    return list(points[begun:] if begun + 1 < len(points) else points)


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the run.

    Attributes:
        cost_us: Processor time per record, microseconds.
        turn_ns: Median time of one turn of the machine's loop in this tenth, nanoseconds.
    """

    cost_us: float
    turn_ns: float

    @property
    def turns(self) -> float:
        """The cost in turns of the machine's loop.

        It does not depend on the speed of the machine.
        """
        return self.cost_us * 1e3 / self.turn_ns


def tenths(points: Sequence[Point]) -> list[Tenth]:
    """Return the cost of each tenth of the run.

    The run begins with the first sample. With fewer samples than `LEAST_LOOKS`, tenths mean nothing and the answer is
    empty.
    """
    if len({point.records for point in points}) < LEAST_LOOKS:
        return []
    first, last = points[0].records, points[-1].records
    step = (last - first) / 10
    return [_tenth(points, first + number * step, first + (number + 1) * step) for number in range(10)]


def _tenth(points: Sequence[Point], start: float, end: float) -> Tenth:
    pace = [point.turn_ns for point in points if start <= point.records <= end] or [point_at(points, end).turn_ns]
    return Tenth(cost_us(points, start, end), median(pace))


def sizes(points: Sequence[Point], marks: Sequence[int], disputes: int) -> list[dict[str, float]]:
    """Return the figures at each size.

    These are peak memory, disk, and the cost of the second half of the records up to that size.

    Args:
        points: Samples.
        marks: Numbers of disputes; those above `disputes` are left out.
        disputes: Disputes of the whole run; a part of them stands for the same part of the records.
    """
    total = points[-1].records
    found: list[dict[str, float]] = []
    for mark in marks:
        if mark > disputes:
            continue
        records = total * mark / disputes
        there = point_at(points, records)
        found.append(
            {
                "disputes": mark,
                "records": there.records,
                "rss_mb": round(there.rss_bytes / 1e6, 1),
                "disk_mb": round(there.disk_bytes / 1e6, 1),
                "disk_bytes_per_record": round(there.disk_bytes / records, 1),
                "cpu_us_per_record": round(cost_us(points, max(points[0].records, records / 2), records), 2),
            }
        )
    return found


def line_through(small: tuple[float, float], big: tuple[float, float], at: float) -> float:
    """Extrapolate a straight line through two points.

    Returns its value at `at`, but never less than that of the bigger point.
    """
    slope = (big[1] - small[1]) / (big[0] - small[0])
    return max(big[1], big[1] + slope * (at - big[0]))
