"""A TCP proxy before each broker, in a process of its own: slows links down, resets them, shuts them.

`python -m tests.faults.proxy LISTEN:TARGET …` prints `ready`, then obeys one JSON command a line on standard input and
answers each with one line; it ends when its standard input does. (Toxiproxy would do, but is a Go server that nobody
here installs; no maintained Python library does this without privileges.)
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

HOST: Final = "127.0.0.1"
CHUNK: Final = 256 * 1024
IN_FLIGHT: Final = 64
"""Chunks that one direction holds back at most; then the sender has to wait, as on a full pipe."""


@dataclass(eq=False)
class Link:
    """The way to one broker.

    Attributes:
        listen: Port for clients.
        target: Port of the broker.
        delay_s: Least and longest time that a chunk takes, each way.
    """

    listen: int
    target: int
    delay_s: tuple[float, float] = (0.0, 0.0)
    carried: int = 0
    delayed: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        """Take connections; does nothing when it does."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.listen)

    async def shut(self) -> int:
        """Refuse connections, as the port of a dead broker does, and reset those that are open."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        return self.reset()

    def reset(self) -> int:
        """Reset every open connection; returns how many."""
        writers = [writer for writer in self._open if not writer.transport.is_closing()]
        for writer in writers:
            # Lingering for no time makes the kernel send RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        return len(writers) // 2

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._open |= pair
        try:
            async with asyncio.TaskGroup() as group:
                for source, sink in ((reader, far_writer), (far_reader, writer)):
                    held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
                    group.create_task(self._take(source, held))
                    group.create_task(self._give(held, sink))
        except* OSError:
            pass  # a reset on either side ends both: that is what it is for
        finally:
            self._open -= pair
            for one in pair:
                one.transport.abort()

    async def _take(self, source: asyncio.StreamReader, held: asyncio.Queue[tuple[float, bytes]]) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            data = await source.read(CHUNK)
            self.carried += len(data)
            slow = self.delay_s[1] > 0
            self.delayed += slow
            due = clock() + (random.uniform(*self.delay_s) if slow else 0.0)  # noqa: S311 - jitter
            await held.put((due, data))
            if not data:
                return

    async def _give(self, held: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, data = await held.get()
            if due > clock():
                await asyncio.sleep(due - clock())
            if not data:
                # One side has finished: neither Kafka nor its clients go on with half a connection.
                raise ConnectionResetError
            sink.write(data)
            await sink.drain()


async def obey(links: Mapping[int, Link], command: Mapping[str, Any]) -> dict[str, int]:
    """Carry out one command on one link or, without `broker`, on all; returns what it came to."""
    chosen = [links[command["broker"]]] if "broker" in command else list(links.values())
    changed = 0
    for link in chosen:
        match command["do"]:
            case "delay":
                link.delay_s = (float(command["least_s"]), float(command["longest_s"]))
                link.delayed = 0
            case "reset":
                changed += link.reset()
            case "open":
                await link.open()
            case "shut":
                changed += await link.shut()
            case "tell":
                pass
            case unknown:
                raise ValueError(unknown)
    return {
        "changed": changed,
        "carried": sum(link.carried for link in chosen),
        "delayed": sum(link.delayed for link in chosen),
    }


async def serve(pairs: list[str]) -> None:
    """Run until standard input ends."""
    links = {}
    for number, pair in enumerate(pairs, start=1):
        listen, _, target = pair.partition(":")
        links[number] = Link(int(listen), int(target))
        await links[number].open()
    stdin = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await stdin.readline():
        answer = await obey(links, json.loads(line))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for link in links.values():
        await link.shut()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
