"""Runs and measures the hub's stats or a peer once.

A run goes from records in Kafka to durable counts.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from bench.machine import ROOT
from bench.measure import Sample
from bench.processes import Peak, usage_of
from bench.rig import single
from dispute.contracts.topics import JOURNAL
from ops.console.exits import CommandError, Exit
from ops.run.broker.native import LEASH, NativeKafka
from ops.run.children import Child
from ops.run.client import HubClient
from ops.run.credentials import shown

POLL_S: Final = 0.02
DEADLINE_S: Final = 300.0
MIB: Final = 1024 * 1024
US: Final = 1e6
LAST_WORDS: Final = 400
PLACES: Final = "SELECT coalesce(sum(position), 0) FROM inbox_stream WHERE topic = ?"
"""Position of the reader. It is written in the transaction of the effect, so all records up to it are durable."""


@dataclass(frozen=True, slots=True)
class Course:
    """The environment of all contenders of one stage.

    Attributes:
        kafka: The running broker.
        folder: Run folder; every run gets a new one in it.
        per_value: Records wanted in a Kafka value; with 1 the peers too get one event per message.
        events: Journal events in the topics.
        singles: Topic with the same events, one per message.
    """

    kafka: NativeKafka
    folder: Path
    per_value: int
    events: int
    singles: str
    numbers: count[int] = field(default_factory=count)

    def room(self, name: str) -> Path:
        """Make a new folder for one run."""
        room = self.folder / f"{name}-{self.per_value}-{next(self.numbers)}"
        room.mkdir(parents=True)
        return room

    def broker_cpu_s(self) -> float:
        """Return the broker's processor seconds so far."""
        return usage_of(int((self.kafka.nodes[0].folder / "broker.pid").read_text())).cpu_s


def ours(course: Course) -> Sample:
    """Run the real stats service once and measure it.

    It starts with an empty SQLite store and runs until everything is folded; its store is read from outside.
    """
    return asyncio.run(_ours(course))


async def _ours(course: Course) -> Sample:
    room = course.room("stats")
    stats = single("stats", room, course.kafka.bootstrap)
    spawned = time.time()
    stats.start()
    try:
        store = room / "stores" / "stats.db"
        await _until(lambda: store.exists() and stats.pid() is not None, stats)
        pid = stats.pid() or 0
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as rows, Peak(pid) as peak:
            await _until(lambda: _folded(rows) > 0, stats)
            first, first_s, before, broker_before = _folded(rows), time.time(), usage_of(pid), course.broker_cpu_s()
            await _until(lambda: _folded(rows) >= course.events, stats)
            end_s, after, broker_after = time.time(), usage_of(pid), course.broker_cpu_s()
        client = HubClient({"stats": stats.grpc_address}, {}, shown(stats.folder))
        try:
            sheet = await client.sheet("stats")
        finally:
            await client.close()
        counted = sheet.total("applied")
    finally:
        stats.terminate()
        await stats.wait_ended()
    measured = course.events - first
    return {
        "events_s": measured / (end_s - first_s),
        "cpu_us": (after.cpu_s - before.cpu_s) / measured * US,
        "broker_cpu_us": (broker_after - broker_before) / measured * US,
        "startup_s": first_s - spawned,
        "seconds": end_s - first_s,
        "events": measured,
        "off_by": counted - course.events,
        "rss_mib": peak.rss_bytes / MIB,
        "disk_bytes_an_event": sum(file.stat().st_size for file in store.parent.glob("stats.db*")) / course.events,
    }


def _folded(rows: sqlite3.Connection) -> int:
    try:
        (found,) = rows.execute(PLACES, (JOURNAL.name,)).fetchone()
    except sqlite3.OperationalError:
        return 0  # the service is still making its tables
    return int(found)


async def _until(condition: Callable[[], bool], stats: Child) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if not stats.running:
            raise stats.obituary()
        if time.monotonic() > deadline:
            raise CommandError(Exit.TIMED_OUT, f"stats did not get there in {DEADLINE_S:.0f} s\n{stats.last_words()}")
        await asyncio.sleep(POLL_S)


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that the hub is compared with.

    It counts the same events by the same key, and prints its measurements.

    Attributes:
        name: Name of its consumer group and its folder.
        command: Program and fixed arguments.
        limit: Largest number of events that it gets; with more a slow peer would only take longer.
        changelog: Whether its state is backed by a changelog topic.
        options: Number of events -> further arguments.
    """

    name: str
    command: Sequence[str]
    limit: int
    changelog: bool = True
    options: Callable[[int], Mapping[str, str]] = lambda _: {}

    def run(self, course: Course) -> Sample:
        """Run the program once.

        Where batches have one event, it runs in its natural form, one event per message.

        Raises:
            CommandError: It failed; the text has the end of its output.
        """
        room = course.room(self.name)
        single_events = course.per_value == 1
        events = min(self.limit, course.events)
        options = {
            "bootstrap": course.kafka.bootstrap,
            "topic": course.singles if single_events else JOURNAL.name,
            "name": room.name,
            "events": str(events),
            "form": "single" if single_events else "batch",
            "changelog": "on" if self.changelog else "off",
            "folder": str(room),
            **self.options(events),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        spawned, broker_before = time.time(), course.broker_cpu_s()
        answer, peak = self._said([*self.command, *arguments], room)
        broker_after = course.broker_cpu_s()
        measured = int(answer.get("measured", answer["events"]))
        return {
            "events_s": measured / (answer["end_s"] - answer["first_s"]),
            "cpu_us": answer["cpu_s"] / measured * US,
            "broker_cpu_us": (broker_after - broker_before) / answer["events"] * US,
            "startup_s": answer["first_s"] - spawned,
            "seconds": answer["end_s"] - answer["first_s"],
            "events": measured,
            "off_by": answer["counted"] - answer["events"],
            "rss_mib": peak / MIB,
        }

    def _said(self, command: Sequence[str], room: Path) -> tuple[Mapping[str, float], int]:
        log, said = room / "log", room / "said"
        # It runs under a leash like our own children: it ends when our process ends, for whatever reason.
        leashed = ["/bin/sh", "-c", LEASH, "leash", str(room / "pid"), "2", *command]
        with log.open("wb") as noise, said.open("wb") as answers:
            process = subprocess.Popen(leashed, stdin=subprocess.PIPE, stdout=answers, stderr=noise, cwd=ROOT)  # noqa: S603 - ours
            try:
                with Peak(process.pid) as peak:
                    code = process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired as error:
                raise CommandError(
                    Exit.TIMED_OUT, f"{self.name} took longer than {DEADLINE_S:.0f} s, see {log}"
                ) from error
            finally:
                if process.stdin is not None:
                    process.stdin.close()
                process.wait()
        lines = said.read_text().splitlines()
        if code != 0 or not lines:
            last_words = log.read_text(errors="replace")[-LAST_WORDS:]
            raise CommandError(Exit.DIFFERENCE, f"{self.name} failed with exit code {code}: {last_words}")
        answer: dict[str, float] = json.loads(lines[-1])
        return answer, peak.rss_bytes
