"""Benchmark B6 measures recovery.

It measures how soon a killed service serves and reads again, how soon another worker takes over a killed worker's
shards, and how fast stats is rebuilt. Restarts and hand-overs happen under load, with the product's own timeouts;
restarts also happen at rest.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from bench.driver import Load, Loaded, under_load
from bench.machine import facts
from bench.measure import judged, spread
from bench.options import Options, Screen, command, common
from bench.questions import STALLED_S, STATS, Asked
from bench.rebuild import QUICK_REBUILDS, REBUILDS, rebuild
from bench.rest import at_rest
from bench.results import finish, save
from bench.rig import scratch
from bench.series import disk_of
from dispute.contracts.topics import BRIDGES
from ops.console import interrupts
from ops.console.exits import CommandError, Exit
from ops.console.output import failing, keep_stdout_clean
from ops.run.books import Vector
from ops.run.children import Child
from ops.run.client import HubClient
from ops.run.launcher import SERVICES, LaunchPlan

SERVING_TARGET_S: Final = 5.0
HAND_OVER_TARGET_S: Final = 8.0
REBUILD_TARGET: Final = 100_000
ROUNDS: Final = 3
LOOK_S: Final = 0.1
AFTER_KILL_S: Final = 3.0
"""The other worker has to apply the records that were published until then. It is before the session timeout: no
worker can have taken over the dead worker's partitions yet."""
TRIES: Final = 10
PLAIN_LOAD: Final = Load(workers={"court": 1, "police": 1, "petition": 1}, batch=50)
FILL_EVENTS, QUICK_FILL_EVENTS = 50_000, 2_000
TIMES: Final = ("serving_s", "reading_s", "at_rest_s", "importing_s")
PARTS: Final = ("restarts", "hand_overs", "rebuilds")


async def restarts(folder: Path, options: Options, screen: Screen) -> dict[str, Any]:
    """Kill each service in turn and measure its restart.

    The stores contain data; it is done under load, and then at rest. The time of importing alone is measured too,
    because it is most of a start.
    """
    wanted = QUICK_FILL_EVENTS if options.quick else FILL_EVENTS
    found: dict[str, dict[str, list[float]]] = {name: {what: [] for what in TIMES} for name in SERVICES}

    def keep(name: str, times: Mapping[str, float]) -> None:
        for what, seconds in times.items():
            found[name][what].append(seconds)

    async with under_load(LaunchPlan(folder), PLAIN_LOAD, screen.say) as loaded:
        (stats,) = loaded.hub.of(STATS)
        asked = Asked(stats)
        try:
            await _wait(lambda: _holds(asked, wanted), f"{wanted} events in stats", STALLED_S * 10)
            events, size = await asked.taken_in(), disk_of(folder / "stores")
        finally:
            await asked.close()
        for number in range(1, options.rounds + 1):
            for name in SERVICES:
                (child,) = loaded.hub.of(name)
                times = await _restart(child)
                screen.say(f"{number}/{options.rounds} kill -9 {name}: " + _line(times))
                keep(name, times)
        await loaded.driven.stop()
        await at_rest(loaded.client)
        for number in range(1, options.rounds + 1):
            for name in SERVICES:
                (child,) = loaded.hub.of(name)
                times = {"at_rest_s": await _serving(child), "importing_s": await asyncio.to_thread(_importing, name)}
                screen.say(f"{number}/{options.rounds} kill -9 {name} at rest: " + _line(times))
                keep(name, times)
    services = {name: {what: spread(seconds) for what, seconds in times.items()} for name, times in found.items()}
    return {"events": events, "stores_bytes": size, "services": services}


async def _holds(asked: Asked, events: int) -> bool:
    return await asked.taken_in() >= events


async def _serving(child: Child) -> float:
    """Kill a service and start it again.

    Returns the seconds until it serves.
    """
    start = time.monotonic()
    child.kill()
    await child.wait_ended()
    child.start()
    await child.wait_ready()
    return time.monotonic() - start


def _importing(service: str) -> float:
    """Return the seconds of a service's imports.

    The service imports its modules and then refuses an unknown command.
    """
    start = time.monotonic()
    command_line = [sys.executable, "-m", f"services.{service}", "?"]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    seconds = time.monotonic() - start
    if done.returncode != Exit.USAGE:
        raise CommandError(Exit.TIMED_OUT, f"{service} ended with {done.returncode}: {done.stderr[-500:]}")
    return seconds


