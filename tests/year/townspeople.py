"""Who quarrels: generated people, a tenth of whom carry much of the load, and plaintiffs who file often."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final

from ops.play.scenarios.people import InventedPerson, Registry
from tests.year import shares

COUNTY: Final = "620725"
REGULARS: Final = 0.1
PLAINTIFFS: Final = 5


class Townspeople:
    """Draws the two sides of a dispute; two disputes have both sides in common only when a plot says so.

    Args:
        first_day: Everybody is of age by then.
        count: Disputes, which decide how many quarrel often.
        dice: Decides everything.
    """

    def __init__(self, first_day: date, count: int, dice: Random) -> None:
        self._registry = Registry(COUNTY, first_day, dice)
        self._dice = dice
        self._regulars = [self._registry.person() for _ in range(max(10, int(count * REGULARS)))]
        self._plaintiffs = [self._registry.person() for _ in range(PLAINTIFFS)]

    def sides(self, channel: str) -> tuple[InventedPerson, InventedPerson]:
        """Return who claims and who answers."""
        often = channel == "court" and self._dice.random() < shares.TOP_PLAINTIFFS
        first = self._dice.choice(self._plaintiffs) if often else self._regular() or self._registry.person()
        return first, self._registry.person()

    def stranger(self) -> InventedPerson:
        """Return a new person."""
        return self._registry.person()

    def _regular(self) -> InventedPerson | None:
        return self._dice.choice(self._regulars) if self._dice.random() < shares.FREQUENT else None
