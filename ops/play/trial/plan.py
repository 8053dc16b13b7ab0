"""When which service of a trial is paused or killed: drawn from a seed, spread over the time of the load."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

What = Literal["pause", "kill"]
PAUSE: Final[What] = "pause"
KILL: Final[What] = "kill"
PAUSES: Final = 5
KILLS: Final = 1
PAUSE_S: Final = 3.0
ROOM_S: Final = 6.0
"""A service has this long between two blows at least, for a restart above all."""

QUIET_SHARE: Final = 0.05
"""The load warms up before the first blow, and comes to itself after the last."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that is done to one service.

    Attributes:
        at_s: Seconds after the load began.
        what: `pause` is SIGSTOP, and SIGCONT three seconds later; `kill` is SIGKILL.
    """

    at_s: float
    service: str
    what: What


def blows(seed: int, service: str, seconds: float) -> Sequence[Blow]:
    """Return what happens to one service, in order: each blow somewhere in a slot of its own.

    Args:
        seed: Decides.
        service: Whom it happens to.
        seconds: Length of the load; a minute at least, or the slots have no room.
    """
    dice = random.Random(f"{seed}/{service}")  # noqa: S311 - reproducible, no secret
    kinds: list[What] = [PAUSE] * PAUSES + [KILL] * KILLS
    dice.shuffle(kinds)
    first, slot = seconds * QUIET_SHARE, seconds * (1 - 2 * QUIET_SHARE) / len(kinds)
    return [
        Blow(first + number * slot + dice.uniform(0, max(0.0, slot - ROOM_S)), service, what)
        for number, what in enumerate(kinds)
    ]
