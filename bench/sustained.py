"""Benchmark B4 measures the sustained rate of the hub.

It is the number of lifecycle events per second that the whole hub sustains, with all five services and the broker on
one machine. A closed-loop driver in a process of its own sends complete lives through the public interfaces; the events
that a stats answer includes are counted. The books must balance at the end, and stats must have counted exactly the
events that intake wrote.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from prometheus_client.parser import text_string_to_metric_families

from bench import series
from bench.driver import Driven, Load, under_load
from bench.machine import facts
from bench.measure import judged, percentile, spread
from bench.options import Screen, command, common
from bench.processes import usage_of
from bench.rest import at_rest
from bench.results import finish, save
from bench.rig import scratch
from bench.series import Look
from dispute.contracts.topics import BRIDGES
from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import channel
from hub.grpc.vectors import vector_from_wire
from hub.streams.envelope import StreamName
from ops.console import interrupts
from ops.console.exits import CommandError, Exit
from ops.console.output import failing, keep_stdout_clean
from ops.run.books import Books, balance
from ops.run.client import HubClient
from ops.run.credentials import shown
from ops.run.launcher import Hub, LaunchPlan

TARGET_EVENTS_S: Final = 5000
FLAT: Final = 1.05
"""Memory counts as flat when no process has more than this times its half-way memory at the end."""
MINUTES: Final = 10.0
QUICK_MINUTES: Final = 0.5
WARM_UP_SHARE: Final = 0.1
EVERY_S: Final = 5.0
QUICK_EVERY_S: Final = 1.0
SETTLE_S: Final = 120.0
READY_S: Final = 60.0
SETTLED_LOOK_S: Final = 0.2
UNSENT: Final = "hub_outbox_unsent_rows"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of this benchmark."""

    minutes: float
    store: str
    intake_workers: int
    every_s: float
    quick: bool


class Watch:
    """Samples a running hub from outside.

    Counts come over gRPC, gauges over HTTP, and the cost from /proc.

    Args:
        hub: The running hub.
        client: Client that reads its metrics.
        channels: Open channels to intake and stats.
        driver: Process id of the driver.
    """

    def __init__(
        self, hub: Hub, client: HubClient, channels: tuple[grpc.aio.Channel, grpc.aio.Channel], driver: int
    ) -> None:
        self._intake = intake_pb2_grpc.IntakeServiceStub(channels[0])
        self._stats = stats_pb2_grpc.StatsServiceStub(channels[1])
        self._client = client
        self._who = shown(hub.plan.folder)
        self._labels = [child.label for child in hub.children if child.name != "stats"]
        self._pids = {child.label: _alive(child.pid()) for child in hub.children}
        self._pids["broker"] = int((hub.plan.folder / "kafka" / "broker-1" / "broker.pid").read_text())
        self._pids["driver"] = driver
        postmaster = hub.plan.folder / "postgres" / "postmaster.pid"
        if postmaster.exists():
            self._pids["postgres"] = int(postmaster.read_text().split()[0])

    async def written(self) -> dict[StreamName, int]:
        """Return the heads of the journal's streams."""
        answer = await self._intake.AwaitApplied(intake_pb2.AwaitAppliedRequest(), timeout=READY_S, metadata=self._who)
        return vector_from_wire(answer.journal)

    async def visible(self) -> int:
        """Return the events that a stats answer includes."""
        answer = await self._stats.GetPositions(stats_pb2.GetPositionsRequest(), timeout=READY_S, metadata=self._who)
        return int(answer.events)

    async def look(self, since: float) -> Look:
        """Return one row of the series.

        `since` is the start of the run on the monotonic clock.
        """
        unsent = await asyncio.gather(*(self._unsent(label) for label in self._labels))
        visible = await self.visible()
        written = sum((await self.written()).values())
        usage = {name: usage_of(pid) for name, pid in self._pids.items()}
        return Look(time.monotonic() - since, written, visible, sum(unsent), usage)

    async def _unsent(self, label: str) -> int:
        families = text_string_to_metric_families(await self._client.metrics(label))
        return sum(int(sample.value) for family in families for sample in family.samples if sample.name == UNSENT)


def _alive(pid: int | None) -> int:
    if pid is None:
        raise CommandError(Exit.TIMED_OUT, "a service has ended")
    return pid


async def measure(wanted: Wanted, folder: Path, screen: Screen) -> dict[str, Any]:
    """Run the hub under load and judge the run.

    After the wanted time the load stops, everything arrives, and the books are compared.
    """
    plan = LaunchPlan(folder, wanted.store, wanted.intake_workers, clock="scenario")
    async with AsyncExitStack() as stack:
        loaded = await stack.enter_async_context(under_load(plan, Load(), screen.say))
        hub, client, driven = loaded.hub, loaded.client, loaded.driven
        channels = (channel(hub.of("intake")[0].grpc_address), channel(hub.of("stats")[0].grpc_address))
        for opened in channels:
            stack.push_async_callback(opened.close)
        watch = Watch(hub, client, channels, driven.pid)
        guarding = asyncio.create_task(hub.guard())
        stack.callback(guarding.cancel)
        looks = await _watched(watch, wanted, driven, guarding, screen)
        stopped_at = time.monotonic()
        driver = await driven.stop()
        written = sum((await watch.written()).values())
        while await watch.visible() < written:
            if time.monotonic() - stopped_at > SETTLE_S:
                raise CommandError(Exit.TIMED_OUT, f"stats did not reach the {written} events of the journal")
            await asyncio.sleep(SETTLED_LOOK_S)
        settled_s = time.monotonic() - stopped_at
        books = balance(await at_rest(client), BRIDGES)
        driver |= {"settled_s": round(settled_s, 1), "journal": written, "stats": await watch.visible()}
        return judge(wanted, looks, driver, books) | {"disk_bytes": _disks(folder), "machine": facts(folder)}


