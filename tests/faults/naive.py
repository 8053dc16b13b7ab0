"""A naive Faust counter beside the hub: a table with `+= 1`, killed a few times, and what it counted against the truth.

The app is written as Faust's own guide writes one: a table in memory with its changelog, offsets committed by Faust.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faust

from hub.wire.stream.v1 import stream_pb2
from tests.faults.evidence import JOURNAL, gather
from tests.faults.load import Load, Manner
from tests.faults.oracle import judge
from tests.faults.rig import ROOT, Rig

GROUP: Final = "naive-counter"
KILLS: Final = 4
BETWEEN_S: Final = 5.0
STARTED_S: Final = 90.0
DRAINED_S: Final = 120.0
QUIET_S: Final = 15.0
"""Longer than a rebalance, and than the reading of its changelog after a kill."""
LOOK_S: Final = 0.2
SHOT_S: Final = 0.2


@dataclass(frozen=True)
class Naive:
    """What it counted.

    Attributes:
        truth: Events in the journal, each once.
        counted: Sum of its table after it had read everything.
        kills: SIGKILLs under load.
    """

    truth: int
    counted: int
    kills: int


def build(bootstrap: str, folder: Path) -> Any:  # noqa: ANN401 - Faust's app is generic over nothing that we use
    """Return the app; its table is written to `shot.json` now and then, for whoever wants to know."""
    app: Any = faust.App(
        GROUP,
        broker=[f"kafka://{server}" for server in bootstrap.split(",")],
        store="memory://",
        datadir=str(folder / "data"),
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        consumer_auto_offset_reset="earliest",
        topic_partitions=6,
        topic_replication_factor=3,
        web_enabled=False,
        autodiscover=False,
    )
    journal = app.topic(JOURNAL, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    events = app.Table("events", default=int, partitions=6)

    async def count(stream: Any) -> None:  # noqa: ANN401 - Faust's stream
        async for value in stream:
            batch = stream_pb2.Batch.FromString(value)
            for _ in batch.records:
                # one key a shard, which is what the topic is partitioned by
                events[batch.stream] += 1

    async def shoot() -> None:
        fresh = folder / "shot.new"
        fresh.write_text(json.dumps({str(key): value for key, value in events.items()}), encoding="utf-8")
        fresh.replace(folder / "shot.json")

    app.agent(journal)(count)
    app.timer(SHOT_S)(shoot)
    return app


async def measure(rig: Rig, seed: int) -> Naive:
    """Run the counter under load, kill it, let it read to the end, and compare with the recount.

    Raises:
        TimeoutError: It did not start, or the hub did not get level.
    """
    folder = rig.folder / "naive"
    folder.mkdir(parents=True)
    kills = 0
    process = _start(rig, folder)
    rig.episode += 1
    load = Load(rig.clients, rig.book, seed, rig.episode, Manner())
    try:
        await load.start()
        for _ in range(KILLS):
            await _counting(folder)
            await asyncio.sleep(BETWEEN_S)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            process = _start(rig, folder)
        await load.stop(STARTED_S)
        await rig.level(DRAINED_S)
        await _counting(folder)
        counted = await _quiet(folder)
    finally:
        await load.cancel()
        process.kill()
        process.wait()
    await rig.fetch_results()
    evidence = await asyncio.to_thread(gather, rig.sources())
    return Naive(judge(evidence).events, counted, kills)


def _start(rig: Rig, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "shot.json").unlink(missing_ok=True)
    with (folder / "naive.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.naive", rig.kafka.bootstrap, str(folder)],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


async def _counting(folder: Path) -> None:
    end = time.monotonic() + STARTED_S
    while not (folder / "shot.json").exists():
        if time.monotonic() > end:
            raise TimeoutError(f"the naive counter did not start, see {folder}/naive.log")
        await asyncio.sleep(LOOK_S)


async def _quiet(folder: Path) -> int:
    """Return the sum of the table once it has not changed for a while.

    Its committed offsets would tell nothing: they may stand still for good after a record was dropped.
    """
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_S:
        shot = json.loads((folder / "shot.json").read_text(encoding="utf-8"))
        if sum(shot.values()) != seen:
            seen, since = sum(shot.values()), time.monotonic()
        await asyncio.sleep(LOOK_S)
    return seen


def main(arguments: Sequence[str]) -> None:
    """Be the counter: `python -m tests.faults.naive BOOTSTRAP FOLDER`."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.naive", description=__doc__)
    parser.add_argument("bootstrap")
    parser.add_argument("folder", type=Path)
    told = parser.parse_args(arguments)
    app = build(told.bootstrap, told.folder)
    faust.Worker(app, loglevel="info").execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1:])
