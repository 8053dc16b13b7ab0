"""What must hold when things break: restarts, reordering, lost and repeated deliveries, two workers, no Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from dispute.contracts.codec import event_from_wire
from dispute.contracts.topics import HANDOFFS, JOURNAL
from dispute.lifecycle import replay
from dispute.wire.intake.v1 import intake_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Rejected
from hub.streams.envelope import StreamName, place_of, unpack
from hub.streams.memory import SendMode
from services.intake.cases.tables import handoff_applied
from services.intake.wiring import GROUP
from tests.support.intake import timers_in
from tests.support.intake_rig import IntakeClient, Rig, parties
from tests.support.journals import until
from tests.support.orders import agree, order, to_mediation

REFS = [f"A-{number}" for number in range(30)]
LONG_AFTER = datetime(2024, 7, 1, tzinfo=UTC)


def journal_of(rig: Rig) -> list[journal_pb2.JournalEvent]:
    """Return the journal as a reader takes it: a position that is sent again has the same content and is dropped."""
    taken: dict[tuple[StreamName, int], bytes] = {}
    for record in rig.bus.records(JOURNAL.name):
        assert record.value is not None
        place = place_of(record.headers)
        for position, raw in enumerate(unpack(place, record.value), place.first):
            assert taken.setdefault((place.stream, position), raw) == raw
    return [journal_pb2.JournalEvent.FromString(raw) for raw in taken.values()]


async def assert_consistent(rig: Rig, client: IntakeClient, refs: list[str]) -> None:
    """One state per dispute equals the replay of its history; the journal has every event once."""
    published: dict[str, list[int]] = {}

    async def all_sent() -> bool:
        return (await client.books())["journal", "unsent"] == 0

    await until(all_sent)
    for event in journal_of(rig):
        published.setdefault(event.dispute_id, []).append(event.sequence)
    for ref in refs:
        dispute_id = rig.bridge.dispute_id(ref)
        history = await client.history(dispute_id)
        state = replay(tuple(event_from_wire(event) for event in history))
        now = await client.dispute(dispute_id)
        assert (now.state, now.sequence) == (state.state.value, state.sequence)
        assert published[dispute_id] == [event.sequence for event in history]


async def test_a_restart_half_way_loses_and_doubles_nothing(rig: Rig) -> None:
    first = await rig.start()
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS[:15]))
    await first.applied(rig.bridge)
    await first.stop()
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS[15:]))
    second = await rig.start()
    await second.applied(rig.bridge)
    assert await second.rows(handoff_applied) == len(REFS)
    await assert_consistent(rig, second, REFS)


async def test_lost_repeated_and_rebalanced_deliveries(rig: Rig, client: IntakeClient) -> None:
    for number, ref in enumerate(REFS):
        rig.bridge.send(rig.bridge.handoff(ref))
        if number % 7 == 3:
            rig.bus.rewind(HANDOFFS.name, GROUP, 3)
        if number % 11 == 5:
            rig.bus.rebalance(HANDOFFS.name, GROUP)
        for partition, end in enumerate(rig.bus.ends(HANDOFFS.name)):
            if number % 5 == 2:
                rig.bus.drop(HANDOFFS.name, partition, [end])
    await client.applied(rig.bridge)
    assert await client.rows(handoff_applied) == len(REFS)
    await assert_consistent(rig, client, REFS)


async def test_commands_are_accepted_while_the_bus_is_down(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    await assert_consistent(rig, client, ["A-1"])
    rig.bus.sending = SendMode.DOWN
    dispute_id = rig.bridge.dispute_id("A-1")
    results = await client.execute(*to_mediation(dispute_id))
    assert {result.WhichOneof("result") for result in results} == {"position"}
    assert (await client.books())["journal", "unsent"] == 3
    rig.bus.sending = SendMode.NORMAL
    await assert_consistent(rig, client, ["A-1"])


async def test_a_start_without_the_bus(rig: Rig) -> None:
    rig.bus.sending = SendMode.DOWN
    client = await rig.start()
    clock = await client.call("GetClock", intake_pb2.GetClockRequest())
    assert clock.kind == "scenario"
    rig.bridge.send(rig.bridge.handoff("A-1"))
    rig.bus.sending = SendMode.NORMAL
    await client.applied(rig.bridge)
    assert await client.state(rig.bridge.dispute_id("A-1")) == "accepted"


async def test_health_and_metrics_are_served(rig: Rig) -> None:
    client = await rig.start(http=True)
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{client.intake.http.port}") as http:
        assert (await http.get("/healthz")).json()["status"] == "ok"
        scrape = (await http.get("/metrics")).text
    assert 'hub_disputes_events_total{channel="court",type="accepted"} 1.0' in scrape
    assert "p-1" not in scrape


async def test_the_books_balance(rig: Rig, client: IntakeClient) -> None:
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS))
    rig.bridge.send_raw("poison", b"\xff")
    await client.applied(rig.bridge)
    books = await client.books()
    assert sum(rig.bridge.sent().values()) == books["handoff", "applied"] + books["handoff", "dead"]
    assert (books["handoff", "rejected"], books["handoff", "parked"]) == (0, 0)
    assert books["journal", "received"] == 3 * len(REFS)


async def test_a_thousand_timers_at_once(rig: Rig, client: IntakeClient) -> None:
    """More than one chunk; all fire, once."""
    refs = [f"T-{number}" for number in range(400)]
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in refs))
    await client.applied(rig.bridge)
    for start in range(0, len(refs), 200):
        some = refs[start : start + 200]
        await client.execute(*(c for ref in some for c in to_mediation(rig.bridge.dispute_id(ref))))
    assert len(await client.intake.store.read(timers_in)) == 400
    assert (await client.advance(datetime(2024, 4, 8, tzinfo=UTC))).fired == 800  # a reminder and an end of each
    assert len(await client.intake.store.read(timers_in)) == 400  # of being returned
    page = await client.call("ListDisputes", intake_pb2.ListDisputesRequest(state="failed", page_size=1000))
    assert len(page.disputes) == 400


# --- two workers on one PostgreSQL ------------------------------------------------------------------------------------


@pytest.fixture
async def postgres_rig(postgres_schema: str, tmp_path: Path) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        made = Rig(postgres_schema, tmp_path / "keys", stack)
        yield made
        faults = made.faults()
        for watch in made.watches:
            watch.cancel()
        await asyncio.gather(*made.watches, return_exceptions=True)
    assert faults == []


@pytest.mark.postgres
async def test_two_workers_race_on_one_dispute(postgres_rig: Rig) -> None:
    rig = postgres_rig
    one, two = await rig.start("one"), await rig.start("two")
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS))
    await one.applied(rig.bridge)
    outcomes = []
    for ref in REFS:
        dispute_id = rig.bridge.dispute_id(ref)
        requests = [
            intake_pb2.ExecuteRequest(
                command=order(
                    dispute_id,
                    "dispatch",
                    lead_department=f"dep_{name}",
                    level="county",
                    dispatch_mode="assigned",
                    command_id=f"{number:08d}-0000-4000-8000-{REFS.index(ref):012d}",
                )
            )
            for number, name in enumerate(("one", "two"))
        ]
        outcomes.append(
            asyncio.gather(one.call("Execute", requests[0]), two.call("Execute", requests[1]), return_exceptions=True)
        )
    for pair in await asyncio.gather(*outcomes):
        refused = [outcome for outcome in pair if isinstance(outcome, Rejected)]
        assert [error.code for error in refused] == ["wrong_state"]
    await assert_consistent(rig, two, REFS)


@pytest.mark.postgres
async def test_two_workers_answer_one_command_alike(postgres_rig: Rig) -> None:
    rig = postgres_rig
    one, two = await rig.start("one"), await rig.start("two")
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS))
    await two.applied(rig.bridge)
    commands = [command for ref in REFS for command in to_mediation(rig.bridge.dispute_id(ref))]
    first, second = await asyncio.gather(one.execute(*commands), two.execute(*commands))
    assert [r.position for r in first] == [r.position for r in second]
    assert all(a.repeated is not b.repeated for a, b in zip(first, second, strict=True))
    await assert_consistent(rig, one, REFS)


@pytest.mark.postgres
async def test_two_workers_fire_each_timer_once(postgres_rig: Rig) -> None:
    rig = postgres_rig
    one, two = await rig.start("one"), await rig.start("two")
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS))
    await one.applied(rig.bridge)
    await one.execute(*(c for ref in REFS for c in to_mediation(rig.bridge.dispute_id(ref))))
    answers = await asyncio.gather(one.advance(LONG_AFTER), two.advance(LONG_AFTER))
    # The term's reminder and end, then all four steps of a failed matter that nobody returns.
    assert sum(answer.fired for answer in answers) == 6 * len(REFS)
    for ref in REFS:
        types = await two.types(rig.bridge.dispute_id(ref))
        assert (types.count("failed"), types.count("supervised")) == (1, 5)
    await assert_consistent(rig, one, REFS)


@pytest.mark.postgres
async def test_one_worker_takes_over_from_the_other(postgres_rig: Rig) -> None:
    rig = postgres_rig
    one, two = await rig.start("one"), await rig.start("two")
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS[:10]))
    await one.applied(rig.bridge)
    await one.stop()
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS[10:]))
    await two.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id(REFS[0])
    await two.execute(*to_mediation(dispute_id), agree(dispute_id, datetime(2024, 3, 9, tzinfo=UTC)))
    assert await two.rows(handoff_applied) == len(REFS)
    await assert_consistent(rig, two, REFS)


async def test_on_the_wall_clock_a_loop_that_stood_still_ends_nothing(rig: Rig) -> None:
    """Reader and alarm clock are due at the same instant then, and both ask for the log's end."""
    rig.clock_kind = "wall"
    client = await rig.start()
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS[:5]))
    await client.applied(rig.bridge)
    alarms = [asyncio.create_task(client.intake.alarm_clock.ring()) for _ in range(3)]
    await asyncio.sleep(0)
    time.sleep(3.0)  # noqa: ASYNC251 - the stall itself
    await asyncio.gather(*alarms)
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in REFS[5:]))
    await client.applied(rig.bridge)
    assert rig.faults() == []
    await assert_consistent(rig, client, REFS)
