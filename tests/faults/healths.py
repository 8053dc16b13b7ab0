"""What services say of themselves while a fault lasts, over HTTP and gRPC."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import httpx2

from ops.run.children import Child
from tests.faults.rig import Rig

ASK_S: Final = 5.0
LOOK_S: Final = 0.25
CODES: Final[Mapping[str, int]] = {"ok": 200, "degraded": 200, "down": 503}
"""Status that a service tells -> HTTP status that goes with it."""


class Said(NamedTuple):
    """One answer.

    Attributes:
        code: HTTP status; 0 when there was no answer in time.
        status: `ok`, `degraded`, `down`; empty as above.
        alive: `/livez` was answered with 200.
        serving: gRPC health says SERVING.
    """

    code: int
    status: str
    alive: bool
    serving: bool


async def ask(child: Child) -> Said:
    """Ask one process."""
    async with httpx2.AsyncClient(base_url=child.http_url, timeout=ASK_S) as client:
        try:
            health, life = await asyncio.gather(client.get("/healthz"), client.get("/livez"))
            code, status, alive = health.status_code, str(health.json().get("status", "")), life.status_code
        except (httpx2.TransportError, ValueError):
            return Said(0, "", alive=False, serving=False)
    return Said(code, status, alive == httpx2.codes.OK, await child.serving())


async def differing(rig: Rig, expected: Mapping[str, str], deadline_s: float) -> list[str]:
    """Return a line for each process that does not come to say what it should.

    Args:
        rig: Running.
        expected: Label of a process -> status.
        deadline_s: How long it may take.
    """
    end = time.monotonic() + deadline_s
    while True:
        said = dict(zip(expected, await asyncio.gather(*(ask(rig.child(label)) for label in expected)), strict=True))
        wrong = [
            f"health: {label} says {said[label]}, expected is {status}"
            for label, status in expected.items()
            if not right(said[label], status)
        ]
        if not wrong or time.monotonic() > end:
            return wrong
        await asyncio.sleep(LOOK_S)


def right(said: Said, status: str) -> bool:
    """Tell whether an answer is the expected one: by its word, by its HTTP status, and alive whatever it is."""
    return said.alive and (said.status, said.code) == (status, CODES[status])
