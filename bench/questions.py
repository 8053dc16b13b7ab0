"""Observes a service's process from outside.

It reads the progress, the dead, parked and held records, and the cost of the process.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from bench import pace
from bench.growth_cost import Point, under_way
from bench.options import Screen
from bench.processes import usage_of
from bench.series import disk_of
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import channel
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from ops.console.exits import CommandError, Exit
from ops.run.books import Sheet, sheet_of
from ops.run.children import Child
from ops.run.credentials import shown

STATS: Final = "stats"
LOOK_S: Final = 0.25
STALLED_S: Final = 120.0
ANSWER_S: Final = 30.0
TAKEN_IN: Final = "hub_pipeline_in_total"
MB: Final = 1e6


class Asked:
    """A client that asks a service for its progress."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._who = shown(child.folder)
        self._channel = channel(child.grpc_address)
        self._http = httpx2.AsyncClient(timeout=ANSWER_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._channel.close()
        await self._http.aclose()

    async def taken_in(self) -> int:
        """Count the records taken in since the process began.

        This is cheap for a store of any size.
        """
        if self._child.name == STATS:
            stub = stats_pb2_grpc.StatsServiceStub(self._channel)
            return int(
                (await stub.GetPositions(stats_pb2.GetPositionsRequest(), timeout=ANSWER_S, metadata=self._who)).events
            )
        return await self.handled()

    async def handled(self) -> int:
        """Count the records that this process has handled.

        Records of other processes on the same store are not counted.
        """
        answer = await self._http.get(f"{self._child.http_url}/metrics")
        families = text_string_to_metric_families(answer.text)
        return sum(int(sample.value) for family in families for sample in family.samples if sample.name == TAKEN_IN)

    async def sheet(self) -> Sheet:
        """Return its books.

        They count rows, so a larger store makes them more expensive.
        """
        stub = books_pb2_grpc.BooksServiceStub(self._channel)
        return sheet_of(await stub.GetBooks(books_pb2.GetBooksRequest(), timeout=STALLED_S, metadata=self._who))


async def watch(child: Child, records: int, stores: Path, screen: Screen) -> list[Point]:
    """Sample the process until all records are taken in."""
    asked = Asked(child)
    try:
        start = moved_at = time.monotonic()
        points: list[Point] = []
        said = 0
        while not points or points[-1].records < records:
            taken = await asked.taken_in()
            usage = usage_of(pid_of(child))
            now = time.monotonic()
            if points and taken > points[-1].records:
                moved_at = now
            if now - moved_at > STALLED_S or child.broke_down:
                raise CommandError(
                    Exit.TIMED_OUT, f"{child.label} stands at {taken} of {records}:\n{child.last_words()}"
                )
            points.append(Point(now - start, taken, usage.cpu_s, usage.rss_bytes, disk_of(stores), pace.latest()))
            if taken * 10 // records > said:
                said = taken * 10 // records
                screen.say(f"{child.label} {taken}/{records}, {usage.rss_bytes / MB:.0f} MB")
            await asyncio.sleep(LOOK_S)
        return under_way(points)
    finally:
        await asked.close()


async def until(child: Child, records: int) -> int:
    """Wait until a restarted service has read everything.

    It was started on a store that had reached the end. Returns the number of its dead, parked and held records.
    """
    end = time.monotonic() + STALLED_S
    asked = Asked(child)
    try:
        while sum((sheet := await asked.sheet()).read.values()) < records:
            if time.monotonic() > end:
                raise CommandError(Exit.TIMED_OUT, f"{child.label} does not stand where it was stopped")
            await asyncio.sleep(LOOK_S)
        return sum(sheet.total(what) for what in ("dead", "parked", "held"))
    finally:
        await asked.close()


def pid_of(child: Child) -> int:
    """Return the process id of a service.

    Raises:
        CommandError: It has ended.
    """
    pid = child.pid()
    if pid is None:
        raise CommandError(Exit.TIMED_OUT, f"{child.label} has ended:\n{child.last_words()}")
    return pid
