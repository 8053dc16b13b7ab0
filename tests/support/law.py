"""Drives the law by facts: a case comes in, things happen on days, and the rules say what follows.

Nothing here decides anything: every answer comes from the functions that intake itself calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields, replace

from dispute.lifecycle import (
    Actor,
    Agree,
    BeginMediation,
    Channel,
    Command,
    Dimensions,
    Dispatch,
    DispatchMode,
    Dispute,
    Event,
    EventKind,
    Instruction,
    Level,
    MadeBy,
    MediationKind,
    OutcomeForm,
    Recurrence,
    Role,
    Sign,
    Supervision,
    business_day,
    decide,
    dispute_id_of,
    evolve,
)
from dispute.refusals import commands
from hub.errors import Code, Refusal
from services.intake.cases.tasks import CLOCK
from services.intake.law import timers as timing
from services.intake.law.completion import complete
from services.intake.law.facts import Consent, Facts
from services.intake.law.handoff import Arrival, LaterFact, Ruling, Withdrawal
from services.intake.law.later_facts import Situation, react
from services.intake.law.registration import enter
from services.intake.law.rulebook import Rulebook
from services.intake.law.timers import Step, Timer
from tests.support.families import COUNTY_ROWS, FAMILIES, SEEN_IN_A_COUNTY
from tests.support.intake import BOOK, TONGDAO_BOOK

ORGANS: Final = {"court": "court-620725", "police": "police-620725", "petition": "petition-620725"}
DIGEST: Final = "ab" * 32
REF: Final = "（2024）1号"
MORNING: Final = timedelta(hours=2)
"""After midnight in UTC: ten o'clock in the county."""
CLAUSES: Final = {code.name: code.clause for code in vars(commands).values() if isinstance(code, Code)}
SETS_A_TERM: Final = {EventKind.SIGNED, EventKind.MEDIATION_BEGUN, EventKind.EXTENDED, EventKind.RESUMED}
Telling = LaterFact | Withdrawal | Ruling


class Said(Struct, frozen=True):
    """What the rules said last.

    Attributes:
        decision: Type of the event, with what it decides beside; `refused` for a refusal.
        reason: Its code.
        clause: What it rests on.
        due: Date that it sets, or whose end it reports.
    """

    decision: str
    reason: str = ""
    clause: str = ""
    due: date | None = None


class Ring(Struct, frozen=True):
    """Time passes until a step of a limit has fired."""

    limit: str
    step: Step


class Happening(Struct, frozen=True):
    """What happens on a day: an instruction of somebody, or news of the source."""

    day: date
    what: Instruction | Telling
    role: Role = Role.CLERK


StepOfRow = Happening | Ring


class Row(Struct, frozen=True, kw_only=True):
    """One row of a family's table.

    Attributes:
        name: What it shows.
        facts: What the source recorded.
        steps: What happens then.
        says: What the rules say at the end.
        county: By the rules of the example of a county.
        recurrence: First petition, or a repeated one.
    """

    name: str
    facts: Facts
    steps: tuple[StepOfRow, ...] = ()
    says: Said
    county: bool = False
    recurrence: Recurrence = Recurrence.FIRST

    @property
    def book(self) -> Rulebook:
        """The rules that the row stands for."""
        return TONGDAO_BOOK if self.county else BOOK


def on(day: str, what: Instruction | Telling, role: Role = Role.CLERK) -> Happening:
    """Return what happens on a day, written as 2024-03-04."""
    return Happening(date.fromisoformat(day), what, role)


def at_window(**changes: Any) -> Facts:  # noqa: ANN401 - any field of Facts
    """Return a case that the parties brought to a window of the centre."""
    facts = Facts(
        channel="window",
        received_on=date(2024, 3, 4),
        sent_on=date(2024, 3, 5),
        category="06",
        relation_clarity="clear",
        facts_clarity="clear",
        consents=(Consent("applicant", "given"), Consent("respondent", "given")),
    )
    return replace(facts, **changes)


def with_circumstance(facts: Facts, *circumstances: str) -> Facts:
    """Return a case with circumstances that its source recorded."""
    return replace(facts, circumstances=frozenset(circumstances))


def agreed(*subjects: str, by: MadeBy = MadeBy.PEOPLE_COMMITTEE, confirmable: bool = True) -> Agree:
    """Return an agreement, called confirmable."""
    return Agree(OutcomeForm.AGREEMENT, signed_by_all=True, made_by=by, confirmable=confirmable, subjects=subjects)


def signed(day: str, kind: MediationKind = MediationKind.NONE) -> tuple[StepOfRow, ...]:
    """Return the dispatch and the signature of an accepted case."""
    dispatch = Dispatch("justice-bureau", (), Level.COUNTY, DispatchMode.ASSIGNED, mediation_kind=kind)
    return (on(day, dispatch), on(day, Sign()))


