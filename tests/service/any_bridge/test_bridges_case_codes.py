"""An agency learns the printed code of its case: with its record, and with every result (一案一码)."""

from __future__ import annotations

from dispute.case_code import case_code
from dispute.wire.journal.v1 import journal_pb2
from tests.support.bridges import Partner, RunningBridge, event_of, eventually

CODE = case_code("620725", 2024, 17)


def registered(dispute_id: str, channel: str, text: str = CODE) -> journal_pb2.JournalEvent:
    """Return the event that gives a case its code."""
    event = event_of(dispute_id, channel, "registered", 1)
    event.particulars.case_code = text
    return event


async def numbered(running: RunningBridge, ref: str = "T-00001") -> None:
    """Wait until a record has its code."""

    async def known() -> bool:
        return bool((await running.get(f"{running.noun}/{ref}")).json()["receipt"]["case_code"])

    await eventually(known)


async def test_the_code_comes_with_the_record_and_each_result(court: RunningBridge) -> None:
    given = (await court.post("cases", court.numbered(1))).json()
    other = (await court.post("cases", court.numbered(2))).json()
    assert (given["case_code"], other["case_code"]) == ("", "")
    dispute = given["dispute_id"]
    court.pen.write(
        registered(dispute, "court"),
        registered(other["dispute_id"], "police"),
        event_of(dispute, "court", "accepted", 2),
        event_of(other["dispute_id"], "court", "accepted", 2),
        event_of(dispute, "court", "agreed", 3),
    )

    async def there() -> bool:
        return len((await court.get("results?after=0")).json()["results"]) == 3

    await eventually(there)
    told = (await court.get("results?after=0")).json()["results"]
    assert {(one["dispute_id"], one["case_code"]) for one in told} == {(dispute, CODE), (other["dispute_id"], "")}
    where = (await court.get("cases/T-00001")).json()
    assert where["receipt"] == {**given, "case_code": CODE}
    assert [one["case_code"] for one in where["results"]] == [CODE, CODE]
    again = await court.post("cases", court.numbered(1))
    assert (again.status_code, again.json()) == (200, {**given, "case_code": CODE, "repeated": True})


async def test_later_facts_and_rounds_bear_the_same_code(court: RunningBridge) -> None:
    given = (await court.post("cases", court.numbered(1))).json()
    report = {"source_ref": "T-00001", "occurred_at": "2024-04-01T00:00:00Z", "later_fact": {"kind": "other"}}
    early = (await court.post("reports", report, idempotency_key="r-1")).json()
    assert early["case_code"] == ""
    court.pen.write(registered(given["dispute_id"], "court"), event_of(given["dispute_id"], "court", "returned", 2))
    await numbered(court)
    late = (await court.post("reports", report, idempotency_key="r-2")).json()
    assert late["case_code"] == CODE
    assert (await court.post("reports", report, idempotency_key="r-1")).json()["case_code"] == CODE
    second = (await court.post("cases", court.numbered(1, round=2))).json()
    assert (second["round"], second["case_code"]) == (2, CODE)
    assert (await court.get("cases/T-00001")).json()["receipt"] == second


async def test_both_ways_out_tell_it(partner: Partner) -> None:
    running, pb = partner.running, partner.pb
    dispute = (await partner.call("Submit", partner.request(running.numbered(1)))).receipt.dispute_id
    channel = running.bridge.spec.channel
    running.pen.write(registered(dispute, channel), event_of(dispute, channel, "accepted", 2))

    async def there() -> bool:
        return len((await partner.call("ListResults", pb.ListResultsRequest())).results) == 1

    await eventually(there)
    where = await partner.call("Get", pb.GetRequest(source_ref="T-00001"))
    (result,) = (await partner.call("ListResults", pb.ListResultsRequest())).results
    assert {where.receipt.case_code, where.results[0].case_code, result.case_code} == {CODE}
