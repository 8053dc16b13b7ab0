"""One matter, several channels (design D15): the later one is linked, strangers are not merged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dispute.wire.handoff.v1 import handoff_pb2
from services.intake.cases.tables import open_matter
from tests.support.intake_rig import (
    HANDED_OVER,
    FakeBridge,
    IntakeClient,
    Rig,
    agree,
    case_facts,
    parties,
    to_mediation,
)

DAY = timedelta(days=1)


@pytest.fixture
def police(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")


def call(police: FakeBridge, ref: str, first: str, second: str, **changes: Any) -> handoff_pb2.Handoff:  # noqa: ANN401 - any fact
    facts = case_facts(procedure="", suit_kind="", case_cause="dispute", **changes)
    return police.handoff(ref, case_received=facts, people=parties(first, second, ("applicant", "respondent")))


async def test_the_same_matter_from_another_channel_is_linked(
    rig: Rig, client: IntakeClient, police: FakeBridge
) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    police.send(call(police, "J-1", "p-2", "p-1"))
    await client.applied(police)
    linked = await client.dispute(police.dispute_id("J-1"))
    assert (linked.state, linked.master_dispute_id) == ("duplicate", rig.bridge.dispute_id("A-1"))
    last = (await client.history(linked.dispute_id))[-1]
    assert [retraction.type for retraction in last.retracts] == ["registered"]
    assert await client.state(rig.bridge.dispute_id("A-1")) == "accepted"


@pytest.mark.parametrize("people", [("p-1", "p-3"), ("p-1", ""), ("", "")])
async def test_other_or_unknown_people_are_not_merged(
    rig: Rig, client: IntakeClient, police: FakeBridge, people: tuple[str, str]
) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    police.send(call(police, "J-1", *people))
    await client.applied(police)
    assert await client.state(police.dispute_id("J-1")) == "accepted"


async def test_two_suits_of_one_court_are_two_suits(rig: Rig, client: IntakeClient, police: FakeBridge) -> None:
    for ref in ("A-1", "A-2"):
        rig.bridge.send(rig.bridge.handoff(ref, people=parties("p-1", "p-2")))
        await client.applied(rig.bridge)
    assert await client.state(rig.bridge.dispute_id("A-2")) == "accepted"
    for ref in ("J-1", "J-2"):
        police.send(call(police, ref, "p-1", "p-2"))
        await client.applied(police)
        assert await client.state(police.dispute_id(ref)) == "duplicate"


async def test_another_category_is_another_matter(rig: Rig, client: IntakeClient, police: FakeBridge) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    police.send(call(police, "J-1", "p-1", "p-2", category="02"))
    await client.applied(rig.bridge, police)
    assert await client.state(police.dispute_id("J-1")) == "accepted"


async def test_a_concluded_matter_is_open_to_the_next_channel(
    rig: Rig, client: IntakeClient, police: FakeBridge
) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id("A-1")
    await client.execute(*to_mediation(dispute_id), agree(dispute_id, HANDED_OVER + DAY))
    assert await client.rows(open_matter) == 0
    police.send(call(police, "J-1", "p-1", "p-2"))
    await client.applied(police)
    assert await client.state(police.dispute_id("J-1")) == "accepted"


async def test_a_matter_that_was_refused_is_not_held(rig: Rig, client: IntakeClient, police: FakeBridge) -> None:
    refused = case_facts(facts_clarity="unclear")
    rig.bridge.send(rig.bridge.handoff("A-1", case_received=refused, people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    assert await client.rows(open_matter) == 0
    police.send(call(police, "J-1", "p-1", "p-2"))
    await client.applied(police)
    assert await client.state(police.dispute_id("J-1")) == "accepted"
    assert await client.rows(open_matter) == 1


async def test_channels_that_report_at_once_get_one_master(rig: Rig, police: FakeBridge) -> None:
    """All wait on the bus before intake starts, so that they fall into as few transactions as possible."""
    rig.bridge.send(*(rig.bridge.handoff(f"A-{n}", people=parties(f"p-{n}", f"q-{n}")) for n in range(20)))
    police.send(*(call(police, f"J-{n}", f"q-{n}", f"p-{n}") for n in range(20)))
    client = await rig.start()
    await client.applied(rig.bridge, police)
    for n in range(20):
        pair = (rig.bridge.dispute_id(f"A-{n}"), police.dispute_id(f"J-{n}"))
        states = [await client.dispute(dispute_id) for dispute_id in pair]
        assert sorted(dispute.state for dispute in states) == ["accepted", "duplicate"]
        (linked,) = [dispute for dispute in states if dispute.state == "duplicate"]
        assert linked.master_dispute_id in pair
    assert await client.rows(open_matter) == 20


async def test_a_refusal_by_a_linked_channel_needs_a_person(rig: Rig, client: IntakeClient, police: FakeBridge) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    refused = handoff_pb2.LaterFact(kind="consent_refused")
    later = police.handoff("J-1", "no", later_fact=refused, occurred_at=HANDED_OVER + DAY)
    police.send(call(police, "J-1", "p-1", "p-2"), later)
    await client.applied(police)
    assert (await client.books())["handoff", "dead"] == 1
