"""Fills in dates that the law fixes.

A command may leave a date open; the rules count it before the command is decided. What the rules forbid is noted in the
command's limit, and `decide` refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import (
    Agree,
    ApplyForConfirmation,
    BeginMediation,
    Channel,
    Command,
    DateName,
    Dispatch,
    Dispute,
    EventKind,
    Extend,
    Instruction,
    Limit,
    Penalty,
    ReachMilestone,
    RecordNonPerformance,
    RecordPerformance,
    Register,
    RequestInformation,
    Resume,
    Role,
    Sign,
    Span,
    State,
    Supervise,
    business_day,
    end_of,
)
from services.intake.law.bars import bar_of, barred_part, penalty_of
from services.intake.law.bounds import bounded, cut_of, days_given
from services.intake.law.clauses import clause_of_limit, milestone_limit
from services.intake.law.deadlines import (
    LastDay,
    LimitCase,
    Term,
    extension_of,
    last_day,
    second_attempt_of,
    sign_off_of,
    span_of,
    term_of,
)
from services.intake.law.facts import Facts
from services.intake.law.rulebook import Rulebook

CONFIRMATION: Final = (Span(30),)
"""Both sides apply for judicial confirmation within 30 days of the agreement (民诉法 205)."""

AGREED_MOST: Final = 3650
"""Days of one extension that no rule bounds; more is a slip of the pen, and no calendar counts it."""


class Asked(Struct, frozen=True):
    """One command whose dates are open.

    Attributes:
        command: As it came.
        dispute: State before it.
        facts: What its source recorded; None where that is not known.
        matter: What its limits depend on.
        day: Business day of the command.
        book: Rules.
    """

    command: Command
    dispute: Dispute
    facts: Facts | None
    matter: LimitCase
    day: date
    book: Rulebook


def complete(command: Command, dispute: Dispute | None, facts: Facts | None, book: Rulebook, today: date) -> Command:
    """Return the command with its open dates filled in.

    It also carries what the rules and the calendar give for it. A date that reaches a year without a holiday table is
    filled in too, and marked in `counted`. A date of the caller stays as it is; where it has to follow from other
    dates, the machine compares it with the calendar's answer in `limit`.

    Args:
        command: As it came.
        dispute: State before it.
        facts: What its source recorded; None where that is not known.
        book: Rules.
        today: Business day on which the command is written down.
    """
    order = command.instruction
    if dispute is None:
        return _by(_registered(command, order, book), book) if isinstance(order, Register) else command
    done = command
    fill = FILLS.get(type(order))
    if fill is not None:
        day = business_day(command.occurred_at)
        done = fill(Asked(command, dispute, facts, matter_of(dispute, facts, day), day, book), order)
        bar = bar_of(done.instruction, dispute, facts, book)
        if bar is not None:
            done = replace(done, limit=replace(done.limit, bar=bar.code, clause=bar.clause))
        done = command if done is command else _by(done, book)
    if dispute.checkpoints or dispute.alarms:
        last = business_day(command.occurred_at) + timedelta(days=book.deadlines.paper_days)
        done = replace(done, limit=replace(done.limit, too_late=today > last))
    return done


def _by(command: Command, book: Rulebook) -> Command:
    """Name the rules that a command's dates rest on."""
    return replace(command, limit=replace(command.limit, rule_version=book.version))


def _registered(command: Command, order: Register, book: Rulebook) -> Command:
    """Fill in a petition's two limits.

    They run from its registration (信访工作条例 34).
    """
    of = order.dimensions
    matter = LimitCase(
        of.channel,
        of.regime,
        order.procedure,
        order.received_on,
        order.stage,
        of.category,
        of.case_cause,
    )
    terms = [term_of(kind, matter, book.deadlines) for kind in ("local", "statutory")]
    names = (DateName.LOCAL_DUE_ON, DateName.STATUTORY_DUE_ON)
    local, statutory = (
        _end_of_term(name, term, order.received_on, book) for name, term in zip(names, terms, strict=True)
    )
    done = replace(order, local_due_on=_day_of(local), statutory_due_on=_day_of(statutory))
    return _with(command, done, _clauses(*terms), local, statutory)


def _request(at: Asked, order: RequestInformation) -> Command:
    """Say why the first of what is lacking is needed, and until when the screening waits."""
    if not order.missing:
        return at.command
    why = at.book.screening.clause_of(order.missing[0])
    if order.wait_until is not None or at.dispute.screen_by is not None:
        return replace(at.command, limit=Limit(clause=why))
    term = term_of("screening", at.matter, at.book.deadlines)
    due = _end_of_term(DateName.SCREEN_BY, term, at.day, at.book)
    return _with(at.command, replace(order, wait_until=_day_of(due)), (why, *_clauses(term)), due)


def _dispatch(at: Asked, order: Dispatch) -> Command:
    if order.sign_by is not None:
        return at.command
    limit = sign_off_of(at.matter.channel, at.book.deadlines)
    due = last_day(DateName.SIGN_BY, at.day, (span_of(limit),), at.book.calendar)
    return _with(at.command, replace(order, sign_by=end_of(due.day)), (limit.clause,), due)