async def _restart(child: Child) -> dict[str, float]:
    start = time.monotonic()
    serving_s = await _serving(child)
    asked = Asked(child)
    try:
        first = await _place(child, asked)

        async def reads() -> bool:
            return await _place(child, asked) > first

        await _wait(reads, f"{child.label} to read on", STALLED_S)
    finally:
        await asked.close()
    return {"serving_s": serving_s, "reading_s": time.monotonic() - start}


async def _place(child: Child, asked: Asked) -> int:
    try:
        return sum((await asked.sheet()).read.values())
    except grpc.aio.AioRpcError:
        if child.broke_down:
            raise child.obituary() from None
        raise


async def hand_overs(folder: Path, options: Options, screen: Screen) -> dict[str, Any]:
    """Measure how soon another worker takes over.

    The first of two workers is killed, under load on PostgreSQL, and the time until the other has done its work is
    measured.
    """
    found: dict[str, dict[str, list[float]]] = {"intake": {"applied_s": [], "relayed_s": []}, STATS: {"applied_s": []}}
    plan = LaunchPlan(folder, "postgres", intake_workers=2, stats_workers=2)
    async with under_load(plan, PLAIN_LOAD, screen.say) as loaded:
        for number in range(1, options.rounds + 1):
            for name, times in found.items():
                seen = await _hand_over(loaded, name)
                screen.say(f"{number}/{options.rounds} kill -9 {name}: " + _line(seen))
                for what in times:
                    times[what].append(seen[what])
        await loaded.driven.stop()
    return {name: {what: spread(seconds) for what, seconds in times.items()} for name, times in found.items()}


async def _both_read(loaded: Loaded, service: str) -> None:
    """Wait until each worker has handled records.

    Then the worker that is killed certainly has partitions.
    """

    async def all_took() -> bool:
        return all([await _took(child) for child in loaded.hub.of(service)])

    await _wait(all_took, f"both workers of {service} to read", STALLED_S)


async def _took(child: Child) -> bool:
    asked = Asked(child)
    try:
        return await asked.handled() > 0
    finally:
        await asked.close()


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    published: Vector
    written: Vector
    sent: Vector
    read: Vector


async def _hand_over(loaded: Loaded, service: str) -> dict[str, float]:
    """Kill a service's first worker, measure the takeover.

    It is started again when the other worker has taken over.

    Returns:
        Seconds from the kill until the other worker had done the dead worker's remaining work.

    Raises:
        CommandError: In all tries no record waited for the dead worker, so nothing was measured.
    """
    victim = loaded.hub.of(service)[0]
    for _ in range(TRIES):
        await _both_read(loaded, service)
        seen = await _taken_over(loaded, victim)
        await victim.wait_ended()
        victim.start()
        await victim.wait_ready()
        if seen:
            return seen
    raise CommandError(Exit.TIMED_OUT, f"nothing waited for {victim.label} whenever it died")


async def _taken_over(loaded: Loaded, victim: Child) -> dict[str, float]:
    """Kill a worker and wait for the takeover.

    Returns the seconds until the other worker has applied, and relayed, the records that waited after the kill; empty
    when none waited.
    """
    start = time.monotonic()
    victim.kill()
    looks: list[_Look] = []
    done: dict[str, float] = {}
    wanted = {"applied_s", "relayed_s"} if victim.name == "intake" else {"applied_s"}
    while done.keys() < wanted:
        look = await _look(loaded.client, victim.name, start)
        if look.at_s > STALLED_S:
            raise CommandError(Exit.TIMED_OUT, f"{victim.label}'s shards were not taken over")
        if look.at_s >= AFTER_KILL_S:
            looks.append(look)
            there = {"applied_s": _reaches(look.read, looks[0].published)}
            there["relayed_s"] = _reaches(look.sent, looks[0].written)
            done |= {what: look.at_s for what in wanted - done.keys() if there[what]}
        await asyncio.sleep(LOOK_S)
    return {} if _reaches(looks[0].read, looks[0].published) else done


async def _look(client: HubClient, service: str, start: float) -> _Look:
    """Read the books of senders and the live worker.

    The senders are the services whose streams the service reads.
    """
    senders = BRIDGES if service == "intake" else ("intake",)
    sheets = await asyncio.gather(*(client.sheet(label) for label in senders), client.sheet(f"{service}-2"))
    *sending, own = sheets
    published: dict[Any, int] = {}
    for sheet in sending:
        published |= sheet.sent
    return _Look(time.monotonic() - start, published, own.written, own.sent, own.read)


