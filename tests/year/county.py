"""A county's year: every record with its life, and the records that are one matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from dispute.calendar.days import business_day
from tests.year import shares
from tests.year.entries import again, lived
from tests.year.handling import handled
from tests.year.pen import Pen
from tests.year.plan import Entry, Kind, Plan, Planned, planned
from tests.year.plots import AFTER_REGISTRATION, REFERENCES, Plot, drawn
from tests.year.season import Calendar, later
from tests.year.townspeople import Townspeople

FIRST_DAY: Final = date(2024, 7, 1)
DAYS: Final = 365
AFTER: Final = 100
"""Days after the last record in which people go on writing."""
REOPENED: Final = ("new_call", "report", "new_petition")


class County:
    """Writes a year.

    Args:
        seed: The same seed, count and days give the same year.
        count: Records.
        first_day: Of the year.
        days: Its length.
    """

    def __init__(self, seed: int, count: int, first_day: date = FIRST_DAY, days: int = DAYS) -> None:
        self._dice = Random(f"{seed}/{count}/{first_day}")  # noqa: S311 - a generator of test data
        self._count = count
        self._calendar = Calendar(first_day, days)
        self._people = Townspeople(first_day, count, self._dice)
        self._number = 0
        self._met: set[tuple[str, str, date]] = set()

    def plan(self) -> Plan:
        """Return the year's inputs."""
        entries: list[Entry] = []
        disputes: list[Planned] = []
        petitions: list[Plot] = []
        while self._number < self._count:
            plot = drawn(self._take_number(), self._calendar, self._people, self._dice)
            if plot.channel == "petition":
                if petitions and self._dice.random() < shares.REPEAT_PETITION:
                    plot = self._repeat(plot, self._dice.choice(petitions))
                petitions.append(plot)
            for each, written in self._matter(plot):
                disputes.append(each.planned)
                entries += written
        last = self._calendar.last_day + timedelta(days=AFTER)
        return planned(entries, disputes, self._calendar.first_day, last)

    def _take_number(self) -> int:
        self._number += 1
        return self._number

    def _matter(self, plot: Plot) -> Iterator[tuple[Plot, list[Entry]]]:
        """Yield a record with its inputs, and a second one about the same matter now and then."""
        dice = self._dice
        pen = Pen(plot, dice)
        lived(pen)
        self._relapsed(pen)
        second = self._second(plot) if self._number < self._count else None
        if second is not None:
            other = Pen(second, dice)
            lived(other)
            self._linked(other, plot)
            yield second, other.entries
        yield plot, pen.entries

    def _second(self, plot: Plot) -> Plot | None:
        """Return the same matter in another channel: a police dispute as a suit, a petition at the hotline."""
        dice = self._dice
        if plot.channel == "police" and plot.entry != "noise" and dice.random() < shares.TWIN_SUIT:
            channel, days = "court", dice.randrange(2, 90)
        elif plot.channel == "petition" and dice.random() < shares.TWIN_HOTLINE:
            channel, days = "hotline", dice.randrange(1, 10)
        else:
            return None
        at = later(plot.at, 24 * days)
        if not self._meet(plot, at):
            return None
        number, day = self._take_number(), business_day(at)
        sure = dice.random() < shares.SURE
        subject = plot.subject or f"M-{plot.number}"
        return replace(
            plot,
            number=number,
            channel=channel,
            ref=REFERENCES.get(channel, "{channel}-{number}").format(year=day.year, number=number, channel=channel),
            at=at,
            received_on=day,
            entry="accepted" if dice.random() < 0.8 else "waits",
            circumstance="",
            procedure="ordinary" if channel == "court" else "",
            filed=channel == "court" and day >= AFTER_REGISTRATION,
            subject=subject if sure and plot.subject else "",
            happened_on=plot.happened_on if sure else None,
            recurrence="first",
        )

    def _linked(self, pen: Pen, first: Plot) -> None:
        """Write what people do about the link: they decide proposals, link by hand, and undo mistakes."""
        dice, chance = self._dice, self._dice.random()
        at = later(pen.plot.at, pen.hours(3, 100))
        if chance < 0.3:
            pen.command("link", at, "clerk", master_dispute_id=first.dispute_id)
        elif chance < 0.4:
            pen.command("decline_link", at, "clerk", candidate_dispute_id=first.dispute_id)
        if dice.random() < shares.MISTAKEN_LINK * 3:
            pen.command("unlink", later(pen.written, pen.hours(20, 24 * 30)), "clerk", reason_code="mistaken")

    def _meet(self, plot: Plot, at: datetime) -> bool:
        """Tell whether the people of a plot may have another record on a day.

        Which of two records came first decides what the other means, and nobody knows it of two on one day.
        """
        first, second = (person.id_number for person in plot.sides)
        days = {(first, second, business_day(plot.at)), (first, second, business_day(at))}
        known = len(days) == 1 or (first, second, business_day(at)) in self._met
        self._met |= days
        return not known

    def _repeat(self, plot: Plot, first: Plot) -> Plot:
        """Return a petition that was brought before, by the same people."""
        if not self._meet(first, plot.at):
            return plot
        return replace(plot, sides=first.sides, town=first.town, category=first.category, recurrence="repeat")

    def _relapsed(self, pen: Pen) -> None:
        """Write a relapse, or a hand-over anew after the record came back."""
        dice = self._dice
        last = pen.entries[-1]
        action = last.content.WhichOneof("instruction") if last.kind is Kind.COMMAND else ""
        if action in {"close", "record_visit", "track"} and dice.random() < shares.RELAPSE:
            at = later(pen.written, pen.hours(24 * 5, 24 * 60))
            pen.command("reopen", at, "clerk", reason_code=dice.choice(REOPENED))
            handled(pen, at)
        elif action == "return_to_source" and pen.plot.docked and dice.random() < 0.05:
            again(pen)
