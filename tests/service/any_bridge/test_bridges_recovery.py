"""A restored bridge has its receipts back, and its agencies miss no result (design D1)."""

from __future__ import annotations

import pytest

from bridge.assembly import open_store
from bridge.outbound.results import RECOVERY_STEP
from bridge.recovery import recover_bridge
from bridge.tables import bridge_metadata
from dispute.contracts.sealing import sealer_of
from dispute.contracts.topics import HANDOFFS
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Fault
from hub.streams.memory_log import MemoryLog
from hub.streams.outbox import Outbox
from tests.support.backups import Backup, back_up, put_back
from tests.support.bridges import RunningBridge, Workshop, event_of, eventually

CHANNELS = ("court", "police", "petition")


async def receipts(running: RunningBridge, *numbers: int) -> list[dict[str, object]]:
    answers = [(await running.post(running.noun, running.numbered(number))).json() for number in numbers]
    return [{key: answer[key] for key in ("receipt_id", "dispute_id", "position")} for answer in answers]


async def cursors(running: RunningBridge, after: int = 0) -> list[tuple[int, str]]:
    answer = await running.get(f"results?after={after}&limit=1000")
    return [(item["cursor"], item["event_id"]) for item in answer.json()["results"]]


async def restored(workshop: Workshop, channel: str, backup: Backup) -> int:
    """Put the backup back and recover; returns how many hand-offs came back."""
    bridge = workshop.build(channel)
    spec, url = bridge.spec, bridge.settings.store_url
    bridge.store.close()
    store = open_store(spec, url)
    try:
        await put_back(store, backup, bridge_metadata)
        sealer = sealer_of(bridge.settings.keys_dir)
        return recover_bridge(store, Outbox(HANDOFFS, spec.service), MemoryLog(workshop.bus), sealer).records
    finally:
        store.close()


@pytest.mark.parametrize("channel", CHANNELS)
async def test_receipts_come_back_and_repeats_get_them(workshop: Workshop, channel: str) -> None:
    async with workshop.running(channel) as running:
        await receipts(running, 1)
        await running.relayed()
        backup = await back_up(running.bridge.store, bridge_metadata)
        given = await receipts(running, 2, 3)
        await running.relayed()
        received = len(running.handoffs())
    assert await restored(workshop, channel, backup) == 2
    async with workshop.running(channel) as running:
        assert await receipts(running, 2, 3) == given
        changed = running.numbered(2)
        changed["brief"] = "another text"
        refused = await running.post(running.noun, changed)
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
        (fresh,) = await receipts(running, 4)
        await running.relayed()
        handoffs = running.handoffs()
        assert len(handoffs) == received + 1
        assert fresh["receipt_id"] in {handoff.handoff_id for handoff in handoffs}


async def test_a_receipt_comes_back_in_the_spelling_it_was_given_for(workshop: Workshop) -> None:
    written, canonical = "(2024)甘0725民初7号", "（2024）甘0725民初7号"
    async with workshop.running("court") as running:
        backup = await back_up(running.bridge.store, bridge_metadata)
        given = (await running.post("cases", running.record(case_number=written))).json()
        await running.relayed()
    assert await restored(workshop, "court", backup) == 1
    async with workshop.running("court") as running:
        where = await running.get(f"cases/{canonical}")
        assert {**where.json()["receipt"], "accepted_at": ""} == {**given, "accepted_at": ""}
        again = await running.post("cases", running.record(case_number=canonical))
        assert (again.status_code, again.json()["source_ref"]) == (200, written)