def _reaches(place: Vector, wanted: Vector) -> bool:
    return all(place.get(stream, 0) >= position for stream, position in wanted.items())


async def _wait(met: Callable[[], Awaitable[bool]], what: str, deadline_s: float) -> None:
    end = time.monotonic() + deadline_s
    while not await met():
        if time.monotonic() > end:
            raise CommandError(Exit.TIMED_OUT, f"waited {deadline_s:.0f} s for {what}")
        await asyncio.sleep(LOOK_S)


def _line(times: Mapping[str, float]) -> str:
    return ", ".join(f"{what} {seconds:.2f}" for what, seconds in times.items())


def judge(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the targets of the measured parts.

    The slowest of all rounds counts.
    """
    targets: dict[str, Any] = {}
    if "restarts" in found:
        slowest = max(times["serving_s"]["max"] for times in found["restarts"]["services"].values())
        targets["restart_serving_s"] = judged(SERVING_TARGET_S, round(slowest, 2), at_most=True)
    if "hand_overs" in found:
        slowest = max(times[what]["max"] for times in found["hand_overs"].values() for what in times)
        targets["hand_over_s"] = judged(HAND_OVER_TARGET_S, round(slowest, 2), at_most=True)
    for pace, one in found.get("rebuilds", {}).items():
        targets[f"rebuild_events_s_{pace}"] = judged(REBUILD_TARGET, one["events_s"])
    return targets


def show(document: Mapping[str, Any], screen: Screen) -> None:
    """Print times, rebuilds and targets."""
    rows = [
        [f"{part} {name} {what}", f"{of['median']:.2f}", f"{of['max']:.2f}", str(of["n"])]
        for part, services in (
            ("restart", document.get("restarts", {}).get("services", {})),
            ("hand-over", document.get("hand_overs", {})),
        )
        for name, times in services.items()
        for what, of in times.items()
    ]
    screen.table("seconds after kill -9", ["", "median", "max", "n"], rows)
    rows = [
        [pace, str(one["events"]), str(one["events_a_value"]), str(one["events_s"]), str(one["cpu_us_per_event"])]
        for pace, one in document.get("rebuilds", {}).items()
    ]
    screen.table("rebuild of stats", ["journal", "events", "events a value", "events/s", "µs CPU/event"], rows)
    rows = [
        [name, str(one["target"]), str(one["reached"]), "yes" if one["met"] else "NO"]
        for name, one in document["targets"].items()
    ]
    screen.table("targets", ["what", "target", "reached", "met"], rows)


async def measure(parts: Sequence[str], folder: Path, options: Options, screen: Screen) -> dict[str, Any]:
    """Measure the given parts."""
    found: dict[str, Any] = {}
    if "restarts" in parts:
        found["restarts"] = await restarts(folder / "restarts", options, screen)
    if "hand_overs" in parts:
        found["hand_overs"] = await hand_overs(folder / "hand-overs", options, screen)
    if "rebuilds" in parts:
        amounts = QUICK_REBUILDS if options.quick else REBUILDS
        found["rebuilds"] = {
            pace: await rebuild(pace, amount, folder / pace, screen) for pace, amount in amounts.items()
        }
    return found


def main() -> int:
    """Run the benchmark.

    The exit code is 1 when stats gives other answers after a rebuild than before.
    """
    parser = command(
        "recovery", "How soon the hub is itself again after kill -9, and how fast stats is rebuilt.", rounds=ROUNDS
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    given = parser.parse_args()
    options = common(given)
    screen = Screen(options)
    keep_stdout_clean()
    with failing(), scratch("recovery", options.folder) as folder:
        found = interrupts.run(measure(given.part or PARTS, folder, options, screen))
        machine = facts(folder)
    rates = {pace: one["events_s"] for pace, one in found.get("rebuilds", {}).items()}
    document = {
        "benchmark": "recovery",
        "quick": options.quick,
        **found,
        "ratios": {f"rebuild_{pace}": round(rate / REBUILD_TARGET, 3) for pace, rate in rates.items()},
        "targets": judge(found),
        "machine": machine,
    }
    show(document, screen)
    save("recovery", document, publish=options.save)
    finish(document)
    return 0 if all(one["same_answers"] for one in found.get("rebuilds", {}).values()) else 1


if __name__ == "__main__":
    sys.exit(main())
