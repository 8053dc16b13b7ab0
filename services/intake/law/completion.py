"""Fills in dates that the law fixes.

A command may leave a date open; the rules count it before the command is decided.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec.structs import replace

from dispute.lifecycle import (
    Agree,
    ApplyForConfirmation,
    Channel,
    Command,
    DateName,
    Dispatch,
    Dispute,
    Extend,
    Instruction,
    Limit,
    ProvisionalDate,
    Register,
    Resume,
    Role,
    SettledDate,
    SettleDueDates,
    Sign,
    Span,
    business_day,
    end_of,
)
from services.intake.law.deadlines import (
    Calendar,
    LastDay,
    LimitCase,
    Term,
    extension_of,
    last_day,
    sign_off_of,
    span_of,
    term_of,
)
from services.intake.law.rulebook import Rulebook

DATED: Final = (Register, Dispatch, Sign, Extend, Resume, Agree, ApplyForConfirmation)
CONFIRMATION: Final = (Span(30),)
"""Both sides apply for judicial confirmation within 30 days of the agreement (民诉法 205)."""


def complete(command: Command, dispute: Dispute | None, procedure: str, book: Rulebook) -> Command:
    """Return the command with its open dates filled in.

    It also carries what the rules and the calendar give for it. A date that reaches a year without a holiday table is
    filled in too, and marked in `counted`. A date of the caller stays as it is; where it has to follow from other
    dates, the machine compares it with the calendar's answer in `limit`.

    Args:
        command: As it came.
        dispute: State before it.
        procedure: Procedure of the suit, empty elsewhere.
        book: Rules.
    """
    order = command.instruction
    if not isinstance(order, DATED):
        return command
    if dispute is None:
        return _registered(command, order, procedure, book) if isinstance(order, Register) else command
    day = business_day(command.occurred_at)
    matter = _matter(dispute, procedure, day)
    due: LastDay | None
    match order:
        case Dispatch(sign_by=None):
            limit = sign_off_of(matter.channel, book.deadlines)
            due = last_day(DateName.SIGN_BY, day, (span_of(limit),), book.calendar)
            done = _with(command, replace(order, sign_by=end_of(due.day)), (limit.clause,), due)
        case Sign(due_on=None) if not dispute.term_runs and dispute.cohort.due_on is None:
            # The term of mediation runs from the signature (特邀调解规定 27(3)).
            term = term_of("mediation", matter, book.deadlines)
            due = _end_of_term(DateName.DUE_ON, term, day, book)
            done = _with(command, replace(order, due_on=_day_of(due)), _clauses(term), due)
        case Extend():
            done = _extended(command, order, dispute, matter, book)
        case Resume() if dispute.clock_stopped_on is not None:
            stopped = max(0, (day - dispute.clock_stopped_on).days)
            due = _moved(DateName.DUE_ON, dispute, Span(stopped), book)
            done = _compared(command, replace(order, due_on=order.due_on or _day_of(due)), order.due_on, due)
        case Agree(confirmable=True):
            due = last_day(DateName.CONFIRM_BY, day, CONFIRMATION, book.calendar)
            done = _compared(command, replace(order, confirm_by=order.confirm_by or due.day), order.confirm_by, due)
        case ApplyForConfirmation() if dispute.confirm_by is None and dispute.agreement_on is not None:
            due = last_day(DateName.CONFIRM_BY, dispute.agreement_on, CONFIRMATION, book.calendar)
            done = replace(command, limit=Limit(due.day))
        case _:
            done = command
    return done


def _registered(command: Command, order: Register, procedure: str, book: Rulebook) -> Command:
    """Fill in a petition's two limits.

    They run from its registration (信访工作条例 34).
    """
    of = order.dimensions
    matter = LimitCase(of.channel.value, of.regime.value, procedure, order.received_on)
    terms = [term_of(kind, matter, book.deadlines) for kind in ("local", "statutory")]
    names = (DateName.LOCAL_DUE_ON, DateName.STATUTORY_DUE_ON)
    local, statutory = (
        _end_of_term(name, term, order.received_on, book) for name, term in zip(names, terms, strict=True)
    )
    done = replace(order, local_due_on=_day_of(local), statutory_due_on=_day_of(statutory))
    return _with(command, done, _clauses(*terms), local, statutory)


def _extended(command: Command, order: Extend, dispute: Dispute, matter: LimitCase, book: Rulebook) -> Command:
    """Fill in the extended date.

    A leader extends a petition's statutory limit (信访工作条例 34); anyone else extends the mediation term.
    """
    by_leader = dispute.dimensions.channel is Channel.PETITION and command.actor.role is Role.LEADER
    rule = extension_of("statutory" if by_leader else "mediation", matter, book.deadlines)
    if rule is None:
        return command
    name = DateName.STATUTORY_DUE_ON if by_leader else DateName.DUE_ON
    lawful = 1 <= order.days <= rule.grants.days
    due = _moved(name, dispute, Span(order.days, rule.count == "workday"), book) if lawful else None
    done = _compared(command, replace(order, due_on=order.due_on or _day_of(due)), order.due_on, due)
    return replace(done, limit=replace(done.limit, clause=rule.grants.clause, extension=rule.grants))


def _matter(dispute: Dispute, procedure: str, day: date) -> LimitCase:
    of = dispute.dimensions
    return LimitCase(of.channel.value, of.regime.value, procedure, dispute.cohort.received_on or day)


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


def settled(dispute: Dispute, calendar: Calendar) -> tuple[SettleDueDates | None, tuple[ProvisionalDate, ...]]:
    """Count a dispute's provisional dates again.

    Returns:
        The instruction that corrects the dates for which the calendar knows more now, None when there are none; and
        the marks of those among them that another missing year still leaves open.
    """
    dates: list[SettledDate] = []
    open_still: list[ProvisionalDate] = []
    for mark in dispute.provisional:
        if not calendar.covers(mark.missing_year):
            continue
        due = last_day(mark.name, mark.counted_from, mark.spans, calendar)
        dates.append(SettledDate(mark.name, mark.day, due.day))
        if due.mark is not None:
            open_still.append(due.mark)
    return (SettleDueDates(tuple(dates)) if dates else None), tuple(open_still)


def _day_of(due: LastDay | None) -> date | None:
    return None if due is None else due.day


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
