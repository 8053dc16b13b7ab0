"""Time limits: days, count and clause.

The rules come from data files.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal, Protocol

from msgspec import Struct

from dispute.lifecycle import DateName, Extension, Milestone, ProvisionalDate, Span
from hub.errors import Fault
from services.intake.law.screening import within

Count = Literal["calendar", "workday"]
TermKind = Literal["mediation", "statutory", "local", "screening"]
Extendable = Literal["mediation", "statutory"]
Extender = Literal["parties", "leader"]
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


class Term(Struct, frozen=True):
    """One limit.

    An empty condition fits everything.

    Attributes:
        kind: What it limits.
        channel: Channel.
        regime: Of the court.
        procedure: Of the suit.
        days: Length.
        count: How its days are counted.
        clause: What it rests on.
        stage: Of the suit.
        category: First digits of the dispute category.
        cause: The source's own class.
        mediation_kind: Who mediates.
        valid_from: First day of receipt it holds for; None is always.
        valid_until: Last day of receipt it holds for; None is open.
    """

    kind: TermKind
    channel: str
    regime: str
    procedure: str
    days: int
    count: Count
    clause: str
    stage: str = ""
    category: str = ""
    cause: str = ""
    mediation_kind: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    def fits(self, matter: LimitCase) -> bool:
        """Tell whether the limit holds for a matter."""
        return (
            self.channel in {"", matter.channel}
            and self.regime in {"", matter.regime}
            and self.procedure in {"", matter.procedure}
            and self.stage in {"", matter.stage}
            and matter.category.startswith(self.category)
            and self.cause in {"", matter.cause}
            and self.mediation_kind in {"", matter.mediation_kind}
            and within(matter.received_on, self.valid_from, self.valid_until)
        )


class ExtensionRule(Struct, frozen=True):
    """An extension that a limit may have.

    A limit without a rule has none.

    Attributes:
        limit: Limit that is extended.
        by: Who extends it: the parties by consent, or the leader of the organ that approves it.
        channels: Channels it applies to.
        regime: Of the court; empty fits every one.
        count: How its days are counted.
        grants: Days granted, with the clause.
        valid_from: First day of receipt it holds for; None is always.
        valid_until: Last day of receipt it holds for; None is open.
    """

    limit: Extendable
    channels: frozenset[str]
    regime: str
    count: Count
    grants: Extension
    by: Extender = "parties"
    stage: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    def fits(self, matter: LimitCase) -> bool:
        """Tell whether the rule holds for a matter."""
        return (
            matter.channel in self.channels
            and self.regime in {"", matter.regime}
            and self.stage in {"", matter.stage}
            and within(matter.received_on, self.valid_from, self.valid_until)
        )


class SignOff(Struct, frozen=True):
    """Time limit to sign after a dispatch."""

    channel: str
    days: int
    count: Count
    clause: str


class StateLimit(Struct, frozen=True):
    """How long a dispute may stay in a state that no other limit ends.

    Attributes:
        state: State; its value.
        owner: Role that has to act.
        channel: Channel it holds for; empty fits every one.
    """

    state: str
    days: int
    count: Count
    clause: str
    owner: str
    channel: str = ""


class MilestoneLimit(Struct, frozen=True):
    """Limit of a first petition's milestone, from the registration."""

    milestone: Milestone
    days: int
    count: Count
    clause: str


class Ladder(Struct, frozen=True):
    """Calendar days after a limit's end at which supervision rises."""

    supervised_days: int = 3
    escalated_days: int = 7


class LatePaper(Struct, frozen=True):
    """How late paper may come.

    Attributes:
        days: Calendar days between what happened and its writing, after which no alarm is taken back by it.
        after_hours: Older than that when it is written, paper is late.
        wait_hours: How long alarms wait after late paper for the rest of it.
    """

    days: int = 90
    after_hours: int = 24
    wait_hours: int = 24


class SecondAttempt(Struct, frozen=True):
    """A further mediation after a failed one."""

    channel: str
    days: int
    count: Count
    clause: str
    cause: str = ""
    mediation_kind: str = ""


class DeadlineRules(Struct, frozen=True):
    """One version of the limits.

    Complete and validated; rows are tried in order.

    Attributes:
        reminder_percent: Share of a limit after which the handler is reminded.
        follow_up_days: Calendar days from performance to the follow-up visit.
        terms: Limits.
        extensions: Of mediation terms and statutory limits.
        sign_off: Sign-off limits; the last fits every channel.
        states: Limits of states that no other limit ends.
        milestones: Limits of a first petition's milestones; empty where the county has none.
        milestones_in_order: A milestone before an earlier one is refused.
        second_attempts: Further mediations after a failed one.
        ladder: How supervision rises after a limit's end.
        paper: How late paper may come.
    """

    reminder_percent: int
    follow_up_days: int
    terms: tuple[Term, ...]
    extensions: tuple[ExtensionRule, ...]
    sign_off: tuple[SignOff, ...]
    states: tuple[StateLimit, ...] = ()
    milestones: tuple[MilestoneLimit, ...] = ()
    milestones_in_order: bool = True
    second_attempts: tuple[SecondAttempt, ...] = ()
    ladder: Ladder = Ladder()
    paper: LatePaper = LatePaper()


class LimitCase(Struct, frozen=True):
    """What a limit depends on."""

    channel: str
    regime: str
    procedure: str
    received_on: date
    stage: str = ""
    category: str = ""
    cause: str = ""
    mediation_kind: str = ""


def term_of(kind: TermKind, matter: LimitCase, rules: DeadlineRules) -> Term | None:
    """Return the limit of a kind.

    None when there is none for such a matter.
    """
    return next((term for term in rules.terms if term.kind == kind and term.fits(matter)), None)


def extension_of(by: Extender, matter: LimitCase, rules: DeadlineRules) -> ExtensionRule | None:
    """Return the rule by which somebody extends a limit.

    None when there is no such extension.
    """
    return next((rule for rule in rules.extensions if rule.by == by and rule.fits(matter)), None)


def second_attempt_of(matter: LimitCase, rules: DeadlineRules) -> SecondAttempt | None:
    """Return the rule of a further mediation; None when there is none."""
    for row in rules.second_attempts:
        fits = row.cause in {"", matter.cause} and row.mediation_kind in {"", matter.mediation_kind}
        if fits and row.channel == matter.channel:
            return row
    return None


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


def span_of(limit: Term | SignOff | StateLimit | MilestoneLimit | SecondAttempt) -> Span:
    """Return how a limit is counted."""
    return Span(limit.days, limit.count == "workday")


def sign_off_of(channel: str, rules: DeadlineRules) -> SignOff:
    """Return the sign-off limit of a channel."""
    for row in rules.sign_off:
        if row.channel in {"", channel}:
            return row
    raise Fault("rules_invalid", f"no sign-off limit fits channel {channel}")
