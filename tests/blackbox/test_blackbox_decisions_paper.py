"""Row 4 on the wall clock: paper of weeks ago, written down today, is neither failed nor bounced, and counts."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Final

import pytest

from tests.blackbox.hubs import COUNTY, ZONE, RunningHub
from tests.blackbox.matters import CountedPlace, counted, handed_over, told_until
from tests.blackbox.register import HOUR, agreed, begun, register_of, signed

WEEKS: Final = timedelta(days=42)
WATCHED_S: Final = 90.0
TOWN: Final = f"{COUNTY}105"
"""No other test of the shared hub brings a record of this town."""
UNDONE: Final = frozenset({"failed", "bounced"})


@pytest.mark.item("decision 4")
async def test_paper_of_weeks_ago_is_not_late_today_and_counts(hub: RunningHub) -> None:
    begin = (datetime.now(ZONE) - WEEKS).replace(hour=9, minute=0, second=0, microsecond=0)
    async with register_of(hub) as register:
        records = [handed_over(hub, "court", begin, town_code=TOWN) for _ in range(2)]
        receipts = [await hub.submit("court", record) for record in records]
        await register.applied(*receipts)
        written, half = [str(receipt["dispute_id"]) for receipt in receipts]
        first = [*signed(written, begin + HOUR), begun(written, begin + 3 * HOUR)]
        # of the other only the dispatch is written down so far
        assert await register.execute(*first, signed(half, begin + HOUR)[0]) == []

        end = time.monotonic() + WATCHED_S
        while time.monotonic() < end:
            types = {event.type for one in (written, half) for event in await register.history(one)}
            assert types.isdisjoint(UNDONE), "an alarm rang before the rest of the paper came"
            await asyncio.sleep(0.5)

        rest = [signed(half, begin + HOUR)[1], begun(half, begin + 3 * HOUR)]
        in_time = begin + timedelta(days=5)
        assert await register.execute(*rest, *(agreed(one, in_time) for one in (written, half))) == []
        place = await register.applied()
        assert [(await register.dispute(one)).state for one in (written, half)] == ["agreed", "agreed"]
    assert await counted(hub, CountedPlace(TOWN, begin.date()), "diversion", ["court"], place) == {"court": (2, 2)}
    assert await counted(hub, CountedPlace(TOWN, in_time.date()), "success", ["court"], place) == {"court": (2, 0)}
    told = await told_until(hub, "court", written, "agreed")
    assert [result["status"] for result in told] == ["accepted", "dispatched", "agreed"]
    assert hub.ended() == []
