"""Decides the warning colour of a new case (四色预警).

The rules come from a data file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final

from msgspec import Meta
from typing_extensions import override

from dispute.lifecycle import ChangeColour, Channel, Colour
from dispute.lifecycle.vocabulary import COLOURS
from services.intake.law.candidates import Candidate
from services.intake.law.facts import CLAIMING_ROLES, Facts
from services.intake.law.handoff import Arrival
from services.intake.law.rule_rows import CHANNELS, Clause, Code, Gap, Listed, RuleFile, RuleRow

COLOURED: Final = Listed("四色 colours", frozenset(map(str, COLOURS)) - {""})


class ColourRule(RuleRow, frozen=True, kw_only=True):
    """One condition that raises the colour.

    Attributes:
        clause: Clause it is based on.
        colour: Colour of a case that fulfils it.
        reason_code: Stable code, in the event.
        circumstances: One of them is enough; empty when it looks at something else.
        persons_at_least: People on the claiming side; 0 when it looks at something else.
        reports_at_least: Reports of the same people, this one included; 0 when it looks at something else.
        channels: Channels whose records it looks at and counts; empty is all.
    """

    clause: Clause
    colour: Annotated[str, COLOURED]
    reason_code: Code
    circumstances: frozenset[Code] = frozenset()
    persons_at_least: Annotated[int, Meta(ge=0, le=10_000)] = 0
    reports_at_least: Annotated[int, Meta(ge=0, le=10_000)] = 0
    channels: frozenset[Annotated[str, CHANNELS]] = frozenset()

    def applies_to(self, facts: Facts, persons: int, reports: Sequence[Candidate]) -> bool:
        """Tell whether a new case fulfils it.

        Args:
            facts: Of the case.
            persons: How many people claim.
            reports: Earlier reports of the same people.
        """
        if self.channels and facts.channel not in self.channels:
            return False
        if self.circumstances:
            return not self.circumstances.isdisjoint(facts.circumstances)
        if self.persons_at_least:
            return persons >= self.persons_at_least
        return 1 + sum(self._counts(each.channel) for each in reports) >= self.reports_at_least

    def _counts(self, channel: Channel) -> bool:
        return not self.channels or channel in self.channels


class ColourRules(RuleFile, frozen=True, kw_only=True):
    """Conditions of the colours; without rows no case gets one."""

    rows: Annotated[tuple[ColourRule, ...], Meta(title="四色预警 Warning colours")]

    @override
    def gaps(self) -> Iterator[Gap]:
        for row in self.rows:
            conditions = (bool(row.circumstances), bool(row.persons_at_least), bool(row.reports_at_least))
            if sum(conditions) != 1:
                yield Gap("rows", f"{row.id}：须有且只有一个条件", f"{row.id}: it needs one condition")


def persons_of(arrival: Arrival) -> int:
    """Return how many people claim: those whom the record names, or as many as the source counted."""
    named = sum(person.role in CLAIMING_ROLES for person in arrival.people)
    return max(arrival.persons, named)


def coloured(arrival: Arrival, reports: Iterable[Candidate], rules: ColourRules) -> tuple[ChangeColour, ...]:
    """Return the instruction that gives a new case its colour; none when no rule applies.

    The highest colour counts; of several rules with it, the first.
    """
    persons, known = persons_of(arrival), tuple(reports)
    found = [row for row in rules.rows if row.applies_to(arrival.facts, persons, known)]
    highest = max(found, key=lambda row: COLOURS.index(Colour(row.colour)), default=None)
    return () if highest is None else (ChangeColour(Colour(highest.colour), highest.reason_code, highest.clause),)
