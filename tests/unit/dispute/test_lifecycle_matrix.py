"""Every state x instruction, against a matrix written by hand from the domain's table, not from ours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

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
    DeclineLink,
    EscalateLevel,
    Exclude,
    Extend,
    Fail,
    FailureReason,
    Instruction,
    Limit,
    Link,
    Milestone,
    NoteUndocked,
    OutcomeForm,
    ProposeLink,
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
    RequestInformation,
    Resubmit,
    Resume,
    ReturnToSource,
    SettledDate,
    SettleDueDates,
    ShareAgreement,
    ShareFailure,
    Sign,
    State,
    Supervise,
    Supervision,
    Suspend,
    SuspendReason,
    Track,
    TrackReason,
    Unlink,
    Unshare,
    Withdraw,
    WithdrawReason,
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
    MASTER,
    REGISTER,
    TODAY,
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
    "BeginScreening":       "x--- --- - - - - - - - - - - - - - -",  # T3
    "RequestInformation":   "-x-- --- - - - - - - - - - - - - - -",  # T3b; the screening waits
    "NoteUndocked":         "-x-- --- - - - - - - - - - - - - - -",  # T4b
    "RefuseMediation":      "-x-- --- - - - - - - - - - - - - - -",  # T4
    "Accept":               "-x-- --- - - - - - - - - - - - - - -",  # T5
    "Dispatch":             "---- x-- - - - - - - - - - - - - - -",  # T7
    "Sign":                 "---- -x- - - - - - - - - - - - - - -",  # T8
    "Bounce":               "---- -x- - - - - - - - - - - - - - -",  # T9
    "BeginMediation":       "---- --x - - - - - x - x - - - - - -",  # T10; T18 new mediation; a second attempt
    "EscalateLevel":        "---- --- x - - - - - - - - - - - - -",  # T11
    "Suspend":              "---- --- x - - - - - - - - - - - - -",  # T12
    "Resume":               "---- --- - x - - - - - - - - - - - -",  # T12
    "Extend":               "---- --- x - - - - - - - - - - - - -",  # T13
    "Agree":                "---- xxx x x - - - - - - - - - - - -",  # T14; settled forms without a session
    "Fail":                 "---- xxx x x - - - - - - - - - - - -",  # T15; a refusal ends it anywhere
    "ShareAgreement":       "---- xxx x x - - - - - - - - - - - -",  # agreed at a linked dispute
    "ShareFailure":         "---- xxx - - - - - - - - - - - - - -",  # a session of its own goes on
    "Exclude":              "---- xxx x x - - - - - - - - - - - -",  # T15; an exclusion comes to light
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
    "Resubmit":             "---- --- - - - - - - - - - x x x x x",  # T28; handed over anew
    "Link":                 "xx-x xxx x x x x x x x x x x x x x -",
    "Unlink":               "xx-x xxx x x x x x x x x x x x x x x",
    "ProposeLink":          "xx-x xxx x x x x x x x x x x x x x -",
    "DeclineLink":          "xx-x xxx x x x x x x x x x x x x x -",
    "Unshare":              "xx-x xxx x x x x x x x x x x x x x x",
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
    "RequestInformation": RequestInformation(("consent_missing",), DUE),
    "NoteUndocked": NoteUndocked("harassment_call"),
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
    "ShareAgreement": ShareAgreement(MASTER, OutcomeForm.AGREEMENT),
    "ShareFailure": ShareFailure(MASTER, FailureReason.DEADLOCK),
    "Exclude": Exclude("criminal_matter"),
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
    "Resubmit": Resubmit(2, TODAY),
    "Link": Link(MASTER),
    "Unlink": Unlink("clerk_error"),
    "ProposeLink": ProposeLink(MASTER, 60),
    "DeclineLink": DeclineLink(MASTER),
    "Unshare": Unshare(MASTER),
    "RecordVisit": RecordVisit(clean=True),
    "Rate": Rate(0),
    "Supervise": Supervise(Supervision.REMINDED),
    "ChangeColour": ChangeColour(Colour.GREEN, "threat"),
    "ReachMilestone": ReachMilestone(Milestone.MET),
    "Reclassify": Reclassify(category="0101", reason_code="clerk_error"),
    "SettleDueDates": SettleDueDates((SettledDate(DateName.DUE_ON, DUE, DUE + timedelta(days=1)),)),
}


LINKS: dict[str, dict[str, Any]] = {
    "Unlink": {"master_dispute_id": MASTER},
    "DeclineLink": {"proposed_links": (MASTER,)},
}
LIMITS = {("BeginMediation", State.FAILED): Limit(TODAY + timedelta(days=9))}
"""What intake says where the calendar's word is needed."""