def _sign(at: Asked, order: Sign) -> Command:
    """Fill in the mediation term, which runs from the signature (特邀调解规定 27(3))."""
    if order.due_on is not None or at.dispute.term_runs or at.dispute.cohort.due_on is not None:
        return at.command
    due, clauses = _mediation_term(at)
    return _with(at.command, replace(order, due_on=_day_of(due)), clauses, due)


def _mediation_term(at: Asked) -> tuple[LastDay | None, tuple[str, ...]]:
    """Return the end of a mediation term that begins now, and the clauses it rests on."""
    term = term_of("mediation", at.matter, at.book.deadlines)
    due = _end_of_term(DateName.DUE_ON, term, at.day, at.book)
    if due is None or term is None:
        return None, ()
    cut = bounded(due, at.dispute, at.matter, at.day, at.book)
    return cut.due, _each_once(term.clause, cut.clause)


def _begin(at: Asked, order: BeginMediation) -> Command:
    """Fill in a term that begins with the mediation.

    After a refused confirmation the term runs anew; after a failure there is only a further attempt. Who mediates may
    be known only now, and the term of a traffic accident depends on it (道路交通事故处理程序规定 90).
    """
    kind = order.mediation_kind
    asked = replace(at, matter=replace(at.matter, mediation_kind=kind))
    match at.dispute.state:
        case State.JC_REFUSED:
            return _begun(asked, order, *_mediation_term(asked))
        case State.FAILED:
            return _again(asked, order)
        case State.SIGNED if kind != at.matter.mediation_kind:
            return _by_another(at, asked, order)
        case _:
            return at.command


def _begun(at: Asked, order: BeginMediation, due: LastDay | None, clauses: tuple[str, ...]) -> Command:
    return replace(_with(at.command, order, clauses, due), limit=Limit(_day_of(due), "; ".join(clauses)))


def _again(at: Asked, order: BeginMediation) -> Command:
    """Fill in the days of a further attempt, or the term that it has of its own."""
    rule, failed_on = second_attempt_of(at.matter, at.book.deadlines), at.dispute.failed_on
    if rule is None or failed_on is None:
        return at.command
    begin_by = last_day(DateName.DUE_ON, failed_on, (span_of(rule),), at.book.calendar)
    due, clauses = _mediation_term(at) if rule.own_term else (begin_by, ())
    done = _begun(at, order, due, (rule.clause, *clauses))
    return replace(done, limit=replace(done.limit, begin_by=begin_by.day))


def _by_another(at: Asked, now: Asked, order: BeginMediation) -> Command:
    """Count the term of who mediates, from the first signature; a day that a person set stays."""
    signed_at, rules = at.dispute.since, at.book.deadlines
    if signed_at is None or at.dispute.times(EventKind.SIGNED) != 1:
        return at.command
    if term_of("mediation", at.matter, rules) == term_of("mediation", now.matter, rules):
        return at.command
    signed_on = business_day(signed_at)
    before, _ = _mediation_term(replace(at, day=signed_on))
    due, clauses = _mediation_term(replace(now, day=signed_on))
    if before is None or due is None or before.day != at.dispute.cohort.due_on:
        return at.command
    return _begun(at, order, due if due.day >= at.day else LastDay(at.day, None), clauses)


def _extend(at: Asked, order: Extend) -> Command:
    """Fill in the extended date.

    The leader of the organ that approves it extends a statutory limit (信访工作条例 34; 公安行政案件程序规定 165);
    the parties extend the mediation term.
    """
    by_leader = at.command.actor.role is Role.LEADER and at.matter.channel in {Channel.PETITION, Channel.POLICE}
    rule = extension_of("leader" if by_leader else "parties", at.matter, at.book.deadlines)
    if rule is None:
        return at.command
    name = DateName.STATUTORY_DUE_ON if rule.limit == "statutory" else DateName.DUE_ON
    most = rule.grants.days or AGREED_MOST
    lawful = 1 <= order.days <= most
    span = Span(order.days, rule.count == "workday")
    moved = _moved(name, at.dispute, span, at.book) if lawful else None
    cut = cut_of(moved, at.dispute, at.matter, at.day, at.book) if name is DateName.DUE_ON else None
    due = moved if cut is None else cut.due
    done = _compared(at.command, replace(order, due_on=order.due_on or _day_of(due)), order.due_on, due)
    days = None
    if cut is not None:
        days = days_given(span, at.dispute.last_day(name), order.due_on or cut.due.day, at.book.calendar)
    grants = rule.grants if order.days <= most else replace(rule.grants, days=most)
    clause = "; ".join(_each_once(grants.clause, "" if cut is None else cut.clause))
    return replace(done, limit=replace(done.limit, clause=clause, extension=grants, days=days))


def _resume(at: Asked, order: Resume) -> Command:
    if at.dispute.clock_stopped_on is None:
        return at.command
    stopped = max(0, (at.day - at.dispute.clock_stopped_on).days)
    moved = _moved(DateName.DUE_ON, at.dispute, Span(stopped), at.book)
    cut = cut_of(moved, at.dispute, at.matter, at.day, at.book)
    due = moved if cut is None else cut.due
    done = _compared(at.command, replace(order, due_on=order.due_on or _day_of(due)), order.due_on, due)
    return done if cut is None else replace(done, limit=replace(done.limit, clause=cut.clause))


