"""Completing: dates that a command leaves open and the law fixes are filled in from the rules before it is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from hub.lifecycle import (
    CONFIRMATION_DAYS,
    Agree,
    Channel,
    Command,
    Dispatch,
    Dispute,
    Extend,
    Instruction,
    Resume,
    Role,
    Sign,
    business_day,
)
from services.intake.domain.deadlines import Matter, last_day, sign_off_of, term_of
from services.intake.domain.registration import Rulebook
from services.intake.domain.timers import end_of

DATED: Final = (Dispatch, Sign, Extend, Resume, Agree)
LONGEST: Final = 366
"""Days beyond this are left as they are: no extension has so many, and the judge says so."""


def complete(command: Command, dispute: Dispute | None, procedure: str, book: Rulebook) -> Command:
    """Return the command with its open dates filled in; what the caller said stands.

    Args:
        command: As it came.
        dispute: State before it.
        procedure: Procedure of the suit, empty elsewhere.
        book: Rules.

    Raises:
        Rejected: `calendar_missing`.
    """
    if dispute is None or not isinstance(command.instruction, DATED):
        return command
    day = business_day(command.occurred_at)
    order: Instruction
    match command.instruction:
        case Dispatch(sign_by=None) as dispatch:
            order = replace(dispatch, sign_by=_sign_by(dispute, day, book))
        case Sign(due_on=None) as sign if not dispute.term_runs and dispute.cohort.due_on is None:
            order = replace(sign, due_on=_term_end(dispute, procedure, day, book))
        case Extend(due_on=None) as extend if 0 < extend.days <= LONGEST:
            of_petition = dispute.dimensions.channel is Channel.PETITION and command.actor.role is Role.LEADER
            old = dispute.cohort.statutory_due_on if of_petition else dispute.cohort.due_on
            order = replace(extend, due_on=_moved(old, extend.days, book))
        case Resume(due_on=None) as resume if dispute.clock_stopped_on is not None:
            stopped = max(0, (day - dispute.clock_stopped_on).days)
            order = replace(resume, due_on=_moved(dispute.cohort.due_on, stopped, book))
        case Agree(confirmable=True, confirm_by=None) as agree:
            order = replace(agree, confirm_by=book.calendar.calendar_due(day, CONFIRMATION_DAYS))
        case _:
            return command
    return replace(command, instruction=order)


def _sign_by(dispute: Dispute, day: date, book: Rulebook) -> datetime:
    limit = sign_off_of(dispute.dimensions.channel.value, book.deadlines)
    return end_of(last_day(limit, day, book.calendar))


def _term_end(dispute: Dispute, procedure: str, day: date, book: Rulebook) -> date | None:
    """The term of mediation runs from the signature (特邀调解规定 27(3))."""
    dimensions = dispute.dimensions
    received_on = dispute.cohort.received_on or day
    matter = Matter(dimensions.channel.value, dimensions.regime.value, procedure, received_on)
    term = term_of("mediation", matter, book.deadlines)
    return None if term is None else last_day(term, day, book.calendar)


def _moved(old: date | None, days: int, book: Rulebook) -> date | None:
    if old is None or days == 0:
        return old
    return book.calendar.calendar_due(old, days)
