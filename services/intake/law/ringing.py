"""Decides in which order the timers of a dispute ring.

Each step of a limit rings at its time, however far the clock moved at once, or however long the process was down: the
step after one that fired may be due before another limit's.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.intake.law.timers import ENDINGS, Step, Timer


def next_to_ring(timers: Iterable[Timer]) -> list[Timer]:
    """Return the timers of one dispute that ring next: those of the earliest time, in their order.

    Timers that wait for late paper ring together, each in the order of its own time. What follows them is known when
    they have fired.
    """
    waiting = sorted(timers, key=lambda timer: (timer.rings_at, timer.due_at, _place(timer), timer.limit))
    return [timer for timer in waiting if (timer.rings_at, timer.due_at) == (waiting[0].rings_at, waiting[0].due_at)]


def _place(timer: Timer) -> int:
    """Return the place of a timer at its instant: the ends that change the dispute are last.

    They stop the other limits. A statutory limit that passed without a result has its alarm also where the term was cut
    to its last day (信访工作条例 34), and so has a suit that was due after a preservation (民诉法 104).
    """
    ends = timer.step is Step.OVERDUE and timer.limit in ENDINGS
    return ENDINGS.index(timer.limit) + 1 if ends else 0
