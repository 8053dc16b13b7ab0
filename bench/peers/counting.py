"""The common code of the Python peers.

It has their orders, the key that they count by, and the clock of the measurement.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispute.wire.journal.v1 import journal_pb2
from hub.wire.stream.v1 import stream_pb2


@dataclass(frozen=True, slots=True)
class Orders:
    """The task of a peer.

    Attributes:
        bootstrap: Address of the broker.
        topic: Topic of the events.
        events: Number of events to count; then the run ends.
        form: `single`, one event per message, or `batch`, one `hub.stream.v1.Batch` per message.
        changelog: Whether its state is backed by a changelog topic.
        folder: Folder for its state.
        name: Name of its consumer group; new for each run.
    """

    bootstrap: str
    topic: str
    events: int
    form: str
    changelog: bool
    folder: Path
    name: str


def orders() -> Orders:
    """Read the orders from the command line."""
    parser = argparse.ArgumentParser()
    for option in ("bootstrap", "topic", "name"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--form", choices=("single", "batch"), required=True)
    parser.add_argument("--changelog", choices=("on", "off"), required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    return Orders(
        arguments.bootstrap,
        arguments.topic,
        arguments.events,
        arguments.form,
        arguments.changelog == "on",
        arguments.folder,
        arguments.name,
    )


def keys_of(value: bytes, form: str) -> Iterator[str]:
    """Yield the key of each event of a message.

    It consists of business day, type and channel.
    """
    records = stream_pb2.Batch.FromString(value).records if form == "batch" else (value,)
    for record in records:
        event = journal_pb2.JournalEvent.FromString(record)
        yield f"{event.business_day}|{event.type}|{event.dimensions.channel}"


class Meter:
    """Measures from the first event to durable counts."""

    def __init__(self) -> None:
        self._first_s = 0.0
        self._cpu_s = 0.0

    def first(self) -> None:
        """Start the measurement.

        It must be called before the first event is handled; later calls do nothing.
        """
        if not self._first_s:
            self._first_s, self._cpu_s = time.time(), _cpu_s()

    def end(self) -> dict[str, float]:
        """Return the measurements since the first event."""
        return {"first_s": self._first_s, "end_s": time.time(), "cpu_s": _cpu_s() - self._cpu_s}


def tell(measured: dict[str, float], *, events: int, counted: int) -> None:
    """Print the run's JSON line.

    Args:
        measured: From `Meter.end`.
        events: Events that were handled.
        counted: Sum of the counts that the state holds.
    """
    sys.stdout.write(json.dumps({**measured, "events": events, "counted": counted}) + "\n")


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
