"""Plans when a trial pauses and kills services.

The times are drawn from a seed and spread over the time of the load.
"""

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
"""Shortest time between two blows to one service, mainly for its restart."""

QUIET_SHARE: Final = 0.05
"""Share of the load's time before the first blow, to warm up, and after the last blow, to recover."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One pause or kill of one service.

    Attributes:
        at_s: Time in seconds after the start of the load.
        what: `pause` is SIGSTOP, and SIGCONT three seconds later; `kill` is SIGKILL.
    """

    at_s: float
    service: str
    what: What


def blows(seed: int, service: str, seconds: float) -> Sequence[Blow]:
    """Return the blows of one service, in order.

    Each blow has a random time within a slot of its own.

    Args:
        seed: Decides kinds and times.
        service: Service that is paused or killed.
        seconds: Length of the load; at least a minute, otherwise the slots are too short.
    """
    dice = random.Random(f"{seed}/{service}")  # noqa: S311 - reproducible, no secret
    kinds: list[What] = [PAUSE] * PAUSES + [KILL] * KILLS
    dice.shuffle(kinds)
    first, slot = seconds * QUIET_SHARE, seconds * (1 - 2 * QUIET_SHARE) / len(kinds)
    return [
        Blow(first + number * slot + dice.uniform(0, max(0.0, slot - ROOM_S)), service, what)
        for number, what in enumerate(kinds)
    ]
