"""Measures a rebuild of stats.

The derived data is dropped and folded again from the journal's position 0: once from a journal as it is recorded at
full speed, once as the relay writes it at 50 events per second.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from bench.journal import COUNTY, Journal
from bench.lives import pool
from bench.options import Screen
from bench.questions import STATS, watch
from bench.recorder import Recorder
from bench.rig import broker, bus, single
from dispute.contracts.topics import JOURNAL
from hub.kafka.admin import provision
from hub.kafka.publisher import KafkaPublisher
from ops.run.children import Child
from ops.run.client import HubClient
from ops.run.credentials import shown

FULL_SPEED, SLOW_PACE = 2_000, 2
"""Records per value. At 50 events per second a shard's linger ends before the next transaction, so a value holds the
events of one transaction: three of a hand-off, one or two of a command."""
REBUILDS: Final = {"full_speed": (FULL_SPEED, 150_000), "at_50_a_second": (SLOW_PACE, 30_000)}
QUICK_REBUILDS: Final = {"full_speed": (FULL_SPEED, 2_000), "at_50_a_second": (SLOW_PACE, 500)}
SEED: Final = 6


async def rebuild(pace: str, amount: tuple[int, int], folder: Path, screen: Screen) -> dict[str, Any]:
    """Record a journal, fold it, and rebuild it.

    The derived data is dropped before the second fold, and the rates must be the same after it.

    Args:
        pace: Name of the journal's pace.
        amount: Records per value, and number of disputes.
        folder: Run folder.
        screen: Shows progress.
    """
    per_value, disputes = amount
    with broker(folder, screen.say) as kafka:
        of = bus(kafka)
        provision(of, [JOURNAL])
        publisher = KafkaPublisher(of)
        try:
            journal = Journal(pool(), COUNTY, SEED)
            screen.say(f"{pace}: recording {disputes} disputes, {per_value} records a value")
            recorder = Recorder(publisher, per_value=per_value)
            recorded = await asyncio.to_thread(recorder.record, journal.of_disputes(disputes))
        finally:
            publisher.close()
        child = single(STATS, folder, kafka.bootstrap)
        try:
            child.start()
            await child.wait_ready()
            await watch(child, recorded.events, folder / "stores", screen)
            before = await _figures(child)
            child.terminate()
            await child.wait_ended()
            start = time.monotonic()
            await asyncio.to_thread(_drop, child)
            dropped_s = time.monotonic() - start
            child.start()
            await child.wait_ready()
            points = await watch(child, recorded.events, folder / "stores", screen)
            whole_s = time.monotonic() - start - dropped_s
            same = before == await _figures(child)
        finally:
            child.terminate()
            await child.wait_ended()
    first, last = points[0], points[-1]
    return {
        "events": recorded.events,
        "values": recorded.values,
        "events_a_value": round(recorded.events_a_value, 2),
        "drop_s": round(dropped_s, 2),
        "from_start_s": round(whole_s, 1),
        "seconds": round(last.at_s - first.at_s, 1),
        "events_s": round((last.records - first.records) / (last.at_s - first.at_s)),
        "cpu_us_per_event": round((last.cpu_s - first.cpu_s) / (last.records - first.records) * 1e6, 2),
        "same_answers": same,
    }


def _drop(child: Child) -> None:
    subprocess.run([*child.command, "rebuild"], env=child.environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own service


async def _figures(child: Child) -> tuple[object, int]:
    client = HubClient({child.label: child.grpc_address}, {child.label: child.http_url}, shown(child.folder))
    try:
        return await client.rates("", "", {})
    finally:
        await client.close()
