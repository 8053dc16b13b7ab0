from __future__ import annotations

from typing import Any

import grpc
import pytest

from hub.errors import Kind, Rejected
from hub.grpc.client import channel
from tests.support.bridges import Partner, event_of, eventually


async def test_rest_and_grpc_share_what_is_known(partner: Partner) -> None:
    running = partner.running
    over_rest = (await running.post(running.noun, running.record())).json()
    over_rpc = (await partner.call("Submit", partner.request(running.record()))).receipt
    assert over_rpc.repeated
    assert (over_rpc.receipt_id, over_rpc.content_sha256) == (over_rest["receipt_id"], over_rest["content_sha256"])
    assert over_rpc.position.position == over_rest["position"]["position"] == 1


async def test_every_call_of_the_service(partner: Partner) -> None:
    running, pb = partner.running, partner.pb
    items = [partner.request(running.numbered(n)) for n in (1, 2)] + [
        partner.request(running.numbered(3, category="77"))
    ]
    batch = await partner.call("SubmitBatch", pb.SubmitBatchRequest(items=items))
    assert [one.WhichOneof("result") for one in batch.results] == ["receipt", "receipt", "refusal"]
    assert (batch.results[2].refusal.code, batch.results[2].refusal.field) == ("unknown_code", "category")

    report = pb.ReportRequest(idempotency_key="w", source_ref="T-00001")
    report.occurred_at.FromJsonString("2024-04-01T00:00:00Z")
    report.later_fact.kind = "other"
    told = await partner.call("Report", report, x_correlation_id="mine-1")
    assert told.receipt.source_ref == "T-00001"

    disputes = [one.receipt.dispute_id for one in batch.results[:2]]
    running.pen.write(*(event_of(one, running.bridge.spec.channel, "accepted", 1) for one in disputes))

    async def both() -> bool:
        return len((await partner.call("ListResults", pb.ListResultsRequest())).results) == 2

    await eventually(both)
    page = await partner.call("ListResults", pb.ListResultsRequest(after_cursor=1, page_size=10))
    assert ([one.cursor for one in page.results], page.next_cursor) == ([2], 2)
    where = await partner.call("Get", pb.GetRequest(source_ref="T-00001"))
    assert [one.status for one in where.results] == ["accepted"]
    assert (await partner.call("Acknowledge", pb.AcknowledgeRequest(cursor=1))).remaining == 1
    await running.relayed()
    assert "mine-1" in {handoff.correlation_id for handoff in running.handoffs()}


async def test_refusals_are_rich_and_quiet(partner: Partner) -> None:
    running, pb = partner.running, partner.pb
    person = {"role": "guardian", "name": "测试甲某某", "id_type": "citizen_id", "id_number": "110105194912310021"}
    cases = [
        ("Submit", partner.request(running.record(parties=[person])), Kind.MALFORMED, "id_checksum"),
        (
            "Submit",
            partner.request(running.record(handed_over_at="9999-12-31T23:59:59Z")),
            Kind.MALFORMED,
            "date_out_of_range",
        ),
        ("Submit", pb.SubmitRequest(), Kind.MALFORMED, "missing"),
        ("Submit", partner.request(running.record(), key="a b"), Kind.MALFORMED, "bad_idempotency_key"),
        ("Report", pb.ReportRequest(source_ref="x"), Kind.MALFORMED, "missing"),
        ("Get", pb.GetRequest(source_ref="nobody's"), Kind.NOT_FOUND, "not_found"),
        ("Get", pb.GetRequest(source_ref="a\x00b"), Kind.NOT_FOUND, "not_found"),
        ("ListResults", pb.ListResultsRequest(after_cursor=-1), Kind.MALFORMED, "out_of_range"),
        ("Acknowledge", pb.AcknowledgeRequest(cursor=2**63 - 1), Kind.MALFORMED, "out_of_range"),
        ("SubmitBatch", pb.SubmitBatchRequest(items=[pb.SubmitRequest()] * 1001), Kind.MALFORMED, "too_many"),
    ]
    for method, request, kind, code in cases:
        with pytest.raises(Rejected) as refused:
            await partner.call(method, request)
        assert (refused.value.kind, refused.value.code) == (kind, code), method
        assert "110105194912310021" not in str(refused.value)
    for metadata in ({"x_api_key": "wrong"}, {"x_api_key": ""}):
        for method, request in (("Submit", partner.request(running.record())), ("Get", pb.GetRequest(source_ref="x"))):
            with pytest.raises(Rejected) as refused:
                await partner.call(method, request, **metadata)
            assert refused.value.kind is Kind.UNAUTHENTICATED


async def test_broken_utf8_is_refused_before_anything_is_read(partner: Partner) -> None:
    spec = partner.running.bridge.spec
    service = partner.pb.DESCRIPTOR.services_by_name[f"{spec.channel.capitalize()}BridgeService"].full_name
    async with channel(f"127.0.0.1:{partner.running.bridge.grpc.port}") as client:
        raw: Any = client.unary_unary(f"/{service}/Submit")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await raw(b"\x0a\x02\xff\xfe", metadata=(("x-api-key", partner.running.key),))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
