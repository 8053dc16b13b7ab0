"""Benchmark B3 measures the latency up to stats.

It is the time from a receipt until a stats answer includes the accepted record, at 50, 500 and 5,000 events per second.
Records arrive by schedule through the three bridges, independent of the hub's speed (open loop), so a stall delays all
records that were due in it and none is left out. All five services and the broker share the machine with the arrivals.
The rate that was really reached is shown beside the wanted rate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.lands import COUNTY, land
from bench.latency_arrivals import Arrivals, Interfaces, RefusedError, Schedule, Seen
from bench.machine import facts
from bench.measure import judged, percentile
from bench.options import Options, Screen, command, common
from bench.processes import usage_of
from bench.rest import at_rest
from bench.results import finish, save
from bench.rig import five, scratch
from bench.submissions import Press
from ops.console import interrupts
from ops.console.exits import CommandError, Exit
from ops.console.output import failing, keep_stdout_clean
from ops.play.scenarios.vocabulary import Docking
from ops.run.client import HubClient
from ops.run.credentials import make, shown
from ops.run.launcher import Hub, LaunchPlan

RATES: Final = (50, 500, 5000)
"""Journal events per second."""
SECONDS, QUICK_SECONDS = 30.0, 5.0
WARM_RECORDS_S: Final = 100.0
WARM_S: Final = 20.0
"""The broker's JVM compiles its code meanwhile; a hub that has run for a minute no longer has this cost."""
SEED: Final = 3
TARGETS_MS: Final = {500: 250.0, 5000: 1000.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """One rate in one round.

    Attributes:
        wanted: Events per second that were wanted.
        events: Events that the arrivals caused.
        seconds: Time from the first arrival until the last was due.
        settled_s: Time from then until stats had counted everything.
        cores: Processor time of all services divided by that whole time, without broker and arrivals.
        seen: The samples.
    """

    wanted: int
    events: int
    seconds: float
    settled_s: float
    cores: float
    seen: Seen


async def at_rate(wanted: int, schedule: Schedule, arrivals: Arrivals, before: int, pids: Sequence[int]) -> Measured:
    """Run one schedule on an idle hub.

    The hub has counted `before` events already.
    """
    used, began = sum(usage_of(pid).cpu_s for pid in pids), time.perf_counter()
    seen = await arrivals.run(schedule)
    events = await arrivals.settled(seen) - before
    took = time.perf_counter() - began
    cores = (sum(usage_of(pid).cpu_s for pid in pids) - used) / took
    return Measured(wanted, events, schedule.seconds, max(0.0, took - schedule.seconds), cores, seen)


async def measure(options: Options, rates: Sequence[int], folder: Path, screen: Screen) -> list[Measured]:
    """Measure each rate in each round.

    The hub is started before and stopped after.
    """
    agencies = {channel: f"{channel}-{COUNTY}" for channel in Docking}
    credentials = make(folder / "credentials", [(agency, COUNTY) for agency in agencies.values()])
    keys = {channel: credentials.keys[agency] for channel, agency in agencies.items()}
    press = Press(land("county"), SEED)
    done: list[Measured] = []
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(five(LaunchPlan(folder), screen.say))
        addresses = {child.name: child.grpc_address for child in hub.children}
        pids = _pids(hub)
        client = HubClient(addresses, {}, shown(folder))
        stack.push_async_callback(client.close)
        interfaces = await stack.enter_async_context(Interfaces(addresses, keys, shown(folder)))
        arrivals = Arrivals(interfaces, press)
        warm = await arrivals.run(Schedule(WARM_RECORDS_S, WARM_S))
        counted = await arrivals.settled(warm)
        a_record = counted / warm.accepted
        screen.say(f"warm: {warm.accepted} records made {counted} events")
        for number in range(1, options.rounds + 1):
            for rate in rates:
                await at_rest(client)
                screen.say(f"{number}/{options.rounds} {rate} events/s")
                schedule = Schedule(rate / a_record, QUICK_SECONDS if options.quick else SECONDS)
                done.append(await at_rate(rate, schedule, arrivals, counted, pids))
                counted += done[-1].events
    return done


def _pids(hub: Hub) -> list[int]:
    found = [child.pid() for child in hub.children]
    alive = [pid for pid in found if pid is not None]
    if len(alive) != len(found):
        raise CommandError(Exit.TIMED_OUT, "a service ended before the measurement")
    return alive


def figures_of(runs: Sequence[Measured]) -> dict[str, Any]:
    """Return the figures of one rate.

    They are computed from the samples of all rounds together; the 99th percentile is given for each round too.
    """
    visible = [one for run in runs for one in run.seen.visible_s]
    due = [one for run in runs for one in run.seen.from_due_s]
    receipts = [one for run in runs for one in run.seen.receipt_s]
    events, seconds = sum(run.events for run in runs), sum(run.seconds for run in runs)
    return {
        "wanted_s": runs[0].wanted,
        "arrived_s": events / seconds,
        "reached_s": events / (seconds + sum(run.settled_s for run in runs)),
        "events": events,
        "samples": len(visible),
        "p50_ms": percentile(visible, 50) * 1e3,
        "p99_ms": percentile(visible, 99) * 1e3,
        "max_ms": max(visible) * 1e3,
        "p99_ms_by_round": [percentile(run.seen.visible_s, 99) * 1e3 for run in runs],
        "from_due_p50_ms": percentile(due, 50) * 1e3,
        "from_due_p99_ms": percentile(due, 99) * 1e3,
        "receipt_p50_ms": percentile(receipts, 50) * 1e3,
        "receipt_p99_ms": percentile(receipts, 99) * 1e3,
        "services_cores": sum(run.cores for run in runs) / len(runs),
    }


def document_of(done: Sequence[Measured], options: Options, folder: Path) -> dict[str, Any]:
    """Return the document that the page shows."""
    by_rate = {rate: [run for run in done if run.wanted == rate] for rate in sorted({run.wanted for run in done})}
    figures = {str(rate): figures_of(runs) for rate, runs in by_rate.items()}

    def reached(rate: int) -> float | None:
        return figures[str(rate)]["p99_ms"] if str(rate) in figures else None

    return {
        "benchmark": "latency",
        "machine": facts(folder),
        "quick": options.quick,
        "rounds": options.rounds,
        "figures": figures,
        "ratios": {f"reached_{rate}": found["reached_s"] / found["wanted_s"] for rate, found in figures.items()},
        "targets": {
            f"p99_ms_at_{rate}": judged(bound, reached(rate), at_most=True) for rate, bound in TARGETS_MS.items()
        },
    }


def show(document: Mapping[str, Any], screen: Screen) -> None:
    """Print the table of latencies."""
    names = ("arrived_s", "reached_s", "samples", "p50_ms", "p99_ms", "max_ms", "from_due_p99_ms", "receipt_p99_ms")
    rows = [[rate, *(f"{found[name]:,.0f}" for name in names)] for rate, found in document["figures"].items()]
    screen.table("Accepted to visible", ("events/s", *names), rows)


def main() -> int:
    """Run the benchmark.

    A rate that was not reached is reported but is not a failure.
    """
    parser = command("latency", "How long until what was accepted is in a stats answer.", rounds=3)
    parser.add_argument("--rates", type=_rate, nargs="+", default=RATES, help="journal events a second")
    given = parser.parse_args()
    options = common(given)
    screen = Screen(options)
    keep_stdout_clean()
    with failing(), scratch("latency", options.folder) as folder:
        try:
            done = interrupts.run(measure(options, given.rates, folder, screen))
        except* RefusedError as refused:
            raise CommandError(Exit.TIMED_OUT, str(refused.exceptions[0])) from refused
        document = document_of(done, options, folder)
    show(document, screen)
    save("latency", document, publish=options.save)
    finish(document)
    return 0


def _rate(text: str) -> int:
    rate = int(text)
    if rate < 1:
        raise ValueError(text)
    return rate


if __name__ == "__main__":
    sys.exit(main())
