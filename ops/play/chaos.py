"""kill -9 on purpose: which service, when, and what it held at that moment; and pauses beside it."""

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
"""A pause of a process: longer than the session of a reader under chaos, and than any answer should take."""

PATIENCE_S: Final = 4.0
LONGEST_HOLD_S: Final = 30.0
LOOK_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Kill:
    """One SIGKILL.

    Attributes:
        service: Who was killed.
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
        """It held work when it died."""
        return self.outbox_rows > 0 or self.unread > 0


def victims(seed: int) -> Iterator[str]:
    """Yield services for ever: each of the five once in a drawn order, then again, so that none is spared."""
    dice = random.Random(seed)  # noqa: S311 - reproducible, no secret
    while True:
        round_ = list(SERVICES)
        dice.shuffle(round_)
        yield from round_


def senders_of(service: str) -> Sequence[str]:
    """Return who writes the streams that a service reads."""
    return BRIDGES if service == "intake" else ("intake",)


def least_loaded(*, pausing: bool) -> int:
    """Return how many of the kills must find work on hand.

    Between two blows that take their pause, a scenario of a day or two is worked off: there what counts is that every
    service is killed and paused. Under load the same is done by `hub trial` and the fault matrix.
    """
    return 0 if pausing else LEAST_LOADED


def required(fraction: float, least: int = LEAST_KILLS) -> int:
    """Return how many kills there must have been when that share of the work is done."""
    return int(max(0.0, min(1.0, fraction)) * least)


class Chaos:
    """Kills and restarts services while the driver works; slows the driver when it would be done too early.

    Args:
        seed: Decides victims and pauses.
        hub: Whose children are killed.
        desk: Asks the books.
        happened: Called after each kill.
        pausing: Stops a service for three seconds (SIGSTOP, SIGCONT) after each kill.
    """

    def __init__(
        self, seed: int, hub: Hub, desk: HubClient, happened: Callable[[Kill], None], *, pausing: bool = False
    ) -> None:
        self._dice = random.Random(f"{seed}/pauses")  # noqa: S311 - reproducible, no secret
        self._victims = victims(seed)
        self._sleepers = victims(seed + 1)
        self._pausing = pausing
        self._idle_allowed = LEAST_KILLS - least_loaded(pausing=pausing)
        self._hub = hub
        self._desk = desk
        self._happened = happened
        self._started = time.monotonic()
        self._known: dict[str, Sheet] = {}
        self._changed = asyncio.Condition()
        self._armed = False
        self._ending = False
        self.kills: list[Kill] = []
        self.pauses: Counter[str] = Counter()

    async def run(self) -> None:
        """Strike until cancelled or until the work is at its end and enough was killed."""
        while not (self._ending and len(self.kills) >= LEAST_KILLS):
            await asyncio.sleep(self._dice.uniform(*PAUSE_S))
            await self._strike(self._draw(self._victims))
            if self._pausing:
                await self._pause(self._draw(self._sleepers))

    async def pace(self, fraction: float) -> None:
        """Hold the driver while the kills are behind its work; while a victim is up and watched, load for it may come.

        For one kill at a time: else the driver is done with everything before the books have shown work on hand.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_HOLD_S), self._changed:
                await self._changed.wait_for(lambda: len(self.kills) + self._armed >= required(fraction))

    def finish(self) -> None:
        """Say that no more work comes."""
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
            # Also when the run is over: what is stopped can't be told to end.
            sleeper.signal(SIGCONT)
        self.pauses[sleeper.name] += 1

    async def _arm(self, *, armed: bool) -> None:
        async with self._changed:
            self._armed = armed
            self._changed.notify_all()

    async def _held(self, victim: Child) -> tuple[int, int]:
        names = {victim.label: victim.label} | {name: name for name in senders_of(victim.name)}
        sheets = await asyncio.gather(*(self._desk.sheet_now(label) for label in names))
        for name, sheet in zip(names, sheets, strict=True):
            if sheet is not None:
                self._known[name] = sheet
        return held(victim, self._known)


def held(victim: Child, sheets: Mapping[str, Sheet]) -> tuple[int, int]:
    """Return (outbox rows, unread records) of a service by the latest books; nothing while they are not known."""
    own = sheets.get(victim.label)
    if own is None:
        return 0, 0
    senders = [sheets[name] for name in senders_of(victim.name) if name in sheets]
    return own.outbox_rows, unread(senders, own)