async def test_an_agency_that_confirmed_beyond_the_backup_misses_nothing(workshop: Workshop) -> None:
    async with workshop.running("court") as running:
        given = await receipts(running, 1, 2)
        await running.relayed()
        one, two = (str(each["dispute_id"]) for each in given)
        workshop.pen.write(event_of(one, "court", "accepted", 1))

        async def seen(count: int) -> bool:
            return len(await cursors(running)) == count

        await eventually(lambda: seen(1))
        backup = await back_up(running.bridge.store, bridge_metadata)
        workshop.pen.write(event_of(two, "court", "accepted", 1), event_of(one, "court", "agreed", 2))
        await eventually(lambda: seen(3))
        assert (await running.post("results:acknowledge", {"cursor": 3})).json() == {"remaining": 0}
    assert await restored(workshop, "court", backup) == 0
    async with workshop.running("court") as running:
        workshop.pen.write(event_of(two, "court", "agreed", 2))
        await eventually(lambda: seen(4))
        new = await cursors(running, after=3)
        assert min(cursor for cursor, _ in new) > RECOVERY_STEP
        assert {event for _, event in new} >= {event_of(two, "court", "agreed", 2).event_id}
        assert (await running.post("results:acknowledge", {"cursor": 3})).json() == {"remaining": 3}
        assert (await running.post("results:acknowledge", {"cursor": new[-1][0]})).json() == {"remaining": 0}


async def test_rounds_and_what_was_taken_back_come_back_the_same(workshop: Workshop) -> None:
    def of_second(kind: str, sequence: int) -> journal_pb2.JournalEvent:
        event = event_of(one, "court", kind, sequence)
        event.reopen_seq = 1
        return event

    async with workshop.running("court") as running:
        one = str((await receipts(running, 1))[0]["dispute_id"])
        await running.relayed()
        workshop.pen.write(event_of(one, "court", "accepted", 2))
        await eventually(lambda: told(running, 1))
        backup = await back_up(running.bridge.store, bridge_metadata)
        workshop.pen.write(event_of(one, "court", "returned", 3))
        await eventually(lambda: told(running, 2))
        assert (await running.post("cases", running.numbered(1, round=2))).status_code == 201
        resubmitted, failed, returned, agreed = (
            of_second(kind, at) for at, kind in ((4, "resubmitted"), (5, "failed"), (6, "returned"), (7, "agreed"))
        )
        resubmitted.particulars.round, agreed.rewinds_to = 2, 5
        workshop.pen.write(resubmitted, failed, returned, agreed, of_second("closed", 8))
        await eventually(lambda: told(running, 6))
        await running.relayed()
        before = await contents(running)
        third = await running.post("cases", running.numbered(1, round=3))
        assert third.status_code == 201
        await running.relayed()
    assert await restored(workshop, "court", backup) == 2
    async with workshop.running("court") as running:
        await eventually(lambda: told(running, 6))
        assert await contents(running) == before
        again = await running.post("cases", running.numbered(1, round=3))
        assert (again.status_code, again.json()["receipt_id"]) == (200, third.json()["receipt_id"])
        fourth = await running.post("cases", running.numbered(1, round=4))
        assert fourth.json()["code"] == "round_not_over"


async def told(running: RunningBridge, count: int) -> bool:
    return len(await contents(running)) == count


async def contents(running: RunningBridge) -> list[dict[str, object]]:
    """All results without their cursors, which jump once with a recovery."""
    found = (await running.get("results?after=0&limit=1000")).json()["results"]
    return [{name: value for name, value in one.items() if name != "cursor"} for one in found]


async def test_a_restored_bridge_gives_no_receipt_before_it_is_recovered(workshop: Workshop) -> None:
    async with workshop.running("court") as running:
        backup = await back_up(running.bridge.store, bridge_metadata)
        await receipts(running, 1)
        await running.relayed()
    bridge = workshop.build("court")
    try:
        await put_back(bridge.store, backup, bridge_metadata)
        with pytest.raises(Fault, match=r"store_restored.*services\.court_bridge recover"):
            await next(part for part in bridge.parts if part.name == "head-check").start()
    finally:
        bridge.store.close()


async def test_a_store_that_is_up_to_date_is_only_looked_at(workshop: Workshop) -> None:
    async with workshop.running("court") as running:
        await receipts(running, 1)
        await running.relayed()
    async with workshop.running("court") as running:
        await receipts(running, 2)
        await running.relayed()
        assert len(running.handoffs()) == 2
