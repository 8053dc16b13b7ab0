"""Whatever comes from outside is refused with a code and a field; it never breaks the service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from dispute.codes.division_files import load
from dispute.contracts.codec import timestamp_of
from dispute.contracts.sealing import Sealer
from dispute.contracts.topics import TOPICS
from dispute.lifecycle import dispute_id_of, key_owner_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Rejected
from hub.runtime.clock import FixedClock
from hub.runtime.key_ring import KeyRing
from hub.streams.memory import MemoryBus
from services.intake.inbound.messages import handoff_of, raw_handoff_of
from services.intake.inbound.requests import Requests
from services.intake.law.handoff import Arrival
from tests.support.access import CLERK, HANDLER
from tests.support.intake_rig import AGENCY, FakeBridge, case_facts
from tests.support.orders import order

SEALER = Sealer({"k": bytes(32)}, "k", KeyRing(Path("nowhere"), "ring"))
BRIDGE = FakeBridge(MemoryBus(TOPICS), SEALER)
REQUESTS = Requests(FixedClock(datetime(2026, 11, 20, tzinfo=UTC)), "wall", lambda _: None, load())
ID = dispute_id_of(AGENCY, "A-1")


def handoff(change: Callable[[handoff_pb2.Handoff], Any]) -> handoff_pb2.Handoff:
    made = BRIDGE.handoff("A-1")
    change(made)
    return made


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (lambda h: setattr(h, "handoff_id", "x"), "bad_id", "handoff_id"),
        (lambda h: setattr(h, "dispute_id", "x"), "wrong_dispute_id", "dispute_id"),
        (lambda h: setattr(h, "channel", "window"), "unknown_code", "channel"),
        (lambda h: setattr(h, "content_mac", b"x"), "digest_malformed", "content_mac"),
        (lambda h: h.ClearField("occurred_at"), "time_missing", "occurred_at"),
        (lambda h: h.occurred_at.CopyFrom(Timestamp(seconds=253402300799)), "time_out_of_range", "occurred_at"),
        (lambda h: h.occurred_at.CopyFrom(Timestamp(seconds=1, nanos=-1)), "bad_timestamp", "occurred_at"),
        (lambda h: h.ClearField("body"), "empty_handoff", ""),
        (
            lambda h: setattr(h.case_received, "received_on", "0001-01-01"),
            "time_out_of_range",
            "case_received.received_on",
        ),
        (lambda h: setattr(h.case_received, "received_on", "2023-02-29"), "bad_date", "case_received.received_on"),
        (lambda h: setattr(h.case_received, "happened_on", "May"), "bad_date", "case_received.happened_on"),
        (
            lambda h: setattr(h.case_received, "happened_on", "0001-01-01"),
            "time_out_of_range",
            "case_received.happened_on",
        ),
        (lambda h: setattr(h.case_received, "recurrence", "often"), "unknown_code", "case_received.recurrence"),
        (lambda h: setattr(h.case_received, "facts_clarity", "?"), "unknown_code", "case_received.facts_clarity"),
        (lambda h: setattr(h.case_received, "procedure", "a\0"), "unknown_code", "case_received.procedure"),
        (
            lambda h: setattr(h.case_received.consents[1], "answered_on", "soon"),
            "bad_date",
            "case_received.consents.1.answered_on",
        ),
        (
            lambda h: h.case_received.circumstances.extend(["x"] * 201),
            "too_many_items",
            "case_received.circumstances",
        ),
    ],
)
def test_a_bad_handoff_names_code_and_field(
    change: Callable[[handoff_pb2.Handoff], Any], code: str, field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        handoff_of(handoff(change), SEALER)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_a_handoff_says_what_the_dispute_is_about() -> None:
    made = BRIDGE.handoff("A-1", case_received=case_facts(happened_on="2023-05-01", persons=3))
    clear = handoff_pb2.Confidential(subject_ref="JK-1")
    made.confidential.CopyFrom(SEALER.seal(clear, made.handoff_id, key_owner_of(made.dispute_id)))
    body = handoff_of(made, SEALER).body
    assert isinstance(body, Arrival)
    assert (body.subject_ref, body.persons, body.facts.happened_on) == ("JK-1", 3, date(2023, 5, 1))
    assert "JK-1" not in repr(body)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 60))
def test_mutated_handoffs_are_refused_or_read(noise: bytes, at: int, cut: int) -> None:
    record = BRIDGE.handoff("A-1").SerializeToString()
    mutated = record[:at] + noise + record[at + cut :]
    with suppress(Rejected):  # anything else breaks the test
        handoff_of(raw_handoff_of(mutated), SEALER)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda c: setattr(c, "command_id", ""), "command_id"),
        (lambda c: setattr(c, "command_id", "A" * 36), "command_id"),
        (lambda c: setattr(c, "dispute_id", "1; drop table"), "dispute_id"),
        (lambda c: setattr(c, "correlation_id", "甲乙"), "correlation_id"),
        (lambda c: c.occurred_at.CopyFrom(Timestamp(seconds=253402300799)), "occurred_at"),
        (lambda c: c.occurred_at.CopyFrom(timestamp_of(datetime(2026, 11, 21, tzinfo=UTC))), "occurred_at"),
        (lambda c: c.ClearField("occurred_at"), "occurred_at"),
        (lambda c: c.ClearField("sign"), "instruction"),
        (lambda c: setattr(c.sign, "due_on", "tomorrow"), "sign.due_on"),
    ],
)
def test_a_bad_command_names_its_field(change: Callable[[command_pb2.Command], Any], field: str) -> None:
    command = order(ID, "sign")
    change(command)
    with pytest.raises(Rejected) as caught:
        REQUESTS.command(command, HANDLER)
    assert caught.value.field == field


@given(st.binary(max_size=120), st.integers(0, 150), st.integers(0, 40))
def test_mutated_submissions_are_refused_or_read(noise: bytes, at: int, cut: int) -> None:
    request = intake_pb2.SubmitRequest(
        channel="window",
        source_organ="window-620725",
        source_ref="1",
        actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
        occurred_at=timestamp_of(datetime(2024, 3, 5, tzinfo=UTC)),
        facts=case_facts(procedure=""),
    )
    record = request.SerializeToString()
    try:
        mutated = intake_pb2.SubmitRequest.FromString(record[:at] + noise + record[at + cut :])
    except Exception:  # noqa: BLE001 - not a message at all: the server refuses it
        return
    with suppress(Rejected):  # anything else breaks the test
        REQUESTS.submission(mutated, CLERK)
