"""A record is handed over once more, as the next round, after the final result of the one before."""

from __future__ import annotations

from typing import Any

import pytest

from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Kind, Rejected
from tests.support.bridges import Partner, RunningBridge, event_of, eventually


async def statuses(running: RunningBridge) -> list[tuple[str, int, bool]]:
    answer = await running.get("results?after=0&limit=1000")
    return [(one["status"], one["opening"], one["final"]) for one in answer.json()["results"]]


async def read(running: RunningBridge, *events: journal_pb2.JournalEvent, results: int) -> None:
    """Write events and wait until so many results are there."""
    running.pen.write(*events)

    async def there() -> bool:
        return len(await statuses(running)) == results

    await eventually(there)


def begun(dispute_id: str, channel: str, sequence: int, number: int) -> journal_pb2.JournalEvent:
    """Return the event by which intake begins a round."""
    event = event_of(dispute_id, channel, "resubmitted", sequence)
    event.reopen_seq, event.particulars.round = number - 1, number
    return event


def in_opening(event: journal_pb2.JournalEvent, opening: int) -> journal_pb2.JournalEvent:
    event.reopen_seq = opening - 1
    return event


def code(answer: Any) -> tuple[int, str, str]:  # noqa: ANN401 - of an HTTP client
    problem = answer.json()
    return answer.status_code, problem["code"], problem["errors"][0]["field"] if problem["errors"] else ""


async def test_a_round_follows_the_final_result_of_the_one_before(court: RunningBridge) -> None:
    first = (await court.post("cases", court.numbered(1))).json()
    assert first["round"] == 1
    dispute = first["dispute_id"]
    assert code(await court.post("cases", court.numbered(1, round=2))) == (409, "round_not_over", "round")
    assert code(await court.post("cases", court.numbered(1, round=3))) == (409, "round_not_next", "round")
    assert code(await court.post("cases", court.numbered(9, round=2))) == (409, "round_not_next", "round")
    await read(court, event_of(dispute, "court", "returned", 2), results=1)

    second = await court.post("cases", court.numbered(1, round=2, brief="第二次移交。"))
    assert second.status_code == 201
    given = second.json()
    assert (given["dispute_id"], given["round"], given["source_ref"]) == (dispute, 2, "T-00001")
    assert given["receipt_id"] != first["receipt_id"]
    again = await court.post("cases", court.numbered(1, round=2, brief="第二次移交。"))
    assert (again.status_code, again.json()) == (200, {**given, "repeated": True})
    other = await court.post("cases", court.numbered(1, round=2, brief="另一内容。"))
    assert code(other)[:2] == (422, "key_reused")
    assert (await court.post("cases", court.numbered(1))).json() == {**first, "repeated": True}
    # Intake has not begun the second round: its final result can't stand.
    assert code(await court.post("cases", court.numbered(1, round=3))) == (409, "round_not_over", "round")

    where = (await court.get("cases/T-00001")).json()
    assert where["receipt"] == given
    await court.relayed()
    rounds = {handoff.handoff_id: handoff.case_received.round for handoff in court.handoffs()}
    assert rounds == {first["receipt_id"]: 1, given["receipt_id"]: 2}
    assert {handoff.dispute_id for handoff in court.handoffs()} == {dispute}


async def test_a_third_round_waits_for_the_final_result_of_the_second(court: RunningBridge) -> None:
    dispute = (await court.post("cases", court.numbered(1))).json()["dispute_id"]
    await read(court, event_of(dispute, "court", "returned", 2), results=1)
    assert (await court.post("cases", court.numbered(1, round=2))).status_code == 201
    accepted = in_opening(event_of(dispute, "court", "accepted", 4), 2)
    await read(court, begun(dispute, "court", 3, 2), accepted, results=2)
    assert code(await court.post("cases", court.numbered(1, round=3)))[1] == "round_not_over"
    await read(court, in_opening(event_of(dispute, "court", "returned", 5), 2), results=3)
    assert (await court.post("cases", court.numbered(1, round=3))).status_code == 201
    assert await statuses(court) == [("returned", 1, True), ("accepted", 2, False), ("returned", 2, True)]
    assert [one["status"] for one in (await court.get("cases/T-00001")).json()["results"]] == [
        "returned",
        "accepted",
        "returned",
    ]


