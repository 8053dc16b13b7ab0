"""Decides the warning colour of a new case (四色预警).

The rules come from a data file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from dispute.lifecycle import ChangeColour, Channel, Colour
from dispute.lifecycle.vocabulary import COLOURS
from services.intake.law.candidates import Candidate
from services.intake.law.facts import CLAIMING_ROLES
from services.intake.law.handoff import Arrival


class ColourRule(Struct, frozen=True):
    """One condition that raises the colour.

    Attributes:
        id: Name of the row.
        zh: Condition in Chinese.
        en: Condition in English.
        clause: Clause it is based on.
        colour: Colour of a case that fulfils it.
        reason_code: Stable code, in the event.
        circumstances: One of them is enough; empty when it looks at something else.
        persons_at_least: People on the claiming side; 0 when it looks at something else.
        reports_at_least: Reports of the same people, this one included; 0 when it looks at something else.
        channels: Channels whose records it looks at and counts; empty is all.
    """

    id: str
    zh: str
    en: str
    clause: str
    colour: Colour
    reason_code: str
    circumstances: frozenset[str] = frozenset()
    persons_at_least: int = 0
    reports_at_least: int = 0
    channels: frozenset[str] = frozenset()

    def applies_to(self, arrival: Arrival, reports: Sequence[Candidate]) -> bool:
        """Tell whether a new case fulfils it.

        Args:
            arrival: The case.
            reports: Earlier reports of the same people.
        """
        if self.channels and arrival.facts.channel not in self.channels:
            return False
        if self.circumstances:
            return not self.circumstances.isdisjoint(arrival.facts.circumstances)
        if self.persons_at_least:
            return persons_of(arrival) >= self.persons_at_least
        return 1 + sum(self._counts(each.channel) for each in reports) >= self.reports_at_least

    def _counts(self, channel: Channel) -> bool:
        return not self.channels or channel.value in self.channels


class ColourRules(Struct, frozen=True):
    """Conditions of the colours; without rows no case gets one."""

    version: str = ""
    rows: tuple[ColourRule, ...] = ()


def persons_of(arrival: Arrival) -> int:
    """Return how many people claim: those whom the record names, or as many as the source counted."""
    named = sum(person.role in CLAIMING_ROLES for person in arrival.people)
    return max(arrival.persons, named)


def coloured(arrival: Arrival, reports: Iterable[Candidate], rules: ColourRules) -> tuple[ChangeColour, ...]:
    """Return the instruction that gives a new case its colour; none when no rule applies.

    The highest colour counts; of several rules with it, the first.
    """
    known = tuple(reports)
    found = [row for row in rules.rows if row.applies_to(arrival, known)]
    highest = max(found, key=lambda row: COLOURS.index(row.colour), default=None)
    return () if highest is None else (ChangeColour(highest.colour, highest.reason_code),)
