"""Every state x instruction, against a matrix written by hand from the domain's table, not from ours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    INSTRUCTIONS,
    TRANSITIONS,
    Agree,
    ApplyForConfirmation,
    BeginScreening,
    Bounce,
    ChangeColour,
    Channel,
    Colour,
    DateName,
    EscalateLevel,
    Extend,
    Fail,
    FailureReason,
    Instruction,
    LinkDuplicate,
    Milestone,
    OutcomeForm,
    Rate,
    ReachMilestone,
    Reclassify,
    RecordNonPerformance,
    RecordPerformance,
    RecordRuling,
    RecordVisit,
    Refer,
    ReferTarget,
    RefuseMediation,
    Remedy,
    Reopen,
    ReopenReason,
    Resume,
    ReturnToSource,
    SettledDate,
    SettleDueDates,
    Sign,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    Track,
    TrackReason,
    Withdraw,
    WithdrawReason,
    dispute_id_of,
)
from hub.errors import Kind
from tests.support.lifecycle import (
    ACCEPT,
    AGREE,
    BEGIN,
    CLOSE,
    DIGEST,
    DISPATCH,
    DUE,
    FOLLOW_UP,
    ORGAN,
    REGISTER,
    Walk,
    command,
    decided,
    mark_of,
    reach,
    refused,
    registration,
)

# Columns: states in the order of their life. A letter in a cell: allowed; what the letter means is the row's comment.
STATES = [
    State.REGISTERED, State.SCREENING, State.DUPLICATE, State.NOT_MEDIABLE, State.ACCEPTED, State.DISPATCHED,
    State.SIGNED, State.MEDIATING, State.SUSPENDED, State.AGREED, State.JC_PENDING, State.JC_CONFIRMED,
    State.JC_REFUSED, State.PERFORMED, State.FAILED, State.WITHDRAWN, State.RETURNED, State.REFERRED,
    State.FOLLOW_UP, State.TRACKING, State.CLOSED,
]  # fmt: skip
#                          RSDN ADS M S A J J J P F W R R F T C
#                          ecuo cig e u g p c r e a i e e o r l
MATRIX = {
    "Register":             "---- --- - - - - - - - - - - - - - -",
    "LinkDuplicate":        "x--- --- - - - - - - - - - - - - - -",  # T2
    "BeginScreening":       "x--- --- - - - - - - - - - - - - - -",  # T3
    "RefuseMediation":      "-x-- --- - - - - - - - - - - - - - -",  # T4
    "Accept":               "-x-- --- - - - - - - - - - - - - - -",  # T5
    "Dispatch":             "---- x-- - - - - - - - - - - - - - -",  # T7
    "Sign":                 "---- -x- - - - - - - - - - - - - - -",  # T8
    "Bounce":               "---- -x- - - - - - - - - - - - - - -",  # T9
    "BeginMediation":       "---- --x - - - - - x - - - - - - - -",  # T10; T18 new mediation
    "EscalateLevel":        "---- --- x - - - - - - - - - - - - -",  # T11
    "Suspend":              "---- --- x - - - - - - - - - - - - -",  # T12
    "Resume":               "---- --- - x - - - - - - - - - - - -",  # T12
    "Extend":               "---- --- x - - - - - - - - - - - - -",  # T13
    "Agree":                "---- xxx x x - - - - - - - - - - - -",  # T14; settled forms without a session
    "Fail":                 "---- xxx x x - - - - - - - - - - - -",  # T15; a refusal ends it anywhere
    "Withdraw":             "xx-x xxx x x - - - x - - - - - - - -",  # T16 any open
    "ApplyForConfirmation": "---- --- - - x - - - - - - - - - - -",  # T17
    "RecordRuling":         "---- --- - - - x - - - - - - - - - -",  # T18
    "RecordPerformance":    "---- --- - - x - x - - - - - - x x -",  # T19; seen at a visit
    "RecordNonPerformance": "---- --- - - x - x - - - - - - - - -",  # T20
    "ReturnToSource":       "---x --- - - x - - x - x x - - x x -",  # T6, T18, T21; dissatisfied party sues
    "Refer":                "---x --- - - - - - - - x - - - - - -",  # T6, T22
    "BeginFollowUp":        "---- --- - - x - - - x - x x x - - -",  # T23
    "Close":                "---- --- - - - - - - - - - - - x x -",  # T24, T26
    "Track":                "---- --- - - - - - - - - - - - x - -",  # T25
    "Reopen":               "---- --- - - - - - - - - - - - x x x",  # T27
    "RecordVisit":          "---- --- - - - - - - - - - - - x x -",
    "Rate":                 "---- --- - - - - - - - - - - - x x x",
    "Supervise":            "xx-x xxx x x x x x x x x x x x x x -",
    "ChangeColour":         "xx-x xxx x x x x x x x x x x x x x -",
    "ReachMilestone":       "xx-x xxx x x x x x x x x x x x x x -",
    "Reclassify":           "xx-x xxx x x x x x x x x x x x x x x",
    "SettleDueDates":       "xxxx xxx x x x x x x x x x x x x x x",  # figures stand by dates wherever the dispute is
}  # fmt: skip

SETTLED = Agree(OutcomeForm.SELF_SETTLED)
SUIT = ReturnToSource(Channel.COURT, DIGEST, party_elected_suit=True)
GOOD: dict[str, Instruction] = {
    "Register": REGISTER,
    "LinkDuplicate": LinkDuplicate(dispute_id_of(ORGAN, "another")),
    "BeginScreening": BeginScreening(),
    "RefuseMediation": RefuseMediation("special_procedure"),
    "Accept": ACCEPT,
    "Dispatch": DISPATCH,
    "Sign": Sign(DUE),
    "Bounce": Bounce("not_our_duty"),
    "BeginMediation": BEGIN,
    "EscalateLevel": EscalateLevel("county-centre", "deadlock"),
    "Suspend": Suspend(SuspendReason.APPRAISAL),
    "Resume": Resume(),
    "Extend": Extend(consent_of_all=True, days=30, due_on=DUE + timedelta(days=30)),
    "Agree": SETTLED,
    "Fail": Fail(FailureReason.REFUSED),
    "Withdraw": Withdraw(WithdrawReason.APPLICANT_WITHDREW),
    "ApplyForConfirmation": ApplyForConfirmation(jointly=True),
    "RecordRuling": RecordRuling(confirmed=True),
    "RecordPerformance": RecordPerformance(DIGEST),
    "RecordNonPerformance": RecordNonPerformance(Remedy.SUIT),
    "ReturnToSource": SUIT,
    "Refer": Refer(ReferTarget.ARBITRATION, told_in_writing=True),
    "BeginFollowUp": FOLLOW_UP,
    "Close": CLOSE,
    "Track": Track(TrackReason.RESENTFUL),
    "Reopen": Reopen(ReopenReason.NEW_SUIT),
    "RecordVisit": RecordVisit(clean=True),
    "Rate": Rate(0),
    "Supervise": Supervise(Supervision.REMINDED),
    "ChangeColour": ChangeColour(Colour.GREEN, "threat"),
    "ReachMilestone": ReachMilestone(Milestone.MET),
    "Reclassify": Reclassify(category="0101", reason_code="clerk_error"),
    "SettleDueDates": SettleDueDates((SettledDate(DateName.DUE_ON, DUE, DUE + timedelta(days=1)),)),
}


def allowed(name: str) -> set[State]:
    cells = MATRIX[name].replace(" ", "")
    assert len(cells) == len(STATES)
    return {state for state, cell in zip(STATES, cells, strict=True) if cell == "x"}


def lawful(name: str, state: State) -> tuple[Walk, Instruction]:
    """Return a dispute in `state` and an instruction that no guard has anything against."""
    if name == "RecordNonPerformance" and state is State.JC_CONFIRMED:
        return reach(state), RecordNonPerformance(Remedy.ENFORCEMENT)
    if name == "Close" and state is State.TRACKING:
        return reach(state).all([RecordVisit(clean=True)] * 3), CLOSE
    if name == "ReachMilestone" and state is not State.DUPLICATE:
        walk = reach(state)
        petition = replace(walk.state.dimensions, channel=Channel.PETITION)
        walk.dispute = replace(walk.state, dimensions=petition)
        return walk, GOOD[name]
    if name == "SettleDueDates":
        walk = reach(state)
        walk.dispute = replace(walk.state, provisional=(mark_of(DateName.DUE_ON, DUE),))
        return walk, GOOD[name]
    if name == "BeginFollowUp" and state is State.WITHDRAWN:
        return reach(state, registration(Channel.WINDOW)), GOOD[name]
    return reach(state), GOOD[name]


def test_matrix_names_every_state_and_every_instruction() -> None:
    assert list(State) == STATES
    assert set(MATRIX) == set(GOOD) == {kind.__name__ for kind in INSTRUCTIONS}


@pytest.mark.parametrize("state", STATES, ids=str)
@pytest.mark.parametrize("name", MATRIX)
def test_every_pair(name: str, state: State) -> None:
    walk, instruction = lawful(name, state)
    assert walk.state.state is state
    before = walk.state
    if state in allowed(name):
        (event,) = decided(before, command(instruction))
        assert event.from_state is state
        assert event.sequence == before.sequence + 1
    else:
        refusal = refused(before, command(instruction))
        assert (refusal.code, refusal.kind) == ("wrong_state", Kind.WRONG_STATE)
        assert state in refusal.detail
        assert name in refusal.detail


@pytest.mark.parametrize("name", MATRIX)
def test_before_registration_only_register(name: str) -> None:
    if name == "Register":
        assert [event.to_state for event in decided(None, command(REGISTER))] == [State.REGISTERED]
        return
    refusal = refused(None, command(GOOD[name]))
    assert refusal.code == "wrong_state"
    assert "unregistered" in refusal.detail


def test_targets_are_those_of_the_domain() -> None:
    told = {row.id: row.target for row in TRANSITIONS}
    assert told == {
        "T1": State.REGISTERED, "T2": State.DUPLICATE, "T3": State.SCREENING, "T4": State.NOT_MEDIABLE,
        "T5": State.ACCEPTED, "T6a": State.RETURNED, "T6b": State.REFERRED, "T7": State.DISPATCHED, "T8": State.SIGNED,
        "T9": State.ACCEPTED, "T10": State.MEDIATING, "T11": State.DISPATCHED, "T12a": State.SUSPENDED,
        "T12b": State.MEDIATING, "T13a": State.MEDIATING, "T13b": State.MEDIATING, "T14a": State.AGREED,
        "T14b": State.AGREED, "T15a": State.FAILED, "T15b": State.FAILED, "T16": State.WITHDRAWN,
        "T17": State.JC_PENDING, "T18a": State.JC_CONFIRMED, "T18b": State.JC_REFUSED, "T18c": State.MEDIATING,
        "T18d": State.RETURNED, "T19a": State.PERFORMED, "T19b": None, "T20": State.RETURNED, "T21a": State.RETURNED,
        "T21b": State.RETURNED, "T22": State.REFERRED, "T23a": State.FOLLOW_UP, "T23b": State.FOLLOW_UP,
        "T24": State.CLOSED, "T25": State.TRACKING, "T26": State.CLOSED, "T27": State.ACCEPTED,
        "V1": None, "R1": None, "O1": None, "O2": None, "M1": None, "C1": None, "D1": None,
    }  # fmt: skip


def test_every_row_of_the_table_can_be_taken() -> None:
    assert len({row.id for row in TRANSITIONS}) == len(TRANSITIONS)
    assert all(row.zh and row.en for row in TRANSITIONS)
    assert all(guard.__doc__ for row in TRANSITIONS for guard in row.guards)


def test_agree_in_mediation_takes_every_form() -> None:
    assert decided(reach(State.MEDIATING).state, command(AGREE))[0].transition == "T14a"
