"""The colour of a case as it comes in, and reports of violence at home that add up."""

from __future__ import annotations

import pytest

from dispute.wire.handoff.v1 import handoff_pb2
from tests.support.intake_rig import FakeBridge, IntakeClient, Rig, case_facts, parties

VIOLENCE = ["domestic_violence"]


@pytest.fixture
def police(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")


def call(police: FakeBridge, ref: str, circumstances: list[str]) -> handoff_pb2.Handoff:
    facts = case_facts(procedure="", suit_kind="", case_cause="dispute", circumstances=circumstances)
    return police.handoff(ref, case_received=facts, people=parties("p-2", "p-1", ("applicant", "respondent")))


async def test_a_call_with_a_weapon_goes_back_and_is_red(rig: Rig, police: FakeBridge) -> None:
    client = await rig.start()
    police.send(call(police, "J-1", ["weapon", "criminal"]))
    await client.applied(police)
    dispute = await client.dispute(police.dispute_id("J-1"))
    assert (dispute.state, dispute.dimensions.colour, dispute.supervision) == ("returned", "red", "escalated")
    last = (await client.history(dispute.dispute_id))[-1]
    assert (last.type, last.reason_code, last.actor_role, last.actor_id) == (
        "colour_changed",
        "weapon",
        "system",
        "risk",
    )


async def test_the_third_call_about_violence_at_home_is_not_handed_to_mediation(rig: Rig, police: FakeBridge) -> None:
    client = await rig.start()
    for ref in ("J-1", "J-2", "J-3"):
        police.send(call(police, ref, VIOLENCE))
        await client.applied(police)
    disputes = [await client.dispute(police.dispute_id(ref)) for ref in ("J-1", "J-2", "J-3")]
    assert [dispute.state for dispute in disputes] == ["accepted", "accepted", "returned"]
    assert [dispute.dimensions.colour for dispute in disputes] == ["", "yellow", "red"]
    assert disputes[2].dimensions.outcome_code == "repeated_domestic_violence"


async def test_three_calls_in_one_transaction_are_counted_too(rig: Rig, police: FakeBridge) -> None:
    police.send(*(call(police, ref, VIOLENCE) for ref in ("J-1", "J-2", "J-3")))
    client = await rig.start()
    await client.applied(police)
    states = [await client.state(police.dispute_id(ref)) for ref in ("J-1", "J-2", "J-3")]
    assert sorted(states) == ["accepted", "accepted", "returned"]


async def test_other_calls_of_the_same_people_are_no_violence_but_reports(rig: Rig, police: FakeBridge) -> None:
    client = await rig.start()
    for ref, circumstances in (("J-1", []), ("J-2", []), ("J-3", VIOLENCE)):
        police.send(call(police, ref, circumstances))
        await client.applied(police)
    dispute = await client.dispute(police.dispute_id("J-3"))
    assert (dispute.state, dispute.dimensions.colour) == ("accepted", "red")


async def test_what_is_no_matter_for_docking_has_no_colour(client: IntakeClient, police: FakeBridge) -> None:
    facts = case_facts(procedure="", suit_kind="", case_cause="harassment", circumstances=["violence_threat"])
    police.send(police.handoff("J-1", case_received=facts, people=parties("p-2", "p-1", ("applicant", "respondent"))))
    await client.applied(police)
    assert await client.types(police.dispute_id("J-1")) == ["registered", "screening_begun", "not_docked"]
