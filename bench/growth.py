"""Benchmark B5 measures growth with the disputes.

It measures memory, disk and cost per event of stats and intake as the number of disputes grows. A topic is recorded
first; then the real service folds it from an empty store while its process is sampled from outside. One pass shows
every size that it goes through.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.growth_cost import Point, line_through, sizes, tenths
from bench.handoffs import recorded, sealer_in
from bench.journal import COUNTY, PROVINCE, Journal, Region
from bench.lands import Name, land
from bench.lives import pool
from bench.machine import facts
from bench.measure import judged
from bench.options import Screen, command, common
from bench.processes import usage_of
from bench.questions import MB, STATS, pid_of, until, watch
from bench.recorder import Recorded, Recorder
from bench.results import finish, save
from bench.rig import broker, bus, scratch, single
from bench.series import disk_of
from bench.submissions import Press
from dispute.contracts.topics import HANDOFFS, JOURNAL
from hub.kafka.admin import provision
from hub.kafka.bus import Bus
from hub.kafka.publisher import KafkaPublisher
from ops.console import interrupts
from ops.console.output import failing, keep_stdout_clean
from ops.play.scenarios.vocabulary import Docking

INTAKE: Final = "intake"
MARKS: Final = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
PLAN: Final[tuple[tuple[Name, int], ...]] = (("county", 100_000), ("province", 1_000_000))
QUICK: Final[tuple[tuple[Name, int], ...]] = (("county", 1_000), ("province", 10_000))
TEN_MILLION: Final = 10_000_000
REGIONS: Final[dict[Name, Region]] = {"county": COUNTY, "province": PROVINCE}
RSS_TARGET_MB: Final = 200
COST_TARGET: Final = 1.1
PER_VALUE: Final = 500
CHUNK: Final = 5_000
SEED: Final = 5
SHARES: Final = {Docking.COURT: 0.7, Docking.POLICE: 0.25, Docking.PETITION: 0.05}
SERIES: Final = 100


@dataclass(frozen=True, slots=True)
class Grown:
    """Result of one pass.

    Attributes:
        service: `stats` or `intake`.
        records: Events folded by stats, or hand-offs applied by intake.
        points: Samples of the process.
        restarted_rss: Resident bytes of a process that was started on the finished store.
        dead: Dead, parked or held records; there should be none.
    """

    service: str
    region: Name
    disputes: int
    records: int
    recorded: Recorded
    points: Sequence[Point]
    log_bytes: int
    restarted_rss: int
    dead: int


def record_journal(region: Name, disputes: int, of: Bus, screen: Screen) -> Recorded:
    """Write the journal of complete lives of disputes."""
    provision(of, [JOURNAL])
    publisher = KafkaPublisher(of)
    journal = Journal(pool(), REGIONS[region], SEED)
    total = round(disputes * journal.events_a_dispute)
    try:
        events = _with_progress(journal.of_disputes(disputes), total, "journal events", screen)
        return Recorder(publisher, per_value=PER_VALUE).record(events)
    finally:
        publisher.close()


def record_handoffs(region: Name, disputes: int, of: Bus, keys: Path, screen: Screen) -> Recorded:
    """Write the hand-offs of all three bridges.

    There are as many cases as `disputes`.
    """
    provision(of, [HANDOFFS, JOURNAL])
    publisher = KafkaPublisher(of)
    press, sealer = Press(land(region), SEED), sealer_in(keys)
    recorders = {
        channel: Recorder(publisher, per_value=PER_VALUE, topic=HANDOFFS, producer=f"{channel}_bridge")
        for channel in Docking
    }
    by_channel: dict[Docking, Recorded] = {}
    try:
        for first in range(0, disputes, CHUNK):
            size, done = min(CHUNK, disputes - first), first
            for channel, share in SHARES.items():
                upto = first + size if channel is Docking.PETITION else min(done + round(size * share), first + size)
                numbers = range(done, upto)
                done = upto
                if numbers:
                    by_channel[channel] = recorders[channel].record(recorded(press.cases(channel, numbers), sealer))
            screen.say(f"recorded {first + size}/{disputes} hand-offs")
    finally:
        publisher.close()
    parts = by_channel.values()
    return Recorded(
        sum(part.events for part in parts), sum(part.values for part in parts), sum(part.value_bytes for part in parts)
    )


def _with_progress(
    events: Iterator[tuple[int, bytes]], total: int, what: str, screen: Screen
) -> Iterator[tuple[int, bytes]]:
    every = max(1, total // 10)
    for number, event in enumerate(events, start=1):
        if number % every == 0:
            screen.say(f"recorded {number}/{total} {what}")
        yield event


async def grow(service: str, region: Name, disputes: int, folder: Path, screen: Screen) -> Grown:
    """Record a topic and let the service read it.

    The service starts with an empty store.
    """
    with broker(folder, screen.say) as kafka:
        of = bus(kafka)
        if service == STATS:
            recording = await asyncio.to_thread(record_journal, region, disputes, of, screen)
        else:
            recording = await asyncio.to_thread(record_handoffs, region, disputes, of, folder / "keys", screen)
        log_bytes = disk_of(folder / "kafka")
        # The records are of last year: on the wall clock the deadlines of all of them would fire at once.
        settings = {"HUB_CLOCK": "scenario"} if service == INTAKE else {}
        child = single(service, folder, kafka.bootstrap, settings=settings)
        child.start()
        try:
            await child.wait_ready()
            points = await watch(child, recording.events, folder / "stores", screen)
            child.terminate()
            await child.wait_ended()
            child.start()
            await child.wait_ready()
            dead = await until(child, recording.events)
            restarted = usage_of(pid_of(child)).rss_bytes
        finally:
            child.terminate()
            await child.wait_ended()
    return Grown(service, region, disputes, recording.events, recording, points, log_bytes, restarted, dead)


def figures_of(grown: Grown) -> dict[str, Any]:
    """Return the saved form of one pass."""
    slices = tenths(grown.points)
    seconds = grown.points[-1].at_s - grown.points[0].at_s
    return {
        "service": grown.service,
        "region": grown.region,
        "disputes": grown.disputes,
        "records": grown.records,
        "values": grown.recorded.values,
        "log_bytes_per_record": round(grown.log_bytes / grown.records, 1),
        "seconds": round(seconds, 1),
        "records_s": round((grown.points[-1].records - grown.points[0].records) / seconds),
        "sizes": sizes(grown.points, MARKS, grown.disputes),
        "tenths_cpu_us_per_record": [round(one.cost_us, 2) for one in slices],
        "tenths_turn_ns": [round(one.turn_ns, 1) for one in slices],
        "cost_ratio": round(slices[-1].cost_us / slices[0].cost_us, 3) if slices else None,
        "cost_ratio_in_turns": round(slices[-1].turns / slices[0].turns, 3) if slices else None,
        "restarted_rss_mb": round(grown.restarted_rss / MB, 1),
        "dead": grown.dead,
        "series": [
            {
                "records": point.records,
                "rss_mb": round(point.rss_bytes / MB, 1),
                "disk_mb": round(point.disk_bytes / MB, 1),
            }
            for point in grown.points[:: max(1, len(grown.points) // SERIES)]
        ],
    }


def judge(passes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the targets with the values reached.

    Each comes from the largest pass of its service; a value that is extrapolated beyond it is marked so.
    """
    targets: dict[str, Any] = {}
    for service in (STATS, INTAKE):
        own = [one for one in passes if one["service"] == service]
        if own:
            largest = max(own, key=lambda one: one["disputes"])
            targets[f"{service}_cost_ratio"] = judged(COST_TARGET, largest["cost_ratio_in_turns"], at_most=True)
            targets[f"{service}_cost_ratio"]["disputes"] = largest["disputes"]
        if own and service == STATS:
            at = [(float(size["disputes"]), float(size["rss_mb"])) for size in largest["sizes"]]
            extrapolated = at[-1][0] < TEN_MILLION
            reached = line_through(at[-2], at[-1], TEN_MILLION) if extrapolated and len(at) > 1 else at[-1][1]
            target = judged(RSS_TARGET_MB, round(reached, 1), at_most=True)
            targets["stats_rss_mb_at_ten_million"] = target | {
                "extrapolated": extrapolated,
                "run_to": largest["disputes"],
            }
    return targets


