"""One matter, several channels: a link adds and takes nothing away (design D15)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dispute.contracts.codec import timestamp_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from dispute.wire.journal.v1 import journal_pb2
from ops.run import case
from services.intake.cases.tables import dispute, matter_member
from tests.support.intake_rig import HANDED_OVER, FakeBridge, IntakeClient, Rig, case_facts, parties
from tests.support.orders import order

DAY = timedelta(days=1)
EVENT = "2024-02-20"
"""Day of the event: with the same people, category and town it makes two records one matter."""


@pytest.fixture
def police(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")


def suit(rig: Rig, ref: str, people: tuple[str, str] = ("p-1", "p-2"), **changes: Any) -> handoff_pb2.Handoff:  # noqa: ANN401 - any fact
    facts = case_facts(**({"happened_on": EVENT} | changes))
    return rig.bridge.handoff(ref, case_received=facts, people=parties(*people))


def call(
    police: FakeBridge,
    ref: str,
    people: tuple[str, str] = ("p-2", "p-1"),
    **changes: Any,  # noqa: ANN401 - any fact
) -> handoff_pb2.Handoff:
    facts = case_facts(procedure="", suit_kind="", case_cause="dispute", **({"happened_on": EVENT} | changes))
    return police.handoff(ref, case_received=facts, people=parties(*people, ("applicant", "respondent")))


def hotline(ref: str, people: list[handoff_pb2.Party], **changes: Any) -> intake_pb2.SubmitRequest:  # noqa: ANN401 - any fact
    facts = case_facts(procedure="", suit_kind="", case_cause="", **({"happened_on": EVENT} | changes))
    return intake_pb2.SubmitRequest(
        channel="hotline",
        source_organ="hotline-620725",
        source_ref=ref,
        occurred_at=timestamp_of(HANDED_OVER),
        actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
        facts=facts,
        confidential=handoff_pb2.Confidential(parties=people, brief="案情"),
    )


async def submit(client: IntakeClient, request: intake_pb2.SubmitRequest) -> str:
    answer = await client.call("Submit", request)
    return answer.receipt.dispute_id  # type: ignore[no-any-return]


def kinds(events: list[journal_pb2.JournalEvent]) -> list[str]:
    return [event.type for event in events]


def of_type(events: list[journal_pb2.JournalEvent], kind: str) -> list[journal_pb2.JournalEvent]:
    return [event for event in events if event.type == kind]


async def test_the_courts_suit_on_a_matter_of_the_hotline_is_linked_and_decided_by_itself(
    rig: Rig, client: IntakeClient
) -> None:
    first = await submit(client, hotline("H-1", parties("p-1", "p-2", ("applicant", "respondent"))))
    rig.bridge.send(suit(rig, "A-1"))
    await client.applied(rig.bridge)
    events = await client.history(rig.bridge.dispute_id("A-1"))
    assert kinds(events) == ["registered", "linked", "screening_begun", "accepted"]
    (link,) = of_type(events, "linked")
    assert not link.retracts
    assert link.particulars.master_dispute_id == first
    assert (link.particulars.score, link.particulars.reasons[0]) == (85, "same_parties+50")
    assert (link.actor_role, link.actor_id) == ("system", "matching")
    assert kinds(await client.history(first)) == ["registered", "screening_begun", "accepted"]
    assert await client.rows(matter_member) == 1


async def test_a_refused_suit_of_an_open_matter_goes_back_by_itself(rig: Rig, client: IntakeClient) -> None:
    first = await submit(client, hotline("H-1", parties("p-1", "p-2", ("applicant", "respondent"))))
    refused = [handoff_pb2.Consent(role="plaintiff", answer="given")]
    refused.append(handoff_pb2.Consent(role="defendant", answer="refused"))
    rig.bridge.send(suit(rig, "A-1", consents=refused))
    await client.applied(rig.bridge)
    assert await client.types(rig.bridge.dispute_id("A-1")) == [
        "registered",
        "linked",
        "screening_begun",
        "mediation_refused",
        "returned",
    ]
    assert await client.state(first) == "accepted"


async def test_a_suit_by_special_procedure_is_linked_and_sent_back(
    rig: Rig, client: IntakeClient, police: FakeBridge
) -> None:
    police.send(call(police, "J-1"))
    await client.applied(police)
    rig.bridge.send(suit(rig, "A-1", procedure="special"))
    await client.applied(rig.bridge)
    dispute = await client.dispute(rig.bridge.dispute_id("A-1"))
    assert (dispute.state, dispute.master_dispute_id) == ("returned", police.dispute_id("J-1"))


async def test_a_likely_match_is_proposed_to_a_person(
    rig: Rig, client: IntakeClient, police: FakeBridge, tmp_path: Path
) -> None:
    rig.bridge.send(suit(rig, "A-1", happened_on=""))
    await client.applied(rig.bridge)
    police.send(call(police, "J-1", happened_on=""))
    await client.applied(police)
    one, other = rig.bridge.dispute_id("A-1"), police.dispute_id("J-1")
    (proposed,) = of_type(await client.history(other), "link_proposed")
    assert (proposed.particulars.candidate_dispute_id, proposed.particulars.score) == (one, 65)
    its = await client.dispute(other)
    assert its.master_dispute_id == ""
    running = await client.running(tmp_path)
    assert list(case.lines(*await case.look_up(running, its.case_code)))[-1] == (
        f"待确认关联 proposed link: {one}   65 分 points   {' '.join(proposed.particulars.reasons)}"
    )
    (declined,) = await client.execute(order(other, "decline_link", candidate_dispute_id=one))
    assert not declined.HasField("refusal")


@pytest.mark.parametrize("people", [("p-1", "p-3"), ("", "")])
async def test_strangers_and_unknown_people_are_not_linked(
    rig: Rig, client: IntakeClient, police: FakeBridge, people: tuple[str, str]
) -> None:
    rig.bridge.send(suit(rig, "A-1"))
    await client.applied(rig.bridge)
    police.send(call(police, "J-1", people))
    await client.applied(police)
    assert await client.types(police.dispute_id("J-1")) == ["registered", "screening_begun", "accepted"]


async def test_two_suits_of_one_court_stay_two_unless_a_person_links_them(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(suit(rig, "A-1"), suit(rig, "A-2"))
    await client.applied(rig.bridge)
    one, two = rig.bridge.dispute_id("A-1"), rig.bridge.dispute_id("A-2")
    (proposed,) = of_type(await client.history(two), "link_proposed")
    assert proposed.particulars.candidate_dispute_id == one
    (linked,) = await client.execute(order(two, "link", master_dispute_id=one))
    assert not linked.HasField("refusal")
    assert (await client.dispute(two)).master_dispute_id == one


async def test_three_loans_of_one_lender_are_three_matters(rig: Rig, client: IntakeClient) -> None:
    for ref, amount in (("A-1", 3_000_000), ("A-2", 5_000_000), ("A-3", 12_000_000)):
        rig.bridge.send(suit(rig, ref, amount_fen=amount, happened_on="", category="0801"))
    await client.applied(rig.bridge)
    for ref in ("A-1", "A-2", "A-3"):
        assert await client.types(rig.bridge.dispute_id(ref)) == ["registered", "screening_begun", "accepted"]


async def test_a_matter_of_sixty_and_twelve_calls_of_its_members_are_one(rig: Rig, client: IntakeClient) -> None:
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    people = [handoff_pb2.Party(role="petitioner", name="甲", id_number=f"w-{n}") for n in range(60)]
    firm = handoff_pb2.Party(role="respondent", name="乙", id_number="firm")
    facts = case_facts(procedure="", suit_kind="", case_cause="", purpose="request", persons=60, category="0702")
    office.send(office.handoff("X-1", case_received=facts, people=[*people, firm]))
    await client.applied(office)
    group = office.dispute_id("X-1")
    for n in range(12):
        one = handoff_pb2.Party(role="applicant", name="甲", id_number=f"w-{n * 5}")
        dispute_id = await submit(client, hotline(f"H-{n}", [one, firm], category="07"))
        assert (await client.dispute(dispute_id)).master_dispute_id == group
    assert await client.rows(matter_member) == 12


async def test_one_person_known_by_phone_here_and_by_number_there_is_one(rig: Rig, client: IntakeClient) -> None:
    caller = [
        handoff_pb2.Party(role="applicant", name="甲", phone="13900000001"),
        handoff_pb2.Party(role="respondent", name="乙", id_number="p-2"),
    ]
    first = await submit(client, hotline("H-1", caller))
    both = parties("p-1", "p-2")
    both[0].phone = "13900000001"
    rig.bridge.send(rig.bridge.handoff("A-1", case_received=case_facts(happened_on=EVENT), people=both))
    await client.applied(rig.bridge)
    assert (await client.dispute(rig.bridge.dispute_id("A-1"))).master_dispute_id == first


async def test_a_member_leads_to_the_first_dispute_of_the_matter(
    rig: Rig, client: IntakeClient, police: FakeBridge
) -> None:
    first = await submit(client, hotline("H-1", parties("p-1", "p-2", ("applicant", "respondent"))))
    police.send(call(police, "J-1"))
    await client.applied(police)
    rig.bridge.send(suit(rig, "A-1"))
    await client.applied(rig.bridge)
    disputes = [await client.dispute(each) for each in (police.dispute_id("J-1"), rig.bridge.dispute_id("A-1"))]
    assert [dispute.master_dispute_id for dispute in disputes] == [first, first]


async def test_several_sure_matters_are_proposed(rig: Rig, client: IntakeClient, police: FakeBridge) -> None:
    """Two suits of one court are two matters: which one a call is about, a person decides."""
    rig.bridge.send(suit(rig, "A-1"), suit(rig, "A-2"))
    await client.applied(rig.bridge)
    police.send(call(police, "J-1"))
    await client.applied(police)
    proposed = of_type(await client.history(police.dispute_id("J-1")), "link_proposed")
    suits = {rig.bridge.dispute_id(ref) for ref in ("A-1", "A-2")}
    assert {event.particulars.candidate_dispute_id for event in proposed} == suits


async def test_a_concluded_matter_is_the_same_matter_still(rig: Rig, client: IntakeClient, police: FakeBridge) -> None:
    police.send(call(police, "J-1"))
    await client.applied(police)
    first = police.dispute_id("J-1")
    await client.execute(order(first, "fail", HANDED_OVER + DAY, reason_code="refused"))
    assert await client.state(first) == "failed"
    rig.bridge.send(suit(rig, "A-1"))
    await client.applied(rig.bridge)
    dispute = await client.dispute(rig.bridge.dispute_id("A-1"))
    assert (dispute.state, dispute.master_dispute_id) == ("accepted", first)


async def test_channels_that_report_at_once_get_one_master(rig: Rig, police: FakeBridge) -> None:
    """All wait on the bus before intake starts, so that they fall into as few transactions as possible."""
    rig.bridge.send(*(suit(rig, f"A-{n}", (f"p-{n}", f"q-{n}")) for n in range(20)))
    police.send(*(call(police, f"J-{n}", (f"q-{n}", f"p-{n}")) for n in range(20)))
    client = await rig.start()
    await client.applied(rig.bridge, police)
    for n in range(20):
        pair = [rig.bridge.dispute_id(f"A-{n}"), police.dispute_id(f"J-{n}")]
        masters = [(await client.dispute(dispute_id)).master_dispute_id for dispute_id in pair]
        assert sorted(masters) in ([["", pair[0]], ["", pair[1]]])
    assert await client.rows(matter_member) == 20
    marked = sa.select(sa.func.count()).where(dispute.c.marks.is_not(None))
    assert await client.intake.store.read(lambda tx: tx.scalar(marked)) == 40


async def test_two_workers_agree_on_the_master(rig: Rig, police: FakeBridge) -> None:
    if rig.store_url.startswith("sqlite"):
        pytest.skip("a SQLite store has one worker")
    rig.bridge.send(*(suit(rig, f"A-{n}", (f"p-{n}", f"q-{n}")) for n in range(20)))
    police.send(*(call(police, f"J-{n}", (f"q-{n}", f"p-{n}")) for n in range(20)))
    one = await rig.start("one")
    await rig.start("two")
    await one.applied(rig.bridge, police)
    for n in range(20):
        pair = [rig.bridge.dispute_id(f"A-{n}"), police.dispute_id(f"J-{n}")]
        masters = [(await one.dispute(dispute_id)).master_dispute_id for dispute_id in pair]
        assert sorted(masters) in ([["", pair[0]], ["", pair[1]]])


async def test_a_matter_is_told_with_reasons_and_proposals(rig: Rig, client: IntakeClient, police: FakeBridge) -> None:
    first = await submit(client, hotline("H-1", parties("p-1", "p-2", ("applicant", "respondent"))))
    police.send(call(police, "J-1"))
    await client.applied(police)
    rig.bridge.send(suit(rig, "A-1", happened_on=""))
    await client.applied(rig.bridge)
    member, proposed = police.dispute_id("J-1"), rig.bridge.dispute_id("A-1")
    for any_of_it in (first, member):
        matter = await client.call("GetMatter", intake_pb2.GetMatterRequest(dispute_id=any_of_it))
        assert matter.master_dispute_id == first
        told = {each.dispute_id: each for each in matter.members}
        assert sorted(told) == sorted([first, member])
        assert (told[member].channel, told[member].state, told[member].score) == ("police", "accepted", 85)
        assert told[member].reasons[0] == "same_parties+50"
        assert (told[first].master_dispute_id, told[first].score) == ("", 0)
    alone = await client.call("GetMatter", intake_pb2.GetMatterRequest(dispute_id=proposed))
    assert (alone.master_dispute_id, len(alone.members)) == (proposed, 1)
    (proposal,) = alone.proposals
    assert (proposal.dispute_id, proposal.candidate_dispute_id, proposal.score) == (proposed, first, 65)
    unknown = await client.refusal("GetMatter", intake_pb2.GetMatterRequest(dispute_id=police.dispute_id("nowhere")))
    assert unknown.code == "unknown_dispute"


async def test_nobody_links_a_dispute_to_its_own_member_or_to_nothing(
    rig: Rig, client: IntakeClient, police: FakeBridge
) -> None:
    rig.bridge.send(suit(rig, "A-1"))
    await client.applied(rig.bridge)
    police.send(call(police, "J-1"))
    await client.applied(police)
    first, member = rig.bridge.dispute_id("A-1"), police.dispute_id("J-1")
    answers = await client.execute(
        order(first, "link", master_dispute_id=member),
        order(first, "link", HANDED_OVER + DAY, master_dispute_id=police.dispute_id("nowhere")),
    )
    assert [answer.refusal.code for answer in answers] == ["bad_master", "bad_master"]
