"""Time limits: days, count and clause.

The rules come from data files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Final, Literal, Protocol

from msgspec import Meta, Struct
from typing_extensions import override

from dispute.lifecycle import DateName, Extension, Milestone, ProvisionalDate, Span
from hub.errors import Fault
from services.intake.law.rule_rows import (
    ANY_CHANNEL,
    ANY_MEDIATION_KIND,
    ANY_REGIME,
    ANY_STAGE,
    CHANNELS,
    ROLES,
    STATES,
    Clause,
    DatedRow,
    Gap,
    RuleFile,
    RuleRow,
)
from services.intake.law.screening import within

Count = Literal["calendar", "workday"]
TermKind = Literal["mediation", "statutory", "local", "screening"]
Extendable = Literal["mediation", "statutory"]
Extender = Literal["parties", "leader"]
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

    An empty condition fits everything.

    Attributes:
        kind: What it limits.
        channel: Channel.
        regime: Of the court.
        stage: Of the suit: before filing, or in litigation.
        procedure: Of the suit.
        category: First digits of the dispute category.
        cause: The source's own class.
        mediation_kind: Who mediates.
        days: Length.
        count: How its days are counted.
        clause: What it rests on.
    """

    kind: TermKind
    channel: Annotated[str, ANY_CHANNEL]
    regime: Annotated[str, ANY_REGIME] = ""
    stage: Annotated[str, ANY_STAGE] = ""
    procedure: str = ""
    category: str = ""
    cause: str = ""
    mediation_kind: Annotated[str, ANY_MEDIATION_KIND] = ""
    days: Days
    count: Count
    clause: Clause

    def fits(self, matter: LimitCase) -> bool:
        """Tell whether the limit holds for a matter."""
        return (
            (not self.channel or self.channel == matter.channel)
            and (not self.regime or self.regime == matter.regime)
            and (not self.stage or self.stage == matter.stage)
            and (not self.procedure or self.procedure == matter.procedure)
            and matter.category.startswith(self.category)
            and (not self.cause or self.cause == matter.cause)
            and (not self.mediation_kind or self.mediation_kind == matter.mediation_kind)
            and within(matter.received_on, self.valid_from, self.valid_until)
        )

    def fits_all(self) -> bool:
        """Tell whether the limit holds for every matter."""
        conditions = (self.channel, self.regime, self.stage, self.procedure, self.category, self.cause)
        return not any((*conditions, self.mediation_kind, self.valid_from, self.valid_until))


class ExtensionRule(DatedRow, frozen=True, kw_only=True):
    """An extension that a limit may have.

    A limit without a rule has none.

    Attributes:
        limit: Limit that is extended.
        by: Who extends it: the parties by consent, or the leader of the organ that approves it.
        channels: Channels it applies to.
        regime: Of the court; empty fits every one.
        days: Days granted at a time; none is as many as all sides agree.
        count: How its days are counted.
        once: Not again after the first time.
    """

    limit: Extendable
    by: Extender
    channels: Annotated[frozenset[Annotated[str, CHANNELS]], Meta(min_length=1)]
    regime: Annotated[str, ANY_REGIME] = ""
    days: Days | None = None
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


class StateLimit(RuleRow, frozen=True, kw_only=True):
    """How long a dispute may stay in a state that no other limit ends.

    Attributes:
        state: Which state.
        channel: Channel it holds for; empty fits every one.
        owner: Role that has to act.
        days: Length, from the day on which the state was reached.
        count: How its days are counted.
        clause: What it rests on.
    """

    state: Annotated[str, STATES]
    channel: Annotated[str, ANY_CHANNEL] = ""
    owner: Annotated[str, ROLES]
    days: Days
    count: Count
    clause: Clause


class MilestoneLimit(RuleRow, frozen=True, kw_only=True):
    """Limit of a first petition's milestone, from the registration."""

    milestone: Milestone
    days: Days
    count: Count
    clause: Clause


class SecondAttempt(RuleRow, frozen=True, kw_only=True):
    """Time for a further mediation after a failed one.

    Attributes:
        channel: Channel.
        cause: The source's own class; empty fits every one.
        mediation_kind: Who mediates then; empty fits everybody.
        days: Within which it begins; it ends with them too, unless it has a term of its own.
        own_term: It has the mediation term of its kind, from its begin.
    """

    channel: Annotated[str, CHANNELS]
    cause: str = ""
    mediation_kind: Annotated[str, ANY_MEDIATION_KIND] = ""
    days: Days
    count: Count
    own_term: bool = False
    clause: Clause


