"""Runs a year through a hub in this process, judges it, and replays its journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.streams.memory_log import MemoryLog
from tests.year.judging import Judgement, judge, read
from tests.year.one_hub import one_hub
from tests.year.plan import Plan
from tests.year.playing import Played, play
from tests.year.replaying import replayed

TAIL_DAYS = 40


@dataclass(frozen=True)
class Run:
    """A year on one kind of store.

    Attributes:
        otherwise: Disputes that a replay of the journal leaves otherwise.
    """

    judgement: Judgement
    played: Played
    otherwise: list[str]
    seconds: Mapping[str, float]

    @property
    def counts(self) -> dict[str, int]:
        """What each check found; all are 0 when the hub is right."""
        return self.judgement.counts | {"replayed_wrong": len(self.otherwise)}


async def run(
    plan: Plan,
    folder: Path,
    stores: Mapping[str, str] | None = None,
    *,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Run:
    """Play a plan, judge the hub, and replay its journal.

    Args:
        plan: The year.
        folder: Keys, and stores where none are given.
        stores: Service to the URL of its store, and `replay` for an empty one.
        progress: Gets the inputs given, and all of them.
    """
    began, seconds = time.monotonic(), {}
    async with one_hub(folder, stores) as hub:
        played = await play(hub.doors, plan, TAIL_DAYS, heard=hub.heard, progress=progress)
        seconds["played"] = time.monotonic() - began
        judgement = await judge(hub.doors, plan, played, await read(hub.doors))
        seconds["judged"] = time.monotonic() - began - seconds["played"]
    began = time.monotonic()
    empty = f"sqlite:///{folder / 'replay.db'}" if stores is None else stores["replay"]
    otherwise = replayed(hub.settings, empty, MemoryLog(hub.bus))
    seconds["replayed"] = time.monotonic() - began
    return Run(judgement, played, otherwise, {name: round(each, 1) for name, each in seconds.items()})
