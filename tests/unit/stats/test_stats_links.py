"""One matter in several channels: each record counts in its own, the matter once, and an unlinking restores it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import Channel, Link, Reclassify, Resubmit, ReturnToSource, State, Unlink, dispute_id_of
from dispute.lifecycle.own_commands import NoteUndocked, ProposeLink, ShareAgreement
from dispute.lifecycle.vocabulary import OutcomeForm
from tests.support.lifecycle import (
    DIGEST,
    MEDIATING,
    ORGAN,
    REF,
    START,
    TODAY,
    Walk,
    command,
    reach,
    refused,
    registration,
)
from tests.support.stats import Days, folded_figures, recounted_figures

MASTER = dispute_id_of(ORGAN, "another")
CHANNELS = (Channel.COURT, Channel.POLICE, Channel.PETITION)
LATER = START + timedelta(days=40)


def record(channel: Channel, received_on: date = TODAY) -> Walk:
    """Return one agency's record, mediated."""
    return Walk(replace(registration(channel), received_on=received_on)).all(MEDIATING[1:])


def matters(*records: Walk, days: Days = (None, None)) -> dict[str, tuple[int, int]]:
    """Return matters and records by channel; checked by the recount."""
    found = {}
    for channel in (*CHANNELS, "all"):
        figures = folded_figures([each.events for each in records], days, channel)
        assert figures == recounted_figures([each.state for each in records], days, channel)
        found[str(channel)] = figures["matters"][:2]
    return found


def test_one_matter_in_three_channels_is_three_records_and_one_matter_until_it_is_unlinked() -> None:
    court, police, petition = (record(channel) for channel in CHANNELS)
    before = matters(court, police, petition)
    assert before == {"court": (1, 1), "police": (1, 1), "petition": (1, 1), "all": (3, 3)}
    police.do(Link(MASTER), at=LATER)
    petition.do(Link(MASTER), at=LATER)
    linked = {"court": (1, 1), "police": (0, 1), "petition": (0, 1), "all": (1, 3)}
    assert matters(court, police, petition) == linked
    petition.do(Unlink("another_matter"), at=LATER + timedelta(days=3))
    assert matters(court, police, petition)["all"] == (2, 3)
    police.do(Unlink("another_matter"), at=LATER + timedelta(days=3))
    assert matters(court, police, petition) == before
    police.do(Link(MASTER), at=LATER + timedelta(days=4))
    assert matters(court, police, petition)["all"] == (2, 3)


def test_a_link_counts_on_the_day_of_its_record_so_that_windows_add_up() -> None:
    court, police = record(Channel.COURT), record(Channel.POLICE, TODAY - timedelta(days=20))
    police.do(Link(MASTER), at=LATER)
    month: Days = (date(2024, 2, 1), date(2024, 3, 1))
    assert matters(court, police, days=month)["all"] == (0, 1)
    assert matters(court, police, days=(date(2024, 3, 1), date(2024, 4, 1)))["all"] == (1, 1)
    assert matters(court, police, days=(date(2024, 4, 1), None))["all"] == (0, 0)


def test_a_record_that_is_linked_in_a_later_round_leaves_the_window_of_its_first() -> None:
    walk = record(Channel.COURT)
    walk.do(ShareAgreement(MASTER, OutcomeForm.AGREEMENT, partial=True))
    walk.do(ReturnToSource(Channel.COURT, DIGEST))
    walk.do(Resubmit(2, date(2024, 6, 3)), at=START + timedelta(days=100)).do(
        Link(MASTER), at=START + timedelta(days=101)
    )
    assert matters(walk, days=(TODAY, TODAY + timedelta(days=1)))["all"] == (0, 1)
    assert matters(walk, days=(date(2024, 6, 1), None))["all"] == (0, 0)


def test_a_correction_moves_a_link_along() -> None:
    walk = record(Channel.POLICE).do(Link(MASTER)).do(Reclassify(town_code="620725102", reason_code="clerk_error"))
    assert matters(walk)["all"] == (0, 1)
    assert [folded_figures([walk.events], town=town)["matters"][:2] for town in ("620725101", "620725102")] == [
        (0, 0),
        (0, 1),
    ]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_shared_agreement_is_the_records_own_until_its_link_is_undone(channel: Channel) -> None:
    walk = record(channel).do(Link(MASTER)).do(ShareAgreement(MASTER, OutcomeForm.AGREEMENT))
    assert folded_figures([walk.events])["success"] == (1, 1, 0)
    walk.do(Unlink("another_matter"), at=LATER)
    assert folded_figures([walk.events])["success"] == (0, 1, 1)
    assert matters(walk)["all"] == (1, 1)


def test_what_is_no_matter_for_docking_can_not_be_linked() -> None:
    """Its registration is not counted: a link would count less than nothing."""
    walk = reach(State.SCREENING).do(NoteUndocked("harassment"))
    assert refused(walk.state, command(Link(MASTER))).code == "wrong_state"
    linked = reach(State.SCREENING).do(Link(MASTER)).do(NoteUndocked("harassment"))
    assert matters(walk, linked)["all"] == (0, 0)


def test_a_proposed_link_counts_nothing() -> None:
    walk = record(Channel.POLICE).do(ProposeLink(MASTER, 80))
    assert matters(walk)["all"] == (1, 1)
    assert walk.state.dispute_id == dispute_id_of(ORGAN, REF)