class DeadlineRules(RuleFile, frozen=True, kw_only=True, dict=True):
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
        supervised_days: Calendar days after a limit's end at which the matter is supervised.
        escalated_days: Calendar days after a limit's end at which a leader takes it.
        paper_days: Calendar days between what happened and its writing, after which no alarm is taken back by it.
        paper_after_hours: Older than that when it is written, paper is late.
        paper_wait_hours: How long alarms wait after late paper for the rest of it.
    """

    reminder_percent: Annotated[int, Meta(ge=1, le=99, title="提醒时点（期限的百分之几） Reminder at this percentage")]
    follow_up_days: Annotated[Days, Meta(title="履行后多少日回访 Days from the performance to the follow-up visit")]
    terms: Annotated[tuple[Term, ...], Meta(title="期限 Terms")]
    extensions: Annotated[tuple[ExtensionRule, ...], Meta(title="延期 Extensions")]
    sign_off: Annotated[tuple[SignOff, ...], Meta(title="签收期限 Sign-off limits")]
    states: Annotated[tuple[StateLimit, ...], Meta(title="各环节停留期限 Limits of states")]
    milestones: Annotated[tuple[MilestoneLimit, ...], Meta(title="初信初访节点 Milestones of first petitions")]
    milestones_in_order: Annotated[bool, Meta(title="节点须依次完成 Milestones in their order")]
    second_attempts: Annotated[tuple[SecondAttempt, ...], Meta(title="再次调解 Further attempts")]
    supervised_days: Annotated[Days, Meta(title="超期后多少日督办 Days after a limit until it is supervised")]
    escalated_days: Annotated[Days, Meta(title="超期后多少日领导包案 Days after a limit until a leader takes it")]
    paper_days: Annotated[Days, Meta(title="补录最长日数 Days within which late paper takes an alarm back")]
    paper_after_hours: Annotated[Days, Meta(title="迟于多少小时为补录 Paper older than these hours is late")]
    paper_wait_hours: Annotated[Days, Meta(title="补录后提醒、报警等候小时数 Hours that alarms wait after late paper")]

    @cached_property
    def terms_of(self) -> Mapping[tuple[str, str], tuple[Term, ...]]:
        """Kind and channel -> the limits among which one may fit, in their order."""
        keys = {(term.kind, channel) for term in self.terms for channel in CHANNELS.codes}
        return {
            (kind, channel): tuple(term for term in self.terms if term.kind == kind and term.channel in {"", channel})
            for kind, channel in keys
        }

    @cached_property
    def state_of(self) -> Mapping[tuple[str, str], StateLimit]:
        """State and channel -> the limit of that state."""
        found: dict[tuple[str, str], StateLimit] = {}
        for row in self.states:
            for channel in CHANNELS.codes:
                if row.channel in {"", channel}:
                    found.setdefault((row.state, channel), row)
        return found

    @override
    def gaps(self) -> Iterator[Gap]:
        if not any(term.kind == "mediation" and term.fits_all() for term in self.terms):
            yield Gap("terms", "缺少适用于所有渠道的调解期限", "a mediation term for every channel is needed")
        if not self.sign_off or self.sign_off[-1].channel:
            yield Gap("sign_off", "最后一行须适用于所有渠道", "the last row has to match every channel")
        if not any(term.kind == "screening" and term.fits_all() for term in self.terms):
            yield Gap("terms", "缺少适用于所有渠道的甄别期限", "a screening term for every channel is needed")
        if self.escalated_days <= self.supervised_days:
            zh, en = "领导包案须晚于督办", "a leader takes it later than it is supervised"
            yield Gap("escalated_days", zh, en, ("supervised_days",))


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
    for term in rules.terms_of.get((kind, matter.channel), ()):
        if term.fits(matter):
            return term
    return None


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
        due = counted_end(day, span.days, "workday" if span.working else "calendar", calendar)
        day, missing = due.day, due.missing_year if missing is None else missing
    return LastDay(day, None if missing is None else ProvisionalDate(name, day, start, spans, missing))


def counted_end(start: date, days: int, count: Count, calendar: Calendar) -> CountedEnd:
    """Return the last day of one span."""
    return calendar.workday_due(start, days) if count == "workday" else calendar.calendar_due(start, days)


def span_of(limit: Term | SignOff | StateLimit | MilestoneLimit | SecondAttempt) -> Span:
    """Return how a limit is counted."""
    return Span(limit.days, limit.count == "workday")


def sign_off_of(channel: str, rules: DeadlineRules) -> SignOff:
    """Return the sign-off limit of a channel."""
    for row in rules.sign_off:
        if row.channel in {"", channel}:
            return row
    raise Fault("rules_invalid", f"no sign-off limit fits channel {channel}")
