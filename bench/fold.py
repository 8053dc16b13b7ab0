"""Benchmark B1 measures the stats fold and its peers.

The fold goes from records in Kafka to durable exact cells with their drill-down rows. The real stats service reads the
same recorded journal as programs that count its events by business day, type and channel: Quix Streams, Kafka Streams
and a Faust table; a bare loop only decodes them. Peers read batches as we do, and also one event per message, their
natural form. They keep their changelog as we keep our fsync; runs without a changelog are marked.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from bench.contenders import Course, Peer, ours
from bench.environment import kafka_streams, python, version_of
from bench.journal import COUNTY, Journal, Written
from bench.lives import pool
from bench.machine import facts
from bench.measure import Sample, Say, interleave, judged, spreads
from bench.options import Options, Screen, command, common
from bench.recorder import Recorder, Sender
from bench.results import finish, save
from bench.rig import broker, bus, scratch
from dispute.contracts.topics import JOURNAL
from hub.kafka.admin import provision
from hub.kafka.publisher import KafkaPublisher
from hub.streams.envelope import Message
from hub.streams.ports import Publisher
from hub.streams.topics import DEFAULT_PARTITIONS, Topic, partition_of
from ops.console.exits import CommandError, Exit
from ops.console.output import failing, keep_stdout_clean
from ops.run.broker.jars import libs_folder
from ops.run.broker.jars import version_of as version_of_kafka

SINGLES: Final = Topic("bench.events.v1", JOURNAL.record, "none", (), (), "bench", -1)
"""The events with one per message, as a producer without batches would write them."""

HEADLINE: Final = (500, 2000)
WITHOUT: Final = (1, 500)
"""Records per value at which peers also run once without their changelog."""

TARGETS: Final = {"quix": 8.0, "kafka_streams": 2.0, "bare_decode": 0.30}
CHANGELOG_OFF: Final = "_no_changelog"
THREADS: Final = 2
"""Threads of Kafka Streams, one for each core."""
VERDICT: Final = {True: "met", False: "missed"}
PACKAGES: Final = ("quixstreams", "confluent-kafka", "faust-streaming", "protobuf")
WARM_SHARE: Final = 4
"""The first quarter of Kafka Streams' run is not measured: the JVM compiles its code then."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Numbers of events to measure.

    Attributes:
        events: Records per value -> journal events recorded.
        slow: Most events for Quix Streams, which needs tens of microseconds per event.
        slowest: Most events for Faust's table.
    """

    events: Mapping[int, int]
    slow: int
    slowest: int


FULL: Final = Amounts({1: 100_000, 10: 100_000, 100: 200_000, 500: 300_000, 2000: 300_000}, 100_000, 20_000)
QUICK: Final = Amounts({1: 8_000, 500: 80_000}, 20_000, 5_000)

Figures = dict[str, list[Sample]]
Events = tuple[Written, ...]


def contenders(peers: Path, streams: Sequence[str], amounts: Amounts) -> dict[str, Peer]:
    """Return the peers by name.

    The names of those without a changelog are marked.
    """
    known = max(amounts.events.values())

    def of(name: str, module: str, limit: int, *, changelog: bool = True) -> Peer:
        return Peer(name, (str(peers), "-m", f"bench.peers.{module}"), limit, changelog)

    def java(name: str, *, changelog: bool) -> Peer:
        return Peer(
            name,
            streams,
            known,
            changelog,
            lambda events: {"threads": str(THREADS), "warm": str(max(1, events // WARM_SHARE))},
        )

    return {
        "bare_decode": of("bare", "bare", known),
        "quix": of("quix", "quix", amounts.slow),
        "kafka_streams": java("streams", changelog=True),
        "faust_table": of("faust", "faust_table", amounts.slowest),
        "quix" + CHANGELOG_OFF: of("quix-off", "quix", amounts.slow, changelog=False),
        "kafka_streams" + CHANGELOG_OFF: java("streams-off", changelog=False),
    }


def rounds_of(per_value: int, options: Options) -> int:
    """Return the number of rounds of a stage.

    A stage that decides a target has all rounds, the others have one.
    """
    return options.rounds if per_value in HEADLINE else 1


def stage(
    per_value: int, events: Events, folder: Path, peers: Mapping[str, Peer], *, rounds: int, say: Say
) -> tuple[Figures, Mapping[str, float]]:
    """Measure all contenders at one batch size.

    A journal with that many records per value is recorded on a new broker, and the contenders read it in turn.

    Args:
        per_value: Records per value.
        events: Events to record.
        folder: Folder for the broker and all state; made here.
        peers: Peers by name.
        rounds: Measurements of each contender.
        say: Gets progress lines.

    Returns:
        Samples of each contender, and the real sizes of the journal's values.
    """
    folder.mkdir(parents=True)
    with broker(folder, say) as kafka:
        place = bus(kafka)
        provision(place, [JOURNAL, SINGLES] if per_value == 1 else [JOURNAL])
        publisher = KafkaPublisher(place)
        try:
            say(f"recording {len(events):,} events, {per_value} a value")
            recorded = Recorder(publisher, per_value=per_value).record(events)
            if per_value == 1:
                say(f"recording {len(events):,} events, one a message")
                record_singles(publisher, events)
        finally:
            publisher.close()
        course = Course(kafka, folder, per_value, len(events), SINGLES.name)
        sizes = {"events_a_value": recorded.events_a_value, "bytes_an_event": recorded.value_bytes / recorded.events}
        kept = {name: partial(peer.run, course) for name, peer in peers.items() if peer.changelog}
        samples = interleave({"hub": partial(ours, course), **kept}, rounds, say)
        if per_value in WITHOUT:
            bare = {name: partial(peer.run, course) for name, peer in peers.items() if not peer.changelog}
            samples |= interleave(bare, 1, say)
        return samples, sizes


def events_of(number: int) -> Events:
    """Return the first events of a county's journal."""
    journal = Journal(pool(), COUNTY)
    # The newest disputes have not ended yet, so more disputes are needed than with complete lives.
    disputes = int(number / journal.events_a_dispute) + COUNTY.a_day * 30
    return tuple(islice(journal.of_disputes(disputes), number))


