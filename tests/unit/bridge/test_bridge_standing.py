"""Which results an agency gets, which of them stand, and that one final result of each opening does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as struct_replace

from bridge.outbound.standing import EarlierResult, new_result, opening_of
from dispute.contracts.codec import event_to_wire
from dispute.lifecycle import (
    BeginFollowUp,
    BeginScreening,
    Channel,
    Dispute,
    EventKind,
    Fail,
    FailureReason,
    Instruction,
    Link,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    Refer,
    ReferTarget,
    RefuseMediation,
    Remedy,
    Reopen,
    ReopenReason,
    ReturnToSource,
    Role,
    Sign,
    Supervise,
    Supervision,
    Unlink,
    Withdraw,
    WithdrawReason,
    decide,
    dispute_id_of,
    evolve,
)
from dispute.lifecycle.identity import event_id_of
from dispute.lifecycle.own_commands import NoteUndocked, RequestInformation, Resubmit, ShareAgreement
from dispute.lifecycle.vocabulary import OutcomeForm
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Refusal
from tests.support.bridges import event_of
from tests.support.lifecycle import (
    ACCEPT,
    AGREE,
    BEGIN,
    CLOSE,
    DIGEST,
    DISPATCH,
    MEDIATING,
    ORGAN,
    START,
    TODAY,
    Walk,
    command,
)

OWN = dispute_id_of(ORGAN, "1")
OTHER = dispute_id_of(ORGAN, "2")
LATE = START + timedelta(days=40)
VISIT = BeginFollowUp(TODAY + timedelta(days=60))
REDISPATCH = struct_replace(DISPATCH, due_on=None)
RETURN = ReturnToSource(Channel.COURT, DIGEST)


class Results:
    """All results of one dispute, as a bridge keeps them."""

    def __init__(self, events: Sequence[journal_pb2.JournalEvent] = ()) -> None:
        self.rows: list[EarlierResult] = []
        self.supersedes: dict[str, tuple[str, ...]] = {}
        for event in events:
            self.read(event)

    def read(self, event: journal_pb2.JournalEvent) -> None:
        if event.event_id in self.supersedes:
            return
        given_ = new_result(event, self.rows)
        if given_ is None:
            return
        by = event.sequence
        self.rows = [replace(row, superseded_by=by) if row.event_id in given_.supersedes else row for row in self.rows]
        row = EarlierResult(event.event_id, by, opening_of(event), given_.status, given_.final)
        self.rows.append(row)
        self.supersedes[event.event_id] = given_.supersedes

    @property
    def told(self) -> list[tuple[str, bool, bool]]:
        """Status, finality, and whether it stands."""
        return [(row.status, row.final, not row.superseded_by) for row in self.rows]


def of_walk(walk: Walk) -> Results:
    return Results([event_to_wire(event) for event in walk.events])


def test_one_final_result_stands_and_nothing_follows_it() -> None:
    walk = Walk(*MEDIATING, Fail(FailureReason.DEADLOCK), RETURN, VISIT, CLOSE)
    assert of_walk(walk).told == [
        ("accepted", False, True),
        ("dispatched", False, True),
        ("failed", False, True),
        ("returned", True, True),
    ]


def test_late_paper_takes_back_what_the_alarm_led_to() -> None:
    walk = Walk(*MEDIATING).do(Fail(FailureReason.TERM_EXPIRED), at=LATE).do(RETURN, at=LATE).do(AGREE)
    results = of_walk(walk)
    assert results.told[2:] == [("failed", False, False), ("returned", True, False), ("agreed", False, True)]
    assert results.supersedes[walk.last.event_id] == tuple(row.event_id for row in results.rows[2:4])
    walk.do(RecordPerformance(DIGEST)).do(VISIT).do(CLOSE)
    assert of_walk(walk).told[5:] == [("performed", False, True), ("closed", True, True)]


def test_what_takes_back_without_a_result_of_its_own_is_told_as_corrected() -> None:
    walk = Walk(*MEDIATING).do(Fail(FailureReason.TERM_EXPIRED), at=LATE)
    overdue = event_of(walk.state.dispute_id, "court", "extended", walk.state.sequence + 1)
    overdue.rewinds_to = walk.last.sequence
    results = of_walk(walk)
    results.read(overdue)
    assert results.told[2:] == [("failed", False, False), ("corrected", False, True)]
    plain = of_walk(walk)
    overdue.rewinds_to = 0
    plain.read(overdue)
    assert plain.told[2:] == [("failed", False, True)]


def test_what_stands_beside_the_way_stays_when_the_way_is_taken_back() -> None:
    walk = Walk(*MEDIATING).do(Fail(FailureReason.TERM_EXPIRED), at=LATE).do(Link(OTHER), at=LATE).do(AGREE)
    assert of_walk(walk).told[2:] == [("failed", False, False), ("linked", False, True), ("agreed", False, True)]


def test_unlinking_takes_the_link_back_and_the_outcome_that_came_by_it() -> None:
    walk = Walk(*MEDIATING, Link(OTHER), ShareAgreement(OTHER, OutcomeForm.AGREEMENT), Unlink("not_one_matter"))
    assert of_walk(walk).told[2:] == [("linked", False, False), ("agreed", False, False), ("unlinked", False, True)]


def test_a_restated_fact_takes_nothing_back() -> None:
    walk = Walk(*MEDIATING, AGREE).do(Reclassify(category="0503", reason_code="source_corrected"))
    assert walk.last.retracts
    assert all(standing for _, _, standing in of_walk(walk).told)


def test_each_opening_has_a_final_result_of_its_own() -> None:
    walk = Walk(*MEDIATING, Fail(FailureReason.DEADLOCK), RETURN, Resubmit(2, TODAY), BeginScreening())
    walk.do(NoteUndocked("harassment"))
    results = of_walk(walk)
    # What was told of the round before is history, though its facts are no longer counted.
    assert [(row.opening, row.status) for row in results.rows if row.final and not row.superseded_by] == [
        (1, "returned"),
        (2, "not_docked"),
    ]


@pytest.mark.parametrize(
    ("limit", "rung", "told"),
    [
        ("due_on", Supervision.OVERDUE, True),
        ("statutory_due_on", Supervision.ESCALATED, True),
        ("screen_by", Supervision.SUPERVISED, True),
        ("due_on", Supervision.REMINDED, False),
        ("sign_by", Supervision.OVERDUE, False),
        ("", Supervision.SUPERVISED, False),
    ],
)
def test_an_agency_learns_of_alarms_of_its_own_limits(limit: str, rung: Supervision, *, told: bool) -> None:
    event = event_of(OWN, "court", "supervised", 2)
    event.limit, event.particulars.supervision = limit, rung
    assert [row.status for row in Results([event]).rows] == (["alarm"] if told else [])


def test_an_event_that_comes_again_is_judged_as_at_first() -> None:
    walk = Walk(*MEDIATING).do(Fail(FailureReason.TERM_EXPIRED), at=LATE).do(RETURN, at=LATE)
    walk.do(VISIT, at=LATE).do(AGREE)
    wire = [event_to_wire(event) for event in walk.events]
    skipped = event_of(walk.state.dispute_id, "court", "closed", walk.last.sequence - 1)  # as the final result stood
    assert Results([*wire, skipped, *wire]).told == Results(wire).told


POOL: Sequence[Instruction] = (
    BeginScreening(),
    RequestInformation(("consent_missing",), TODAY + timedelta(days=7)),
    RefuseMediation("consent_missing", waited=True),
    NoteUndocked("harassment"),
    ACCEPT,
    DISPATCH,
    REDISPATCH,
    Sign(),
    BEGIN,
    AGREE,
    Fail(FailureReason.DEADLOCK),
    Fail(FailureReason.TERM_EXPIRED),
    Withdraw(WithdrawReason.APPLICANT_WITHDREW),
    ShareAgreement(OTHER, OutcomeForm.AGREEMENT),
    RETURN,
    Refer(ReferTarget.ARBITRATION, told_in_writing=True),
    RecordPerformance(DIGEST),
    RecordNonPerformance(Remedy.SUIT),
    VISIT,
    CLOSE,
    Reopen(ReopenReason.NEW_SUIT),
    Resubmit(2, TODAY),
    Resubmit(3, TODAY),
    Link(OTHER),
    Unlink("not_one_matter"),
    Supervise(Supervision.OVERDUE, "due_on"),
    Supervise(Supervision.SUPERVISED, "due_on"),
)
STEPS = st.lists(st.tuples(st.sampled_from(POOL), st.sampled_from([0, 0, 1, 40, 41])), max_size=40)
STARTS = st.integers(2, len(MEDIATING))


def walked(start: int, steps: Sequence[tuple[Instruction, int]]) -> list[journal_pb2.JournalEvent]:
    """Return the journal of what is allowed of some instructions, each so many days after the start."""
    walk = Walk(*MEDIATING[:start])
    dispute: Dispute = walk.state
    for order, days in steps:
        outcome = decide(dispute, command(order, at=START + timedelta(days=days), role=Role.CLERK))
        if isinstance(outcome, Refusal):
            continue
        for event in outcome:
            dispute = evolve(dispute, event)
            walk.events.append(event)
    return [event_to_wire(event) for event in walk.events]


def check(results: Results, events: Sequence[journal_pb2.JournalEvent]) -> None:
    rows = {row.event_id: row for row in results.rows}
    finals = Counter(row.opening for row in rows.values() if row.final and not row.superseded_by)
    assert all(count == 1 for count in finals.values())
    # An opening whose last word on its way was final has its final result.
    over = {row.opening for row in rows.values() if row.final} - finals.keys()
    for opening in over:
        last = max(row.superseded_by for row in rows.values() if row.final and row.opening == opening)
        assert not any(row.final and row.opening == opening and row.sequence >= last for row in rows.values())
    # Whoever follows what takes a result back comes to one that stands.
    for row in rows.values():
        at = row
        while at.superseded_by:
            above = rows[event_id_of(events[0].dispute_id, at.superseded_by)]
            assert at.event_id in results.supersedes[above.event_id]
            assert above.sequence > at.sequence
            at = above
        assert at.superseded_by == 0
    named = [event_id for ids in results.supersedes.values() for event_id in ids]
    assert Counter(named) == Counter(row.event_id for row in rows.values() if row.superseded_by)


@settings(max_examples=300, deadline=None)
@given(STARTS, STEPS, st.data())
def test_whatever_happens_one_final_result_of_an_opening_stands(
    start: int, steps: list[tuple[Instruction, int]], data: st.DataObject
) -> None:
    events = walked(start, steps)
    once = Results(events)
    check(once, events)
    # Any event may come again, at any time after it came first.
    again = Results()
    for place, event in enumerate(events):
        again.read(event)
        for repeated in data.draw(st.lists(st.integers(0, place), max_size=2)):
            again.read(events[repeated])
    assert (again.rows, again.supersedes) == (once.rows, once.supersedes)


KINDS = st.sampled_from([kind.value for kind in EventKind])


@given(st.lists(st.tuples(KINDS, st.integers(0, 12), st.booleans()), max_size=25))
def test_any_order_of_events_leaves_one_final_result_at_most(told: list[tuple[str, int, bool]]) -> None:
    """Even of events that no dispute could have."""
    opening, events = 0, []
    for sequence, (kind, back, opens) in enumerate(told, start=1):
        opening += opens
        event = event_of(OWN, "court", kind, sequence)
        event.reopen_seq = opening
        event.rewinds_to = max(0, sequence - back) if back % 3 == 0 and back else 0
        events.append(event)
    if events:
        check(Results(events), events)


def test_the_walks_reach_what_they_are_about() -> None:
    """A walk of these instructions takes back, opens anew and ends."""
    steps: list[tuple[Instruction, int]] = [
        (Fail(FailureReason.TERM_EXPIRED), 40),
        (RETURN, 40),
        (AGREE, 1),
        (VISIT, 1),
        (CLOSE, 1),
        (Reopen(ReopenReason.NEW_SUIT), 41),
        (REDISPATCH, 41),
    ]
    events = walked(len(MEDIATING), steps)
    results = Results(events)
    assert [row.opening for row in results.rows if row.final and not row.superseded_by] == [1]
    assert any(results.supersedes.values())
    assert results.rows[-1].opening == 2