def mediating(day: str, kind: MediationKind = MediationKind.PEOPLE) -> tuple[StepOfRow, ...]:
    """Return the way of an accepted case into mediation."""
    return (*signed(day, kind), on(day, begun(kind)))


def begun(kind: MediationKind = MediationKind.PEOPLE) -> BeginMediation:
    """Return a lawful beginning of a mediation."""
    return BeginMediation(
        "m-17", kind, parties_accepted_mediator=True, no_conflict_of_interest=True, rights_notice_given=True
    )


class LegalCase:
    """One case and everything that happened to it, with its timers.

    Attributes:
        dispute: As it stands; None when nothing registered it.
        facts: What the source recorded, as it stands now.
        last: Events of the last step, or its refusal.
        timers: Next step of each limit that runs.
    """

    def __init__(self, facts: Facts, book: Rulebook = BOOK, recurrence: Recurrence = Recurrence.FIRST) -> None:
        self.book, self.facts = book, facts
        self.dispute: Dispute | None = None
        self.timers: dict[str, Timer] = {}
        self.events: list[Event] = []
        self.at = datetime.combine(facts.sent_on, datetime.min.time(), UTC) + MORNING
        channel = Channel(facts.channel)
        self.organ = ORGANS.get(facts.channel, "centre-620725")
        dimensions = Dimensions(
            channel,
            self.organ,
            county_code="620725",
            category=facts.category,
            case_cause=facts.case_cause,
            recurrence=recurrence if channel is Channel.PETITION else Recurrence.NONE,
        )
        arrival = Arrival(facts, dimensions, REF, 0)
        self.last: list[Event] | Refusal = []
        orders, _ = enter(arrival, self.organ, (), book)
        self._carry_out(orders, Actor(Role.SYSTEM, "screening"), self.at)

    @property
    def known(self) -> Dispute:
        """The dispute, which is registered."""
        assert self.dispute is not None
        return self.dispute

    def step(self, what: StepOfRow) -> LegalCase:
        """Let one thing happen."""
        assert not isinstance(self.last, Refusal), self.last
        if isinstance(what, Ring):
            return self._ring(what)
        morning = datetime.combine(what.day, datetime.min.time(), UTC) + MORNING
        # Several things of one day follow each other.
        at = max(morning, self.at + timedelta(minutes=1)) if business_day(self.at) == what.day else morning
        self.at = at
        if not isinstance(what.what, Telling):
            self._carry_out((what.what,), Actor(what.role, "a-1"), at)
            return self
        reaction = react(Situation(self.known, self.facts, at, bytes.fromhex(DIGEST)), what.what, self.book)
        if isinstance(reaction, Refusal):
            self.last = reaction
            return self
        self.facts = reaction.facts or self.facts
        role = Role.COURT if isinstance(what.what, Ruling) else Role.AGENCY
        self._carry_out(reaction.orders, Actor(role, "a-1"), at)
        return self

    def _ring(self, what: Ring) -> LegalCase:
        while True:
            timer = self.timers.pop(what.limit, None)
            if timer is None:
                self.last = []
                return self
            orders = timing.instructions_at(timer, self.known, self.book)
            self._carry_out(orders, CLOCK, max(timer.due_at, self.known.registered_at))
            if what.limit not in self.timers:
                now = timing.running(self.known, self.book)
                following = timing.following(timer, self.known, now, self.book)
                self.timers |= {} if following is None else {what.limit: following}
            if timer.step is what.step or isinstance(self.last, Refusal):
                return self

    def _carry_out(self, orders: Sequence[Instruction], actor: Actor, at: datetime) -> None:
        events: list[Event] = []
        for order in orders:
            ran = {} if self.dispute is None else timing.running(self.dispute, self.book)
            name = f"c-{len(self.events)}"
            command = Command(name, dispute_id_of(self.organ, REF), actor, at, order)
            decided = decide(
                self.dispute,
                command,
                lambda state, given: complete(given, state, self.facts, self.book, business_day(at)),
            )
            if isinstance(decided, Refusal):
                self.last = decided
                return
            for event in decided:
                self.dispute = evolve(self.dispute, event)
                self._set_timers(event, ran)
                events.append(event)
        self.events += events
        self.last = events

    def _set_timers(self, event: Event, ran: Any) -> None:  # noqa: ANN401 - limits by name
        now = timing.running(self.known, self.book)
        self.timers = {limit: timer for limit, timer in self.timers.items() if limit in now}
        self.timers |= {timer.limit: timer for timer in timing.changed_by(event, ran, self.known, now, self.book)}

    def said(self) -> Said:
        """Return what the rules said last."""
        if isinstance(self.last, Refusal):
            return Said("refused", self.last.code, _clause_of(self.last))
        # A warning colour stands beside what was decided.
        decided = [event for event in self.last if event.type is not EventKind.COLOUR_CHANGED]
        events = [event for event in decided if getattr(event.payload, "clause", "")] or decided
        return said_by(events[-1]) if events else Said("nothing")