def record_singles(publisher: Publisher, events: Events) -> None:
    """Write the events with one per message.

    They have the keys and partitions of their batches.
    """
    sender = Sender(publisher)
    headers = (("ce_time", datetime.now(UTC).isoformat().encode()),)
    for shard, record in events:
        sender.send(
            Message(SINGLES.name, partition_of(shard, DEFAULT_PARTITIONS), str(shard).encode(), record, headers)
        )
    sender.drain()


def ratios_of(
    figures: Mapping[int, Mapping[str, Mapping[str, Mapping[str, float]]]], unit: str
) -> dict[int, dict[str, float]]:
    """Return the hub's speed relative to each peer.

    There is one ratio for each stage and peer; the peer counts in its faster form.

    Args:
        figures: Records per value -> contender -> figure -> spread.
        unit: `events_s`, or `cpu_us` for the processor time of an event.
    """
    found: dict[int, dict[str, float]] = {}
    for per_value, by_name in figures.items():
        own = by_name["hub"][unit]["median"]
        found[per_value] = {}
        for name in by_name:
            if name == "hub":
                continue
            forms = [figures[form][name][unit]["median"] for form in {1, per_value} if name in figures.get(form, {})]
            if name == "bare_decode":
                forms = [by_name[name][unit]["median"]]
            found[per_value][name] = own / max(forms) if unit == "events_s" else min(forms) / own
    return found


