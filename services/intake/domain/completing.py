"""Completing: dates that a command leaves open and the law fixes are counted by the rules before it is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from hub.lifecycle import (
    CONFIRMATION_DAYS,
    Agree,
    Channel,
    Command,
    DateName,
    Dispatch,
    Dispute,
    Extend,
    Instruction,
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
from services.intake.domain.deadlines import (
    Calendar,
    LastDay,
    Matter,
    TermKind,
    last_day,
    sign_off_of,
    span_of,
    term_of,
)
from services.intake.domain.registration import Rulebook

DATED: Final = (Register, Dispatch, Sign, Extend, Resume, Agree)
LONGEST: Final = 366
"""Days beyond this are left as they are: no extension has so many, and the judge says so."""


def complete(command: Command, dispute: Dispute | None, procedure: str, book: Rulebook) -> Command:
    """Return the command with its open dates filled in; what the caller said stands.

    A date that reaches a year without a holiday table is filled in too, and marked in `counted`.

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
    due: LastDay | None
    done: Instruction
    match order:
        case Dispatch(sign_by=None):
            limit = sign_off_of(dispute.dimensions.channel.value, book.deadlines)
            due = last_day(DateName.SIGN_BY, day, (span_of(limit),), book.calendar)
            done = replace(order, sign_by=end_of(due.day))
        case Sign(due_on=None) if not dispute.term_runs and dispute.cohort.due_on is None:
            # The term of mediation runs from the signature (特邀调解规定 27(3)).
            received_on = dispute.cohort.received_on or day
            matter = Matter(dispute.dimensions.channel.value, dispute.dimensions.regime.value, procedure, received_on)
            due = _term(DateName.DUE_ON, "mediation", matter, day, book)
            done = replace(order, due_on=_day_of(due))
        case Extend(due_on=None) if 0 < order.days <= LONGEST:
            by_leader = dispute.dimensions.channel is Channel.PETITION and command.actor.role is Role.LEADER
            name = DateName.STATUTORY_DUE_ON if by_leader else DateName.DUE_ON
            due = _moved(name, dispute, order.days, book)
            done = replace(order, due_on=_day_of(due))
        case Resume(due_on=None) if dispute.clock_stopped_on is not None:
            stopped = max(0, (day - dispute.clock_stopped_on).days)
            due = _moved(DateName.DUE_ON, dispute, stopped, book)
            done = replace(order, due_on=_day_of(due))
        case Agree(confirmable=True, confirm_by=None):
            due = last_day(DateName.CONFIRM_BY, day, (Span(CONFIRMATION_DAYS),), book.calendar)
            done = replace(order, confirm_by=due.day)
        case _:
            return command
    return _with(command, done, due)


def _registered(command: Command, order: Register, procedure: str, book: Rulebook) -> Command:
    """A petition has two limits of its own, from its registration (信访工作条例 34)."""
    of = order.dimensions
    matter = Matter(of.channel.value, of.regime.value, procedure, order.received_on)
    local = _term(DateName.LOCAL_DUE_ON, "local", matter, order.received_on, book)
    statutory = _term(DateName.STATUTORY_DUE_ON, "statutory", matter, order.received_on, book)
    done = replace(order, local_due_on=_day_of(local), statutory_due_on=_day_of(statutory))
    return _with(command, done, local, statutory)


def _term(name: DateName, kind: TermKind, matter: Matter, start: date, book: Rulebook) -> LastDay | None:
    term = term_of(kind, matter, book.deadlines)
    return None if term is None else last_day(name, start, (span_of(term),), book.calendar)


def _moved(name: DateName, dispute: Dispute, days: int, book: Rulebook) -> LastDay | None:
    """Return the limit so many days later; one that was provisional itself is counted from its own beginning."""
    old, mark = dispute.last_day(name), dispute.provisional_mark(name)
    if old is None or days == 0:
        return None if old is None else LastDay(old, mark)
    if mark is not None:
        return last_day(name, mark.counted_from, (*mark.spans, Span(days)), book.calendar)
    return last_day(name, old, (Span(days),), book.calendar)


def settled(dispute: Dispute, calendar: Calendar) -> tuple[SettleDueDates | None, tuple[ProvisionalDate, ...]]:
    """Count a dispute's provisional dates again.

    Returns:
        What puts those right that the calendar knows more of now, None when there are none; and the marks of those
        among them that a further missing year still leaves open.
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


def _with(command: Command, order: Instruction, *dues: LastDay | None) -> Command:
    marks = tuple(due.mark for due in dues if due is not None and due.mark is not None)
    return replace(command, instruction=order, counted=marks)