def _agree(at: Asked, order: Agree) -> Command:
    if not order.confirmable:
        return at.command
    if clause := barred_part(order, at.dispute, at.book):
        # A person decides about the part that a court may confirm.
        severed = replace(order, confirmable=False, severable=True)
        return replace(at.command, instruction=severed, limit=Limit(clause=clause))
    due = last_day(DateName.CONFIRM_BY, at.day, CONFIRMATION, at.book.calendar)
    return _compared(at.command, replace(order, confirm_by=order.confirm_by or due.day), order.confirm_by, due)


def _apply(at: Asked, _: ApplyForConfirmation) -> Command:
    if at.dispute.confirm_by is not None or at.dispute.agreement_on is None:
        return at.command
    due = last_day(DateName.CONFIRM_BY, at.dispute.agreement_on, CONFIRMATION, at.book.calendar)
    return replace(at.command, limit=Limit(due.day))


def _milestone(at: Asked, order: ReachMilestone) -> Command:
    its = milestone_limit(order.milestone, at.dispute, at.book)
    return at.command if its is None else replace(at.command, limit=Limit(its.last_day, its.clause))


def _supervise(at: Asked, order: Supervise) -> Command:
    if not order.limit:
        return at.command
    return replace(at.command, limit=Limit(clause=clause_of_limit(order.limit, at.dispute, at.matter, at.book)))


def _perform(at: Asked, order: RecordPerformance) -> Command:
    """Say what follows for the penalty of a police matter."""
    rule = penalty_of(at.dispute, at.matter.received_on, at.facts, at.book)
    if rule is None:
        return at.command
    lifted = all(getattr(order, need) for need in rule.needs)
    done = replace(order, penalty=Penalty.LIFTED if lifted else Penalty.OPEN)
    return replace(at.command, instruction=done, limit=Limit(clause=rule.clause))


def _unchanged(at: Asked, _: Instruction) -> Command:
    return at.command


FILLS: Final[Mapping[type, Callable[[Asked, Any], Command]]] = {
    RequestInformation: _request,
    Dispatch: _dispatch,
    Sign: _sign,
    BeginMediation: _begin,
    Extend: _extend,
    Resume: _resume,
    Agree: _agree,
    ApplyForConfirmation: _apply,
    RecordNonPerformance: _unchanged,
    RecordPerformance: _perform,
    ReachMilestone: _milestone,
    Supervise: _supervise,
}
"""Instruction -> what the rules fill in; the others rest on no rule."""


def matter_of(dispute: Dispute, facts: Facts | None, day: date) -> LimitCase:
    """Return what the limits of a dispute depend on.

    Args:
        dispute: As it stands.
        facts: What its source recorded; decides the procedure of a suit of an earlier release.
        day: Day of receipt where the dispute does not know it.
    """
    of = dispute.dimensions
    return LimitCase(
        channel=of.channel,
        regime=of.regime,
        procedure=dispute.procedure or (facts.procedure if facts is not None else ""),
        received_on=dispute.cohort.received_on or day,
        stage=dispute.stage,
        category=of.category,
        cause=of.case_cause,
        mediation_kind=of.mediation_kind,
    )


def _end_of_term(name: DateName, term: Term | None, start: date, book: Rulebook) -> LastDay | None:
    return None if term is None else last_day(name, start, (span_of(term),), book.calendar)


def _moved(name: DateName, dispute: Dispute, span: Span, book: Rulebook) -> LastDay | None:
    """Return the limit moved by a span.

    A provisional limit is counted again from its start.
    """
    old, mark = dispute.last_day(name), dispute.provisional_mark(name)
    if old is None or span.days == 0:
        return None if old is None else LastDay(old, mark)
    if mark is not None:
        return last_day(name, mark.counted_from, (*mark.spans, span), book.calendar)
    return last_day(name, old, (span,), book.calendar)


def _day_of(due: LastDay | None) -> date | None:
    return None if due is None else due.day


def _each_once(*clauses: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clause for clause in clauses if clause))


def _clauses(*terms: Term | None) -> tuple[str, ...]:
    return tuple(term.clause for term in terms if term is not None)


def _with(command: Command, order: Instruction, clauses: tuple[str, ...], *dues: LastDay | None) -> Command:
    marks = tuple(due.mark for due in dues if due is not None and due.mark is not None)
    return replace(command, instruction=order, counted=marks, limit=Limit(clause="; ".join(clauses)))


def _compared(command: Command, order: Instruction, given: date | None, due: LastDay | None) -> Command:
    """Fill in or compare the calendar's day.

    Without a given day the calendar's day is filled in; else the two are compared. A given day is certain.
    """
    if due is None or given is None:
        return replace(_with(command, order, (), due), limit=Limit(_day_of(due)))
    return replace(command, limit=Limit(given if due.may_be(given) else due.day))
