"""Plots: what each record is about, as its source knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from dispute.calendar.days import business_day
from dispute.lifecycle.identity import dispute_id_of
from ops.play.scenarios.people import InventedPerson
from tests.year import shares
from tests.year.plan import DOCKED, Planned
from tests.year.season import Calendar
from tests.year.townspeople import COUNTY, Townspeople

ROLES: Final = {
    "court": ("plaintiff", "defendant"),
    "police": ("applicant", "respondent"),
    "petition": ("petitioner", "respondent"),
}
OWN_ROLES: Final = ("applicant", "respondent")
REFERENCES: Final = {
    "court": "（{year}）甘0725民初{number}号",
    "police": "J{number:012d}",
    "petition": "XF{number:012d}",
}
AFTER_REGISTRATION: Final = date(2025, 1, 1)
HANDED_OVER_AFTER: Final = 8
"""Days from the court's receipt to its hand-over, at most."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One record.

    Attributes:
        at: Instant of the hand-over.
        received_on: The source's own day of receipt.
        entry: What its facts say at first: a key of `shares.ENTRY`.
        circumstance: Why it is excluded; empty when it is not.
        subject: Number of what the dispute is about; empty when it is not told.
        happened_on: Day of the event.
        persons: People concerned.
        success: Chance that a mediation settles it.
    """

    number: int
    channel: str
    ref: str
    at: datetime
    received_on: date
    town: str
    category: str
    sides: tuple[InventedPerson, InventedPerson]
    entry: str
    circumstance: str = ""
    procedure: str = ""
    filed: bool = False
    amount_fen: int = 0
    subject: str = ""
    happened_on: date | None = None
    persons: int = 2
    recurrence: str = "first"
    success: float = 0.7
    others: tuple[InventedPerson, ...] = field(default=())

    @property
    def agency(self) -> str:
        """Who hands it over."""
        return f"{self.channel}-{COUNTY}"

    @property
    def dispute_id(self) -> str:
        """Its dispute."""
        return dispute_id_of(self.agency, self.ref)

    @property
    def docked(self) -> bool:
        """Whether an agency's bridge gets it."""
        return self.channel in DOCKED

    @property
    def roles(self) -> tuple[str, str]:
        """Roles of the two sides."""
        return ROLES.get(self.channel, OWN_ROLES)

    @property
    def kind(self) -> str:
        """Key of the tables of shares."""
        return self.channel if self.docked else "own"

    @property
    def before_filing(self) -> bool:
        """Whether it is a suit that is not filed yet."""
        return self.channel == "court" and not self.filed and self.received_on < AFTER_REGISTRATION

    @property
    def planned(self) -> Planned:
        """What the checks know of it."""
        return Planned(self.dispute_id, self.channel, self.agency, self.ref, self.entry)


def pick(weights: Mapping[str, float], dice: Random) -> str:
    """Return one key by its weight."""
    (found,) = dice.choices(list(weights), weights=list(weights.values()))
    return found


def drawn(number: int, calendar: Calendar, people: Townspeople, dice: Random) -> Plot:
    """Return a record that stands for itself."""
    channel = pick(shares.CHANNELS, dice)
    kind = channel if channel in DOCKED else "own"
    category = pick(shares.CATEGORIES[kind], dice)
    at = calendar.instant(channel, category, dice)
    (town,) = dice.choices(range(len(shares.TOWNS)), weights=shares.TOWN_WEIGHTS)
    entry = pick(shares.ENTRY[kind], dice)
    day = business_day(at)
    received_on = day
    if channel in {"court", "petition"}:
        received_on = day - timedelta(days=dice.randrange(HANDED_OVER_AFTER))
    grouped = channel in {"petition", "hotline"} and dice.random() < shares.GROUP
    return Plot(
        number=number,
        channel=channel,
        ref=REFERENCES.get(channel, "{channel}-{number}").format(year=day.year, number=number, channel=channel),
        at=at,
        received_on=received_on,
        town=COUNTY + shares.TOWNS[town],
        category=category,
        sides=people.sides(channel),
        entry=entry,
        circumstance=dice.choice(shares.EXCLUDING[kind]) if entry == "excluded" else "",
        procedure=pick(shares.PROCEDURES, dice) if channel == "court" else "",
        filed=channel == "court" and (received_on >= AFTER_REGISTRATION or dice.random() < 0.1),
        amount_fen=dice.randrange(1, 900) * 50_000 if category not in {"01", "02"} else 0,
        subject=f"S-{number}" if dice.random() < 0.3 else "",
        happened_on=day - timedelta(days=dice.randrange(1, 20)) if dice.random() < 0.7 else None,
        persons=dice.randrange(5, 61) if grouped else 2,
        success=shares.SUCCESS[town],
        others=tuple(people.stranger() for _ in range(2)) if grouped else (),
    )