async def _watched(
    watch: Watch, wanted: Wanted, driven: Driven, guarding: asyncio.Task[Any], screen: Screen
) -> list[Look]:
    start = time.monotonic()
    looks = [await watch.look(start)]
    while looks[-1].at_s < wanted.minutes * 60:
        await asyncio.sleep(max(0.0, start + len(looks) * wanted.every_s - time.monotonic()))
        if guarding.done():
            await guarding
        if not driven.running:
            await driven.stop()
        looks.append(await watch.look(start))
        now, before = looks[-1], looks[-2]
        rate = (now.visible - before.visible) / (now.at_s - before.at_s)
        screen.say(
            f"{now.at_s:6.0f} s  {rate:7.0f} events/s visible  {now.visible:9d} in all  "
            f"{now.written - now.visible:6d} behind  outbox {now.outbox}"
        )
    return looks


def judge(wanted: Wanted, looks: Sequence[Look], driver: dict[str, Any], books: Books) -> dict[str, Any]:
    """Return the document of the run.

    It has the figures after the warm-up, and the targets.
    """
    warm = [look for look in looks if look.at_s >= wanted.minutes * 60 * WARM_UP_SHARE]
    seconds, events = warm[-1].at_s - warm[0].at_s, warm[-1].visible - warm[0].visible
    reached = events / seconds
    found, grown = series.cost(warm), series.memory(warm)
    hub_cores = sum(cost["cores"] for name, cost in found.items() if name != "driver")
    worst = max(growth["ratio"] for name, growth in grown.items() if name not in {"driver", "broker"})
    return {
        "benchmark": "sustained",
        "quick": wanted.quick,
        "minutes": wanted.minutes,
        "store": wanted.store,
        "events": events,
        "seconds": round(seconds, 1),
        "events_s": round(reached),
        "events_s_by_interval": spread([round(rate) for rate in series.rates(warm)]),
        "age_s": {"p50": percentile(series.ages_s(warm), 50), "max": max(series.ages_s(warm))},
        "hub_cores": round(hub_cores, 3),
        "hub_cpu_us_per_event": round(hub_cores * seconds / max(1, events) * 1e6, 1),
        "cpu": found,
        "memory": grown,
        "driver": driver,
        "books": books.as_json(),
        "series": series.rows(looks),
        "ratios": {"target": round(reached / TARGET_EVENTS_S, 3)},
        "targets": {
            "events_s": judged(TARGET_EVENTS_S, round(reached)),
            "memory_ratio": judged(FLAT, worst, at_most=True),
            "books_differences": judged(
                0,
                sum(abs(stage.difference) for stage in books.stages) + abs(driver["journal"] - driver["stats"]),
                at_most=True,
            ),
            "refused": judged(0, sum(driver["refused"].values()), at_most=True),
        },
    }


def _disks(folder: Path) -> dict[str, int]:
    return {name: series.disk_of(folder / name) for name in ("stores", "postgres", "kafka") if (folder / name).exists()}


def show(document: dict[str, Any], screen: Screen) -> None:
    """Print costs and targets."""
    cells = [
        [name, f"{cost['cores']:.2f}", f"{cost['cpu_us_per_event']:.0f}", _mb(document["memory"][name]["end_bytes"])]
        for name, cost in document["cpu"].items()
    ]
    title = f"{document['events_s']} events/s over {document['seconds']:.0f} s, {document['events']} events"
    screen.table(title, ["process", "cores", "µs CPU/event", "RSS MB"], cells)
    targets = [
        [name, str(t["target"]), str(t["reached"]), "yes" if t["met"] else "NO"]
        for name, t in document["targets"].items()
    ]
    screen.table("targets", ["what", "target", "reached", "met"], targets)


def _mb(size: float) -> str:
    return f"{size / 1e6:.0f}"


def main() -> int:
    """Run the benchmark.

    The exit code is 1 when the figures are not exact; the rate has no influence.
    """
    parser = command("sustained", "Lifecycle events a second that the whole hub sustains.", rounds=1)
    parser.add_argument(
        "--minutes", type=float, help=f"length of the run (default {MINUTES:g}; {QUICK_MINUTES:g} with --quick)"
    )
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--intake-workers", type=int, default=1, help="more than one needs --store postgres")
    given = parser.parse_args()
    options = common(given)
    screen = Screen(options)
    wanted = Wanted(
        given.minutes or (QUICK_MINUTES if options.quick else MINUTES),
        given.store,
        given.intake_workers,
        QUICK_EVERY_S if options.quick else EVERY_S,
        options.quick,
    )
    keep_stdout_clean()
    with failing(), scratch("sustained", options.folder) as folder:
        document = interrupts.run(measure(wanted, folder, screen))
    show(document, screen)
    save("sustained", document, publish=options.save)
    finish(document)
    exact = document["targets"]["books_differences"]["met"] and document["targets"]["refused"]["met"]
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
