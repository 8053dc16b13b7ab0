"""What a growing service costs, worked out of looks at its process: at a size, and for each tenth of the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

LEAST_LOOKS: Final = 20


@dataclass(frozen=True, slots=True)
class Point:
    """One look.

    Attributes:
        at_s: Seconds since the service was ready.
        records: Taken in so far.
        cpu_s: Processor time so far.
        rss_bytes: Resident memory now.
        disk_bytes: Store on disk now.
        turn_ns: One turn of the machine's loop then (`bench.pace`), nanoseconds.
    """

    at_s: float
    records: int
    cpu_s: float
    rss_bytes: int
    disk_bytes: int
    turn_ns: float


def point_at(points: Sequence[Point], records: float) -> Point:
    """Return the point at which so many records were taken in, by a straight line between looks; memory is the peak.

    Raises:
        ValueError: The looks do not reach that far.
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
    """Return the microseconds of processor time for each record between two counts of records."""
    first, last = point_at(points, start), point_at(points, end)
    return (last.cpu_s - first.cpu_s) / max(1, last.records - first.records) * 1e6


def under_way(points: Sequence[Point]) -> list[Point]:
    """Return the looks from the first record on: what starting costs is no cost of records."""
    begun = next((number for number, point in enumerate(points) if point.records > 0), 0)
    return list(points[begun:] if begun + 1 < len(points) else points)


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of the way.

    Attributes:
        cost_us: Processor time of a record, microseconds.
        turn_ns: One turn of the machine's loop meanwhile, the median, nanoseconds.
    """

    cost_us: float
    turn_ns: float

    @property
    def turns(self) -> float:
        """The cost in turns of the machine's loop: the same whether the machine was fast or slow meanwhile."""
        return self.cost_us * 1e3 / self.turn_ns


def tenths(points: Sequence[Point]) -> list[Tenth]:
    """Return what each tenth of the way cost; the first look is where the way begins.

    A way of fewer looks than `LEAST_LOOKS` has no tenths that mean anything: the answer is empty.
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
    """Return what stands at each size on the way: peak memory, disk, and the cost of the second half of the way there.

    Args:
        points: Looks.
        marks: Numbers of disputes; those above `disputes` are left out.
        disputes: What the whole way holds; a part of it is taken as that part of the records.
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
    """Return the value that a straight line through two points has at `at`; never less than the bigger's."""
    slope = (big[1] - small[1]) / (big[0] - small[0])
    return max(big[1], big[1] + slope * (at - big[0]))
