"""Deadlines: on the scenario clock, on the wall clock, over restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispute.contracts.codec import instant_of, timestamp_of
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Kind, Retryable
from hub.grpc.vectors import vector_to_wire
from hub.streams.envelope import StreamName
from hub.streams.memory import SendMode
from tests.support.intake import TONGDAO, timers_in
from tests.support.intake_rig import HANDED_OVER, FakeBridge, IntakeClient, Rig, case_facts
from tests.support.orders import agree, order, to_mediation

DAY = timedelta(days=1)
LONG_AFTER = datetime(2024, 7, 1, tzinfo=UTC)


async def mediating(rig: Rig, client: IntakeClient, ref: str = "A-1") -> str:
    rig.bridge.send(rig.bridge.handoff(ref))
    await client.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id(ref)
    await client.execute(*to_mediation(dispute_id))
    return dispute_id


async def limits(client: IntakeClient) -> list[str]:
    """Return the limits that have a timer."""
    return [timer.limit for timer in await client.intake.store.read(timers_in)]


async def test_the_clock_only_goes_forward_and_survives(rig: Rig, client: IntakeClient) -> None:
    first = await client.advance(HANDED_OVER)
    assert instant_of(first.now) == HANDED_OVER
    earlier = await client.advance(HANDED_OVER - DAY)
    assert instant_of(earlier.now) == HANDED_OVER
    await client.stop()
    again = await rig.start()
    clock = await again.call("GetClock", intake_pb2.GetClockRequest())
    assert (instant_of(clock.now), clock.kind) == (HANDED_OVER, "scenario")


async def test_an_expired_term_ends_the_mediation(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    due = (await client.dispute(dispute_id)).cohort.due_on
    last_moment = datetime.fromisoformat(f"{due}T23:59:59+08:00")
    reminded = await client.advance(last_moment)
    assert reminded.fired == 1
    assert (await client.types(dispute_id))[-1] == "supervised"
    expired = await client.advance(last_moment + timedelta(seconds=1))
    assert expired.fired == 1
    last = (await client.history(dispute_id))[-1]
    assert (last.type, last.reason_code, last.actor_id) == ("failed", "term_expired", "timer")
    assert (last.business_day, last.conclusion_ordinal) == ("2024-04-08", 1)
    assert {p.stream for p in expired.journal.positions} >= {p.stream for p in reminded.journal.positions}
    assert await limits(client) == ["state"]  # somebody has to return it


async def test_an_agreement_in_time_stops_the_clock(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    await client.execute(agree(dispute_id, HANDED_OVER + 3 * DAY))
    assert await limits(client) == ["state"]
    await client.advance(LONG_AFTER)
    assert await client.state(dispute_id) == "agreed"


async def test_news_in_time_beats_the_alarm(rig: Rig, client: IntakeClient) -> None:
    """The clock waits for the hand-offs named; what they tell happened before the deadline."""
    dispute_id = await mediating(rig, client)
    settled = handoff_pb2.CaseWithdrawn(reason_code="self_settled")
    rig.bridge.send(rig.bridge.handoff("A-1", "w", case_withdrawn=settled, occurred_at=HANDED_OVER + 20 * DAY))
    request = intake_pb2.AdvanceClockRequest(to=timestamp_of(LONG_AFTER), handoffs=vector_to_wire(rig.bridge.sent()))
    await client.call("AdvanceClock", request)
    assert await client.state(dispute_id) == "agreed"
    assert "failed" not in await client.types(dispute_id)


async def test_the_clock_does_not_move_without_the_handoffs(
    client: IntakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server gives up well before the caller's deadline, however busy the machine is.
    monkeypatch.setattr("services.intake.inbound.servicer.ANSWER_S", 9.5)
    vector = vector_to_wire({StreamName("court_bridge", 3, "e0000001"): 7})
    request = intake_pb2.AdvanceClockRequest(to=timestamp_of(LONG_AFTER), handoffs=vector)
    with pytest.raises(Retryable, match="position_not_reached"):
        await client.call("AdvanceClock", request, timeout_s=10.0)
    clock = await client.call("GetClock", intake_pb2.GetClockRequest())
    assert instant_of(clock.now).year == 1970


async def test_an_extension_moves_the_term_and_its_timer(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    extend = order(dispute_id, "extend", HANDED_OVER + 10 * DAY, consent_of_all=True, days=30)
    assert (await client.execute(extend))[0].WhichOneof("result") == "position"
    assert (await client.dispute(dispute_id)).cohort.due_on == "2024-05-07"
    await client.advance(datetime(2024, 5, 1, tzinfo=UTC))
    assert await client.state(dispute_id) == "mediating"
    await client.advance(datetime(2024, 5, 8, tzinfo=UTC))
    assert await client.state(dispute_id) == "failed"


async def test_a_police_mediation_is_not_extended_and_ends_with_its_term(rig: Rig, client: IntakeClient) -> None:
    police = FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")
    police.send(police.handoff("J-1", case_received=case_facts(case_cause="dispute", procedure="", suit_kind="")))
    await client.applied(police)
    dispute_id = police.dispute_id("J-1")
    await client.execute(*to_mediation(dispute_id))
    extend = order(dispute_id, "extend", HANDED_OVER + 10 * DAY, consent_of_all=True, days=7)
    for _ in range(2):
        refused = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=extend))
        assert (refused.code, refused.kind) == ("no_extension", Kind.WRONG_STATE)
    assert await client.state(dispute_id) == "mediating"
    await client.advance(datetime(2024, 4, 9, tzinfo=UTC))
    assert await client.state(dispute_id) == "failed"


async def test_each_limit_tells_the_clause_it_rests_on(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    await client.execute(order(dispute_id, "extend", HANDED_OVER + 10 * DAY, consent_of_all=True, days=30))
    clauses = {event.type: event.particulars.clause for event in await client.history(dispute_id)}
    assert clauses["dispatched"] == "在线调解规则 12, 15"
    assert clauses["signed"] == "特邀调解规定 27(1); 在线调解规则 24"
    assert clauses["extended"] == "特邀调解规定 27"


async def test_an_appraisal_before_filing_stops_the_term(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    await client.execute(order(dispute_id, "suspend", HANDED_OVER + 5 * DAY, reason_code="appraisal_before_filing"))
    await client.advance(datetime(2024, 5, 1, tzinfo=UTC))
    assert await client.state(dispute_id) == "suspended"
    assert await client.alarms(dispute_id, "due_on") == []
    await client.execute(order(dispute_id, "resume", datetime(2024, 5, 2, 2, tzinfo=UTC)))
    assert (await client.dispute(dispute_id)).cohort.due_on == "2024-05-30"  # 53 days later
    await client.advance(datetime(2024, 5, 31, tzinfo=UTC))
    assert await client.state(dispute_id) == "failed"


async def test_a_dispatch_that_nobody_signs_is_reminded_and_bounced_and_can_be_dispatched_again(
    rig: Rig, client: IntakeClient
) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id("A-1")
    await client.execute(to_mediation(dispute_id)[0])
    assert (await client.advance(HANDED_OVER + 4 * DAY)).fired == 2
    dispute = await client.dispute(dispute_id)
    assert (dispute.state, dispute.supervision) == ("accepted", "overdue")
    last = (await client.history(dispute_id))[-1]
    assert (last.type, last.reason_code, last.actor_role) == ("bounced", "sign_off_expired", "system")
    again = order(
        dispute_id,
        "dispatch",
        HANDED_OVER + 5 * DAY,
        lead_department="justice_bureau",
        level="county",
        dispatch_mode="assigned",
    )
    assert (await client.execute(again))[0].WhichOneof("result") == "position"
    assert await client.state(dispute_id) == "dispatched"


async def test_a_petition_runs_on_two_limits_each_with_its_own_alarms(rig: Rig) -> None:
    rig.rules_dir = TONGDAO
    client = await rig.start()
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    office.send(office.handoff("P-1", case_received=case_facts(procedure="", suit_kind="")))
    await client.applied(office)
    dispute_id = office.dispute_id("P-1")
    await client.advance(LONG_AFTER)
    local, statutory = [await client.alarms(dispute_id, limit) for limit in ("local_due_on", "statutory_due_on")]
    assert local[1:] == [
        ("overdue", "2024-04-03T16:00:00+00:00"),
        ("supervised", "2024-04-06T16:00:00+00:00"),
        ("escalated", "2024-04-10T16:00:00+00:00"),
    ]
    assert statutory[1:] == [
        ("overdue", "2024-05-06T16:00:00+00:00"),
        ("supervised", "2024-05-09T16:00:00+00:00"),
        ("escalated", "2024-05-13T16:00:00+00:00"),
    ]
    assert [alarm for alarm, _ in (local[0], statutory[0])] == ["reminded", "reminded"]
    assert await client.intake.store.read(timers_in) == []


async def test_performance_leads_to_a_follow_up(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    performed = order(dispute_id, "record_performance", HANDED_OVER + 4 * DAY, evidence_sha256="a" * 64)
    await client.execute(agree(dispute_id, HANDED_OVER + 3 * DAY), performed)
    await client.advance(HANDED_OVER + 35 * DAY)
    assert await client.state(dispute_id) == "follow_up"
    last = (await client.history(dispute_id))[-1]
    assert (last.type, last.particulars.visit_on) == ("follow_up_begun", "2024-04-08")


async def test_timers_survive_a_restart(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    await client.stop()
    again = await rig.start()
    await again.advance(datetime(2024, 4, 8, tzinfo=UTC))
    # Some may ring by the first look at the timers after a start; all have rung when the answer is there.
    assert (await again.types(dispute_id))[-2:] == ["supervised", "failed"]


async def test_what_an_interrupted_advance_left_over_rings_at_the_start(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await mediating(rig, client)
    register = client.intake.alarm_clock._alarms._units
    await register.write(lambda units: units.move_clock(LONG_AFTER))  # then the process died
    await client.stop()
    again = await rig.start()
    await again.intake.alarm_clock.ring()
    assert await again.state(dispute_id) == "failed"


async def test_the_clock_of_a_wall_service_cannot_be_moved(rig: Rig) -> None:
    rig.clock_kind = "wall"
    client = await rig.start()
    request = intake_pb2.AdvanceClockRequest(to=timestamp_of(LONG_AFTER))
    refusal = await client.refusal("AdvanceClock", request)
    assert (refusal.code, refusal.kind) == ("wall_clock", Kind.WRONG_STATE)
    clock = await client.call("GetClock", intake_pb2.GetClockRequest())
    assert (instant_of(clock.now), clock.kind) == (rig.clock.now(), "wall")


async def test_the_wall_clock_rings_only_when_the_handoffs_are_read(rig: Rig) -> None:
    rig.clock_kind = "wall"
    rig.clock.move_to(HANDED_OVER + DAY)
    client = await rig.start()
    dispute_id = await mediating(rig, client)
    rig.clock.move_to(LONG_AFTER)
    rig.bus.sending = SendMode.DOWN
    assert await client.intake.alarm_clock.ring() == 0
    rig.bus.sending = SendMode.NORMAL
    await client.intake.reader.stop()  # what follows waits unread: it may be the settlement
    settled = handoff_pb2.CaseWithdrawn(reason_code="self_settled")
    rig.bridge.send(rig.bridge.handoff("A-1", "w", case_withdrawn=settled, occurred_at=HANDED_OVER + 20 * DAY))
    assert await client.intake.alarm_clock.ring() == 0
    await client.stop()
    again = await rig.start()
    await again.applied(rig.bridge)
    assert await again.state(dispute_id) == "agreed"


async def test_the_wall_clock_rings_when_all_is_read(rig: Rig) -> None:
    rig.clock_kind = "wall"
    rig.clock.move_to(HANDED_OVER + DAY)
    client = await rig.start()
    dispute_id = await mediating(rig, client)
    assert await client.intake.alarm_clock.ring() == 0
    rig.clock.move_to(datetime(2024, 4, 8, tzinfo=UTC))
    assert await client.intake.alarm_clock.ring() == 2
    assert await client.state(dispute_id) == "failed"
