"""What an injection works with: the rig, the running load, a dice of its own, and a place for what it did and saw."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka.errors import KafkaError

from hub.errors import Retryable
from tests.faults.health_table import DOWN_AFTER_S, NOTICED_S, role_of
from tests.faults.healths import differing
from tests.faults.load import Load, Manner
from tests.faults.rig import Rig
from tests.faults.script import CLOCKS

SQLITE: Final = ("sqlite",)
POSTGRES: Final = ("postgres",)
STORES: Final = (*SQLITE, *POSTGRES)
LOOK_S: Final = 0.02
ANSWER_S: Final = 14.5
"""By then a service whose store can't serve has said so, whatever it waits for; callers give up at 15 s."""


class NotBitten(Exception):  # noqa: N818 - no error of the hub: the fault did not take place, draw again
    """The fault did not happen, or happened to nothing."""


@dataclass
class Scene:
    """One injection.

    Attributes:
        faults: What was done, in order, with the proof that it took place.
        problems: What the hub did wrong meanwhile.
        health: Role of a service -> what it has to say of itself once the fault has lasted; empty when nobody asks.
    """

    rig: Rig
    load: Load
    dice: random.Random
    faults: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    health: Mapping[str, str] = field(default_factory=dict)

    async def lasts(self, labels: Iterable[str], seconds: float) -> None:
        """Let a fault last that strikes these processes; each has to say in time what is the matter with it."""
        expected = {label: self.health[role_of(self.rig.child(label).name)] for label in labels if self.health}
        lasting = asyncio.create_task(asyncio.sleep(seconds))
        if expected:
            await asyncio.sleep(DOWN_AFTER_S)
            # Some troubles are noticed late; what health says in the last second of the fault is what counts.
            self.problems += await differing(self.rig, expected, max(NOTICED_S, seconds - DOWN_AFTER_S - 1.0))
            self.note(f"health asked of {', '.join(expected)}")
        await lasting

    def note(self, text: str) -> None:
        """Write down what was done."""
        self.faults.append(text)

    def in_time(self, longest_s: float) -> None:
        """Write it down as wrong when a caller waited too long for its answer, whatever that was."""
        self.note(f"no call waited longer than {longest_s:.1f} s for its answer")
        if longest_s > ANSWER_S:
            self.problems.append(f"a call had no answer after {longest_s:.1f} s; {ANSWER_S} s is the bound")

    def worker_of(self, service: str) -> str:
        """Draw a process of a service."""
        return self.dice.choice([child.label for child in self.rig.hub.of(service)])

    async def until(self, what: str, look: Callable[[], Awaitable[bool]], deadline_s: float) -> None:
        """Wait until something is so.

        Raises:
            NotBitten: It was not in time.
        """
        end = time.monotonic() + deadline_s
        while not await look():
            self.load.raise_for_dead()
            if time.monotonic() > end:
                raise NotBitten(f"{what}: not within {deadline_s:.0f} s")
            await asyncio.sleep(LOOK_S)


def on_cluster(work: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """Return a condition: blocking work on the cluster is done. While that is out of reach, it is not.

    Args:
        work: Returns whether it is done; may be done twice.
    """

    async def tried() -> bool:
        try:
            return await asyncio.to_thread(work)
        except (KafkaError, Retryable):
            return False

    return tried


Inject = Callable[[Scene], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        name: Stable; what `--kinds` takes.
        what: What is injected, for people.
        inject: Does it, waits for its end, and proves that it took place.
        touches: Parts of the rig that it takes hold of; kinds that share one are never mixed.
        stores: Where it applies.
        short: Stores on which it belongs to the short list.
        manner: How the partners behave meanwhile.
        clocks: By which clocks it can be played; the first is that of the short list.
        mixes: It may be one of several at once.
    """

    name: str
    what: str
    inject: Inject
    touches: frozenset[str]
    stores: tuple[str, ...] = STORES
    short: tuple[str, ...] = SQLITE
    manner: Manner = Manner()  # noqa: RUF009 - frozen
    clocks: tuple[str, ...] = CLOCKS
    mixes: bool = True
