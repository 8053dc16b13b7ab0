"""What a source reported is kept in order, and its facts follow from it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from dispute.lifecycle import Dimensions
from dispute.lifecycle.vocabulary import Channel
from services.intake.law.facts import Consent
from services.intake.law.handoff import Arrival, LaterFact, Person, Ruling, Withdrawal
from services.intake.law.reports import (
    SourceReport,
    facts_from_bytes,
    first_report,
    report_of,
    reports_from_bytes,
    with_further,
)
from tests.support.intake import suit

AT = datetime(2024, 3, 5, 2, tzinfo=UTC)
GIVEN = LaterFact("consent_given", Consent("defendant", "given"))


def test_the_facts_are_those_told_last() -> None:
    first = suit(consents=(Consent("plaintiff", "given"), Consent("defendant", "not_asked")), facts_clarity="")
    recorded = first_report(AT, first)
    for about in (GIVEN, LaterFact("clarified", facts_clarity="clear"), Withdrawal("withdrawn")):
        recorded = with_further(recorded, SourceReport(AT, about, after=3, wrote=1, written=AT))
    now = replace(first, consents=(*first.consents[:1], Consent("defendant", "given")), facts_clarity="clear")
    assert facts_from_bytes(recorded) == now
    assert [each.after for each in reports_from_bytes(recorded).reports] == [0, 3, 3, 3]


def test_a_further_hand_over_replaces_the_facts() -> None:
    again = suit(category="07")
    recorded = with_further(with_further(first_report(AT, suit()), SourceReport(AT, GIVEN)), SourceReport(AT, again))
    assert facts_from_bytes(recorded) == again


def test_nothing_told_is_nothing_known() -> None:
    assert facts_from_bytes(b"") is None
    assert facts_from_bytes(with_further(b"", SourceReport(AT, GIVEN))) is None


def test_kept_is_what_events_do_not_tell() -> None:
    bodies = (GIVEN, Withdrawal("withdrawn"), LaterFact("performed"), Ruling(confirmed=True))
    assert [report_of(AT, body) is not None for body in bodies] == [True, True, False, False]


def test_no_person_is_kept() -> None:
    arrival = Arrival(
        suit(), Dimensions(Channel.COURT, "court-620725"), "ref", 1, people=(Person("plaintiff", "A1", "B2"),)
    )
    told = report_of(AT, arrival)
    assert told is not None
    kept = msgspec.json.encode(told)
    assert b"A1" not in kept
    assert b"B2" not in kept
