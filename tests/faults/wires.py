"""The runner's side of the proxies: starts their process, tells it what to do to which broker's link."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from ops.run.broker.properties import Node

START_S: Final = 20.0
ANSWER_S: Final = 10.0


class Wires:
    """The process of the proxies; it ends when its standard input does, so it never outlives the runner.

    Args:
        nodes: Brokers whose clients are told another port.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._pairs = [f"{node.advertised_port}:{node.port}" for node in nodes]
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start; returns when every port takes connections."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.proxy",
            *self._pairs,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        if await self._line(START_S) != "ready":
            raise RuntimeError("the proxies did not start")

    async def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), ANSWER_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def delay(self, least_s: float, longest_s: float) -> None:
        """Make every chunk take a time between these, each way; 0, 0 is none."""
        await self._do(do="delay", least_s=least_s, longest_s=longest_s)

    async def reset(self) -> int:
        """Reset every connection; returns how many."""
        return (await self._do(do="reset"))["changed"]

    async def shut(self, broker: int) -> None:
        """Refuse connections to one broker, as its own port would when it is dead."""
        await self._do(do="shut", broker=broker)

    async def open(self, broker: int) -> None:
        """Take connections to it again."""
        await self._do(do="open", broker=broker)

    async def delayed(self) -> int:
        """Return how many chunks were held back since the delay was set."""
        return (await self._do(do="tell"))["delayed"]

    async def _do(self, **command: str | float) -> Mapping[str, int]:
        process = self._process
        if process is None or process.stdin is None:
            raise RuntimeError("the proxies do not run")
        async with self._turn:
            process.stdin.write(json.dumps(command).encode() + b"\n")
            await process.stdin.drain()
            answer: Mapping[str, int] = json.loads(await self._line(ANSWER_S))
        return answer

    async def _line(self, deadline_s: float) -> str:
        process = self._process
        if process is None or process.stdout is None:
            raise RuntimeError("the proxies do not run")
        line = await asyncio.wait_for(process.stdout.readline(), deadline_s)
        return line.decode().strip()