async def test_a_relapse_opens_the_round_again(sqlite_court: RunningBridge) -> None:
    court = sqlite_court
    dispute = (await court.post("cases", court.numbered(1))).json()["dispute_id"]
    relapse = in_opening(event_of(dispute, "court", "reopened", 3), 2)
    dispatched = in_opening(event_of(dispute, "court", "dispatched", 4), 2)
    await read(court, event_of(dispute, "court", "closed", 2), relapse, dispatched, results=2)
    assert code(await court.post("cases", court.numbered(1, round=2)))[1] == "round_not_over"
    await read(court, in_opening(event_of(dispute, "court", "closed", 5), 2), results=3)
    assert (await court.post("cases", court.numbered(1, round=2))).status_code == 201


async def test_a_final_result_that_was_taken_back_ends_no_round(sqlite_court: RunningBridge) -> None:
    court = sqlite_court
    dispute = (await court.post("cases", court.numbered(1))).json()["dispute_id"]
    agreed = event_of(dispute, "court", "agreed", 4)
    agreed.rewinds_to = 2
    told = [event_of(dispute, "court", kind, at) for at, kind in ((2, "failed"), (3, "returned"))]
    await read(court, *told, agreed, results=3)
    assert code(await court.post("cases", court.numbered(1, round=2)))[1] == "round_not_over"


async def test_an_agencys_own_key_holds_for_a_round_too(sqlite_court: RunningBridge) -> None:
    court = sqlite_court
    dispute = (await court.post("cases", court.numbered(1), idempotency_key="k-1")).json()["dispute_id"]
    await read(court, event_of(dispute, "court", "returned", 2), results=1)
    reused = await court.post("cases", court.numbered(1, round=2), idempotency_key="k-1")
    assert code(reused)[:2] == (422, "key_reused")
    mine = await court.post("cases", court.numbered(1, round=2), idempotency_key="k-2")
    unkeyed = await court.post("cases", court.numbered(1, round=2))
    assert (mine.status_code, unkeyed.status_code) == (201, 200)
    assert unkeyed.json()["receipt_id"] == mine.json()["receipt_id"]
    batch = {"items": [{court.bridge.spec.field: court.numbered(2, round=number)} for number in (1, 2)]}
    one, two = (await court.post("cases:batch", batch)).json()["results"]
    assert (one["receipt"]["round"], two["refusal"]["code"]) == (1, "round_not_over")


async def test_both_ways_in_know_the_same_rounds(partner: Partner) -> None:
    running, pb = partner.running, partner.pb
    channel = running.bridge.spec.channel
    first = (await partner.call("Submit", partner.request(running.numbered(1)))).receipt
    assert first.round == 1
    for number, refusal in ((2, "round_not_over"), (3, "round_not_next"), (0, "out_of_range"), (100, "out_of_range")):
        with pytest.raises(Rejected) as refused:
            await partner.call("Submit", partner.request(running.numbered(1, round=number)))
        assert refused.value.code == refusal
        assert refused.value.kind is (Kind.MALFORMED if refusal == "out_of_range" else Kind.WRONG_STATE)
        over_rest = await running.post(running.noun, running.numbered(1, round=number))
        assert code(over_rest)[1:] == (refusal, "round")
    await read(running, event_of(first.dispute_id, channel, "returned", 2), results=1)
    second = (await partner.call("Submit", partner.request(running.numbered(1, round=2)))).receipt
    over_rest = await running.post(running.noun, running.numbered(1, round=2))
    assert (over_rest.status_code, over_rest.json()["receipt_id"]) == (200, second.receipt_id)
    assert over_rest.json()["content_sha256"] == second.content_sha256
    assert (second.round, second.dispute_id) == (2, first.dispute_id)
    assert (await partner.call("Get", pb.GetRequest(source_ref="T-00001"))).receipt == second
    report = pb.ReportRequest(idempotency_key="w", source_ref="T-00001")
    report.occurred_at.FromJsonString("2024-04-01T00:00:00Z")
    report.later_fact.kind, report.later_fact.facts_clarity = "clarified", "clear"
    assert (await partner.call("Report", report)).receipt.round == 0
    await running.relayed()
    clarified = [each.later_fact for each in running.handoffs() if each.WhichOneof("body") == "later_fact"]
    (fact,) = clarified
    assert (fact.kind, fact.facts_clarity, fact.relation_clarity) == ("clarified", "clear", "")
