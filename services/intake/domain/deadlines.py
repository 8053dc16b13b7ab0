"""Time limits: how long, counted how, by which clause; rules come from data (design D9, domain 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from hub.errors import Fault
from services.intake.domain.screening import within

Count = Literal["calendar", "workday"]
TermKind = Literal["mediation", "statutory", "local", "extension"]


class Calendar(Protocol):
    """Counts days of a limit; `hub.runtime.calendars` has the national one."""

    def calendar_due(self, start: date, days: int) -> date:
        """Return the last day: day of the event not counted, end moved off a day off (民诉法 85)."""

    def workday_due(self, start: date, days: int) -> date:
        """Return the last day, counted in working days."""


@dataclass(frozen=True, slots=True)
class Term:
    """One limit; empty channel, regime or procedure fits every one."""

    kind: TermKind
    channel: str
    regime: str
    procedure: str
    days: int
    count: Count
    clause: str
    valid_from: date | None = None
    valid_until: date | None = None

    def fits(self, matter: Matter) -> bool:
        """Tell whether the limit holds for a matter."""
        return (
            self.channel in {"", matter.channel}
            and self.regime in {"", matter.regime}
            and self.procedure in {"", matter.procedure}
            and within(matter.received_on, self.valid_from, self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class SignOff:
    """Limit within which the handler signs after a dispatch."""

    channel: str
    days: int
    count: Count
    clause: str


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """One version of the limits, complete and validated; rows are tried in order.

    Attributes:
        version: Of the file.
        reminder_percent: Share of a limit after which the handler is reminded.
        follow_up_days: Calendar days from performance to the follow-up visit.
        terms: Limits.
        sign_off: Sign-off limits; the last fits every channel.
    """

    version: str
    reminder_percent: int
    follow_up_days: int
    terms: tuple[Term, ...]
    sign_off: tuple[SignOff, ...]


@dataclass(frozen=True, slots=True)
class Matter:
    """What a limit depends on."""

    channel: str
    regime: str
    procedure: str
    received_on: date


def term_of(kind: TermKind, matter: Matter, rules: DeadlineRules) -> Term | None:
    """Return the limit of a kind, None when there is none for such a matter."""
    return next((term for term in rules.terms if term.kind == kind and term.fits(matter)), None)


def last_day(limit: Term | SignOff, start: date, calendar: Calendar) -> date:
    """Return the last day of a limit, inclusive.

    Args:
        limit: How long, counted how.
        start: Day of the event, not counted.
        calendar: Knows the days off.

    Raises:
        Rejected: `calendar_missing` when no holiday table covers a day on the way.
    """
    if limit.count == "workday":
        return calendar.workday_due(start, limit.days)
    return calendar.calendar_due(start, limit.days)


def sign_off_of(channel: str, rules: DeadlineRules) -> SignOff:
    """Return the sign-off limit of a channel."""
    for row in rules.sign_off:
        if row.channel in {"", channel}:
            return row
    raise Fault("rules_invalid", f"no sign-off limit fits channel {channel}")
