"""Records that come again, that are none for docking, that turn out to be excluded, or that get a second attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from tests.support.intake_rig import HANDED_OVER, FakeBridge, IntakeClient, Rig, case_facts
from tests.support.orders import order, to_mediation

DAY = timedelta(days=1)
REFUSED = [
    handoff_pb2.Consent(role="plaintiff", answer="given"),
    handoff_pb2.Consent(role="defendant", answer="refused"),
]
FAILED_AT = datetime(2024, 3, 11, 2, tzinfo=UTC)
"""A Monday; the seventh working day after it is Wednesday the 20th."""


def police_bridge(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")


def call_facts(**changes: Any) -> handoff_pb2.CaseReceived:  # noqa: ANN401 - any field
    return case_facts(**({"case_cause": "dispute", "procedure": "", "suit_kind": ""} | changes))


async def handed_over(client: IntakeClient, police: FakeBridge, **changes: Any) -> str:  # noqa: ANN401 - any field
    police.send(police.handoff("J-1", case_received=call_facts(**changes)))
    await client.applied(police)
    return police.dispute_id("J-1")


async def test_a_returned_record_that_comes_again_is_the_next_round_of_its_dispute(
    rig: Rig, client: IntakeClient
) -> None:
    dispute_id = rig.bridge.dispute_id("A-1")
    again = rig.bridge.handoff(
        "A-1",
        "round-2",
        case_received=case_facts(round=2, received_on="2024-04-02"),
        occurred_at=HANDED_OVER + 30 * DAY,
    )
    rig.bridge.send(rig.bridge.handoff("A-1", case_received=case_facts(consents=REFUSED)), again, again)
    await client.applied(rig.bridge)
    history = await client.history(dispute_id)
    assert [event.type for event in history[3:]] == ["returned", "resubmitted", "screening_begun", "accepted"]
    resubmitted, _, accepted = history[4:]
    assert (resubmitted.particulars.round, resubmitted.reopen_seq, resubmitted.actor_role) == (2, 1, "agency")
    assert resubmitted.business_day == "2024-04-02"
    assert (accepted.ordinal, accepted.reopen_seq, accepted.cohort.accepted_on) == (1, 1, "2024-04-04")
    assert await client.counted(dispute_id) == [
        "registered",
        "mediation_refused",
        "returned",
        "resubmitted",
        "accepted",
    ]
    await client.execute(*to_mediation(dispute_id, HANDED_OVER + 31 * DAY))
    assert await client.state(dispute_id) == "mediating"
    assert (await client.books())["handoff", "dead"] == 0


async def test_a_round_out_of_order_or_of_a_record_in_hand_is_a_dead_letter(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(
        rig.bridge.handoff("A-1", case_received=case_facts(consents=REFUSED)),
        rig.bridge.handoff("A-1", "round-3", case_received=case_facts(round=3), occurred_at=HANDED_OVER + DAY),
        rig.bridge.handoff("A-2"),
        rig.bridge.handoff("A-2", "round-2", case_received=case_facts(round=2), occurred_at=HANDED_OVER + DAY),
    )
    await client.applied(rig.bridge)
    assert [await client.state(rig.bridge.dispute_id(ref)) for ref in ("A-1", "A-2")] == ["returned", "accepted"]
    assert (await client.books())["handoff", "dead"] == 2


async def test_a_harassing_call_leaves_no_counted_fact(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await handed_over(client, police_bridge(rig), case_cause="harassment", consents=[])
    history = await client.history(dispute_id)
    assert [event.type for event in history] == ["registered", "screening_begun", "not_docked"]
    last = history[-1]
    assert (last.to_state, last.reason_code) == ("returned", "noise_call")
    assert last.particulars.clause == "国办发〔2022〕12号"
    assert [taken.type for taken in last.retracts] == ["registered"]
    assert await client.counted(dispute_id) == []
    assert (await client.advance(HANDED_OVER + 100 * DAY)).fired == 0


async def test_a_crime_that_comes_to_light_stops_the_mediation_and_goes_back(rig: Rig, client: IntakeClient) -> None:
    police = police_bridge(rig)
    dispute_id = await handed_over(client, police)
    await client.execute(*to_mediation(dispute_id))
    found = handoff_pb2.LaterFact(kind="reclassified", case_cause="criminal")
    police.send(police.handoff("J-1", "found", later_fact=found, occurred_at=HANDED_OVER + 2 * DAY))
    await client.applied(police)
    corrected, failed, returned = (await client.history(dispute_id))[-3:]
    assert (corrected.type, corrected.dimensions.case_cause) == ("reclassified", "criminal")
    assert (failed.type, failed.reason_code) == ("failed", "not_a_dispute")
    assert failed.particulars.clause == "治安管理处罚法 9; 公安行政案件程序规定 178"
    assert (returned.type, returned.particulars.target, returned.reason_code) == ("returned", "police", "not_a_dispute")


async def failed(client: IntakeClient, dispute_id: str, at: datetime) -> None:
    fail = order(dispute_id, "fail", at, actor=("mediator", "mediator-1"), reason_code="deadlock")
    (result,) = await client.execute(fail)
    assert result.WhichOneof("result") == "position"


async def test_the_police_try_once_more_within_seven_working_days(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await handed_over(client, police_bridge(rig))
    await client.execute(*to_mediation(dispute_id))
    await failed(client, dispute_id, FAILED_AT)
    late = to_mediation(dispute_id, datetime(2024, 3, 21, 2, tzinfo=UTC) - timedelta(hours=2))[2]
    refusal = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=late))
    assert refusal.code == "second_attempt_late"
    again = to_mediation(dispute_id, datetime(2024, 3, 20, 2, tzinfo=UTC) - timedelta(hours=2))[2]
    await client.execute(again)
    begun = (await client.history(dispute_id))[-1]
    assert (begun.type, begun.to_state, begun.cohort.due_on) == ("mediation_begun", "mediating", "2024-03-20")
    assert [taken.type for taken in begun.retracts] == ["failed"]
    assert begun.particulars.clause == "公安行政案件程序规定 183"
    assert "failed" not in await client.counted(dispute_id)
    await client.advance(datetime(2024, 3, 20, 16, tzinfo=UTC))
    ended = (await client.history(dispute_id))[-1]
    assert (ended.type, ended.reason_code, ended.conclusion_ordinal) == ("failed", "term_expired", 1)
    assert (await client.counted(dispute_id)).count("failed") == 1
    third = to_mediation(dispute_id, datetime(2024, 3, 21, 1, tzinfo=UTC) - timedelta(hours=2))[2]
    refusal = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=third))
    assert refusal.code == "no_second_attempt"
