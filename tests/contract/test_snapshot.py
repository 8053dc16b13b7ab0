"""Snapshots of disputes: deterministic, read for ever, refused when damaged."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dispute.contracts.snapshot import state_from_bytes, state_to_bytes
from dispute.lifecycle import (
    SIGN_OFF_EXPIRED,
    Bounce,
    ChangeColour,
    Channel,
    Colour,
    DateName,
    DispatchMode,
    Instruction,
    Level,
    Reclassify,
    Reopen,
    ReopenReason,
    Sign,
    State,
    Supervise,
    Supervision,
    evolve,
)
from hub.errors import Rejected
from tests.support.lifecycle import (
    DISPATCH,
    DUE,
    LINKED,
    PATHS,
    START,
    Walk,
    command,
    decided,
    mark_of,
    reach,
    registration,
)

FROZEN = (
    '{"v":1,"dispute_id":"fa4807d2-6dc0-59e3-b1da-c5262f7b9f4c","state":"dispatched","sequence":4,'
    '"registered_at":"2024-03-01T02:00:00+00:00","source_ref":"（2024）甘0725诉前调1号",'
    '"dimensions":{"channel":"court","source_organ":"court-620725","county_code":"620725","town_code":"620725101",'
    '"village_code":"620725101001","grid_code":"g-101-1","category":"0806","case_cause":"民间借贷纠纷","regime":"A",'
    '"level":"village","lead_department":"justice-bureau","dispatch_mode":"assigned","rule_version":"2024-1"},'
    '"cohort":{"received_on":"2024-03-01","registered_on":"2024-03-01","accepted_on":"2024-03-01",'
    '"due_on":"2024-03-31"},"ordinals":{"registered":1,"screening_begun":1,"accepted":1,"dispatched":1},'
    '"counted":[["dispatched","2024-03-01",{},{},4,1,0,0],'
    '["accepted","2024-03-01",{"level":"","lead_department":"","dispatch_mode":""},{"due_on":null},3,1,0,0],'
    '["registered","2024-03-01",{"rule_version":""},{"accepted_on":null},1,1,0,0]],'
    '"co_departments":["police-station"]}'
)


EARLIER = replace(reach(State.DISPATCHED).state, since=None)
"""The first release did not keep since when a dispute is in its state."""
PINNED = FROZEN.replace('"dimensions":{', '"since":"2024-03-01T02:00:00Z","dimensions":{', 1)
"""What today's release writes: the fields of the first one in their order, and later ones."""


def test_snapshot_of_the_first_release_is_read_for_ever() -> None:
    assert state_from_bytes(FROZEN.encode()) == EARLIER


def test_snapshot_is_deterministic() -> None:
    assert state_to_bytes(EARLIER).decode() == FROZEN
    assert state_to_bytes(reach(State.DISPATCHED).state).decode() == PINNED


BOUNCED = (
    '{"v":1,"dispute_id":"fa4807d2-6dc0-59e3-b1da-c5262f7b9f4c","state":"accepted","sequence":5,'
    '"registered_at":"2024-03-01T02:00:00+00:00","supervision":"overdue","source_ref":"（2024）甘0725诉前调1号",'
    '"since":"2024-03-02T02:00:00Z",'
    '"alarms":[{"limit":"sign_by","rung":"overdue","sequence":5,"at":"2024-03-02T02:00:00Z","state":"accepted"}],'
    '"checkpoints":[{"sequence":5,"limit":"sign_by","at":"2024-03-02T02:00:00Z","before":{"state":"dispatched",'
    '"dimensions":{"channel":"court","source_organ":"court-620725","county_code":"620725","town_code":"620725101",'
    '"village_code":"620725101001","grid_code":"g-101-1","category":"0806","case_cause":"民间借贷纠纷","regime":"A",'
    '"level":"village","lead_department":"justice-bureau","dispatch_mode":"assigned","rule_version":"2024-1"},'
    '"cohort":{"received_on":"2024-03-01","registered_on":"2024-03-01","accepted_on":"2024-03-01",'
    '"due_on":"2024-03-31"},"since":"2024-03-01T02:00:00Z","co_departments":["police-station"],'
    '"sign_by":"2024-03-02T02:00:00Z",'
    '"ordinals":[["registered",1],["screening_begun",1],["accepted",1],["dispatched",1]]}}],'
)


def test_what_may_be_taken_back_stands_in_the_snapshot() -> None:
    limit = START + timedelta(days=1)
    walk = reach(State.ACCEPTED).do(replace(DISPATCH, sign_by=limit)).do(Bounce(SIGN_OFF_EXPIRED), at=limit)
    told = state_to_bytes(walk.state).decode()
    assert told.startswith(BOUNCED)
    assert state_from_bytes(told.encode()) == walk.state
    stored = state_from_bytes(told.encode())
    late = command(Sign(DUE), at=START)
    assert decided(stored, late) == decided(walk.state, late)
    assert evolve(stored, decided(stored, late)[0]) == walk.carry_out(late).state


