"""Wire and lifecycle are field for field the same, and what goes out comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, cast, get_type_hints

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields, replace

from dispute.contracts.codec import (
    FIELD_OF,
    TYPE_OF,
    command_from_wire,
    command_to_wire,
    dispute_to_wire,
    event_from_wire,
    event_to_wire,
    instant_of,
    state_from_bytes,
    state_to_bytes,
    timestamp_of,
)
from dispute.contracts.field_tables import LOCAL, WIRE_ONLY
from dispute.lifecycle import (
    WIRE_INSTRUCTIONS,
    Actor,
    CohortDates,
    Colour,
    Command,
    DateName,
    Dimensions,
    Dispatch,
    Dispute,
    Event,
    EventKind,
    Instruction,
    Limit,
    Link,
    Payload,
    Reclassify,
    Reopen,
    ReopenReason,
    Retraction,
    SettledDate,
    SettleDueDates,
    State,
    WireInstruction,
)
from dispute.lifecycle.event_types import Dispatched
from dispute.wire.dispute.v1 import command_pb2, dimensions_pb2
from dispute.wire.intake.v1 import intake_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Rejected
from tests.support.lifecycle import DISPATCH, DUE, MASTER, PATHS, REGISTER, START, command, decided, mark_of, reach

PAIRS: list[tuple[type, type[Message]]] = [
    (Dimensions, dimensions_pb2.Dimensions),
    (CohortDates, dimensions_pb2.CohortDates),
    (Retraction, journal_pb2.Retraction),
    (Event, journal_pb2.JournalEvent),
    (Actor, command_pb2.Actor),
    (Command, command_pb2.Command),
    *((kind, getattr(command_pb2, kind.__name__)) for kind in WIRE_INSTRUCTIONS),
]


def strategy(hint: object) -> st.SearchStrategy[Any]:
    """Any value that the wire can tell apart from another."""
    if hint in {str, int, bool}:
        return {str: st.text(max_size=8), int: st.integers(-(2**31), 2**31 - 1), bool: st.booleans()}[
            cast("type", hint)
        ]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    return st.from_type(cast("type[Any]", hint))


def instances(kind: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{entry.name: strategy(hints[entry.name]) for entry in fields(kind)})


def as_read(kind: type, instruction: Struct) -> Struct:
    """Return the instruction without what only the hub itself says, which the wire does not carry."""
    defaults = {entry.name: entry.default for entry in fields(kind) if entry.name in LOCAL.get(kind, ())}
    return replace(instruction, **defaults)


def told(instruction: object) -> Command:
    return command(cast("WireInstruction", instruction))


@pytest.mark.parametrize(("kind", "message"), PAIRS, ids=lambda item: item.__name__)
def test_dataclass_and_message_have_the_same_fields_in_the_same_order(kind: type, message: type[Message]) -> None:
    ours = [entry.name for entry in fields(kind) if entry.name not in LOCAL.get(kind, ())]
    only = WIRE_ONLY.get(message.DESCRIPTOR.full_name, frozenset())
    theirs = [
        field.name for field in message.DESCRIPTOR.fields if field.name not in only and field.containing_oneof is None
    ]
    assert sorted(ours) == sorted(theirs)


def test_every_instruction_of_the_wire_has_a_dataclass_and_the_other_way_round() -> None:
    oneof = command_pb2.Command.DESCRIPTOR.oneofs_by_name["instruction"]
    assert {field.name: field.message_type.name for field in oneof.fields if field.message_type} == {
        name: kind.__name__ for name, kind in TYPE_OF.items()
    } | {"link_duplicate": "LinkDuplicate"}
    assert set(FIELD_OF) == set(WIRE_INSTRUCTIONS)


def test_the_answers_dispute_is_a_part_of_ours() -> None:
    ours = {entry.name for entry in fields(Dispute)}
    assert {field.name for field in intake_pb2.Dispute.DESCRIPTOR.fields} <= ours


@pytest.mark.parametrize("kind", WIRE_INSTRUCTIONS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_commands_come_back(kind: type, data: st.DataObject) -> None:
    instruction = data.draw(instances(kind)) if kind is not Dispatch else replace(DISPATCH, sign_by=START)
    there = replace(told(as_read(kind, instruction)), limit=Limit())
    wire = command_pb2.Command.FromString(command_to_wire(there).SerializeToString())
    assert command_from_wire(wire) == there


def test_a_link_under_its_earlier_name_is_a_link() -> None:
    wire = command_to_wire(command(Link(MASTER)))
    earlier = command_pb2.LinkDuplicate(master_dispute_id=wire.link.master_dispute_id)
    wire.link_duplicate.CopyFrom(earlier)
    assert command_from_wire(wire).instruction == Link(MASTER)


@pytest.mark.parametrize("kind", EventKind, ids=str)
@given(data=st.data())
def test_payloads_come_back(kind: EventKind, data: st.DataObject) -> None:
    payload = data.draw(
        instances(kind.payload) if kind is not EventKind.DISPATCHED else st.just(Dispatched(sign_by=START))
    )
    event = replace(reach(State.REGISTERED).last, type=kind, payload=payload, source_ref="")
    wire = journal_pb2.JournalEvent.FromString(event_to_wire(event).SerializeToString())
    assert event_from_wire(wire) == event


def test_every_field_of_the_particulars_belongs_to_a_payload() -> None:
    owned = {entry.name for kind in EventKind for entry in fields(kind.payload)}
    assert owned == {field.name for field in journal_pb2.Particulars.DESCRIPTOR.fields}


def test_a_payload_field_that_the_wire_does_not_have_is_found() -> None:
    class Heard(Payload, frozen=True):
        hearing_room: str = ""

    event = replace(reach(State.REGISTERED).last, payload=Heard("3"))
    with pytest.raises(TypeError, match=r"Heard and .* differ in hearing_room"):
        event_to_wire(event)


@pytest.mark.parametrize("state", PATHS, ids=str)
def test_events_and_snapshots_come_back(state: State) -> None:
    walk = reach(state)
    for event in walk.events:
        wire = event_to_wire(event, recorded_at=START + timedelta(seconds=1, microseconds=5))
        again = journal_pb2.JournalEvent.FromString(wire.SerializeToString())
        assert event_from_wire(again) == replace(event, source_ref="")
        assert instant_of(again.recorded_at) == START + timedelta(seconds=1, microseconds=5)
    assert state_from_bytes(state_to_bytes(walk.state)) == walk.state


def test_a_busy_dispute_comes_back() -> None:
    walk = reach(State.CLOSED).do(Reclassify(town_code="620725102", reason_code="wrong_town"))
    walk.do(Reopen(ReopenReason.NEW_SUIT, Colour.YELLOW)).do(replace(DISPATCH, sign_by=START + timedelta(days=1)))
    assert all(event_from_wire(event_to_wire(event)) == replace(event, source_ref="") for event in walk.events)
    assert state_from_bytes(state_to_bytes(walk.state)) == walk.state


def test_a_retraction_that_is_not_restated_has_no_new_dimensions_on_the_wire() -> None:
    (taken,) = event_to_wire(reach(State.DUPLICATE).last).retracts
    assert not taken.HasField("restated_as")
    moved = event_to_wire(reach(State.ACCEPTED).do(Reclassify(category="0101", reason_code="clerk_error")).last)
    assert [(one.sequence, one.restated_as.category, one.restated_as.rule_version) for one in moved.retracts] == [
        (1, "0101", ""),
        (3, "0101", "2024-1"),
    ]
    assert [one.cohort.accepted_on for one in moved.retracts] == ["", "2024-03-01"]


def test_empty_stays_unset_on_the_wire() -> None:
    wire = event_to_wire(reach(State.REGISTERED).last)
    assert not wire.HasField("recorded_at")
    assert not wire.HasField("particulars")
    assert (wire.from_state, wire.cohort.closed_on, wire.dimensions.colour) == ("", "", "")
    assert (wire.business_day, wire.to_state, wire.type) == ("2024-03-01", "registered", "registered")


def test_the_journal_carries_no_source_reference() -> None:
    wire = event_to_wire(reach(State.REGISTERED).last).SerializeToString()
    assert "诉前调".encode() not in wire


def test_answer_shows_state_and_reference() -> None:
    dispute = reach(State.MEDIATING).state
    wire = dispute_to_wire(dispute)
    assert (wire.dispute_id, wire.state, wire.sequence) == (dispute.dispute_id, "mediating", 6)
    assert (wire.source_ref, wire.supervision, wire.dimensions.mediator_id) == (dispute.source_ref, "normal", "m-17")
    assert wire.cohort.accepted_on == "2024-03-01"


def test_other_zones_become_utc() -> None:
    shanghai = datetime(2024, 3, 1, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    assert instant_of(timestamp_of(shanghai)) == shanghai
    before_1970 = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert instant_of(timestamp_of(before_1970)) == before_1970


# bad input
def wire_of(change: Callable[[command_pb2.Command], object]) -> command_pb2.Command:
    wire = command_to_wire(command(DISPATCH))
    change(wire)
    return wire


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (lambda w: setattr(w.dispatch, "level", "planet"), "unknown_code", "dispatch.level"),
        (lambda w: setattr(w.dispatch, "due_on", "2024-3-1"), "bad_date", "dispatch.due_on"),
        (lambda w: setattr(w.dispatch, "due_on", "20240301"), "bad_date", "dispatch.due_on"),
        (lambda w: setattr(w.dispatch, "due_on", "2023-02-29"), "bad_date", "dispatch.due_on"),
        (lambda w: setattr(w.dispatch.sign_by, "seconds", 2**40), "bad_timestamp", "dispatch.sign_by"),
        (lambda w: setattr(w.occurred_at, "nanos", -1), "bad_timestamp", "occurred_at"),
        (lambda w: setattr(w.occurred_at, "nanos", 10**9), "bad_timestamp", "occurred_at"),
        (lambda w: w.ClearField("occurred_at"), "time_missing", "occurred_at"),
        (lambda w: setattr(w.actor, "role", "king"), "unknown_code", "actor.role"),
        (lambda w: w.ClearField("actor"), "unknown_code", "actor.role"),
        (lambda w: w.ClearField("dispatch"), "instruction_missing", "instruction"),
        (lambda w: w.fail.SetInParent(), "unknown_code", "fail.reason_code"),
    ],
)
def test_bad_command_names_its_field(change: Callable[[command_pb2.Command], object], code: str, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        command_from_wire(wire_of(change))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_bad_event_names_its_field() -> None:
    wire = event_to_wire(reach(State.MEDIATING).last)
    wire.dimensions.channel = "pigeon"
    with pytest.raises(Rejected) as refused:
        event_from_wire(wire)
    assert (refused.value.code, refused.value.field) == ("unknown_code", "dimensions.channel")


def test_events_of_a_newer_hub_with_unknown_fields_are_read() -> None:
    event = reach(State.MEDIATING).last
    unknown_field_999 = b"\xba\x3e\x03new"
    wire = journal_pb2.JournalEvent.FromString(event_to_wire(event).SerializeToString() + unknown_field_999)
    assert event_from_wire(wire) == event


def test_naive_times_do_not_get_out() -> None:
    naive = datetime(2024, 3, 1, 9)  # noqa: DTZ001 - the case
    with pytest.raises(Rejected) as refused:
        command_to_wire(replace(command(DISPATCH), occurred_at=naive))
    assert (refused.value.code, refused.value.field) == ("naive_time", "occurred_at")
    with pytest.raises(Rejected, match="naive_time"):
        timestamp_of(naive)


@pytest.mark.parametrize("order", [REGISTER, SettleDueDates(())], ids=["register", "settle"])
def test_what_only_the_hub_itself_gives_is_no_wire_command(order: Instruction) -> None:
    with pytest.raises(Rejected, match="not_on_the_wire"):
        command_to_wire(command(order))


@given(st.integers(), st.integers(-(2**31), 2**31 - 1))
def test_any_timestamp_is_read_or_refused(seconds: int, nanos: int) -> None:
    stamp = Timestamp(seconds=max(-(2**63), min(seconds, 2**63 - 1)), nanos=nanos)
    try:
        assert instant_of(stamp).tzinfo is UTC
    except Rejected as refused:
        if refused.code != "bad_timestamp":
            raise


def test_a_correction_of_due_dates_comes_through_the_journal_whole() -> None:
    marked = replace(reach(State.DISPATCHED).state, provisional=(mark_of(DateName.DUE_ON, DUE),))
    settled = SettleDueDates((SettledDate(DateName.DUE_ON, DUE, DUE + timedelta(days=1)),))
    (event,) = decided(marked, command(settled))
    assert event.retracts
    assert event_from_wire(event_to_wire(event)) == event
    assert event_from_wire(event_to_wire(reach(State.DISPATCHED).last)).provisional == ()
    assert command_from_wire(command_to_wire(command(DISPATCH))).counted == ()
