"""Runs one service as a child process.

The child is started, watched through its health, stopped in order, or killed on purpose.
"""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import grpc
import httpx2
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs

from hub.grpc.client import channel
from ops.console.exits import CommandError, Exit
from ops.run.broker.native import LEASH, READY_S

GRACE_S: Final = 20.0
POLL_S: Final = 0.05
LAST_WORDS: Final = 1500
LIVENESS: Final = "/livez"
NOBODY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
"""gRPC status codes that mean that nobody answered."""


class Child:
    """A `python -m services.<name>` process and its addresses.

    It runs under a leash: a shell whose standard input is a pipe of our process. The pipe closes when our process ends,
    for whatever reason, and the shell then ends the child.

    Args:
        name: Service, for example `intake`.
        worker: 1 for the first process of a service, 2 for the next.
        environment: All variables that it gets; read at each start.
        folder: Run folder, for its log and its pid file.
        command: What to run; the service's own module when empty.
    """

    def __init__(
        self, name: str, worker: int, environment: Mapping[str, str], folder: Path, command: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.worker = worker
        self.folder = folder
        self.label = name if worker == 1 else f"{name}-{worker}"
        self.command: tuple[str, ...] = tuple(command) or (sys.executable, "-m", f"services.{name}")
        self.log = folder / "logs" / f"{self.label}.log"
        self._pid_file = folder / "pids" / f"{self.label}.pid"
        self.environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self.grpc_address = f"127.0.0.1:{environment['HUB_GRPC_PORT']}"
        self.http_url = f"http://127.0.0.1:{environment['HUB_HTTP_PORT']}"
        self._killed = False

    def start(self) -> None:
        """Start the process without waiting for it."""
        for folder in (self.log.parent, self._pid_file.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self._pid_file.unlink(missing_ok=True)
        command = ["/bin/sh", "-c", LEASH, "leash", str(self._pid_file), str(int(GRACE_S)), *self.command]
        with self.log.open("ab") as log:
            self._process = self._spawn(command, log)
        self._killed = False

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self.environment,
            # A session of its own: Ctrl-C reaches our process alone, which stops the children in order.
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        """True while the process has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit code; None until it has ended."""
        return None if self._process is None else self._process.poll()

    @property
    def broke_down(self) -> bool:
        """True when it ended without being killed here.

        A kill on purpose (`kill`) does not count.
        """
        return self._process is not None and not self.running and not self._killed

    def pid(self) -> int | None:
        """Return the process id of the service itself.

        It is not the id of the leash. None before the service runs and after it ended.
        """
        try:
            return int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    async def wait_ready(self, deadline_s: float = READY_S) -> None:
        """Wait until its health says SERVING.

        Raises:
            CommandError: It ended, or it did not come up in time; with the end of its log.
        """
        end = time.monotonic() + deadline_s
        while not await self.serving():
            if not self.running:
                raise CommandError(
                    Exit.DIFFERENCE,
                    f"{self.last_words()}\n{self.label} 未能启动 ended at its start: {cause_of(self.exit_code)}\n"
                    f"日志 log: {self.log}",
                )
            if time.monotonic() > end:
                raise CommandError(Exit.TIMED_OUT, f"{self.label} 未就绪 not ready in time:\n{self.last_words()}")
            await asyncio.sleep(POLL_S)

    async def serving(self) -> bool:
        """Ask its health service whether it is serving."""
        # A fresh channel for each request: after a refused connection a channel waits seconds before it retries.
        async with channel(self.grpc_address) as asked:
            try:
                answer = await health_pb2_grpc.HealthStub(asked).Check(health_pb2.HealthCheckRequest(), timeout=2.0)
            except grpc.aio.AioRpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def answers(self, timeout_s: float) -> bool:
        """Tell whether it answers within the timeout.

        It may answer over HTTP or gRPC. A refusal counts as an answer too.
        """
        return any(await asyncio.gather(self._answers_http(timeout_s), self._answers_grpc(timeout_s)))

    async def _answers_http(self, timeout_s: float) -> bool:
        # Plain HTTP on loopback: httpx2 would read all certificates of the machine for each client, 0.1 s of work.
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            async with asyncio.timeout(timeout_s), httpx2.AsyncClient(timeout=timeout_s, verify=no_tls) as client:
                await client.get(f"{self.http_url}{LIVENESS}")
        except (httpx2.TransportError, TimeoutError):
            return False
        return True

    async def _answers_grpc(self, timeout_s: float) -> bool:
        async with channel(self.grpc_address) as asked:
            try:
                await health_pb2_grpc.HealthStub(asked).Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
            except grpc.aio.AioRpcError as error:
                return error.code() not in NOBODY
        return True

    def kill(self) -> bool:
        """Send SIGKILL at once.

        Returns whether there was a process to kill.
        """
        if self.pid() is None or not self.running:
            return False
        self._killed = True
        return self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to the service itself.

        Returns whether there was a process to send it to.
        """
        pid = self.pid()
        if pid is None or not self.running:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def terminate(self) -> None:
        """Ask it to stop.

        The leash sends SIGTERM, and SIGKILL after the grace period.
        """
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def wait_ended(self, deadline_s: float = GRACE_S + 5) -> None:
        """Wait until it has ended.

        It gets SIGKILL when the deadline passes.
        """
        end = time.monotonic() + deadline_s
        while self.running:
            if time.monotonic() > end:
                self.kill()
                end += GRACE_S
            await asyncio.sleep(POLL_S)
        self.terminate()  # closes the pipe to the leash

    def obituary(self, note: str = "") -> CommandError:
        """Return the error for an unexpected end.

        Its text says how the process ended, what was tried, and how to go on.

        Args:
            note: What was tried before, for people.
        """
        lines = (
            self.last_words(),
            f"{self.label} 已退出 ended: {cause_of(self.exit_code)}。{note}",
            "其余服务和自启的 Kafka 均已停止 Everything else that was started here was stopped.",
            f"日志 log: {self.log}",
            f"继续 to go on: hub up --folder {self.folder}",
        )
        return CommandError(Exit.DIFFERENCE, "\n".join(lines))

    def last_words(self) -> str:
        """Return the last whole lines of its log."""
        try:
            log = self.log.read_bytes()
        except FileNotFoundError:
            return ""
        end = log[-LAST_WORDS:]
        if len(log) > len(end) and log[-LAST_WORDS - 1 : -LAST_WORDS] != b"\n":
            # One line that is longer than the limit is shown from its middle; else nothing would be shown.
            end = end.partition(b"\n")[2] or end
        return end.decode(errors="replace").rstrip("\n")


def cause_of(exit_code: int | None) -> str:
    """Describe for people how a process ended.

    The leash's shell reports a signal as exit code 128 + its number.
    """
    number = 0 if exit_code is None else -exit_code if exit_code < 0 else exit_code - 128
    try:
        return f"信号 signal {signal.Signals(number).name}"
    except ValueError:
        return f"退出码 exit code {exit_code}"