def test_a_level_that_an_earlier_release_set_stands_until_a_person_lifts_it() -> None:
    old = FROZEN.replace('"source_ref"', '"supervision":"supervised","source_ref"')
    walk = Walk()
    walk.dispute = state_from_bytes(old.encode())
    assert walk.do(ChangeColour(Colour.BLUE, "threat")).state.supervision is Supervision.SUPERVISED
    assert walk.do(Sign(DUE)).state.supervision is Supervision.SUPERVISED
    assert walk.do(Supervise(Supervision.NORMAL)).state.supervision is Supervision.NORMAL


def test_snapshot_of_a_newer_release_is_read_and_of_a_newer_format_refused() -> None:
    newer = FROZEN.replace('{"due_on":null},3,1,0,0]', '{"due_on":null,"new_on":"?"},3,1,0,0,"new"]')
    newer = newer.replace('"v":1,', '"v":1,"invented_later":{"x":[1]},').replace(
        '"regime":"A"', '"new":"?","regime":"A"'
    )
    assert state_from_bytes(newer.encode()) == EARLIER
    with pytest.raises(Rejected, match="snapshot_unreadable"):
        state_from_bytes(FROZEN.replace('"v":1', '"v":3').encode())


MARKED = replace(EARLIER, provisional=(mark_of(DateName.DUE_ON, DUE),))


def test_snapshot_of_a_dispute_with_provisional_dates_is_in_the_format_that_the_first_reader_refuses() -> None:
    told = state_to_bytes(MARKED).decode()
    assert told == FROZEN.replace('"v":1', '"v":2').removesuffix("}") + (
        ',"provisional":[["due_on","2024-03-31","2024-03-01",[[30,false]],2024]]}'
    )
    assert state_from_bytes(told.encode()) == MARKED


@pytest.mark.parametrize("damage", ['["due_on","soon"', '["never","2024-03-31"', '["due_on",7'])
def test_a_damaged_mark_is_unreadable_and_never_passed_over(damage: str) -> None:
    told = state_to_bytes(MARKED).decode().replace('["due_on","2024-03-31"', damage)
    with pytest.raises(Rejected, match="snapshot_unreadable"):
        state_from_bytes(told.encode())


BUSY = (
    *PATHS[State.CLOSED],
    Reclassify(town_code="620725102", reason_code="wrong_town"),
    Reopen(ReopenReason.NEW_SUIT, Colour.YELLOW),
    replace(DISPATCH, sign_by=START + timedelta(days=1)),
    Reclassify(category="0101", reason_code="clerk_error"),
    ChangeColour(Colour.RED, "weapon"),
)


@pytest.mark.parametrize("path", [LINKED, BUSY], ids=["linked", "busy"])
@given(data=st.data())
def test_facts_that_were_left_as_told_are_told_again_byte_for_byte(
    path: tuple[Instruction, ...], data: st.DataObject
) -> None:
    """Stored and loaded between any two commands, looked at or not: the same snapshot as of one that never was."""
    straight, stored = Walk(), Walk()
    for instruction in path:
        straight.do(instruction)
        stored.do(instruction)
        assert state_to_bytes(stored.state) == state_to_bytes(straight.state)
        if data.draw(st.booleans(), label="looked at"):
            assert list(stored.state.counted) == list(straight.state.counted)
        if data.draw(st.booleans(), label="stored"):
            stored.dispute = state_from_bytes(state_to_bytes(stored.state))
    assert stored.events == straight.events
    assert stored.state == straight.state
    assert hash(stored.state) == hash(straight.state)


@pytest.mark.parametrize("rows", ['[["invented","2024-03-01",{},{},1,1,0,0]]', '[["accepted"]]', "[7]"])
def test_facts_that_cannot_be_read_are_refused_when_they_are_needed(rows: str) -> None:
    dispute = state_from_bytes(
        FROZEN.replace(FROZEN[FROZEN.index('[["dispatched"') : FROZEN.index(',"co_dep')], rows).encode()
    )
    with pytest.raises(Rejected, match="snapshot_unreadable"):
        list(dispute.counted)


def test_missing_fields_take_their_defaults() -> None:
    old = FROZEN.replace(',"co_departments":["police-station"]', "").replace(
        '"source_ref":"（2024）甘0725诉前调1号",', ""
    )
    dispute = state_from_bytes(old.encode())
    assert (dispute.co_departments, dispute.source_ref) == ((), "")


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"[]", b'{"v":1}', b"\xff", FROZEN.replace("dispatched", "lost").encode()]
)
def test_junk_is_no_snapshot(junk: bytes) -> None:
    with pytest.raises(Rejected, match="snapshot_unreadable"):
        state_from_bytes(junk)


def test_unusual_channels_come_back_too() -> None:
    walk = Walk(registration(Channel.SELF)).do(ChangeColour(Colour.RED, "weapon"))
    assert state_from_bytes(state_to_bytes(walk.state)) == walk.state
    assert walk.state.dimensions.dispatch_mode is DispatchMode.NONE
    assert walk.state.dimensions.level is Level.NONE
    assert walk.state.cohort.received_on == date(2024, 3, 1)
