"""Hand-offs become disputes: screened, registered in any case, once each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Rejected
from services.intake.cases.tables import confidential, handoff_applied
from tests.support.intake import TONGDAO
from tests.support.intake_rig import HANDED_OVER, FakeBridge, IntakeClient, Rig, case_facts, parties
from tests.support.orders import agree, order, to_mediation

DAY = timedelta(days=1)


async def test_a_mediable_suit_is_accepted(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    history = await client.history(rig.bridge.dispute_id("A-1"))
    assert [event.type for event in history] == ["registered", "screening_begun", "accepted"]
    registered, _, accepted = history
    assert registered.business_day == registered.cohort.received_on == "2024-03-04"
    assert accepted.business_day == accepted.cohort.accepted_on == "2024-03-05"
    assert accepted.dimensions.regime == "A"
    assert accepted.dimensions.source_organ == rig.bridge.agency
    assert accepted.dimensions.rule_version
    assert {event.correlation_id for event in history} == {"c-A-1"}
    assert {event.causation_id for event in history} == {rig.bridge.handoff("A-1").handoff_id}
    assert [event.actor_role for event in history] == ["agency", "system", "system"]


async def test_a_suit_that_is_not_mediable_is_registered_and_goes_back(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", case_received=case_facts(procedure="special")))
    await client.applied(rig.bridge)
    history = await client.history(rig.bridge.dispute_id("A-1"))
    assert [event.type for event in history] == ["registered", "screening_begun", "mediation_refused", "returned"]
    assert history[2].reason_code == "special_procedure"
    assert history[2].particulars.clause
    assert history[3].particulars.target == "court"


async def test_petitions_get_two_due_dates_where_the_county_has_its_own(rig: Rig) -> None:
    rig.rules_dir = TONGDAO
    client = await rig.start()
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    office.send(office.handoff("P-1", case_received=case_facts(procedure="", suit_kind="")))
    await client.applied(office)
    cohort = (await client.dispute(office.dispute_id("P-1"))).cohort
    assert (cohort.local_due_on, cohort.statutory_due_on) == ("2024-04-03", "2024-05-06")


async def test_the_same_handoff_twice_is_applied_once(rig: Rig, client: IntakeClient) -> None:
    handoff = rig.bridge.handoff("A-1")
    rig.bridge.send(handoff, handoff)
    await client.applied(rig.bridge)
    assert len(await client.history(rig.bridge.dispute_id("A-1"))) == 3
    assert await client.rows(handoff_applied) == 1
    assert (await client.books())["handoff", "dead"] == 0


async def test_the_same_id_with_other_content_is_a_dead_letter(rig: Rig, client: IntakeClient) -> None:
    changed = rig.bridge.handoff("A-1")
    changed.content_mac = bytes(32)
    rig.bridge.send(rig.bridge.handoff("A-1"), changed)
    await client.applied(rig.bridge)
    books = await client.books()
    assert (books["handoff", "applied"], books["handoff", "dead"]) == (1, 1)


async def test_poison_is_buried_and_the_stream_goes_on(rig: Rig, client: IntakeClient) -> None:
    wrong_id = rig.bridge.handoff("A-3")
    wrong_id.dispute_id = rig.bridge.dispute_id("other")
    wrong_date = rig.bridge.handoff("A-4", case_received=case_facts(received_on="2024-02-30"))
    moved_seal = rig.bridge.handoff("A-5")
    moved_seal.confidential.CopyFrom(rig.bridge.handoff("A-6").confidential)
    rig.bridge.send_raw(rig.bridge.dispute_id("A-1"), b"\xff\xff\xff")
    rig.bridge.send(wrong_id, wrong_date, moved_seal, handoff_pb2.Handoff(), rig.bridge.handoff("A-2"))
    await client.applied(rig.bridge)
    assert await client.state(rig.bridge.dispute_id("A-2")) == "accepted"
    books = await client.books()
    assert (books["handoff", "applied"], books["handoff", "dead"]) == (1, 5)


async def test_a_later_fact_about_an_unknown_dispute_is_dead(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", "k", case_withdrawn=handoff_pb2.CaseWithdrawn(reason_code="withdrawn")))
    await client.applied(rig.bridge)
    books = await client.books()
    assert (books["handoff", "applied"], books["handoff", "dead"]) == (0, 1)
    with pytest.raises(Rejected, match="unknown_dispute"):
        await client.dispute(rig.bridge.dispute_id("A-1"))


async def test_a_refusal_told_later_ends_mediation_at_once(rig: Rig, client: IntakeClient) -> None:
    refused = handoff_pb2.LaterFact(kind="consent_refused")
    for number, steps in enumerate((0, 1, 2, 3)):
        ref = f"A-{number}"
        dispute_id = rig.bridge.dispute_id(ref)
        rig.bridge.send(rig.bridge.handoff(ref))
        await client.applied(rig.bridge)
        await client.execute(*to_mediation(dispute_id)[:steps])
        rig.bridge.send(rig.bridge.handoff(ref, "no", later_fact=refused, occurred_at=HANDED_OVER + DAY))
        await client.applied(rig.bridge)
        last = (await client.history(dispute_id))[-1]
        assert (last.type, last.reason_code) == ("failed", "refused")


async def test_a_withdrawal_after_a_settlement_is_a_success(rig: Rig, client: IntakeClient) -> None:
    for ref, reason, state in (
        ("A-1", "withdrawn_after_settlement", "agreed"),
        ("A-2", "self_settled", "agreed"),
        ("A-3", "withdrawn", "withdrawn"),
    ):
        told = handoff_pb2.CaseWithdrawn(reason_code=reason)
        later = rig.bridge.handoff(ref, "w", case_withdrawn=told, occurred_at=HANDED_OVER + DAY)
        rig.bridge.send(rig.bridge.handoff(ref), later)
        await client.applied(rig.bridge)
        assert await client.state(rig.bridge.dispute_id(ref)) == state


async def test_a_ruling_and_a_performance_reach_the_dispute(rig: Rig, client: IntakeClient) -> None:
    dispute_id = rig.bridge.dispute_id("A-1")
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    await client.execute(
        *to_mediation(dispute_id),
        agree(dispute_id, HANDED_OVER + 2 * DAY),
        order(dispute_id, "apply_for_confirmation", HANDED_OVER + 3 * DAY, jointly=True),
    )
    ruling = handoff_pb2.CourtRuling(confirmed=True)
    done = handoff_pb2.LaterFact(kind="performed")
    rig.bridge.send(
        rig.bridge.handoff("A-1", "r", court_ruling=ruling, occurred_at=HANDED_OVER + 5 * DAY),
        rig.bridge.handoff("A-1", "p", later_fact=done, occurred_at=HANDED_OVER + 9 * DAY),
        rig.bridge.handoff("A-1", "p2", later_fact=done, occurred_at=HANDED_OVER + 9 * DAY),
    )
    await client.applied(rig.bridge)
    history = await client.history(dispute_id)
    assert [event.type for event in history[-2:]] == ["confirmed", "performed"]
    assert history[-2].actor_role == "court"
    assert (await client.books())["handoff", "dead"] == 0


async def test_a_reclassification_restates_what_was_counted(rig: Rig, client: IntakeClient) -> None:
    told = handoff_pb2.LaterFact(kind="reclassified", category="07")
    same = handoff_pb2.LaterFact(kind="reclassified", category="07")
    rig.bridge.send(
        rig.bridge.handoff("A-1"),
        rig.bridge.handoff("A-1", "c", later_fact=told, occurred_at=HANDED_OVER + DAY),
        rig.bridge.handoff("A-1", "d", later_fact=same, occurred_at=HANDED_OVER + DAY),
    )
    await client.applied(rig.bridge)
    last = (await client.history(rig.bridge.dispute_id("A-1")))[-1]
    assert (last.type, last.dimensions.category) == ("reclassified", "07")
    assert {retraction.type for retraction in last.retracts} == {"registered", "accepted"}


async def test_consent_after_the_refusal_is_not_lost_silently(rig: Rig, client: IntakeClient) -> None:
    refused = case_facts(consents=[handoff_pb2.Consent(role="defendant", answer="refused")])
    given = handoff_pb2.LaterFact(kind="consent_given", consent=handoff_pb2.Consent(role="defendant", answer="given"))
    rig.bridge.send(
        rig.bridge.handoff("A-1", case_received=refused),
        rig.bridge.handoff("A-1", "yes", later_fact=given, occurred_at=HANDED_OVER + DAY),
    )
    await client.applied(rig.bridge)
    assert await client.types(rig.bridge.dispute_id("A-1")) == [
        "registered",
        "screening_begun",
        "mediation_refused",
        "returned",
    ]
    assert (await client.books())["handoff", "dead"] == 1


async def test_news_from_before_the_hand_over_counts_from_there(rig: Rig, client: IntakeClient) -> None:
    told = handoff_pb2.LaterFact(kind="consent_refused")
    early = rig.bridge.handoff("A-1", "no", later_fact=told, occurred_at=HANDED_OVER - DAY)
    rig.bridge.send(rig.bridge.handoff("A-1"), early)
    await client.applied(rig.bridge)
    last = (await client.history(rig.bridge.dispute_id("A-1")))[-1]
    assert (last.type, last.business_day) == ("failed", "2024-03-05")


async def test_parties_are_kept_sealed_and_never_in_the_journal(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("mark-of-first", "mark-of-second")))
    await client.applied(rig.bridge)
    assert await client.rows(confidential) == 1
    row = await client.intake.store.read(lambda tx: tx.execute(confidential.select()).one())
    assert b"mark-of-first" not in row.ciphertext
    for event in await client.history(rig.bridge.dispute_id("A-1")):
        assert b"mark-of" not in event.SerializeToString()


async def test_a_record_that_nobody_classed_counts_as_received_and_waits_to_be_classed(
    rig: Rig, client: IntakeClient
) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", case_received=case_facts(category="", town_code="", recurrence="")))
    await client.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id("A-1")
    asked = (await client.history(dispute_id))[-1]
    assert (asked.type, asked.reason_code, asked.to_state) == ("information_requested", "category_unknown", "screening")
    assert await client.counted(dispute_id) == ["registered"], "it counts as received from its first day"
    fact = handoff_pb2.LaterFact(kind="reclassified", category="06")
    rig.bridge.send(rig.bridge.handoff("A-1", "classed", later_fact=fact))
    await client.applied(rig.bridge)
    classed = await client.dispute(dispute_id)
    assert (classed.state, classed.dimensions.category) == ("accepted", "06")
