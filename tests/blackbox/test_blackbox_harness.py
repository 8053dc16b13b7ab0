"""The harness itself: a record goes in at each bridge and its result comes back; nothing ends."""

from __future__ import annotations

from tests.blackbox.hubs import RunningHub


async def test_a_record_goes_in_and_its_result_comes_back(hub: RunningHub, bridge: str) -> None:
    receipt = await hub.submit(bridge, hub.record(bridge))
    (first, *_) = await hub.result_of(bridge, receipt["dispute_id"])
    assert first["status"] == "accepted", first
    assert hub.ended() == []
