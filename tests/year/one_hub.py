"""The whole hub in this process, on the in-memory bus: three bridges, intake, stats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from bridge.assembly import assemble
from bridge.settings import BridgeSettings
from dispute.contracts.topics import TOPICS
from hub.runtime.clock import Clock, FixedClock
from hub.service.bus import memory
from hub.streams.memory import MemoryBus
from ops.run.credentials import FOLDER, PEOPLE, make
from services.intake.inbound.effects import Effects
from services.intake.settings import IntakeSettings
from services.intake.wiring import Intake
from services.intake.wiring import build as build_intake
from services.stats.settings import StatsSettings
from services.stats.wiring import build as build_stats
from tests.year.doors import Doors, opened
from tests.year.plan import DOCKED
from tests.year.townspeople import COUNTY

BEGIN: Final = datetime(2026, 11, 20, 4, tzinfo=UTC)
MOMENT: Final = timedelta(seconds=1)
PARTITIONS: Final = 2
SERVICES: Final = (*(f"{name}_bridge" for name in DOCKED), "intake", "stats")


@dataclass(frozen=True)
class OneHub:
    """A hub in this process.

    Attributes:
        doors: Clients of it.
        settings: Of intake, to open its store when it has stopped.
        clock: Wall clock of all services.
    """

    doors: Doors
    bus: MemoryBus
    intake: Intake
    settings: IntakeSettings
    clock: Clock

    async def ring(self) -> None:
        """Let what is due ring now."""
        await self.intake.alarm_clock.ring()

    async def heard(self) -> None:
        """Let the disputes of each matter hear the results of one another, and a moment pass."""
        await self._effects.drain()
        if isinstance(self.clock, FixedClock):
            self.clock.advance(MOMENT)

    @property
    def _effects(self) -> Effects:
        (effects,) = (part for part in self.intake.parts if isinstance(part, Effects))
        return effects


@asynccontextmanager
async def one_hub(
    folder: Path,
    stores: Mapping[str, str] | None = None,
    *,
    clock: Clock | None = None,
    kind: Literal["scenario", "wall"] = "scenario",
    rules_dir: Path | None = None,
) -> AsyncIterator[OneHub]:
    """Run a hub.

    Args:
        folder: It exists; keys, and the stores when none are given.
        stores: Service to the URL of its store; SQLite in the folder when None.
        clock: Wall clock. When None, one that stands until `heard` moves it on, and results of a matter are heard only
            then: the same inputs give the same events in the same order, on whatever store and machine.
        kind: What intake's limits pass by.
        rules_dir: The county's rules; the package's alone when None.
    """
    agencies = {name: f"{name}-{COUNTY}" for name in DOCKED}
    made = make(folder / FOLDER, [(agency, COUNTY) for agency in agencies.values()], (*PEOPLE, "court"))
    bus, stepwise = MemoryBus(TOPICS, PARTITIONS), clock is None
    clock = clock or FixedClock(BEGIN)

    def settings(name: str) -> dict[str, Any]:
        url = f"sqlite:///{folder / name}.db" if stores is None else stores[name]
        ports = {"grpc_port": 0, "http_port": 0, "kafka_bootstrap": "127.0.0.1:1", "kafka_partitions": PARTITIONS}
        return {"store_url": url, "keys_dir": folder / "keys", "credentials_file": made.file, **ports}

    its = IntakeSettings(**settings("intake"), clock=kind, timer_grace_s=0, rules_dir=rules_dir)
    intake = build_intake(its, memory(bus), clock)
    stats = build_stats(StatsSettings(**settings("stats")), memory(bus), clock)
    bridges = {
        name: assemble(
            import_module(f"services.{name}_bridge.specification").SPECIFICATION,
            BridgeSettings(**settings(f"{name}_bridge")),
            memory(bus),
            clock,
        )
        for name in DOCKED
    }
    keys = {name: made.keys[agency] for name, agency in agencies.items()}
    async with AsyncExitStack() as stack:
        watches = []
        parts = [part for bridge in bridges.values() for part in bridge.parts] + [*intake.parts, *stats.parts]
        for part in (part for part in parts if not (stepwise and isinstance(part, Effects))):
            await part.start()
            stack.push_async_callback(part.stop)
            watches.append(asyncio.create_task(part.failed()))
        addresses = {f"{name}_bridge": f"127.0.0.1:{bridge.grpc.port}" for name, bridge in bridges.items()}
        addresses |= {"intake": f"127.0.0.1:{intake.grpc.port}", "stats": f"127.0.0.1:{stats.grpc.port}"}
        async with opened(addresses, keys, made.tokens) as doors:
            yield OneHub(doors, bus, intake, its, clock)
        dead = [watch for watch in watches if watch.done()]
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        assert not dead, dead
