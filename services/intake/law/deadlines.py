"""Time limits: days, count and clause.

The rules come from data files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct
from typing_extensions import override

from dispute.lifecycle import DateName, Extension, ProvisionalDate, Span
from hub.errors import Fault
from services.intake.law.rule_rows import (
    ANY_CHANNEL,
    ANY_REGIME,
    CHANNELS,
    Clause,
    DatedRow,
    Gap,
    RuleFile,
    RuleRow,
)
from services.intake.law.screening import within

Count = Literal["calendar", "workday"]
TermKind = Literal["mediation", "statutory", "local"]
Extendable = Literal["mediation", "statutory"]
Days = Annotated[int, Meta(ge=1, le=400)]
HOLIDAYS: Final = timedelta(days=15)
"""How far the holidays of a year without a table can move a day, earlier or later."""


class Calendar(Protocol):
    """Counts the days of a limit.

    `dispute.calendar.working_days` has the national one.
    """

    def calendar_due(self, start: date, days: int) -> CountedEnd:
        """Return the last day, counted in calendar days.

        The day of the event is not counted; an end on a day off moves to the next working day (民诉法 85).
        """

    def workday_due(self, start: date, days: int) -> CountedEnd:
        """Return the last day, counted in working days."""

    def covers(self, year: int) -> bool:
        """Tell whether the holidays of a year are known."""


class CountedEnd(Protocol):
    """Last day of a limit."""

    @property
    def day(self) -> date:
        """The day, inclusive."""

    @property
    def missing_year(self) -> int | None:
        """First year on the way without known holidays.

        None when the day is certain.
        """


class LastDay(Struct, frozen=True):
    """Last day of a limit, marked when provisional."""

    day: date
    mark: ProvisionalDate | None

    def may_be(self, day: date) -> bool:
        """Tell whether the calendar allows a given last day."""
        return day == self.day or (self.mark is not None and abs(day - self.day) <= HOLIDAYS)


class Term(DatedRow, frozen=True, kw_only=True):
    """One limit.

    An empty channel, regime or procedure fits every one.
    """

    kind: TermKind
    channel: Annotated[str, ANY_CHANNEL]
    regime: Annotated[str, ANY_REGIME] = ""
    procedure: str = ""
    days: Days
    count: Count
    clause: Clause

    def fits(self, matter: LimitCase) -> bool:
        """Tell whether the limit holds for a matter."""
        return (
            self.channel in {"", matter.channel}
            and self.regime in {"", matter.regime}
            and self.procedure in {"", matter.procedure}
            and within(matter.received_on, self.valid_from, self.valid_until)
        )

    def fits_all(self) -> bool:
        """Tell whether the limit holds for every matter."""
        return not (self.channel or self.regime or self.procedure or self.valid_from or self.valid_until)


class ExtensionRule(DatedRow, frozen=True, kw_only=True):
    """An extension that a limit may have.

    A limit without a rule has none.

    Attributes:
        limit: Limit that is extended.
        channels: Channels it applies to.
        regime: Of the court; empty fits every one.
        days: Days granted at a time.
        count: How its days are counted.
        once: Not again after the first time.
    """

    limit: Extendable
    channels: Annotated[frozenset[Annotated[str, CHANNELS]], Meta(min_length=1)]
    regime: Annotated[str, ANY_REGIME] = ""
    days: Days
    count: Count
    once: bool = False
    clause: Clause

    @property
    def grants(self) -> Extension:
        """Days granted, with the clause."""
        return Extension(self.days, self.clause, self.once)

    def fits(self, matter: LimitCase) -> bool:
        """Tell whether the rule holds for a matter."""
        return (
            matter.channel in self.channels
            and self.regime in {"", matter.regime}
            and within(matter.received_on, self.valid_from, self.valid_until)
        )


class SignOff(RuleRow, frozen=True, kw_only=True):
    """Time limit to sign after a dispatch."""

    channel: Annotated[str, ANY_CHANNEL]
    days: Annotated[int, Meta(ge=1, le=60)]
    count: Count
    clause: Clause


class DeadlineRules(RuleFile, frozen=True, kw_only=True):
    """One version of the limits.

    Complete and validated; rows are tried in order.

    Attributes:
        reminder_percent: Share of a limit after which the handler is reminded.
        follow_up_days: Calendar days from performance to the follow-up visit.
        terms: Limits.
        extensions: Of mediation terms and statutory limits.
        sign_off: Sign-off limits; the last fits every channel.
    """

    reminder_percent: Annotated[int, Meta(ge=1, le=99, title="提醒时点（期限的百分之几） Reminder at this percentage")]
    follow_up_days: Annotated[Days, Meta(title="履行后多少日回访 Days from the performance to the follow-up visit")]
    terms: Annotated[tuple[Term, ...], Meta(title="期限 Terms")]
    extensions: Annotated[tuple[ExtensionRule, ...], Meta(title="延期 Extensions")]
    sign_off: Annotated[tuple[SignOff, ...], Meta(title="签收期限 Sign-off limits")]

    @override
    def gaps(self) -> Iterator[Gap]:
        if not any(term.kind == "mediation" and term.fits_all() for term in self.terms):
            yield Gap("terms", "缺少适用于所有渠道的调解期限", "a mediation term for every channel is needed")
        if not self.sign_off or self.sign_off[-1].channel:
            yield Gap("sign_off", "最后一行须适用于所有渠道", "the last row has to match every channel")


class LimitCase(Struct, frozen=True):
    """What a limit depends on."""

    channel: str
    regime: str
    procedure: str
    received_on: date


def term_of(kind: TermKind, matter: LimitCase, rules: DeadlineRules) -> Term | None:
    """Return the limit of a kind.

    None when there is none for such a matter.
    """
    return next((term for term in rules.terms if term.kind == kind and term.fits(matter)), None)


def extension_of(limit: Extendable, matter: LimitCase, rules: DeadlineRules) -> ExtensionRule | None:
    """Return the rule that extends a limit.

    None when it has no extension.
    """
    return next((rule for rule in rules.extensions if rule.limit == limit and rule.fits(matter)), None)


def last_day(name: DateName, start: date, spans: tuple[Span, ...], calendar: Calendar) -> LastDay:
    """Return the last day of a limit.

    Args:
        name: Which limit.
        start: Day of the event, not counted.
        spans: The limit, then its extensions, each from the end of the one before.
        calendar: Knows the days off.
    """
    day, missing = start, None
    for span in spans:
        due = calendar.workday_due(day, span.days) if span.working else calendar.calendar_due(day, span.days)
        day, missing = due.day, due.missing_year if missing is None else missing
    return LastDay(day, None if missing is None else ProvisionalDate(name, day, start, spans, missing))


def span_of(limit: Term | SignOff) -> Span:
    """Return how a limit is counted."""
    return Span(limit.days, limit.count == "workday")


def sign_off_of(channel: str, rules: DeadlineRules) -> SignOff:
    """Return the sign-off limit of a channel."""
    for row in rules.sign_off:
        if row.channel in {"", channel}:
            return row
    raise Fault("rules_invalid", f"no sign-off limit fits channel {channel}")
