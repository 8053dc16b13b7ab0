"""Black box: the disks of intake and a bridge die, old backups are put back, and nothing that was published is missing.

The store that "died" stays beside the recovered one: both must hold the same register, receipts, timers and parties.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HUB = (sys.executable, "-m", "ops")
DEADLINE_S = 60.0
INTAKE = (
    "SELECT dispute_id, sequence, state, channel, procedure, snapshot, positions, marks, timers, rings_at FROM dispute",
    "SELECT handoff_id, dispute_id, digest FROM handoff_applied",
    "SELECT command_id, dispute_id, stream, position, refusal FROM command_done WHERE refusal IS NULL",
    "SELECT * FROM case_number",
    "SELECT * FROM match_pair",
    "SELECT dispute_id, master_dispute_id FROM matter_member",
    "SELECT dispute_id, agency FROM confidential",
    "SELECT shard, position, epoch, key, record, hash FROM outbox",
    "SELECT shard, epoch, position, hash, rows FROM stream_head",
)
BRIDGE = (
    "SELECT receipt_id, agency, source_ref, dispute_id, case_of, content_sha256, stream, position FROM receipt",
    "SELECT agency, event_id, status FROM result",
    "SELECT shard, position, epoch, key, record, hash FROM outbox",
)


def hub(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HUB, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)


def done(*arguments: str) -> str:
    made = hub(*arguments)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def rows(store: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return sorted(connection.execute(query).fetchall(), key=repr)


def reached(store: Path, table: str, count: int) -> bool:
    with suppress(sqlite3.OperationalError):
        return rows(store, f"SELECT count(*) FROM {table}")[0] >= (count,)  # noqa: S608 - our own table's name
    return False


@contextmanager
def up(folder: Path, *options: str) -> Iterator[None]:
    held = subprocess.Popen(
        [*HUB, "up", "--folder", str(folder), *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert held.stdout is not None
        said = []
        for line in held.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        assert "Ctrl-C" in "".join(said[-1:]), "".join(said)
        yield
    finally:
        held.send_signal(signal.SIGINT)
        held.communicate(timeout=60)


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka_choice")
@pytest.mark.long
@pytest.mark.timeout(480)
def test_restored_stores_take_back_what_they_had_published(tmp_path: Path) -> None:
    folder, stores = tmp_path / "run", tmp_path / "run" / "stores"
    run = ("--run", str(folder))
    backups = {name: tmp_path / f"{name}.backup" for name in ("intake", "court_bridge")}
    demo = [*HUB, "demo", "--scenario", "scenarios/small.yaml", "--folder", str(folder), "--json"]
    with subprocess.Popen(demo, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as playing:
        end = time.monotonic() + DEADLINE_S
        while not reached(stores / "intake.db", "handoff_applied", 15):
            assert time.monotonic() < end
            assert playing.poll() is None
            time.sleep(0.02)
        for name, file in backups.items():
            done("store", "backup", name, str(file), *run)
        told, error = playing.communicate(timeout=120)
    assert playing.returncode == 0, error
    figures = json.loads(told)["rates"]

    with up(folder, "--bus-only"):
        for name, file in backups.items():
            done("store", "restore", name, str(file), *run)
            assert "taken back from Kafka" in done("store", "recover", name, *run)

    with up(folder):
        end = time.monotonic() + DEADLINE_S
        while True:
            books = json.loads(hub("books", *run, "--json").stdout)
            if books["balanced"] and not any(stage["in_flight"] for stage in books["stages"]):
                break
            assert time.monotonic() < end, books
        restored = json.loads(done("stats", "rates", *run, "--json"))["rates"]
        # The demo tells only the rates.
        assert [rate for rate in restored if rate["metric"] != "matters"] == figures

    for name, queries in (("intake", INTAKE), ("court_bridge", BRIDGE)):
        (died,) = stores.glob(f"{name}.db.replaced-*Z")
        for query in queries:
            assert rows(stores / f"{name}.db", query) == rows(died, query), (name, query)
