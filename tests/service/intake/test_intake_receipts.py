"""A creditor who applies at the window holds a receipt that proves when limitation was interrupted (民法典 195)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from dispute.contracts.codec import timestamp_of
from dispute.lifecycle import business_day
from dispute.wire.intake.v1 import intake_pb2
from tests.support.intake_rig import Rig, submission

CLAIM_FROM = date(2023, 11, 27)
THREE_YEARS_END = date(2026, 11, 27)
DAY_1090 = datetime(2026, 11, 21, 4, 30, 15, tzinfo=UTC)


def request() -> intake_pb2.SubmitRequest:
    applied = submission()
    applied.occurred_at.CopyFrom(timestamp_of(DAY_1090))
    return applied


async def test_the_receipt_of_day_1090_stands_when_three_years_are_over(rig: Rig) -> None:
    assert business_day(DAY_1090) - CLAIM_FROM == timedelta(days=1090)
    rig.clock_kind = "wall"
    rig.clock.move_to(DAY_1090)
    client = await rig.start()
    given = (await client.call("Submit", request())).receipt
    assert given.accepted_at == timestamp_of(DAY_1090)
    assert given.note.startswith("已于北京时间 2026-11-21 12:30:15 收到；依法申请调解的，诉讼时效自该时刻中断")
    rig.clock.move_to(datetime(2026, 11, 30, tzinfo=UTC))
    assert business_day(rig.clock.now()) > THREE_YEARS_END
    again = (await client.call("Submit", request())).receipt
    assert again.repeated
    assert (again.accepted_at, again.note) == (given.accepted_at, given.note)
