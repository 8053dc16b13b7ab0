"""Kills and pauses services on purpose.

It decides which service is killed and when, and records how much unfinished work the service had.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGCONT, SIGSTOP
from typing import Final

from dispute.contracts.topics import BRIDGES
from ops.run.books import Sheet, unread
from ops.run.children import Child
from ops.run.client import HubClient
from ops.run.launcher import SERVICES, Hub

LEAST_KILLS: Final = 8
LEAST_LOADED: Final = 5
PAUSE_S: Final = (1.0, 3.0)
STOPPED_S: Final = 3.0
"""Pause of a process: longer than a reader's session under chaos, and longer than any answer should take."""

PATIENCE_S: Final = 4.0
LONGEST_HOLD_S: Final = 30.0
LOOK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Kill:
    """One SIGKILL.

    Attributes:
        service: Service that was killed.
        at: Seconds since the start of the run.
        outbox_rows: Records that it had written and Kafka had not confirmed, as its books said just before.
        unread: Records that waited for it, as the books of their senders said just before.
    """

    service: str
    at: float
    outbox_rows: int
    unread: int

    @property
    def loaded(self) -> bool:
        """True when it had unfinished work."""
        return self.outbox_rows > 0 or self.unread > 0


def victims(seed: int) -> Iterator[str]:
    """Yield the services to kill, without end.

    Each round contains each of the five once, in an order drawn from the seed, so that none is left out.
    """
    dice = random.Random(seed)  # noqa: S311 - reproducible, no secret
    while True:
        round_ = list(SERVICES)
        dice.shuffle(round_)
        yield from round_


def senders_of(service: str) -> Sequence[str]:
    """Return the services whose streams a service reads."""
    return BRIDGES if service == "intake" else ("intake",)


def least_loaded(*, pausing: bool) -> int:
    """Return how many kills must find work.

    With pauses it is 0: a scenario of a day or two is finished between two blows, so there only the kill and the pause
    of every service count. `hub trial` and the fault matrix do the same under load.
    """
    return 0 if pausing else LEAST_LOADED


def required(fraction: float, least: int = LEAST_KILLS) -> int:
    """Return how many kills a progress requires.

    So many kills must have happened when that fraction of the work is done.
    """
    return int(max(0.0, min(1.0, fraction)) * least)


class Chaos:
    """Kills and restarts services during a run.

    It slows the driver down when the driver would finish before enough services were killed.

    Args:
        seed: Decides victims and pauses.
        hub: Hub whose processes are killed.
        client: Client that reads the books.
        happened: Called after each kill.
        pausing: Stops a service for three seconds (SIGSTOP, SIGCONT) after each kill.
    """

    def __init__(
        self, seed: int, hub: Hub, client: HubClient, happened: Callable[[Kill], None], *, pausing: bool = False
    ) -> None:
        self._dice = random.Random(f"{seed}/pauses")  # noqa: S311 - reproducible, no secret
        self._victims = victims(seed)
        self._sleepers = victims(seed + 1)
        self._pausing = pausing
        self._idle_allowed = LEAST_KILLS - least_loaded(pausing=pausing)
        self._hub = hub
        self._client = client
        self._happened = happened
        self._started = time.monotonic()
        self._known: dict[str, Sheet] = {}
        self._changed = asyncio.Condition()
        self._armed = False
        self._ending = False
        self.kills: list[Kill] = []
        self.pauses: Counter[str] = Counter()

    async def run(self) -> None:
        """Kill and pause services until the run is over.

        It ends when it is cancelled, or when all work is done and enough services were killed.
        """
        while not (self._ending and len(self.kills) >= LEAST_KILLS):
            await asyncio.sleep(self._dice.uniform(*PAUSE_S))
            await self._strike(self._draw(self._victims))
            if self._pausing:
                await self._pause(self._draw(self._sleepers))

    async def pace(self, fraction: float) -> None:
        """Hold the driver while too few kills have happened.

        One kill that is being prepared counts as done, so that its victim can get load. Only one: otherwise the driver
        would finish everything before the books have shown work on hand.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_HOLD_S), self._changed:
                await self._changed.wait_for(lambda: len(self.kills) + self._armed >= required(fraction))

    def finish(self) -> None:
        """Announce that no more work will come."""
        self._ending = True

    def _draw(self, services: Iterator[str]) -> Child:
        workers = self._hub.of(next(services))
        return self._dice.choice(workers)

    async def _strike(self, victim: Child) -> None:
        await victim.wait_ready()
        await self._arm(armed=True)
        patience = time.monotonic() + PATIENCE_S
        outbox_rows, waiting = await self._held(victim)
        while not (outbox_rows or waiting):
            idle = sum(not kill.loaded for kill in self.kills)
            if time.monotonic() > patience and (idle < self._idle_allowed or self._ending):
                break
            await asyncio.sleep(LOOK_S)
            outbox_rows, waiting = await self._held(victim)
        killed = victim.kill()
        await self._arm(armed=False)
        if not killed:
            return
        kill = Kill(victim.name, round(time.monotonic() - self._started, 1), outbox_rows, waiting)
        await victim.wait_ended()
        victim.start()
        async with self._changed:
            self.kills.append(kill)
            self._changed.notify_all()
        self._happened(kill)
        await victim.wait_ready()

    async def _pause(self, sleeper: Child) -> None:
        await sleeper.wait_ready()
        sleeper.signal(SIGSTOP)
        try:
            await asyncio.sleep(STOPPED_S)
        finally:
            # Also when the run is over: a paused process can't react to a stop request.
            sleeper.signal(SIGCONT)
        self.pauses[sleeper.name] += 1

    async def _arm(self, *, armed: bool) -> None:
        async with self._changed:
            self._armed = armed
            self._changed.notify_all()

    async def _held(self, victim: Child) -> tuple[int, int]:
        names = {victim.label: victim.label} | {name: name for name in senders_of(victim.name)}
        sheets = await asyncio.gather(*(self._client.sheet_now(label) for label in names))
        for name, sheet in zip(names, sheets, strict=True):
            if sheet is not None:
                self._known[name] = sheet
        return held(victim, self._known)


def held(victim: Child, sheets: Mapping[str, Sheet]) -> tuple[int, int]:
    """Return (outbox rows, unread records) of a service.

    They come from the latest known books; both are 0 while its own books are not known.
    """
    own = sheets.get(victim.label)
    if own is None:
        return 0, 0
    senders = [sheets[name] for name in senders_of(victim.name) if name in sheets]
    return own.outbox_rows, unread(senders, own)
