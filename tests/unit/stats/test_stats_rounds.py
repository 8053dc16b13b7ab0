"""A record that its source hands over anew is received again, decided again and concluded again, each in its window."""

from __future__ import annotations

from datetime import date, timedelta

from msgspec.structs import replace

from dispute.lifecycle import (
    Channel,
    Instruction,
    Reclassify,
    RefuseMediation,
    Resubmit,
    ReturnToSource,
    State,
    Withdraw,
    WithdrawReason,
)
from dispute.lifecycle.own_commands import NoteUndocked, RequestInformation
from tests.support.lifecycle import AGREE, DIGEST, DISPATCH, MEDIATING, START, TODAY, Walk, reach
from tests.support.stats import Days, Figure, folded_figures, recounted_figures

AGAIN = START + timedelta(days=100)
JUNE: Days = (date(2024, 6, 1), date(2024, 7, 1))
MARCH: Days = (date(2024, 3, 1), date(2024, 4, 1))
ROUND = Resubmit(2, date(2024, 6, 3))
"""Its source received it six days before the hub."""
SCREENING = MEDIATING[1]
AGREE_IN_JUNE = replace(AGREE, confirm_by=date(2024, 7, 8))
REFUSED: tuple[Instruction, ...] = (
    RefuseMediation("special_procedure", "民诉解释(2022) 143"),
    ReturnToSource(Channel.COURT, DIGEST),
)


def figures(walk: Walk, days: Days = (None, None)) -> dict[str, Figure]:
    """Return all figures of a window; checked by the recount."""
    found = folded_figures([walk.events], days)
    assert found == recounted_figures([walk.state], days)
    return found


def again(walk: Walk, *instructions: Instruction) -> Walk:
    for instruction in (ROUND, *instructions):
        walk.do(instruction, at=AGAIN)
    return walk


def test_a_further_round_is_received_again_on_the_sources_day_and_open_until_it_is_decided() -> None:
    walk = again(reach(State.RETURNED))
    assert figures(walk)["diversion"] == (1, 2, 1)
    assert figures(walk, MARCH)["diversion"] == (1, 1, 0)
    assert figures(walk, JUNE)["diversion"] == (0, 1, 1)
    assert figures(walk, (date(2024, 6, 3), date(2024, 6, 4)))["diversion"] == (0, 1, 1)
    for instruction in MEDIATING[1:3]:
        walk.do(instruction, at=AGAIN + timedelta(days=40))
    assert figures(walk)["diversion"] == (2, 2, 0)
    assert figures(walk, JUNE)["diversion"] == (0, 1, 0)
    assert figures(walk)["matters"] == (1, 1, 0)


def test_a_further_round_is_concluded_as_the_first_was() -> None:
    dispatch = replace(DISPATCH, due_on=date(2024, 7, 9))
    walk = again(reach(State.RETURNED), *MEDIATING[1:3], dispatch, *MEDIATING[4:], AGREE_IN_JUNE)
    assert figures(walk)["success"] == (1, 2, 0)
    assert figures(walk, JUNE)["success"] == (1, 1, 0)
    assert figures(walk)["success_on_concluded"] == (1, 2, 0)


def test_a_round_that_is_refused_again_is_decided_twice() -> None:
    walk = again(reach(State.SCREENING).all(REFUSED), SCREENING, *REFUSED)
    assert figures(walk)["diversion"] == (0, 2, 0)
    assert figures(walk, JUNE)["diversion"] == (0, 1, 0)


def test_a_correction_moves_the_withdrawal_of_a_round_after_a_refused_one() -> None:
    """The refusal of the first round says nothing of the second, which the withdrawal decided."""
    walk = again(reach(State.SCREENING).all(REFUSED), SCREENING, Withdraw(WithdrawReason.APPLICANT_WITHDREW))
    assert figures(walk)["diversion"] == (0, 2, 0)
    walk.do(Reclassify(town_code="620725102", reason_code="clerk_error"), at=AGAIN)
    assert figures(walk)["diversion"] == (0, 2, 0)
    here, there = (folded_figures([walk.events], town=town) for town in ("620725101", "620725102"))
    assert (here["diversion"], there["diversion"]) == ((0, 0, 0), (0, 2, 0))


def test_what_is_no_matter_for_docking_leaves_nothing_counted() -> None:
    walk = reach(State.SCREENING).do(NoteUndocked("harassment"))
    assert set(figures(walk).values()) == {(0, 0, 0)}


def test_a_screening_that_waits_is_open() -> None:
    walk = reach(State.SCREENING).do(RequestInformation(("consent_missing",), TODAY + timedelta(days=7)))
    assert figures(walk)["diversion"] == (0, 1, 1)
