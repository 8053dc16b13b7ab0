from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.accepting.acceptance import checked
from bridge.record import codelists
from bridge.record.dto import Invalid, read
from bridge.record.facts import Confidential, Sender
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Rejected
from services.petition_bridge import dto, wire
from services.petition_bridge.record import admitted

CODES = codelists.load(codelists.OWN, Path(dto.__file__).parent / "codes")
NOW = datetime(2024, 6, 1, tzinfo=UTC)
OFFICE = Sender("petition-620725", "620725")


def read_petition(**changes: object) -> dto.PetitionDto:
    return read(dto.PetitionDto, {**dto.EXAMPLE, **changes}, CODES)


def test_the_example_goes_through() -> None:
    petition = read_petition().to_record()
    assert checked(petition, OFFICE, NOW, admitted) is petition
    told = wire.to_wire(petition)
    assert (told.received_on, told.case_cause, told.purpose, told.form) == ("2024-03-04", "990000", "request", "visit")
    assert (told.recurrence, told.scale, told.persons) == ("first", "group", 6)


def told_of(**changes: object) -> tuple[handoff_pb2.CaseReceived, Confidential]:
    """Return what of a petition leaves the bridge in clear, and what sealed."""
    record = checked(read_petition(**changes).to_record(), OFFICE, NOW, admitted)
    return wire.to_wire(record), record.matter.confidential


PEOPLE: list[dict[str, str]] = [
    {"role": "petitioner", "name": "甲某"},
    {"role": "petitioner", "name": "丙某"},
    {"role": "respondent", "name": "乙公司"},
]


@pytest.mark.parametrize(("form", "came"), [("visit", 2), ("letter", 0), ("online", 0)])
def test_petitioners_who_come_in_person_are_counted(form: str, came: int) -> None:
    """信访工作条例 20: a group that visits sends at most five representatives."""
    assert wire.to_wire(read_petition(form=form, parties=PEOPLE).to_record()).representatives == came


def test_an_accusation_travels_sealed_with_the_day_of_its_event() -> None:
    """信访工作条例 30: neither accuser nor accused becomes known to those who handle disputes."""
    clear, sealed = told_of(purpose="whistle_blowing", happened_on="2024-02-01", brief="检举", persons=0)
    assert (clear.purpose, clear.category, clear.persons, clear.happened_on) == ("whistle_blowing", "07", 2, "")
    assert (sealed.brief, len(sealed.parties), sealed.happened_on) == ("检举", 2, date(2024, 2, 1))


@pytest.mark.parametrize("circumstances", [["whistle_blowing", "minor_party"], ["minor_party"]])
def test_what_is_accused_apart_leaves_the_request_as_it_is(circumstances: list[str]) -> None:
    clear, sealed = told_of(circumstances=circumstances, accusation="检举", happened_on="2024-02-01")
    assert (list(clear.circumstances), clear.happened_on) == (["minor_party"], "2024-02-01")
    assert (sealed.brief, sealed.accusation, len(sealed.parties)) == (dto.EXAMPLE["brief"], "检举", 2)


def test_a_brief_that_nobody_parted_is_the_accusation() -> None:
    clear, sealed = told_of(circumstances=["whistle_blowing"])
    assert not clear.circumstances
    assert (sealed.brief, sealed.accusation, len(sealed.parties)) == ("", dto.EXAMPLE["brief"], 2)


def test_an_accusation_without_any_text_is_not_lost() -> None:
    clear, sealed = told_of(circumstances=["whistle_blowing"], brief="")
    assert (list(clear.circumstances), sealed.accusation) == (["whistle_blowing"], "")


def test_the_accusation_is_in_no_repr() -> None:
    record = read_petition(circumstances=["whistle_blowing"], accusation="检举某人")
    assert "检举某人" not in repr((record, record.to_record()))


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"registered_on": "2024-06-03"}, "registered_on", "date_in_future"),
        ({"handed_over_at": "2024-03-03T10:00:00+08:00"}, "handed_over_at", "date_order"),
        ({"county_code": "620724", "town_code": "620724101"}, "county_code", "county_out_of_scope"),
    ],
)
def test_dates_and_scope(changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked(read_petition(**changes).to_record(), OFFICE, NOW, admitted)
    assert (refused.value.field, refused.value.code) == (field, code)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("purpose", ""),
        ("form", "fax"),
        ("recurrence", "third"),
        ("content_class", "99000"),
        ("content_class", "９９００００"),
    ],
)
def test_fields_of_a_petition(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        read_petition(**{field: value})
    assert refused.value.field == field
