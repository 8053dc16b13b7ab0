"""Runs the trial's `hub up` as a child process.

Its addresses come from its run folder. It ends when our process ends, for whatever reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

from ops.console.exits import CommandError, Exit
from ops.run.broker.native import LEASH
from ops.run.credentials import FOLDER, PEOPLE, make, token_path
from ops.run.run_folder import NAME, Running, find

START_S: Final = 300.0
STOP_S: Final = 60.0
LOOK_S: Final = 0.2


class HubUp:
    """A running `hub up`; an asynchronous context manager.

    Args:
        folder: Run folder.
        store: sqlite or postgres.
    """

    def __init__(self, folder: Path, store: str) -> None:
        self._folder = folder
        self._store = store
        self.log = folder / "up.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ended(self) -> bool:
        """True when it has ended or was never started."""
        return self._process is None or self._process.poll() is not None

    @property
    def running(self) -> Running:
        """Addresses of the hub; only while it runs."""
        return find(self._folder)

    @property
    def keys(self) -> dict[str, str]:
        """Agency to its API key."""
        keys: dict[str, str] = json.loads((self._folder / "credentials" / "api-keys.json").read_text(encoding="utf-8"))
        return keys

    @property
    def tokens(self) -> dict[str, str]:
        """Role to the token of somebody who has it."""
        folder = self._folder / FOLDER
        return {role: token_path(folder, role).read_text(encoding="utf-8").strip() for role in PEOPLE}

    async def __aenter__(self) -> Self:
        self._folder.mkdir(exist_ok=True, mode=0o700)
        make(self._folder / FOLDER, (), PEOPLE)
        (self._folder / NAME).unlink(missing_ok=True)
        self._process = self._spawn()
        try:
            await self._started()
        except BaseException:
            await self.stop()
            raise
        return self

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ops", "up", "--folder", str(self._folder), "--store", self._store]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - ourselves
                ["/bin/sh", "-c", LEASH, "leash", str(self._folder / "up.pid"), str(int(STOP_S)), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    key: value for key, value in os.environ.items() if not key.startswith("HUB_") or key == "HUB_KAFKA"
                },
                start_new_session=True,
            )

    async def _started(self) -> None:
        end = time.monotonic() + START_S
        # The file is written when all services are ready.
        while not (self._folder / NAME).exists():
            if self.ended or time.monotonic() > end:
                raise CommandError(Exit.DIFFERENCE, f"hub up 未能启动 did not start:\n{self.log.read_text()[-2000:]}")
            await asyncio.sleep(LOOK_S)

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop it in order and wait for its end.

        The leash sends SIGTERM.
        """
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        await asyncio.to_thread(self._process.wait)
