"""`hub up` as a county runs it: what died or hangs comes back on its addresses, and what won't stay is given up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs

from tests.blackbox.hubs import root_under_test, wait_until

KAFKA_PID = Path("kafka", "broker-1", "broker.pid")
BACK_S = 60.0


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HUB_") or key == "HUB_KAFKA"}
    return kept | {"PYTHONPATH": str(root_under_test()), "PYTHONUNBUFFERED": "1"}


class Up:
    """A running `hub up`."""

    def __init__(self, folder: Path, process: subprocess.Popen[str]) -> None:
        self.folder = folder
        self.process = process
        self.run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))

    def pid(self, label: str) -> int | None:
        path = self.folder / (KAFKA_PID if label == "kafka" else Path("pids", f"{label}.pid"))
        try:
            return int(path.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def signal(self, label: str, number: signal.Signals) -> int:
        pid = self.pid(label)
        assert pid is not None, f"{label} does not run"
        os.kill(pid, number)
        return pid

    def serving(self, label: str) -> bool:
        with grpc.insecure_channel(self.run["grpc"][label]) as asked:
            try:
                answer = health_pb2_grpc.HealthStub(asked).Check(health_pb2.HealthCheckRequest(), timeout=2.0)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def back(self, label: str, before: int) -> bool:
        assert self.process.poll() is None, f"hub up ended with {self.process.returncode}"
        return self.pid(label) not in {None, before} and self.serving(label)

    def status(self) -> dict[str, dict[str, Any]]:
        asked = [sys.executable, "-m", "ops", "status", "--run", str(self.folder), "--json"]
        done = subprocess.run(
            asked, cwd=root_under_test(), env=environment(), capture_output=True, text=True, timeout=60, check=False
        )
        return {row["process"]: row for row in json.loads(done.stdout)}


@contextmanager
def up(folder: Path, store: str) -> Iterator[Up]:
    log = folder.parent / "up.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops", "up", "--folder", str(folder), "--store", store],
            cwd=root_under_test(),
            env=environment(),
            stdout=sink,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    try:
        wait_until("hub up", lambda: "Ctrl-C" in log.read_text(encoding="utf-8"), 120)
        yield Up(folder, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.item("1")
def test_up_brings_back_what_died_and_what_hangs_and_leaves_alone_what_only_paused(store: str, tmp_path: Path) -> None:
    with up(tmp_path / "run", store) as hub:
        paused = hub.signal("stats", signal.SIGSTOP)
        killed = hub.signal("court_bridge", signal.SIGKILL)
        hung = hub.signal("police_bridge", signal.SIGSTOP)
        end = time.monotonic() + 3.0
        wait_until("three seconds", lambda: time.monotonic() > end, 5)
        hub.signal("stats", signal.SIGCONT)
        wait_until("the killed bridge serves again", lambda: hub.back("court_bridge", killed), BACK_S)
        wait_until("the hung bridge serves again", lambda: hub.back("police_bridge", hung), BACK_S)
        broker = hub.signal("kafka", signal.SIGKILL)
        wait_until("Kafka runs again", lambda: hub.pid("kafka") not in {None, broker}, BACK_S)
        assert hub.pid("stats") == paused
        shown = hub.status()
        assert {label: row["restarts"] for label, row in shown.items()} == {
            "court_bridge": 1,
            "police_bridge": 1,
            "petition_bridge": 0,
            "intake": 0,
            "stats": 0,
        }
        assert {label: row["grpc"] for label, row in shown.items()} == hub.run["grpc"]
        told = (tmp_path / "up.log").read_text(encoding="utf-8")
        assert "court_bridge 已退出 ended: 信号 signal SIGKILL" in told
        assert "police_bridge 已退出 ended: 15 秒无应答 no answer for 15 s" in told
        assert "kafka 已退出 ended" in told


@pytest.mark.item("1")
def test_up_gives_up_what_dies_again_and_again_and_says_so(store: str, tmp_path: Path) -> None:
    with up(tmp_path / "run", store) as hub:
        killed: list[int] = []

        def died_for_good() -> bool:
            pid = hub.pid("petition_bridge")
            if pid is not None and pid not in killed:
                killed.append(hub.signal("petition_bridge", signal.SIGKILL))
            return hub.process.poll() is not None

        wait_until("hub up gives up", died_for_good, 100)
        told = (tmp_path / "up.log").read_text(encoding="utf-8")
        assert len(killed) == 6
        assert hub.process.returncode == 1
        assert "given up: restarted 5 times within 60 s" in told
        assert hub.pid("intake") is None
        assert hub.pid("kafka") is None