def _clause_of(refusal: Refusal) -> str:
    """Return the clause of the rule that bounds what was asked, else that of the refusal itself."""
    why = refusal.detail.partition("）: ")[2]
    return why.partition(": ")[2] or CLAUSES.get(refusal.code, "")


def said_by(event: Event) -> Said:
    """Return what an event says."""
    payload: Any = event.payload
    beside = [str(getattr(payload, name, "") or "") for name in ("target", "penalty", "supervision", "milestone")]
    beside += [name for name in ("confirmable", "severable", "late", "transitional") if getattr(payload, name, False)]
    decision = ", ".join([event.type.value, *(each for each in beside if each)])
    return Said(decision, event.reason_code, getattr(payload, "clause", ""), _date_of(event))


def _date_of(event: Event) -> date | None:
    """Return the date that an event sets, or whose end it reports."""
    payload: Any = event.payload
    reminds = getattr(payload, "supervision", None) is Supervision.REMINDED
    ends = event.type in {EventKind.SUPERVISED, EventKind.FOLLOW_UP_BEGUN} or event.limit != ""
    named = [getattr(payload, name, None) for name in ("wait_until", "confirm_by", "due_on")]
    day: date | None = next((each for each in named if each is not None), None)
    if reminds or ends:
        day = business_day(event.occurred_at - timedelta(seconds=0 if reminds else 1))
    elif event.type is EventKind.DISPATCHED and payload.sign_by is not None:
        day = business_day(payload.sign_by - timedelta(seconds=1))
    elif event.type in SETS_A_TERM:
        day = event.cohort.statutory_due_on if event.transition == "T13b" else event.cohort.due_on
    return day


def answer(row: Row, book: Rulebook | None = None) -> Said:
    """Return what the rules say of a row."""
    case = LegalCase(row.facts, book or row.book, row.recurrence)
    for step in row.steps:
        if isinstance(case.last, Refusal):
            break
        case.step(step)
    return case.said()


class ChangedRule(Struct, frozen=True):
    """A rule with a mistake in it: the name of the mistake, and the rules with it."""

    name: str
    book: Rulebook
    county: bool

    def red_rows(self, rows: Sequence[Row]) -> list[str]:
        """Return the rows of a table that say something else by these rules."""
        return [row.name for row in rows if self.county == row.county and answer(row, self.book) != row.says]


def changed_rules(family: str) -> tuple[ChangedRule, ...]:
    """Return every rule of a family with each mistake: other days, another clause, validity or set of values."""
    return tuple(_changed(family))


def _changed(family: str) -> Iterator[ChangedRule]:
    for part, ids in FAMILIES[family].items():
        file, _, section = part.partition(".")
        for name in ids:
            county = name in {*COUNTY_ROWS, *SEEN_IN_A_COUNTY}
            book = TONGDAO_BOOK if county else BOOK
            rules = getattr(book, file)
            for mistake, changed in _mistakes(rules, section, name):
                yield ChangedRule(f"{section or file} {name}: {mistake}", replace(book, **{file: changed}), county)


def _mistakes(rules: Any, section: str, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any rule file
    if not section:
        for mistake, value in _wrong(name, getattr(rules, name)):
            yield mistake, replace(rules, **{name: value})
        return
    rows = getattr(rules, section)
    (place,) = (number for number, row in enumerate(rows) if row.id == name)
    for field in fields(rows[place]):
        for mistake, value in _wrong(field.name, getattr(rows[place], field.name)):
            row = replace(rows[place], **{field.name: value})
            yield mistake, replace(rules, **{section: (*rows[:place], row, *rows[place + 1 :])})


def _wrong(name: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any value of a rule
    if name.endswith("clause"):
        yield name, f"{value}（改）"
    elif isinstance(value, bool):
        if name in {"once", "own_term", "undocked", "milestones_in_order"}:
            yield name, not value
    elif isinstance(value, int):
        yield f"{name} + 1", value + 1
    elif isinstance(value, date):
        # A first day that is too early is hidden by the row before, whose last day it would be.
        yield f"{name} a day later", value + timedelta(days=1)
    elif name == "count":
        yield name, "workday" if value == "calendar" else "calendar"
    elif isinstance(value, frozenset) and name in {"values", "unless", "guardian_needed", "needs"}:
        # Values of a closed list of the sources: each is tested by itself.
        for each in sorted(value):
            yield f"{name} without {each}", value - {each}