def document(
    options: Options, figures: Mapping[int, Figures], journals: Mapping[int, Mapping[str, float]]
) -> dict[str, object]:
    """Return figures, ratios and targets.

    The facts of the machine are added later.
    """
    spread = {n: {name: spreads(samples) for name, samples in by_name.items()} for n, by_name in figures.items()}
    by_rate, by_cpu = ratios_of(spread, "events_s"), ratios_of(spread, "cpu_us")
    heads: list[int] = [n for n in HEADLINE if n in by_rate] or list(by_rate)
    # The lower of the two: a target must hold from 500 to 2,000 records per value.
    ratios = {name: min(by_rate[n][name] for n in heads) for name in TARGETS}
    return {
        "benchmark": "fold",
        "quick": options.quick,
        "journals": journals,
        "figures": spread,
        "ratios": ratios,
        "ratios_cpu": {name: min(by_cpu[n][name] for n in heads) for name in TARGETS},
        "ratios_by_records_a_value": by_rate,
        "ratios_cpu_by_records_a_value": by_cpu,
        "targets": {name: judged(target, ratios[name]) for name, target in TARGETS.items()},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    A missed target is reported but is not a failure.
    """
    parser = command("fold", "The stats fold beside Quix Streams, Kafka Streams, Faust and a bare loop.", rounds=3)
    parser.add_argument("--only", type=int, nargs="+", choices=FULL.events, help="only these records a value")
    given = parser.parse_args(argv)
    options = common(given)
    keep_stdout_clean()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with failing():
        try:
            result = run(options, given.only or tuple(FULL.events))
        except KeyboardInterrupt:
            raise CommandError(Exit.INTERRUPTED, "已中断 interrupted") from None
        save("fold", result, publish=options.save)
        finish(result)
    return 0


def run(options: Options, only: Collection[int]) -> dict[str, object]:
    """Measure the stages in `only`.

    Returns the document.
    """
    screen = Screen(options)
    amounts = QUICK if options.quick else FULL
    wanted = {n: number for n, number in amounts.events.items() if n in only}
    if not wanted:
        raise CommandError(Exit.USAGE, f"--quick measures {', '.join(map(str, amounts.events))} records a value only")
    with scratch("fold", options.folder) as folder:
        interpreter = python(screen.say)
        peers = contenders(interpreter, kafka_streams(screen.say), amounts)
        screen.say("making events")
        events = events_of(max(wanted.values()))
        figures: dict[int, Figures] = {}
        journals: dict[int, Mapping[str, float]] = {}
        for per_value, number in wanted.items():
            figures[per_value], journals[per_value] = stage(
                per_value,
                events[:number],
                folder / f"stage-{per_value}",
                peers,
                rounds=rounds_of(per_value, options),
                say=screen.say,
            )
            show(screen, per_value, journals[per_value], figures[per_value])
        result = document(options, figures, journals)
        show_targets(screen, result)
        result["machine"] = facts(folder)
    result["versions"] = {name: version_of(interpreter, name) for name in PACKAGES} | {
        "kafka": version_of_kafka(libs_folder())
    }
    return result


def show(screen: Screen, per_value: int, journal: Mapping[str, float], figures: Figures) -> None:
    """Print one stage's table."""
    rows = []
    for name, samples in figures.items():
        result = spreads(samples)
        rate = result["events_s"]
        rows.append(
            (
                name,
                f"{rate['median']:,.0f}",
                f"{rate['min']:,.0f}–{rate['max']:,.0f}",
                f"{result['cpu_us']['median']:.1f}",
                f"{result['broker_cpu_us']['median']:.1f}",
                f"{result['startup_s']['median']:.1f}",
                f"{result['rss_mib']['max']:.0f}",
                f"{max((sample['off_by'] for sample in samples), key=abs):+.0f}",
            )
        )
    title = f"{per_value} records a value ({journal['events_a_value']:.0f} in fact)"
    columns = ("", "events/s", "min–max", "CPU µs/event", "broker's", "start s", "MiB", "off by")
    screen.table(title, columns, rows)


def show_targets(screen: Screen, result: Mapping[str, Any]) -> None:
    """Print each target and the value reached."""
    rows = [
        (
            name,
            f"{target['target']:.2f}",
            f"{target['reached']:.2f}",
            f"{result['ratios_cpu'][name]:.2f}",
            VERDICT[target["met"]],
        )
        for name, target in result["targets"].items()
    ]
    screen.table("times as fast as", ("", "target", "reached", "by CPU", ""), rows)


if __name__ == "__main__":
    sys.exit(main())
