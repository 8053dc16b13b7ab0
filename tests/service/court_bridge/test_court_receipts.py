"""A creditor whose suit reaches the hub holds a receipt that proves when limitation was interrupted (民法典 195)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from dispute.calendar.days import business_day
from dispute.wire.court.v1 import court_pb2, court_pb2_grpc
from hub.grpc.client import call, channel
from tests.support.bridges import Workshop

CLAIM_FROM = date(2023, 11, 27)
DAY_1090 = datetime(2026, 11, 21, 4, 30, 15, tzinfo=UTC)
NOTE = "已于北京时间 2026-11-21 12:30:15 收到；依法申请调解的，诉讼时效自该时刻中断（民法典第195条） / "


async def test_the_receipt_of_day_1090_is_the_same_ever_after(workshop: Workshop) -> None:
    assert business_day(DAY_1090) - CLAIM_FROM == timedelta(days=1090)
    workshop.clock.move_to(DAY_1090)
    async with workshop.running("court") as court:
        given = (await court.post("cases", court.record())).json()
        assert datetime.fromisoformat(given["accepted_at"]) == DAY_1090
        assert given["note"].startswith(NOTE)
        workshop.clock.move_to(datetime(2026, 11, 30, tzinfo=UTC))
        again = (await court.post("cases", court.record())).json()
        assert again == {**given, "repeated": True}
        metadata = (("x-api-key", court.key),)
        async with channel(f"127.0.0.1:{court.bridge.grpc.port}") as line:
            stub = court_pb2_grpc.CourtBridgeServiceStub(line)
            request = court_pb2.GetRequest(source_ref=given["source_ref"])
            found = await call(stub.Get, request, timeout_s=10, metadata=metadata)
        assert found.receipt.note == given["note"]
