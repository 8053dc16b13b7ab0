from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.accepting.acceptance import checked
from bridge.record import codelists
from bridge.record.dto import Invalid, read
from bridge.record.facts import Sender
from hub.errors import Rejected
from services.police_bridge import dto, wire
from services.police_bridge.record import admitted

CODES = codelists.load(codelists.OWN, Path(dto.__file__).parent / "codes")
NOW = datetime(2024, 6, 1, tzinfo=UTC)
POLICE = Sender("police-620725", "620725")


def read_incident(**changes: object) -> dto.PoliceIncidentDto:
    return read(dto.PoliceIncidentDto, {**dto.EXAMPLE, **changes}, CODES)


def test_the_example_goes_through() -> None:
    incident = read_incident().to_record()
    assert checked(incident, POLICE, NOW, admitted) is incident
    told = wire.to_wire(incident)
    assert (told.received_on, told.case_cause, told.class_as_called) == ("2024-03-04", "dispute", "dispute")
    assert incident.matter.confidential.place
    assert incident.matter.confidential.place not in str(told)


def test_the_class_as_found_wins_and_both_are_kept() -> None:
    found = wire.to_wire(read_incident(class_as_called="public_security", class_as_found="dispute").to_record())
    assert (found.case_cause, found.class_as_called) == ("dispute", "public_security")
    for nothing in ({"class_as_found": ""}, {}):
        record = {**dto.EXAMPLE, "class_as_called": "traffic", **nothing}
        record.pop("class_as_found") if not nothing else None
        told = wire.to_wire(read(dto.PoliceIncidentDto, record, CODES).to_record())
        assert (told.case_cause, told.class_as_called) == ("traffic", "traffic")


def test_the_day_of_receipt_is_the_day_of_the_call_in_shanghai() -> None:
    told = wire.to_wire(read_incident(called_at="2024-03-03T16:30:00Z").to_record())
    assert told.received_on == "2024-03-04"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"called_at": "2024-06-02T00:00:00Z"}, "called_at", "date_in_future"),
        ({"handed_over_at": "2024-03-04T19:11:59+08:00"}, "handed_over_at", "date_order"),
        ({"county_code": "620724", "town_code": "620724101"}, "county_code", "county_out_of_scope"),
    ],
)
def test_times_and_scope(changes: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        checked(read_incident(**changes).to_record(), POLICE, NOW, admitted)
    assert (refused.value.field, refused.value.code) == (field, code)


@pytest.mark.parametrize(
    ("field", "value"),
    [("class_as_called", ""), ("class_as_called", "纠纷"), ("class_as_found", "x"), ("place", "a\nb")],
)
def test_fields_of_an_incident(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        read_incident(**{field: value})
    assert refused.value.field == field


def test_the_police_give_no_rulings() -> None:
    told = {"source_ref": "a", "occurred_at": "2024-05-01T00:00:00Z", "ruling": {"confirmed": True}}
    with pytest.raises(Invalid) as refused:
        read(dto.PoliceReportDto, told, CODES)
    assert (refused.value.field, refused.value.code) == ("ruling", "unknown_field")