def show(document: dict[str, Any], screen: Screen) -> None:
    """Print sizes and targets."""
    rows = [
        [
            f"{one['service']} {one['region']}",
            *(str(size[name]) for name in ("disputes", "records", "rss_mb", "disk_mb", "disk_bytes_per_record")),
            str(size["cpu_us_per_record"]),
        ]
        for one in document["passes"]
        for size in one["sizes"]
    ]
    screen.table("growth", ["", "disputes", "records", "RSS MB", "disk MB", "B/record", "µs CPU/record"], rows)
    rows = [
        [name, str(one["target"]), str(one["reached"]), "yes" if one["met"] else "NO"]
        for name, one in document["targets"].items()
    ]
    screen.table("targets", ["what", "target", "reached", "met"], rows)


def main() -> int:
    """Run the benchmark.

    The exit code is 1 when a service has a dead, parked or held record.
    """
    parser = command("growth", "Memory, disk and cost per event as the number of disputes grows.", rounds=1)
    parser.add_argument("--service", choices=(STATS, INTAKE), help="only this one")
    parser.add_argument(
        "--ten-million", action="store_true", help="stats once more with 10,000,000 disputes of a province"
    )
    given = parser.parse_args()
    options = common(given)
    screen = Screen(options)
    keep_stdout_clean()
    plan = [(service, *size) for service in (STATS, INTAKE) for size in (QUICK if options.quick else PLAN)]
    if given.ten_million:
        plan.append((STATS, "province", TEN_MILLION))
    passes = []
    with failing(), scratch("growth", options.folder) as folder:
        for service, region, disputes in plan:
            if given.service in {None, service}:
                screen.say(f"{service}: {disputes} disputes of a {region}")
                own = folder / f"{service}-{region}-{disputes}"
                passes.append(figures_of(interrupts.run(grow(service, region, disputes, own, screen))))
                if options.folder is None:
                    shutil.rmtree(own)
        machine = facts(folder)
    document = {
        "benchmark": "growth",
        "quick": options.quick,
        "passes": passes,
        "ratios": {f"{one['service']} {one['region']} {one['disputes']}": one["cost_ratio"] for one in passes},
        "targets": judge(passes),
        "machine": machine,
    }
    show(document, screen)
    save("growth", document, publish=options.save)
    finish(document)
    return 1 if any(one["dead"] for one in passes) else 0


if __name__ == "__main__":
    sys.exit(main())
