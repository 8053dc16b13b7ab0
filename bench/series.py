"""Evaluates the samples of a long run.

A row is taken from outside every few seconds; rates, ages, cost and memory are computed from the rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from bench.processes import Usage


@dataclass(frozen=True, slots=True)
class Look:
    """One row of the series.

    Attributes:
        at_s: Seconds since the start of the run.
        written: Events that intake had written, of all streams.
        visible: Events that a stats answer included.
        outbox: Records of all services that Kafka had not confirmed.
        usage: Process to its cost so far.
    """

    at_s: float
    written: int
    visible: int
    outbox: int
    usage: Mapping[str, Usage]


def rates(looks: Sequence[Look]) -> list[float]:
    """Return the rate of events that became visible.

    It is in events per second, for each interval between two samples.
    """
    return [(b.visible - a.visible) / (b.at_s - a.at_s) for a, b in pairwise(looks)]


def ages_s(looks: Sequence[Look]) -> list[float]:
    """Return the age of the newest visible event.

    There is one age in seconds for each sample: the time since the number of written events was equal to the number
    of visible ones. Between two samples the writing is assumed to be even. An event older than the first sample counts
    from that sample.
    """
    written = [look.written for look in looks]
    ages = []
    for look in looks:
        after = bisect_left(written, look.visible)
        if after == 0:
            ages.append(look.at_s - looks[0].at_s if look.visible < written[0] else 0.0)
            continue
        if after == len(looks):
            ages.append(0.0)
            continue
        a, b = looks[after - 1], looks[after]
        share = (look.visible - a.written) / max(1, b.written - a.written)
        ages.append(max(0.0, look.at_s - (a.at_s + share * (b.at_s - a.at_s))))
    return ages


def cost(looks: Sequence[Look]) -> dict[str, dict[str, float]]:
    """Return the processor cost of each process.

    It has the number of busy cores, and the microseconds per event that became visible.
    """
    first, last = looks[0], looks[-1]
    seconds, events = last.at_s - first.at_s, max(1, last.visible - first.visible)
    found = {}
    for name, usage in last.usage.items():
        cpu_s = usage.cpu_s - first.usage[name].cpu_s
        found[name] = {"cores": round(cpu_s / seconds, 3), "cpu_us_per_event": round(cpu_s / events * 1e6, 1)}
    return found


def memory(looks: Sequence[Look]) -> dict[str, dict[str, float]]:
    """Return the memory growth of each process.

    It has the resident bytes half-way and at the end (medians of a tenth of the run), and their ratio.
    """
    tenth = max(1, len(looks) // 10)
    middle = len(looks) // 2
    found = {}
    for name in looks[-1].usage:
        half_way = median(look.usage[name].rss_bytes for look in looks[middle : middle + tenth])
        end = median(look.usage[name].rss_bytes for look in looks[-tenth:])
        found[name] = {"half_way_bytes": half_way, "end_bytes": end, "ratio": round(end / half_way, 3)}
    return found


def rows(looks: Sequence[Look]) -> list[dict[str, object]]:
    """Return the saved form of the series.

    It has a row for each interval, with the rate in it.
    """
    aged = ages_s(looks)
    return [
        {
            "at_s": round(b.at_s, 1),
            "events_s": round(rate),
            "outbox": b.outbox,
            "behind": b.written - b.visible,
            "age_s": round(age, 2),
            "rss_mb": {name: round(usage.rss_bytes / 1e6, 1) for name, usage in b.usage.items()},
        }
        for (_, b), rate, age in zip(pairwise(looks), rates(looks), aged[1:], strict=True)
    ]


def disk_of(folder: Path) -> int:
    """Return the allocated bytes of a folder's files.

    A file that is deleted meanwhile counts 0.
    """
    total = 0
    for path in folder.rglob("*"):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        total += found.st_blocks * 512 if path.is_file() else 0
    return total
