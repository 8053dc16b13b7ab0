"""Time limits of domain 5, each with its border days; the calendar is the national one."""

from __future__ import annotations

from datetime import date

import pytest

from dispute.calendar.working_days import WorkCalendar
from dispute.lifecycle import DateName, ProvisionalDate, Span
from services.intake.law.deadlines import DeadlineRules, LimitCase, TermKind, last_day, sign_off_of, span_of, term_of
from tests.support.intake import LIMITS, TONGDAO_BOOK

CALENDAR = WorkCalendar({})


def due(
    kind: TermKind,
    start: date,
    channel: str,
    regime: str = "",
    procedure: str = "",
    *,
    limits: DeadlineRules = LIMITS,
) -> date | None:
    term = term_of(kind, LimitCase(channel, regime, procedure, start), limits)
    return None if term is None else last_day(DateName.DUE_ON, start, (span_of(term),), CALENDAR).day


@pytest.mark.parametrize(
    ("signed_on", "channel", "regime", "procedure", "expected"),
    [
        # A: 30 days, day of the signature not counted
        (date(2024, 3, 1), "court", "A", "ordinary", date(2024, 4, 1)),  # 31 March is a Sunday
        (date(2024, 3, 5), "court", "A", "summary", date(2024, 4, 7)),  # 4 April: Qingming, until the 6th; 7th worked
        # B: 15 ordinary, 7 summary
        (date(2025, 3, 3), "court", "B", "ordinary", date(2025, 3, 18)),
        (date(2025, 3, 3), "court", "B", "summary", date(2025, 3, 10)),
        (date(2025, 3, 3), "court", "B", "small_claims", date(2025, 3, 10)),
        (date(2025, 1, 21), "court", "B", "summary", date(2025, 2, 5)),  # Spring Festival 28 January to 4 February
        (date(2024, 3, 4), "police", "", "", date(2024, 4, 3)),
        (date(2024, 3, 4), "petition", "", "", date(2024, 5, 6)),  # 3 May worked? no: 1 to 5 May are days off
        (date(2024, 3, 4), "window", "", "", date(2024, 4, 3)),
    ],
)
def test_term_of_mediation(signed_on: date, channel: str, regime: str, procedure: str, expected: date) -> None:
    assert due("mediation", signed_on, channel, regime, procedure) == expected


def test_petitions_alone_have_a_statutory_limit_and_the_county_may_add_its_own() -> None:
    assert due("statutory", date(2024, 3, 4), "petition") == date(2024, 5, 6)
    assert due("local", date(2024, 3, 4), "petition") is None
    tongdao = TONGDAO_BOOK.deadlines
    assert due("local", date(2024, 3, 4), "petition", limits=tongdao) == date(2024, 4, 3)
    assert due("local", date(2024, 3, 4), "court", "A", limits=tongdao) is None
    assert due("statutory", date(2024, 3, 4), "police") is None


def test_sign_off_counts_working_days() -> None:
    friday = date(2024, 3, 1)
    ends = {
        channel: last_day(DateName.SIGN_BY, friday, (span_of(sign_off_of(channel, LIMITS)),), CALENDAR).day
        for channel in ("court", "window")
    }
    assert ends == {"court": date(2024, 3, 6), "window": date(2024, 3, 8)}


def test_a_limit_that_reaches_a_year_without_a_table_is_marked_with_how_it_was_counted() -> None:
    start, spans = date(2026, 12, 20), (Span(7), Span(3, working=True))
    counted = last_day(DateName.DUE_ON, start, spans, CALENDAR)
    # Sunday 27 December 2026 is off: Monday; three working days on, New Year's Day not known to be off.
    assert counted.day == date(2026, 12, 31)
    assert counted.mark is None
    later = last_day(DateName.DUE_ON, start, (*spans, Span(30)), CALENDAR)
    assert later.mark == ProvisionalDate(DateName.DUE_ON, date(2027, 2, 1), start, (*spans, Span(30)), 2027)
    assert later.day == date(2027, 2, 1)


def test_every_limit_names_its_clause() -> None:
    assert all(term.clause for term in LIMITS.terms)
    assert all(row.clause for row in LIMITS.sign_off)
