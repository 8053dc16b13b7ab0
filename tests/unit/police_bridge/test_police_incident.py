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
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


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


def person(role: str, born: str) -> dict[str, str]:
    first = f"620725{born}001"
    number = first + CHECKS[sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11]
    return {"role": role, "name": "甲某", "id_type": "citizen_id", "id_number": number}


@pytest.mark.parametrize(
    ("role", "born", "minor"),
    [
        ("applicant", "20060305", True),
        ("respondent", "20060304", True),  # a year of age is complete from the day after the birthday
        ("respondent", "20060303", False),
        ("guardian", "20100101", False),
        ("third_party", "20100101", False),
    ],
)
def test_a_side_under_age_is_a_circumstance(role: str, born: str, *, minor: bool) -> None:
    """公安机关办理行政案件程序规定 181: the guardian of a minor has to be there."""
    incident = read_incident(parties=[person(role, born)], circumstances=["weapon"]).to_record()
    told = wire.to_wire(checked(incident, POLICE, NOW, admitted))
    assert list(told.circumstances) == (["minor_party", "weapon"] if minor else ["weapon"])


def test_a_minor_that_the_police_named_is_named_once() -> None:
    young = [person("applicant", "20100101"), person("respondent", "20110101")]
    incident = read_incident(parties=young, circumstances=["minor_party"]).to_record()
    assert list(wire.to_wire(checked(incident, POLICE, NOW, admitted)).circumstances) == ["minor_party"]


def test_only_a_citizen_id_tells_the_age() -> None:
    party = {"role": "applicant", "name": "甲某", "id_type": "other", "id_number": "620725201001010011"}
    incident = read_incident(parties=[party, {"role": "respondent", "name": "乙某"}]).to_record()
    assert checked(incident, POLICE, NOW, admitted) is incident


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
