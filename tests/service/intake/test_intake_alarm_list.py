"""Who looks for what is late finds it: cases under supervision, by level, until their matter moves."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from dispute.lifecycle import Colour
from dispute.wire.intake.v1 import intake_pb2
from ops.run import alarms
from ops.run.run_folder import write
from services.intake.inbound.alarm_levels import AlarmLevels
from tests.support.intake_rig import IntakeClient, Rig
from tests.support.orders import order, to_mediation
from tests.support.restored_intake import Disk, sent

REMINDED, SUPERVISED = datetime(2024, 3, 8, tzinfo=UTC), datetime(2024, 3, 12, tzinfo=UTC)
"""Accepted on Tuesday 5 March 2024, to be dispatched by Friday the 8th."""


async def accepted(rig: Rig, client: IntakeClient, *refs: str) -> list[str]:
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in refs))
    await client.applied(rig.bridge)
    return [rig.bridge.dispute_id(ref) for ref in refs]


async def listed(client: IntakeClient, **asked: str) -> list[str]:
    answer = await client.call("ListAlarms", intake_pb2.ListAlarmsRequest(**asked))  # type: ignore[arg-type] # texts
    return [each.dispute.dispute_id for each in answer.disputes]


async def test_a_late_case_is_listed_with_its_limit_and_owner_until_it_moves(rig: Rig, client: IntakeClient) -> None:
    (dispute_id,) = await accepted(rig, client, "A-1")
    assert await listed(client) == []
    await client.advance(REMINDED)
    (found,) = (await client.call("ListAlarms", intake_pb2.ListAlarmsRequest())).disputes
    assert (found.dispute.dispute_id, found.dispute.supervision, found.owner) == (dispute_id, "reminded", "dispatcher")
    assert [(each.limit, each.level) for each in found.alarms] == [("state", "reminded")]
    assert await listed(client, level="overdue") == []
    await client.advance(SUPERVISED)
    for level, seen in (("reminded", True), ("overdue", True), ("supervised", True), ("escalated", False)):
        assert await listed(client, level=level) == [dispute_id] * seen
    assert await listed(client, channel="police") == []
    await client.execute(to_mediation(dispute_id, SUPERVISED)[0])
    assert await listed(client) == []


async def test_a_case_that_is_red_from_the_first_is_listed(rig: Rig, client: IntakeClient) -> None:
    (dispute_id,) = await accepted(rig, client, "A-1")
    red = order(dispute_id, "change_colour", colour=Colour.RED.value, reason_code="group", actor=("leader", "leader-1"))
    (result,) = await client.execute(red)
    assert result.WhichOneof("result") == "position", result
    assert await listed(client, level="escalated") == [dispute_id]


async def test_a_restored_store_lists_what_became_late_since_its_backup(rig: Rig) -> None:
    client, disk = await rig.start(), Disk(rig)
    (dispute_id,) = await accepted(rig, client, "A-1")
    await sent(client)
    await client.stop()
    backup = await disk.backup()
    client = await rig.start()
    await client.advance(SUPERVISED)
    await sent(client)
    await client.stop()
    await disk.restore(backup)
    assert disk.recover() > 0
    assert await listed(await rig.start(), level="supervised") == [dispute_id]


async def test_the_metrics_count_them_by_level(rig: Rig) -> None:
    client = await rig.start(http=True)
    await accepted(rig, client, "A-1", "A-2")
    await client.advance(SUPERVISED)
    (levels,) = (part for part in client.intake.parts if isinstance(part, AlarmLevels))

    async def shown(level: str, number: int) -> bool:
        await levels.step()
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{client.intake.http.port}") as http:
            scrape = (await http.get("/metrics")).text
        return f'hub_disputes_supervised{{channel="court",level="{level}"}} {number}.0' in scrape

    assert await shown("supervised", 2)
    assert await shown("overdue", 0)
    await client.execute(to_mediation(rig.bridge.dispute_id("A-1"), SUPERVISED)[0])
    assert await shown("supervised", 1)


async def test_pages_and_wrong_questions(rig: Rig, client: IntakeClient) -> None:
    ids = await accepted(rig, client, *(f"A-{number}" for number in range(5)))
    await client.advance(SUPERVISED)
    seen: list[str] = []
    token = ""
    while True:
        page = await client.call("ListAlarms", intake_pb2.ListAlarmsRequest(page_size=2, page_token=token))
        seen += [each.dispute.dispute_id for each in page.disputes]
        token = page.next_page_token
        if not token:
            break
    assert seen == sorted(ids)
    for wrong, field in (
        (intake_pb2.ListAlarmsRequest(level="loud"), "level"),
        (intake_pb2.ListAlarmsRequest(channel="nobody"), "channel"),
        (intake_pb2.ListAlarmsRequest(page_size=1001), "page_size"),
        (intake_pb2.ListAlarmsRequest(page_token="x"), "page_token"),
    ):
        assert (await client.refusal("ListAlarms", wrong)).field == field


async def test_a_person_sees_them_at_the_terminal(rig: Rig, client: IntakeClient, tmp_path: Path) -> None:
    (dispute_id,) = await accepted(rig, client, "A-1")
    await client.advance(SUPERVISED)
    running = await client.running(tmp_path)
    (line,) = await alarms.supervised(running, "", "")
    its = await client.dispute(dispute_id)
    assert alarms.cells(line) == (
        "督办 supervised",
        its.case_code,
        "诉调 court",
        "受理 accepted",
        "环节期限 state 2024-03-12 00:00",
        "分流员 dispatcher",
    )
    write(running)
    command = (sys.executable, "-m", "ops", "alarms", "--level", "overdue", "--run", str(tmp_path), "--json")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    (document,) = json.loads(output)
    assert (document["dispute_id"], document["level"], document["owner"]) == (dispute_id, "supervised", "dispatcher")


async def test_the_highest_and_longest_come_first(rig: Rig, client: IntakeClient, tmp_path: Path) -> None:
    first, second, third = await accepted(rig, client, "A-1", "A-2", "A-3")
    await client.execute(to_mediation(second)[0])
    await client.advance(SUPERVISED)
    red = order(third, "change_colour", colour=Colour.RED.value, reason_code="group", actor=("leader", "leader-1"))
    await client.execute(red)
    running = await client.running(tmp_path)
    lines = await alarms.supervised(running, "", "")
    assert [line.dispute_id for line in lines][:2] == [third, first]
