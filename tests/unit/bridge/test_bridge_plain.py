from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime

import pytest

from bridge.accepting.admission import handoff_id_of
from bridge.inbound.plain import plain_of
from bridge.inbound.requests import correlation_of
from dispute.wire.court.v1 import court_pb2
from dispute.wire.handoff.v1 import handoff_pb2


def test_a_message_becomes_what_rest_would_have_parsed() -> None:
    case = court_pb2.CourtCase(
        case_number="a-1",
        consents=[handoff_pb2.Consent(role="plaintiff", answer="given")],
        circumstances=["divorce"],
        persons=3,
    )
    case.handed_over_at.FromJsonString("2024-03-04T01:30:00.5Z")
    assert plain_of(case) == {
        "case_number": "a-1",
        "handed_over_at": datetime(2024, 3, 4, 1, 30, 0, 500_000, UTC),
        "consents": [{"role": "plaintiff", "answer": "given"}],
        "circumstances": ["divorce"],
        "amount_fen": 0,
        "persons": 3,
        "parties": [],
    }


def test_a_ruling_of_false_is_told_and_only_the_body_that_is_set() -> None:
    request = court_pb2.ReportRequest(source_ref="a", ruling=handoff_pb2.CourtRuling(confirmed=False))
    assert plain_of(request) == {"source_ref": "a", "ruling": {"confirmed": False}}


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (0, 10**9)]
)
def test_a_time_that_no_calendar_has_stays_a_fault_of_its_field(seconds: int, nanos: int) -> None:
    case = court_pb2.CourtCase()
    case.handed_over_at.seconds, case.handed_over_at.nanos = seconds, nanos
    assert plain_of(case)["handed_over_at"] == "?"


@pytest.mark.parametrize(
    "told", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.000001999Z"]
)
def test_every_other_time_is_the_one_that_its_json_names(told: str) -> None:
    case = court_pb2.CourtCase()
    case.handed_over_at.FromJsonString(told)
    assert plain_of(case)["handed_over_at"] == datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", told))


def test_every_kind_of_field_is_told_as_its_descriptor_says() -> None:
    # What the compiled shapes must come to, asked field by field.
    for message in (
        court_pb2.CourtCase(),
        court_pb2.ReportRequest(),
        handoff_pb2.CaseReceived(),
        handoff_pb2.Handoff(),
    ):
        for field in message.DESCRIPTOR.fields:
            text = field.type == field.TYPE_STRING and not field.is_repeated
            absent = field.has_presence or text
            assert (field.name in plain_of(message)) is not absent, field.full_name


def test_an_optional_number_is_there_only_when_it_is_set() -> None:
    assert "round" not in plain_of(court_pb2.CourtCase())
    assert plain_of(court_pb2.CourtCase(round=0))["round"] == 0
    assert plain_of(court_pb2.CourtCase(round=2))["round"] == 2


def test_ids_of_handoffs_keep_their_parts_apart_and_never_change() -> None:
    assert handoff_id_of("court", "court-620725", "a") == "0e10da30-6688-5463-bbf3-0cef39d53745"
    ids = {
        handoff_id_of("court", "court-620725", "a"),
        handoff_id_of("police", "court-620725", "a"),
        handoff_id_of("court", "court-620724", "a"),
        handoff_id_of("court", "court-620725", "b"),
    }
    assert len(ids) == 4
    assert all(uuid.UUID(one).version == 5 for one in ids)


def test_a_correlation_id_is_taken_only_when_it_is_one() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert correlation_of("a-1", None) == "a-1"
    assert correlation_of("a b\n", f"00-{trace}-00f067aa0ba902b7-01") == trace
    for bad in (None, "", "x", "00-zz-00f067aa0ba902b7-01", "x" * 65):
        assert len(correlation_of(None, bad)) == 32
