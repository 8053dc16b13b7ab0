"""A process that starts goes before the others until it is ready, where the kernel lets us.

A dozen processes share two cores under load: a start took 16 s there, most of a run in which nothing else happened.
Linux weighs sessions first, then what is in them (sched(7), autogroups), and every service is a session.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

AUTOGROUP: Final = Path("/proc/self/autogroup")
FIRST: Final = -10
LIKE_OTHERS: Final = 0


def take() -> None:
    """Go before the others."""
    _weigh(FIRST)


def give_back() -> None:
    """Share with the others again."""
    _weigh(LIKE_OTHERS)


def _weigh(nice: int) -> None:
    with suppress(OSError):
        AUTOGROUP.write_text(str(nice), encoding="ascii")
