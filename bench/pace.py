"""Measures the speed of the machine during a run.

A shared machine may be four times slower for minutes. Without this measurement, a difference between two results of one
commit would look like a difference between two commits. A turn of a Python loop is timed by the processor time of its
own thread, so it shows how fast the cores are, not how busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench.measure import spread

EVERY_S: Final = 2.0
TURNS: Final = 20_000
"""About a millisecond of a core."""

_seen: list[float] = []


@contextmanager
def watched(every_s: float = EVERY_S) -> Iterator[None]:
    """Time the loop repeatedly during the block.

    A thread of its own does it.
    """
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(every_s):
            _seen.append(turn_ns())

    _seen.clear()
    thread = threading.Thread(target=watch, name="pace", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def turn_ns() -> float:
    """Return the time of one loop turn in nanoseconds.

    It is the processor time of a loop that adds numbers.
    """
    total, began = 0, time.thread_time_ns()
    for number in range(TURNS):
        total += number
    return (time.thread_time_ns() - began) / TURNS


def latest() -> float:
    """Return the newest time of a turn in nanoseconds.

    It is of the current `watched` block; without one it is measured now.
    """
    return _seen[-1] if _seen else turn_ns()


def turns() -> dict[str, float]:
    """Return median, min, max and n of the turns.

    The times are in nanoseconds: those of the current `watched` block and one measured now.
    """
    return spread([*_seen, turn_ns()])
