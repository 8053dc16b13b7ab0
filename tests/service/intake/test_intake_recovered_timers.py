"""A restored register has the timers of the register that lived through it: what fired, what waits and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispute.wire.dispute.v1 import command_pb2
from hub.store.store import Store
from services.intake.law.timers import Timer
from tests.support.intake import TONGDAO, timers_in
from tests.support.intake_rig import FakeBridge, IntakeClient, Rig, case_facts
from tests.support.orders import order, to_mediation
from tests.support.restored_intake import Disk, sent

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OCTOBER = datetime(2026, 10, 19, 2, tzinfo=UTC)
FRIDAY = datetime(2026, 12, 4, 2, tzinfo=UTC)
"""To be dispatched within three working days: Wednesday the 9th."""
NOW = datetime(2026, 12, 10, 2, tzinfo=UTC)
TABLE = """
years:
  2027:
    source: "made up for this test: no notice on 2027 is out"
    issued: 2026-11-25
    holidays: [2027-01-01, 2027-02-08]
    workdays: []
"""


async def timers(store: Store) -> dict[tuple[str, str], Timer]:
    return {(timer.dispute_id, timer.limit): timer for timer in await store.read(timers_in)}


async def move(rig: Rig, client: IntakeClient, to: datetime) -> None:
    rig.clock.move_to(to)
    await client.intake.alarm_clock.ring()


async def done(client: IntakeClient, command: command_pb2.Command) -> None:
    (result,) = await client.execute(command)
    assert result.WhichOneof("result") == "position", result


async def handed_over(client: IntakeClient, bridge: FakeBridge, ref: str, at: datetime, **facts: str) -> str:
    told = case_facts(received_on=f"{at:%Y-%m-%d}", **facts)
    bridge.send(bridge.handoff(ref, case_received=told, occurred_at=at))
    await client.applied(bridge)
    return bridge.dispute_id(ref)


@pytest.mark.parametrize("table", ["", TABLE], ids=["provisional", "settled"])
async def test_timers_come_back_as_they_were(rig: Rig, tmp_path: Path, table: str) -> None:
    rig.clock_kind, rig.rules_dir, rig.clock.at = "wall", TONGDAO, OCTOBER + HOUR
    rig.calendar_dir = tmp_path / "calendars"
    rig.calendar_dir.mkdir()
    disk, office = Disk(rig), FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    client = await rig.start()
    on_paper = await handed_over(client, rig.bridge, "A-1", OCTOBER)
    await sent(client)
    await client.stop()
    backup = await disk.backup()

    client = await rig.start()
    await move(rig, client, OCTOBER + 5 * DAY)
    await move(rig, client, FRIDAY + HOUR)
    supervised = await handed_over(client, rig.bridge, "A-2", FRIDAY)
    petition = await handed_over(client, office, "P-1", FRIDAY + HOUR, procedure="", suit_kind="", purpose="claim")
    await move(rig, client, NOW)
    for number, paper in enumerate(to_mediation(on_paper, OCTOBER + DAY)):
        await done(client, paper)
        await move(rig, client, NOW + (number + 1) * 20 * timedelta(minutes=1))
    await done(client, order(petition, "reach_milestone", FRIDAY + 2 * HOUR, milestone="met"))
    if table:
        (rig.calendar_dir / "2027.yaml").write_text(table, encoding="utf-8")
        assert await client.intake.holidays.look() == 1
    await sent(client)
    untouched = await timers(client.intake.store)
    before = {name: await client.alarms(name) for name in (on_paper, supervised, petition)}
    await client.stop()
    # What is looked at is there: an end that waits for late paper, a level that is still to come, another year.
    waits = untouched[on_paper, "due_on"]
    assert (waits.step, waits.rings_at) == ("overdue", NOW + 40 * timedelta(minutes=1) + DAY)
    assert untouched[supervised, "state"].step == "supervised"
    assert (petition, "statutory_due_on") in untouched

    await disk.restore(backup)
    disk.recover()
    store = Store(rig.store_url)
    try:
        assert await timers(store) == untouched
    finally:
        store.close()
    client = await rig.start()
    await client.intake.alarm_clock.ring()
    assert {name: await client.alarms(name) for name in before} == before, "nothing rings twice"
