from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.accepting.acceptance import checked
from bridge.record import codelists
from bridge.record.dto import Invalid, read
from bridge.record.facts import RulingReport, Sender
from hub.errors import Rejected
from services.court_bridge import dto, wire
from services.court_bridge.record import admitted

CODES = codelists.load(codelists.OWN, Path(dto.__file__).parent / "codes")
NOW = datetime(2024, 6, 1, tzinfo=UTC)
COURT = Sender("court-620725", "620725")


def read_case(**changes: object) -> dto.CourtCaseDto:
    return read(dto.CourtCaseDto, {**dto.EXAMPLE, **changes}, CODES)


def test_the_example_goes_through() -> None:
    case = read_case(filed_on="2024-03-02", village_code="620725101201", grid_code="g-7").to_record()
    assert checked(case, COURT, NOW, admitted) is case
    told = wire.to_wire(case)
    assert (told.received_on, told.filed_on) == ("2024-03-01", "2024-03-02")
    assert (told.procedure, told.suit_kind, told.case_cause, told.category) == ("ordinary", "civil", "9152", "08")
    assert (told.amount_fen, told.persons, told.scale) == (3200000, 2, "individual")
    assert (told.town_code, told.village_code, told.grid_code) == ("620725101", "620725101201", "g-7")
    assert [(one.role, one.answer, one.answered_on) for one in told.consents] == [
        ("plaintiff", "given", "2024-03-02"),
        ("defendant", "given", "2024-03-03"),
    ]
    assert not told.purpose
    assert not told.class_as_called


def test_a_suit_that_was_not_filed_has_no_day_of_filing() -> None:
    for nothing in ({}, {"filed_on": ""}, {"filed_on": None}):
        assert not wire.to_wire(read_case(**nothing).to_record()).filed_on


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"court_received_on": "2024-06-03"}, "court_received_on", "date_in_future"),
        ({"filed_on": "2024-06-03"}, "filed_on", "date_in_future"),
        ({"filed_on": "2024-02-29"}, "filed_on", "date_order"),
        ({"preserved_on": "2024-06-03"}, "preserved_on", "date_in_future"),
        ({"preserved_on": "2024-03-05"}, "preserved_on", "date_order"),
        ({"handed_over_at": "2024-02-29T23:59:59+08:00", "consents": []}, "handed_over_at", "date_order"),
        ({"handed_over_at": "2024-03-02T23:59:59+08:00"}, "consents.1.answered_on", "date_order"),
        ({"county_code": "620724", "town_code": "620724101"}, "county_code", "county_out_of_scope"),
    ],
)
def test_dates_and_scope(changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked(read_case(**changes).to_record(), COURT, NOW, admitted)
    assert (refused.value.field, refused.value.code) == (field, code)


def test_a_preservation_before_the_suit_is_told() -> None:
    """民诉法 104: a suit is due within 30 days of it."""
    case = read_case(preserved_on="2024-03-04").to_record()  # on the day of the hand-over
    assert wire.to_wire(checked(case, COURT, NOW, admitted)).preserved_on == "2024-03-04"
    assert not wire.to_wire(read_case().to_record()).preserved_on


def test_handed_over_on_the_day_of_receipt_in_shanghai() -> None:
    # 2024-02-29 16:30 UTC is 2024-03-01 in Shanghai: not before the receipt.
    checked(read_case(handed_over_at="2024-02-29T16:30:00Z", consents=[]).to_record(), COURT, NOW, admitted)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("suit_kind", "criminal"),
        ("procedure", "criminal"),
        ("cause_code", "案由"),
        ("amount_fen", -1),
        ("amount_fen", 10**15 + 1),
        ("court_received_on", ""),
        ("court_received_on", "2024-02-30"),
        ("case_number", "a b"),
    ],
)
def test_fields_of_a_suit(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        read_case(**{field: value})
    assert refused.value.field == field


def test_a_ruling_gives_a_reason_exactly_when_it_refuses() -> None:
    told = {"source_ref": "a", "occurred_at": "2024-05-01T00:00:00Z"}
    sound = read(dto.CourtReportDto, {**told, "ruling": {"confirmed": False, "reason_code": "not_voluntary"}}, CODES)
    assert sound.to_report().body == RulingReport(confirmed=False, reason_code="not_voluntary")
    for ruling in ({"confirmed": False}, {"confirmed": True, "reason_code": "not_voluntary"}, {}, {"confirmed": 1}):
        with pytest.raises(Invalid):
            read(dto.CourtReportDto, {**told, "ruling": ruling}, CODES)


def test_group_matters_are_told_apart() -> None:
    assert wire.to_wire(read_case(persons=5).to_record()).scale == "group"
    case = read_case().to_record()
    assert wire.to_wire(replace(case, received_on=date(2025, 1, 1))).received_on == "2025-01-01"
