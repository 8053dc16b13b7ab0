"""A hub whose services change their build while its stores, keys and broker data stay."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.blackbox.hubs import HERE, STOP_S, RunningHub, wait_until

TOLD = "told"
"""Folder of a `run.json` with the services in it, for the commands of an operator."""


class UpgradedHub(RunningHub):
    """A hub of an old build that becomes one of this build.

    Args:
        folder: For everything.
        store: sqlite or postgres.
        old: Checkout whose services are started first.

    Attributes:
        longest_s: Longest wait for a result.
    """

    def __init__(self, folder: Path, store: str, old: Path) -> None:
        # The days of the records stand still: the same holidays are known in each year in which this is run. On the
        # wall clock the intake of e20ee70 may end by itself while the machine is busy (mended by 93c012d).
        super().__init__(folder, store, clock="scenario")
        self.root = old
        self.longest_s = 0.0

    async def renew(self, names: Sequence[str]) -> None:
        """Have services of this build take the place of running ones, as a rolling upgrade does."""
        for name in names:
            await asyncio.to_thread(self.end, name)
        self.root = HERE
        for name in names:
            await asyncio.to_thread(self.start, name)

    def end(self, name: str) -> None:
        """End a service in an orderly way."""
        assert self.stop(name) == 0, f"{name} did not end in order: {self.log(name)[-1000:]}"

    def renew_bus(self) -> None:
        """Stop broker and stores, and start them from this build."""
        assert self._bus is not None
        self._bus.send_signal(signal.SIGINT)
        self._bus.wait(2 * STOP_S)
        if self._bus.stdout is not None:
            self._bus.stdout.close()
        self.root = HERE
        self._bus = self._start_bus()
        run = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        self.kafka, self.stores = run["kafka"], run["stores"]
        keys = json.loads((self.folder / "credentials" / "api-keys.json").read_text(encoding="utf-8"))
        self.keys = {bridge: keys[agency] for bridge, agency in self.agency.items()}

    def stop_broker(self) -> None:
        """End the broker alone: what is accepted from now on is not sent."""
        pidfile = next(self.folder.glob("kafka/broker-*/broker.pid"))
        os.kill(int(pidfile.read_text()), signal.SIGTERM)
        wait_until("the broker ends", lambda: not pidfile.exists(), STOP_S)

    def rebuild_stats(self) -> None:
        """Have stats drop its figures and fold the journal again, as the runbook says."""
        self.end("stats")
        told = {"HUB_STORE_URL": self.stores["stats"], "HUB_KAFKA_BOOTSTRAP": self.kafka}
        told |= {"HUB_GRPC_PORT": self.grpc["stats"].rpartition(":")[2], "HUB_HTTP_PORT": "0"}
        told["HUB_KEYS_DIR"] = str(self.folder / "keys")
        done = subprocess.run(
            [sys.executable, "-m", "services.stats", "rebuild"],
            cwd=self.root,
            env=self._environment() | told,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.start("stats")

    async def command(self, *arguments: str) -> Any:  # noqa: ANN401 - any JSON
        """Run a `hub … --json` of the build that runs now; returns its document."""
        folder = self.folder / TOLD
        folder.mkdir(exist_ok=True)
        run = {"folder": str(self.folder), "pid": 0, "kafka": self.kafka, "stores": self.stores}
        text = json.dumps(run | {"grpc": self.grpc, "http": self.http})
        (folder / "run.json").write_text(text, encoding="utf-8")
        done = await asyncio.to_thread(self.cli, *arguments, "--json", "--run", str(folder))
        assert done.stdout, done.stderr
        return json.loads(done.stdout)
