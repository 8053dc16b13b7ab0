"""How fast the machine was meanwhile: a lent machine may be four times slower for minutes on end.

Without this, two results of one commit can't be told from two commits. A turn of a Python loop is timed by the
processor time of its own thread, so what counts is how fast the cores are, not how busy.
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
    """Time the loop again and again, from now to the end of the block, in a thread of its own."""
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
    """Return the processor time of one turn of a loop that adds, in nanoseconds."""
    total, began = 0, time.thread_time_ns()
    for number in range(TURNS):
        total += number
    return (time.thread_time_ns() - began) / TURNS


def latest() -> float:
    """Return the newest of what was seen in the block under way, in nanoseconds; measured now when there is none."""
    return _seen[-1] if _seen else turn_ns()


def told() -> dict[str, float]:
    """Return median, min, max and n of what was seen in the block under way, and now; nanoseconds."""
    return spread([*_seen, turn_ns()])
