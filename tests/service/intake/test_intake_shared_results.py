"""A result of one dispute is heard by the others of its matter as their own, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.store.instants import to_micros
from services.intake.cases.tables import effect
from services.intake.law.shared_results import SharedFailure, result_to_bytes
from tests.support.intake_rig import HANDED_OVER, WALL, FakeBridge, IntakeClient, Rig, case_facts, parties
from tests.support.journals import until
from tests.support.orders import agree, order, to_mediation

DAY = timedelta(days=1)
EVENT = "2024-02-20"


@pytest.fixture
def police(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")


@pytest.fixture
def office(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")


def incident(police: FakeBridge, ref: str, **changes: str) -> handoff_pb2.Handoff:
    facts = case_facts(procedure="", suit_kind="", case_cause="dispute", happened_on=EVENT, **changes)
    return police.handoff(ref, case_received=facts, people=parties("p-2", "p-1", ("applicant", "respondent")))


async def matter(rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge) -> tuple[str, str, str]:
    """Return a police incident, a suit and a petition of one matter, in the order of their registration."""
    police.send(incident(police, "J-1"))
    await client.applied(police)
    rig.bridge.send(
        rig.bridge.handoff("A-1", case_received=case_facts(happened_on=EVENT), people=parties("p-1", "p-2"))
    )
    await client.applied(rig.bridge)
    facts = case_facts(procedure="", suit_kind="", case_cause="", purpose="request", happened_on=EVENT)
    office.send(office.handoff("X-1", case_received=facts, people=parties("p-1", "p-2", ("petitioner", "respondent"))))
    await client.applied(office)
    return police.dispute_id("J-1"), rig.bridge.dispute_id("A-1"), office.dispute_id("X-1")


async def heard(client: IntakeClient, dispute_ids: Sequence[str]) -> list[str]:
    """Return the states after every effect was carried out."""

    async def all_gone() -> bool:
        return await client.rows(effect) == 0

    await until(all_gone)
    return [await client.state(each) for each in dispute_ids]


def last(events: list[journal_pb2.JournalEvent], kind: str) -> journal_pb2.JournalEvent:
    return [event for event in events if event.type == kind][-1]


async def test_an_agreement_reaches_court_and_petition_as_their_own_result(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(first), agree(first, HANDED_OVER + DAY))
    assert await heard(client, (first, suit, petition)) == ["agreed", "agreed", "agreed"]
    for dispute_id in (suit, petition):
        event = last(await client.history(dispute_id), "agreed")
        assert (event.particulars.shared_from, event.actor_id) == (first, "matter")
        assert event.dimensions.outcome_form == "agreement"
        assert event.correlation_id == last(await client.history(first), "agreed").correlation_id


async def test_the_first_dispute_hears_its_members(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(suit), agree(suit, HANDED_OVER + DAY))
    assert await heard(client, (first, suit, petition)) == ["agreed", "agreed", "agreed"]
    assert last(await client.history(first), "agreed").particulars.shared_from == suit


async def test_a_failure_reaches_those_that_are_not_in_mediation(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(first), *to_mediation(suit))
    await client.execute(order(first, "fail", HANDED_OVER + DAY, reason_code="deadlock"))
    assert await heard(client, (first, suit, petition)) == ["failed", "mediating", "failed"]
    event = last(await client.history(petition), "failed")
    assert (event.particulars.shared_from, event.reason_code) == (first, "deadlock")


async def test_a_second_attempt_takes_the_failure_back_where_it_was_heard(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(first), order(first, "fail", HANDED_OVER + DAY, reason_code="deadlock"))
    assert await heard(client, (first, suit, petition)) == ["failed", "failed", "failed"]
    again = to_mediation(first, HANDED_OVER + 2 * DAY)[-1]
    (result,) = await client.execute(again)
    assert result.WhichOneof("result") == "position", result
    states = await heard(client, (first, suit, petition))
    assert states[0] == "mediating"
    assert "failed" not in states
    for dispute_id in (suit, petition):
        assert last(await client.history(dispute_id), "unshared").particulars.shared_from == first
    await client.execute(agree(first, HANDED_OVER + 3 * DAY))
    assert await heard(client, (first, suit, petition)) == ["agreed", "agreed", "agreed"]


async def test_the_end_of_ones_own_term_is_nobody_elses(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(suit))
    for days in range(10, 70, 10):
        await client.advance(HANDED_OVER + days * DAY)
    assert (await heard(client, (suit,)))[0] == "failed"
    for other in (first, petition):
        assert "failed" not in await client.types(other)


async def test_performance_reaches_those_who_heard_of_the_agreement(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(first), *to_mediation(suit), agree(suit, HANDED_OVER + DAY))
    await heard(client, ())
    evidence = "a" * 64
    await client.execute(order(suit, "record_performance", HANDED_OVER + 2 * DAY, evidence_sha256=evidence))
    assert await heard(client, (suit, petition)) == ["performed", "performed"]
    assert last(await client.history(petition), "performed").particulars.document_sha256 == evidence


async def test_non_performance_is_followed_by_each_channels_own_remedy(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(suit), agree(suit, HANDED_OVER + DAY))
    await heard(client, ())
    await client.execute(order(suit, "record_non_performance", HANDED_OVER + 9 * DAY, target="suit"))
    assert await heard(client, (first, suit, petition)) == ["returned", "returned", "returned"]
    targets = [last(await client.history(each), "not_performed").particulars.target for each in (first, petition)]
    assert targets == ["penalty_procedure", "suit"]


async def test_who_is_linked_later_does_not_hear_an_old_result(
    rig: Rig, client: IntakeClient, police: FakeBridge
) -> None:
    police.send(incident(police, "J-1"))
    await client.applied(police)
    first = police.dispute_id("J-1")
    await client.execute(*to_mediation(first), agree(first, HANDED_OVER + DAY))
    rig.bridge.send(
        rig.bridge.handoff("A-1", case_received=case_facts(happened_on=EVENT), people=parties("p-1", "p-2"))
    )
    await client.applied(rig.bridge)
    suit = rig.bridge.dispute_id("A-1")
    assert (await client.dispute(suit)).master_dispute_id == first
    assert await heard(client, (suit,)) == ["accepted"]


async def test_unlinking_takes_back_what_was_shared(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(first), agree(first, HANDED_OVER + DAY))
    await heard(client, ())
    await client.execute(order(suit, "unlink", HANDED_OVER + 2 * DAY, reason_code="other_contract"))
    dispute = await client.dispute(suit)
    assert (dispute.state, dispute.master_dispute_id) == ("accepted", "")
    taken = last(await client.history(suit), "unlinked")
    assert sorted(each.type for each in taken.retracts) == ["agreed", "linked"]
    # From now on it hears nothing, and the others of the matter do.
    evidence = order(first, "record_performance", HANDED_OVER + 3 * DAY, evidence_sha256="b" * 64)
    await client.execute(evidence)
    assert await heard(client, (first, suit, petition)) == ["performed", "accepted", "performed"]


async def test_the_first_dispute_gives_back_what_it_heard_of_one_that_leaves(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(first), *to_mediation(suit), agree(suit, HANDED_OVER + DAY))
    assert await heard(client, (first, petition)) == ["agreed", "agreed"]
    await client.execute(order(suit, "unlink", HANDED_OVER + 2 * DAY, reason_code="other_contract"))
    assert await heard(client, (first, suit, petition)) == ["mediating", "agreed", "accepted"]
    taken = last(await client.history(first), "unshared")
    assert (taken.particulars.shared_from, [each.type for each in taken.retracts]) == (suit, ["agreed"])
    # Theirs goes on: an agreement of their own is heard again.
    await client.execute(agree(first, HANDED_OVER + 3 * DAY))
    assert await heard(client, (petition,)) == ["agreed"]


async def test_the_scenario_clock_moves_after_what_was_shared(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    first, suit, petition = await matter(rig, client, police, office)
    await client.execute(*to_mediation(suit), *to_mediation(first), agree(first, HANDED_OVER + DAY))
    await client.advance(HANDED_OVER + 60 * DAY)
    assert await client.rows(effect) == 0
    for dispute_id in (suit, petition):
        types = await client.types(dispute_id)
        assert "agreed" in types
        assert "failed" not in types


async def test_what_a_crash_left_is_carried_out_once(
    rig: Rig, client: IntakeClient, police: FakeBridge, office: FakeBridge
) -> None:
    """The row stands as after a kill between the outcome's commit and the effect's."""
    first, _, petition = await matter(rig, client, police, office)
    result = SharedFailure(first, "c-1", "refused")
    at = to_micros(HANDED_OVER + DAY)
    row = {
        "effect_id": "5d0f4d3c-3d3f-5d0e-9a6b-3c1f7e2a4d58",
        "dispute_id": petition,
        "occurred_at": at,
        "recorded_at": to_micros(WALL),
        "sequence": 4,
        "result": result_to_bytes(result),
    }
    for _ in range(2):
        await client.stop()
        store = rig.built().store
        store.write_blocking(lambda tx: tx.execute(sa.insert(effect), [row]))
        store.close()
        client = await rig.start()
        assert await heard(client, (petition,)) == ["failed"]
    assert (await client.types(petition)).count("failed") == 1
