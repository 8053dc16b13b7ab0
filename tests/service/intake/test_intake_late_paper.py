"""What happened in time counts whenever it is written down: alarms are taken back, and wait while paper is coming."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2
from tests.support.intake_rig import IntakeClient, Rig
from tests.support.orders import agree, order, to_mediation

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HANDED_OVER = datetime(2024, 5, 16, 2, tzinfo=UTC)
DISPATCHED = datetime(2024, 5, 17, 2, tzinfo=UTC)
"""A Friday; 30 days from the signature end on Sunday 16 June, so on Monday the 17th."""
TERM_OVER = datetime(2024, 6, 17, 16, tzinfo=UTC)
IN_TIME = datetime(2024, 6, 16, 2, tzinfo=UTC)
BOTH_CLOCKS = pytest.mark.parametrize("kind", ["scenario", "wall"])

Clock = Literal["scenario", "wall"]


async def move(rig: Rig, client: IntakeClient, to: datetime) -> int:
    """Move the clock of the service; returns how many timers changed their dispute."""
    if rig.clock_kind == "scenario":
        return (await client.advance(to)).fired
    rig.clock.move_to(to)
    return await client.intake.alarm_clock.ring()


async def started(rig: Rig, kind: Clock, at: datetime = DISPATCHED + 4 * HOUR) -> IntakeClient:
    """Start intake by a clock."""
    rig.clock_kind = kind
    rig.clock.at = at
    client = await rig.start()
    await move(rig, client, at)
    return client


async def accepted(rig: Rig, client: IntakeClient, ref: str = "A-1", at: datetime = HANDED_OVER) -> str:
    rig.bridge.send(rig.bridge.handoff(ref, occurred_at=at))
    await client.applied(rig.bridge)
    return rig.bridge.dispute_id(ref)


async def done(client: IntakeClient, *commands: command_pb2.Command) -> None:
    results = await client.execute(*commands)
    assert [result.WhichOneof("result") for result in results] == ["position"] * len(results), results


async def mediating(rig: Rig, client: IntakeClient) -> str:
    dispute_id = await accepted(rig, client)
    await done(client, *to_mediation(dispute_id, DISPATCHED))
    assert (await client.dispute(dispute_id)).cohort.due_on == "2024-06-17"
    return dispute_id


@BOTH_CLOCKS
async def test_an_agreement_of_the_last_day_but_one_counts_two_days_later(rig: Rig, kind: Clock) -> None:
    client = await started(rig, kind)
    dispute_id = await mediating(rig, client)
    await move(rig, client, TERM_OVER + 10 * HOUR)
    failed = (await client.history(dispute_id))[-1]
    assert (failed.type, failed.reason_code, failed.limit) == ("failed", "term_expired", "due_on")
    await done(client, agree(dispute_id, IN_TIME))
    agreed = (await client.history(dispute_id))[-1]
    assert (agreed.type, agreed.business_day, agreed.rewinds_to) == ("agreed", "2024-06-16", failed.sequence)
    assert (agreed.from_state, agreed.conclusion_ordinal) == ("failed", 1)
    assert [(taken.type, taken.business_day) for taken in agreed.retracts] == [("failed", "2024-06-18")]
    assert (agreed.cohort.agreed_on, agreed.cohort.concluded_on) == ("2024-06-16", "2024-06-16")
    counted = await client.counted(dispute_id)
    assert [kind for kind in counted if kind in {"agreed", "failed"}] == ["agreed"]


async def test_a_failure_that_was_told_already_is_taken_back_with_its_return(rig: Rig) -> None:
    client = await started(rig, "scenario")
    dispute_id = await mediating(rig, client)
    await client.advance(TERM_OVER + HOUR)
    back = order(dispute_id, "return_to_source", TERM_OVER + 2 * HOUR, target="court", packet_sha256="a" * 64)
    await done(client, back, agree(dispute_id, IN_TIME))
    agreed = (await client.history(dispute_id))[-1]
    assert {taken.type for taken in agreed.retracts} == {"failed", "returned"}
    assert await client.state(dispute_id) == "agreed"
    assert not {"failed", "returned"} & set(await client.counted(dispute_id))


async def test_an_agreement_of_after_the_term_changes_nothing(rig: Rig) -> None:
    client = await started(rig, "scenario")
    dispute_id = await mediating(rig, client)
    await client.advance(TERM_OVER + HOUR)
    late = intake_pb2.ExecuteRequest(command=agree(dispute_id, TERM_OVER))
    assert (await client.refusal("Execute", late)).code == "wrong_state"
    assert await client.state(dispute_id) == "failed"


@pytest.mark.parametrize(("days", "code"), [(90, ""), (91, "paper_too_late")])
async def test_paper_is_waited_for_ninety_days(rig: Rig, days: int, code: str) -> None:
    client = await started(rig, "scenario")
    dispute_id = await mediating(rig, client)
    await client.advance(IN_TIME + days * DAY)
    (result,) = await client.execute(agree(dispute_id, IN_TIME))
    assert result.refusal.code == code
    assert await client.state(dispute_id) == ("failed" if code else "agreed")


@BOTH_CLOCKS
async def test_a_signature_in_time_counts_after_the_dispatch_was_bounced(rig: Rig, kind: Clock) -> None:
    client = await started(rig, kind)
    dispute_id = await accepted(rig, client)
    dispatch, sign, _ = to_mediation(dispute_id, DISPATCHED)
    await done(client, dispatch)
    # Three working days from a Friday: Wednesday the 22nd.
    await move(rig, client, datetime(2024, 5, 22, 16, tzinfo=UTC))
    bounced = (await client.history(dispute_id))[-1]
    assert (bounced.type, bounced.reason_code) == ("bounced", "sign_off_expired")
    await move(rig, client, datetime(2024, 5, 24, 2, tzinfo=UTC))
    await done(client, sign)
    signed = (await client.history(dispute_id))[-1]
    assert (signed.type, signed.business_day, signed.rewinds_to) == ("signed", "2024-05-17", bounced.sequence)
    assert signed.cohort.due_on == "2024-06-17"
    assert "bounced" not in await client.counted(dispute_id)
    assert (await client.dispute(dispute_id)).supervision == "normal"


async def test_an_alarm_of_a_limit_is_taken_back_by_a_fact_of_before_it(rig: Rig) -> None:
    client = await started(rig, "scenario")
    dispute_id = await accepted(rig, client)
    await client.advance(datetime(2024, 5, 24, 2, tzinfo=UTC))  # to be dispatched until Tuesday the 21st
    assert (await client.dispute(dispute_id)).supervision == "overdue"
    await done(client, to_mediation(dispute_id, DISPATCHED)[0])
    dispatched = (await client.history(dispute_id))[-1]
    assert {taken.type for taken in dispatched.retracts} == {"supervised"}
    assert len(dispatched.retracts) == 2, "the reminder and the alarm"
    assert (await client.dispute(dispute_id)).supervision == "normal"
    assert "supervised" not in await client.counted(dispute_id)


def paper_of(dispute_id: str) -> Sequence[command_pb2.Command]:
    """Return a whole mediation of weeks ago, but for what came of the agreement."""
    return [*to_mediation(dispute_id, DISPATCHED), agree(dispute_id, IN_TIME)]


async def test_paper_of_weeks_ago_raises_no_alarm_while_it_is_entered(rig: Rig) -> None:
    """One by one, as people type: the clock rings between any two papers."""
    today = datetime(2024, 8, 20, 2, tzinfo=UTC)
    client = await started(rig, "wall", today)
    whole, half = await accepted(rig, client, "A-1"), await accepted(rig, client, "A-2")
    papers = [*paper_of(whole), *paper_of(half)[:3]]
    for number, paper in enumerate(papers):
        await done(client, paper)
        assert await move(rig, client, today + number * timedelta(minutes=20)) == 0
    entered = today + (len(papers) - 1) * timedelta(minutes=20)
    assert await move(rig, client, today + 24 * HOUR - timedelta(minutes=1)) == 0
    states = [await client.dispute(dispute_id) for dispute_id in (whole, half)]
    assert [(each.state, each.supervision) for each in states] == [("agreed", "normal"), ("mediating", "normal")]
    # A day after the last paper what is still missing is called so, once.
    assert await move(rig, client, entered + 24 * HOUR) > 0
    assert await move(rig, client, entered + 25 * HOUR) == 0
    half_way = await client.history(half)
    assert [event.type for event in half_way].count("failed") == 1
    assert (await client.alarms(half, "due_on"))[1:] == []
    overdue = [at for level, at in await client.alarms(whole, "state") if level == "overdue"]
    assert overdue == ["2024-07-16T16:00:00+00:00"]


async def test_the_missing_paper_comes_before_the_wait_is_over(rig: Rig) -> None:
    today = datetime(2024, 8, 20, 2, tzinfo=UTC)
    client = await started(rig, "wall", today)
    dispute_id = await accepted(rig, client)
    await done(client, *to_mediation(dispute_id, DISPATCHED))
    rig.clock.move_to(today + 20 * HOUR)
    await done(client, agree(dispute_id, IN_TIME))
    assert await move(rig, client, today + 30 * HOUR) == 0
    assert "failed" not in await client.types(dispute_id)
