"""One jump of the clock over several limits is as many small ones; what ends at one instant is all seen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispute.contracts.codec import event_from_wire, timestamp_of
from dispute.lifecycle import Event
from dispute.wire.handoff.v1 import handoff_pb2
from tests.dry_run.dry_run_proof import tried
from tests.support.intake import TONGDAO
from tests.support.intake_rig import FakeBridge, IntakeClient, Rig, case_facts
from tests.support.orders import agree, order, to_mediation

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEGIN = datetime(2024, 6, 18, 2, tzinfo=UTC)
CHANNELS = {"court": "court_bridge", "petition": "petition_bridge"}


@pytest.fixture
def second_url(store_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if store_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'second.db'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
async def rigs(store_url: str, second_url: str, tmp_path: Path) -> Any:  # noqa: ANN401 - a generator
    """Two intakes of one county, each with a store of its own."""
    async with AsyncExitStack() as stack:
        made = [Rig(url, tmp_path / "keys", stack, rules_dir=TONGDAO) for url in (store_url, second_url)]
        yield made
        assert [fault for rig in made for fault in rig.faults()] == []


async def handed_over(rig: Rig, channel: str, **facts: Any) -> tuple[IntakeClient, str]:  # noqa: ANN401 - any fact
    """Start intake and hand a case over; returns its dispute."""
    client = await rig.start()
    bridge = FakeBridge(rig.bus, rig.sealer, channel, f"{channel}-620725", CHANNELS[channel])
    told = {"received_on": "2024-06-18", **facts}
    await client.advance(BEGIN)
    rig.clock.advance(timedelta(seconds=1))  # by the wall clock a dry run knows after which move something was written
    bridge.send(bridge.handoff("A-1", case_received=case_facts(**told), occurred_at=BEGIN))
    await client.applied(bridge)
    return client, bridge.dispute_id("A-1")


async def events(client: IntakeClient, dispute_id: str) -> list[Event]:
    return [event_from_wire(event) for event in await client.history(dispute_id)]


Lived = Callable[[Rig], Any]


async def petition(rig: Rig) -> tuple[IntakeClient, str]:
    """Hand a first petition over, with its milestones, its two limits and a state that nobody leaves."""
    return await handed_over(rig, "petition", procedure="", suit_kind="", purpose="claim")


async def suit(rig: Rig) -> tuple[IntakeClient, str]:
    """Hand a suit over that is mediated until its term expires, and that nobody returns."""
    client, dispute_id = await handed_over(rig, "court")
    await client.execute(*to_mediation(dispute_id, BEGIN + HOUR))
    return client, dispute_id


async def performed(rig: Rig) -> tuple[IntakeClient, str]:
    """Hand a suit over whose agreement is performed; the follow-up begins by itself and nobody visits."""
    client, dispute_id = await suit(rig)
    done = order(dispute_id, "record_performance", BEGIN + 6 * HOUR, evidence_sha256="a" * 64)
    await client.execute(agree(dispute_id, BEGIN + 5 * HOUR), done)
    return client, dispute_id


async def waiting(rig: Rig) -> tuple[IntakeClient, str]:
    """Hand a suit over whose screening waits for a consent that nobody gives."""
    asked = handoff_pb2.Consent(role="defendant", answer="not_asked")
    given = handoff_pb2.Consent(role="plaintiff", answer="given")
    return await handed_over(rig, "court", consents=[given, asked])


@pytest.mark.parametrize("life", [petition, suit, performed, waiting], ids=lambda life: life.__name__)
async def test_one_jump_is_many_small_ones(rigs: list[Rig], life: Lived) -> None:
    (once, dispute_id), (often, _) = [await life(rig) for rig in rigs]
    before = len(await events(once, dispute_id))
    end = BEGIN + 90 * DAY
    fired = (await once.advance(end)).fired
    at, counted = BEGIN, 0
    while at < end:
        at += 6 * HOUR
        counted += (await often.advance(at)).fired
    one, many = await events(once, dispute_id), await events(often, dispute_id)
    assert one == many
    assert counted == fired >= 2
    times = [event.occurred_at for event in one[before:]]
    assert times == sorted(times)


async def test_a_petition_that_waits_six_weeks_has_its_early_alarms_first(rigs: list[Rig]) -> None:
    client, dispute_id = await petition(rigs[0])
    await client.advance(datetime(2024, 8, 1, tzinfo=UTC))
    alarms = [(event.limit, event.payload.supervision) for event in await events(client, dispute_id) if event.limit]  # type: ignore[attr-defined]
    late = alarms.index(("local_due_on", "reminded"))
    assert alarms.index(("met", "reminded")) < alarms.index(("investigated", "overdue")) < late
    assert alarms.index(("fed_back", "escalated")) < late


async def mediated_late(rig: Rig) -> tuple[IntakeClient, str]:
    """Hand a petition over that is signed for so late that its statutory limit cuts the term."""
    client, dispute_id = await petition(rig)
    await client.execute(*to_mediation(dispute_id, BEGIN + 9 * DAY))
    cohort = (await client.dispute(dispute_id)).cohort
    assert cohort.due_on == cohort.statutory_due_on == "2024-08-19"
    return client, dispute_id


STATUTE_OVER = datetime(2024, 8, 19, 16, tzinfo=UTC)


async def test_a_statutory_limit_that_cuts_the_term_has_its_alarm_before_the_term_fails(rigs: list[Rig]) -> None:
    client, dispute_id = await mediated_late(rigs[0])
    await client.advance(STATUTE_OVER - timedelta(seconds=1))
    assert await client.state(dispute_id) == "mediating"
    await client.advance(STATUTE_OVER)
    alarm, failed = (await client.history(dispute_id))[-2:]
    assert (alarm.type, alarm.limit, alarm.particulars.supervision) == ("supervised", "statutory_due_on", "overdue")
    assert alarm.particulars.clause == "信访工作条例 34"
    assert (failed.type, failed.limit, failed.reason_code) == ("failed", "due_on", "term_expired")
    assert alarm.occurred_at == failed.occurred_at == timestamp_of(STATUTE_OVER)
    # What is over is supervised no more, yet the missed limit counts.
    assert (await client.dispute(dispute_id)).supervision == "normal"
    assert (await client.counted(dispute_id))[-2:] == ["supervised", "failed"]
    await client.advance(STATUTE_OVER + 30 * DAY)
    assert [level for level, _ in await client.alarms(dispute_id, "statutory_due_on")] == ["reminded", "overdue"]


async def test_an_agreement_in_time_takes_back_both_that_fell_on_one_instant(rigs: list[Rig]) -> None:
    client, dispute_id = await mediated_late(rigs[0])
    await client.advance(STATUTE_OVER + HOUR)
    alarm, failed = (await client.history(dispute_id))[-2:]
    await client.execute(agree(dispute_id, STATUTE_OVER - DAY))
    agreed = (await client.history(dispute_id))[-1]
    assert (agreed.type, agreed.rewinds_to) == ("agreed", failed.sequence)
    assert {alarm.sequence, failed.sequence} <= {taken.sequence for taken in agreed.retracts}
    assert "failed" not in await client.counted(dispute_id)


@pytest.mark.parametrize("life", [petition, performed, waiting, mediated_late], ids=lambda life: life.__name__)
async def test_a_dry_run_lives_it_in_the_same_order(rigs: list[Rig], life: Lived) -> None:
    client, _ = await life(rigs[0])
    rigs[0].clock.advance(timedelta(seconds=1))
    await client.advance(BEGIN + 90 * DAY)
    await client.stop()
    totals = tried(rigs[0].settings(), TONGDAO).totals
    assert (totals.disputes, totals.not_reproduced, totals.changed) == (1, 0, 0)
