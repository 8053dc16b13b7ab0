"""Runs a year through a hub, judges it, and replays its journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dispute.calendar.days import business_day
from hub.runtime.clock import WallClock
from hub.streams.memory_log import MemoryLog
from tests.year.backlog import alarmed, enter, week_before
from tests.year.judging import Judgement, judge, read
from tests.year.one_hub import one_hub
from tests.year.plan import Plan
from tests.year.playing import Played, play
from tests.year.real_hub import real_hub
from tests.year.replaying import replayed

TAIL_DAYS: Final = 40
"""Days after the last input: what nobody ended reaches its alarms."""
Progress = Callable[[int, int], None]


def _silent(_: int, __: int) -> None:
    """Show no progress."""


@dataclass
class Run:
    """A year on one kind of store.

    Attributes:
        otherwise: Disputes that a replay of the journal leaves otherwise.
        seconds: What took how long.
    """

    judgement: Judgement = field(default_factory=Judgement)
    played: Played = field(default_factory=Played)
    otherwise: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """What each check found; all are 0 when the hub is right."""
        return self.judgement.counts | {"replayed_wrong": len(self.otherwise)}


@contextmanager
def _timed(found: Run, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    found.seconds[what] = round(time.monotonic() - began, 1)


@dataclass(frozen=True)
class Backlog:
    """A week that was entered at once.

    Attributes:
        alarms: What rang meanwhile.
        lost: Disputes that were acknowledged and are not there.
    """

    inputs: int
    alarms: list[str]
    lost: list[str]
    seconds: float


async def run(plan: Plan, folder: Path, stores: Mapping[str, str] | None = None, progress: Progress = _silent) -> Run:
    """Play a plan through a hub in this process, judge the hub, and replay its journal.

    Args:
        plan: The year.
        folder: Keys, and stores where none are given.
        stores: Service to the URL of its store, and `replay` for an empty one.
        progress: Gets the inputs given, and all of them.
    """
    found = Run()
    with _timed(found, "played and judged"):
        async with one_hub(folder, stores) as hub:
            found.played = await play(hub.doors, plan, TAIL_DAYS, heard=hub.heard, progress=progress)
            found.judgement = await judge(hub.doors, plan, found.played, await read(hub.doors))
    empty = f"sqlite:///{folder / 'replay.db'}" if stores is None else stores["replay"]
    with _timed(found, "replayed"):
        found.otherwise = replayed(hub.settings, empty, MemoryLog(hub.bus))
    return found


async def run_real(
    plan: Plan, folder: Path, store: str, say: Callable[[str], None], progress: Progress = _silent
) -> Run:
    """Play a plan through five processes and a real Kafka; else as `run`."""
    found = Run()
    with _timed(found, "started, played and judged"):
        async with real_hub(folder, store, say) as (doors, settings):
            found.played = await play(doors, plan, TAIL_DAYS, progress=progress)
            found.judgement = await judge(doors, plan, found.played, await read(doors))
            # The broker, which has the journal, runs no longer than the hub.
            found.otherwise = replayed(settings, f"sqlite:///{folder / 'replay.db'}")
    return found


async def run_backlog(folder: Path, seed: int, count: int) -> Backlog:
    """Enter the week before the last two days on the wall clock, with the alarm clock running."""
    plan = week_before(business_day(WallClock().now()), seed, count)
    async with one_hub(folder, clock=WallClock(), kind="wall") as hub:
        began = time.monotonic()
        played = await enter(hub.doors, plan, hub.ring)
        seconds = time.monotonic() - began
        answers = await read(hub.doors)
    alarms = [each for history in answers.histories.values() for each in alarmed(history)]
    lost = sorted(played.accepted - answers.register.keys())
    return Backlog(played.inputs, alarms, lost, round(seconds, 1))
