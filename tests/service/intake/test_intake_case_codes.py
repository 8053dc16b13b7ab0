"""Every case of a county has one printed code, without gaps and never twice, and is found by it (一案一码)."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispute.case_code import case_code, parse_case_code
from dispute.contracts.codec import instant_of
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Refusal
from ops.run import case
from ops.run.run_folder import write
from services.intake.cases.tables import case_number
from tests.support.intake_rig import HANDED_OVER, IntakeClient, Rig, parties, submission
from tests.support.orders import order, to_mediation
from tests.support.restored_intake import Disk, sent

FULL_WIDTH = str.maketrans({str(digit): chr(ord("０") + digit) for digit in range(10)})


def code(number: int) -> str:
    return case_code("620725", 2024, number)


def told(ref: str, **changes: str) -> intake_pb2.SubmitRequest:
    request = submission(source_ref=ref, idempotency_key=ref)
    for name, value in changes.items():
        setattr(request.facts, name, value)
    return request


async def given(client: IntakeClient, ref: str, **changes: str) -> str:
    """Submit a case; return the code of its receipt."""
    receipt = (await client.call("Submit", told(ref, **changes))).receipt
    return str(receipt.case_code)


def by_code(text: str) -> intake_pb2.GetDisputeRequest:
    return intake_pb2.GetDisputeRequest(case_code=text)


async def test_receipt_state_and_event_tell_the_next_number(client: IntakeClient, rig: Rig) -> None:
    assert [await given(client, ref) for ref in ("W-1", "W-2")] == [code(1), code(2)]
    rig.bridge.send(rig.bridge.handoff("A-1"), rig.bridge.handoff("A-2"))
    await client.applied(rig.bridge)
    of = [rig.bridge.dispute_id(ref) for ref in ("A-1", "A-2")]
    assert {(await client.dispute(each)).case_code for each in of} == {code(3), code(4)}
    for each in of:
        registered, *later = await client.history(each)
        assert registered.particulars.case_code == (await client.dispute(each)).case_code
        assert {event.particulars.case_code for event in later} == {""}


async def test_what_is_refused_or_repeated_takes_no_number(client: IntakeClient) -> None:
    assert await given(client, "W-1") == code(1)
    other = told("W-1")
    other.confidential.brief = "另一件"
    assert (await client.refusal("Submit", other)).code == "key_reused"
    assert await given(client, "W-1") == code(1)
    assert await given(client, "W-2") == code(2)


async def test_a_county_and_a_year_count_by_themselves(client: IntakeClient) -> None:
    tongdao = {"county_code": "431230", "town_code": ""}
    assert [await given(client, ref, **tongdao) for ref in ("W-1", "W-2")] == [
        case_code("431230", 2024, number) for number in (1, 2)
    ]
    assert await given(client, "W-3") == code(1)
    request = told("W-4")
    request.occurred_at.FromJsonString("2024-12-31T16:00:00Z")
    assert (await client.call("Submit", request)).receipt.case_code == case_code("620725", 2025, 1)


async def test_cases_without_a_county_have_no_code(client: IntakeClient) -> None:
    assert [await given(client, ref, county_code="", town_code="") for ref in ("W-1", "W-2")] == ["", ""]
    assert await client.rows(case_number) == 0
    assert await given(client, "W-3") == code(1)


async def test_a_case_is_found_however_its_code_is_typed(client: IntakeClient) -> None:
    await given(client, "W-1")
    receipt = (await client.call("Submit", told("W-2"))).receipt
    printed = receipt.case_code
    for text in (printed, printed.replace("-", ""), f"  {printed} ", printed.replace("-", "－").translate(FULL_WIDTH)):
        found = await client.call("GetDispute", by_code(text))
        assert (found.dispute.dispute_id, found.dispute.case_code) == (receipt.dispute_id, printed)
        history = await client.call("GetHistory", intake_pb2.GetHistoryRequest(case_code=text))
        assert {event.dispute_id for event in history.events} == {receipt.dispute_id}
    assert (await client.call("GetMatter", intake_pb2.GetMatterRequest(dispute_id=receipt.dispute_id))).members[
        0
    ].case_code == printed


async def test_a_mistyped_code_is_refused_by_name(client: IntakeClient) -> None:
    one, two = [(await client.call("Submit", told(ref))).receipt for ref in ("W-1", "W-2")]
    slips = {
        "case_code_check": one.case_code[:-3] + two.case_code[-3:],
        "case_code_malformed": one.case_code[:-4],
        "unknown_dispute": code(3),
    }
    for expected, text in slips.items():
        for name, request in (
            ("GetDispute", by_code(text)),
            ("GetHistory", intake_pb2.GetHistoryRequest(case_code=text)),
        ):
            refusal: Refusal = await client.refusal(name, request)
            assert refusal.code == expected, (name, text)
            assert refusal.field == ("dispute_id" if expected == "unknown_dispute" else "case_code")
    both = intake_pb2.GetDisputeRequest(dispute_id=one.dispute_id, case_code=two.case_code)
    assert (await client.refusal("GetDispute", both)).code == "unknown_dispute"
    both.case_code = one.case_code
    assert (await client.call("GetDispute", both)).dispute.dispute_id == one.dispute_id


async def test_the_next_limit_is_the_one_that_ends_first(client: IntakeClient, rig: Rig) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    asked = intake_pb2.GetDisputeRequest(dispute_id=rig.bridge.dispute_id("A-1"))
    dispatch, sign, begin = to_mediation(asked.dispute_id)
    await client.execute(dispatch)
    waiting = (await client.call("GetDispute", asked)).next_limit
    await client.execute(sign, begin)
    working = (await client.call("GetDispute", asked)).next_limit
    assert [waiting.name, working.name] == ["sign_by", "due_on"]
    # Thirty days end in a holiday; the Sunday after it is worked.
    assert working.ends_at.ToJsonString() == "2024-04-07T16:00:00Z"
    assert HANDED_OVER < instant_of(waiting.ends_at) < instant_of(working.ends_at)


async def test_a_limit_that_has_passed_is_shown_as_such(client: IntakeClient, rig: Rig, tmp_path: Path) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    its = await client.dispute(rig.bridge.dispute_id("A-1"))
    running = await client.running(tmp_path)
    ends_at = datetime(2024, 3, 8, 16, tzinfo=UTC)
    for at, shown in ((ends_at - timedelta(seconds=1), "之前 before"), (ends_at, "已过 passed")):
        await client.advance(at)
        found = await case.look_up(running, its.case_code)
        assert f"下一期限 next limit: 环节期限 state 2024-03-09 00:00 {shown}" in list(case.lines(*found))
        assert found[0].next_limit.passed is (at == ends_at)


@pytest.mark.parametrize("store_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_two_workers_never_give_one_number_twice(rig: Rig) -> None:
    workers = [await rig.start("one"), await rig.start("two")]
    refs = [f"W-{number}" for number in range(60)]
    rig.bridge.send(*(rig.bridge.handoff(f"A-{number}") for number in range(40)))
    codes = await asyncio.gather(*(given(workers[place % 2], ref) for place, ref in enumerate(refs)))
    await asyncio.gather(*(worker.applied(rig.bridge) for worker in workers))
    handed = [(await workers[0].dispute(rig.bridge.dispute_id(f"A-{number}"))).case_code for number in range(40)]
    assert sorted(parse_case_code(each).number for each in (*codes, *handed)) == list(range(1, 101))


async def test_after_a_backup_was_restored_no_number_comes_twice(rig: Rig) -> None:
    client = await rig.start()
    assert await given(client, "W-1") == code(1)
    await sent(client)
    await client.stop()
    disk = Disk(rig)
    backup = await disk.backup()

    client = await rig.start()
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    assert await given(client, "W-2") == code(3)
    await sent(client)
    await client.stop()

    await disk.restore(backup)
    disk.recover()
    client = await rig.start()
    await client.applied(rig.bridge)
    assert (await client.dispute(rig.bridge.dispute_id("A-1"))).case_code == code(2)
    assert (await client.call("GetDispute", by_code(code(3)))).dispute.dispute_id
    assert await given(client, "W-2") == code(3)
    assert await given(client, "W-3") == code(4)
    last = await client.intake.store.read(lambda tx: tx.execute(sa.select(case_number)).all())
    assert [tuple(row) for row in last] == [("620725", 2024, 4)]


async def test_a_person_asks_for_a_case_at_the_terminal(client: IntakeClient, rig: Rig, tmp_path: Path) -> None:
    people = parties("p-1", "p-2")
    rig.bridge.send(rig.bridge.handoff("A-1", people=people))
    await client.applied(rig.bridge)
    its = await client.dispute(rig.bridge.dispute_id("A-1"))
    running = await client.running(tmp_path)
    found = await case.look_up(running, its.case_code.replace("-", ""))
    assert list(case.lines(*found)) == [
        f"案件 case: {its.case_code}   {its.dispute_id}",
        "状态 state: 受理 accepted",
        "渠道 channel: 诉调 court   court-620725 A-1",
        "日期 dates: 收件 received_on 2024-03-04 · 登记 registered_on 2024-03-05 · 受理 accepted_on 2024-03-05",
        "下一期限 next limit: 环节期限 state 2024-03-09 00:00 之前 before",
        "同一事项 matter: 仅此一件 this case alone",
    ]
    document = case.as_json(*found)
    certain = {"provisional": False, "passed": False}
    assert (document["state"], document["channel"], document["source_ref"]) == ("accepted", "court", "A-1")
    assert document["next_limit"] == {"name": "state", "ends_at": "2024-03-08T16:00:00+00:00", **certain}
    rig.bridge.send(rig.bridge.handoff("A-2", people=people))
    await client.applied(rig.bridge)
    await client.execute(order(rig.bridge.dispute_id("A-2"), "link", master_dispute_id=its.dispute_id))
    *_, headline, line = case.lines(*await case.look_up(running, code(2)))
    assert headline == "同一事项 matter:"
    assert line == f"  {its.case_code}   诉调 court   受理 accepted   首件 first"


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_the_terminal_refuses_a_wrong_digit_in_one_line(client: IntakeClient, tmp_path: Path) -> None:
    printed = await given(client, "W-1")
    write(await client.running(tmp_path))
    wrong = printed[:-1] + str((int(printed[-1]) + 1) % 10)
    command = (sys.executable, "-m", "ops", "case", wrong, "--run", str(tmp_path))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate()
    assert (process.returncode, output) == (1, b"")
    (line,) = errors.decode().splitlines()
    assert "校验位不符" in line
