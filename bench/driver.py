"""Starts and stops the driver's process.

Benchmarks that need load use it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from bench.lands import land
from bench.load import Orders
from bench.machine import ROOT
from bench.rig import five
from ops.console.exits import CommandError, Exit
from ops.run.client import HubClient
from ops.run.credentials import PEOPLE, make, shown
from ops.run.launcher import Hub, LaunchPlan, Say

READY_S: Final = 60.0
STOP_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """The amount of load.

    Attributes:
        workers: Channel to workers that send its records, each a batch at a time.
        batch: Records per batch.
        behind: Lag of stats, in events, at which all workers wait.
        seed: Seed of the cases.
    """

    workers: Mapping[str, int] = field(default_factory=lambda: {"court": 4, "police": 2, "petition": 2})
    batch: int = 100
    behind: int = 20_000
    seed: int = 4


class Driven:
    """The running process of the driver."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, orders: Orders) -> Driven:
        """Start the driver and pass its orders.

        Returns when it is ready to send.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.load",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        driven = cls(process)
        process.stdin.write(json.dumps(asdict(orders)).encode() + b"\n")  # type: ignore[union-attr] # a pipe, as told
        ready = await asyncio.wait_for(process.stdout.readline(), READY_S)  # type: ignore[union-attr] # as above
        if ready != b"ready\n":
            raise CommandError(Exit.TIMED_OUT, "the driver ended before it sent anything; its words are above")
        return driven

    @property
    def running(self) -> bool:
        """True while it has not ended."""
        return self._process.returncode is None

    async def stop(self) -> dict[str, Any]:
        """Let it finish its current work, and end it.

        Returns its summary.
        """
        if self._process.stdin is not None:
            self._process.stdin.close()
        out, _ = await asyncio.wait_for(self._process.communicate(), STOP_S)
        if self._process.returncode != 0 or not out:
            raise CommandError(Exit.TIMED_OUT, f"the driver ended with {self._process.returncode}; its words are above")
        answer: dict[str, Any] = json.loads(out)
        return answer

    def kill(self) -> None:
        """Kill it if it still runs."""
        if self.running:
            self._process.kill()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A hub under load.

    Attributes:
        hub: The running hub.
        client: Client with open channels to all its processes.
        driven: The driver, which is sending.
    """

    hub: Hub
    client: HubClient
    driven: Driven


@asynccontextmanager
async def under_load(plan: LaunchPlan, load: Load, say: Say) -> AsyncIterator[Loaded]:
    """Run the five services under load.

    They have a broker of their own and a driver that sends to them.

    Args:
        plan: Plan of the hub.
        load: Load of the driver.
        say: Gets progress lines.
    """
    (county,) = land("county").counties
    credentials = make(
        plan.folder / "credentials", [(f"{channel}-{county}", county) for channel in load.workers], PEOPLE
    )
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(five(plan, say))
        addresses = {child.label: child.grpc_address for child in hub.children}
        client = HubClient(addresses, {child.label: child.http_url for child in hub.children}, shown(plan.folder))
        stack.push_async_callback(client.close)
        # The driver uses the last worker of each service, because the first one is killed.
        answering = {child.name: child.grpc_address for child in hub.children}
        orders = Orders(
            answering,
            dict(credentials.keys),
            dict(credentials.tokens),
            dict(load.workers),
            load.batch,
            load.behind,
            load.seed,
        )
        driven = await Driven.start(orders)
        stack.callback(driven.kill)
        yield Loaded(hub, client, driven)
