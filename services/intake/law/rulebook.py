"""The rules in force, as a value, and who holds it.

Each rule file of the package is a field of `Rulebook`, named as the file: a new file is one field here.
"""

from __future__ import annotations

from msgspec import Struct

from services.intake.law.colours import ColourRules
from services.intake.law.deadlines import Calendar, DeadlineRules
from services.intake.law.matching import MatchingRules
from services.intake.law.screening import ScreeningRules


class Rulebook(Struct, frozen=True):
    """One version of all rules, with the calendar they count by.

    Attributes:
        version: Stands on every event that these rules decided; names the package's version and the county's.
        screening: Of `screening.yaml`.
        deadlines: Of `deadlines.yaml`.
        matching: Of `matching.yaml`.
        colours: Of `colours.yaml`.
        calendar: Counts the days of limits.
    """

    version: str
    screening: ScreeningRules
    deadlines: DeadlineRules
    matching: MatchingRules
    colours: ColourRules
    calendar: Calendar


class Rules:
    """Holds the rulebook in force.

    It is replaced while intake runs: whoever does a unit of work takes `current` once, at its begin.
    """

    def __init__(self, book: Rulebook) -> None:
        self._current = book

    @property
    def current(self) -> Rulebook:
        """The rulebook in force now."""
        return self._current

    def replace(self, book: Rulebook) -> None:
        """Put another rulebook into force, from the next unit of work on."""
        self._current = book