def allowed(name: str) -> set[State]:
    cells = MATRIX[name].replace(" ", "")
    assert len(cells) == len(STATES)
    return {state for state, cell in zip(STATES, cells, strict=True) if cell == "x"}


def lawful(name: str, state: State) -> tuple[Walk, Instruction]:
    """Return a dispute in `state` and an instruction that no guard has anything against."""
    walk, instruction = reach(state), GOOD[name]
    match name, state:
        case "RecordNonPerformance", State.JC_CONFIRMED:
            instruction = RecordNonPerformance(Remedy.ENFORCEMENT)
        case "Close", State.TRACKING:
            walk.all([RecordVisit(clean=True)] * 3)
        case "Resubmit", State.FOLLOW_UP | State.TRACKING:
            walk = reach(State.RETURNED).do(FOLLOW_UP)
            if state is State.TRACKING:
                walk.do(Track(TrackReason.RESENTFUL))
        case "BeginFollowUp", State.WITHDRAWN:
            walk = reach(state, registration(Channel.WINDOW))
        case "ReachMilestone", _:
            walk.dispute = replace(walk.state, dimensions=replace(walk.state.dimensions, channel=Channel.PETITION))
        case "SettleDueDates", _:
            walk.dispute = replace(walk.state, provisional=(mark_of(DateName.DUE_ON, DUE),))
        case (("Unlink" | "DeclineLink"), _):
            walk.dispute = replace(walk.state, **LINKS[name])
        case _:
            pass
    return walk, instruction


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
        told = command(instruction)
        (event,) = decided(before, replace(told, limit=LIMITS.get((name, state), told.limit)))
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
        "T1": State.REGISTERED, "T3": State.SCREENING, "T3b": None, "T4": State.NOT_MEDIABLE, "T4b": State.RETURNED,
        "T5": State.ACCEPTED, "T6a": State.RETURNED, "T6b": State.REFERRED, "T7": State.DISPATCHED, "T8": State.SIGNED,
        "T9": State.ACCEPTED, "T10": State.MEDIATING, "T10b": State.MEDIATING, "T11": State.DISPATCHED,
        "T12a": State.SUSPENDED,
        "T12b": State.MEDIATING, "T13a": State.MEDIATING, "T13b": State.MEDIATING, "T13c": State.MEDIATING,
        "T14a": State.AGREED, "T14b": State.AGREED, "T14c": State.AGREED, "T15a": State.FAILED, "T15b": State.FAILED,
        "T15c": State.FAILED, "T15d": State.FAILED, "T16": State.WITHDRAWN,
        "T17": State.JC_PENDING, "T18a": State.JC_CONFIRMED, "T18b": State.JC_REFUSED, "T18c": State.MEDIATING,
        "T18d": State.RETURNED, "T19a": State.PERFORMED, "T19b": None, "T20": State.RETURNED, "T21a": State.RETURNED,
        "T21b": State.RETURNED, "T22": State.REFERRED, "T23a": State.FOLLOW_UP, "T23b": State.FOLLOW_UP,
        "T24": State.CLOSED, "T25": State.TRACKING, "T26": State.CLOSED, "T27": State.ACCEPTED,
        "T28": State.REGISTERED, "L1": None, "L2": None, "L3": None, "L4": None, "L5": None,
        "V1": None, "R1": None, "O1": None, "O2": None, "M1": None, "C1": None, "D1": None,
    }  # fmt: skip


def test_every_row_of_the_table_can_be_taken() -> None:
    assert len({row.id for row in TRANSITIONS}) == len(TRANSITIONS)
    assert all(row.zh and row.en for row in TRANSITIONS)
    assert all(guard.__doc__ for row in TRANSITIONS for guard in row.guards)


def test_agree_in_mediation_takes_every_form() -> None:
    assert decided(reach(State.MEDIATING).state, command(AGREE))[0].transition == "T14a"
