"""One run: load flows, the fault is injected, load stops, all drains, the oracle judges."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.faults.evidence import Evidence, gather
from tests.faults.health_table import EXPECTED, OK
from tests.faults.healths import differing
from tests.faults.kinds import BY_NAME, MIXED, mixed
from tests.faults.load import Load
from tests.faults.oracle import judge, readers_did
from tests.faults.rig import Rig
from tests.faults.scene import Kind, NotBitten, Scene

DRAWS: Final = 3
FINISH_S: Final = 120.0
LEVEL_S: Final = 120.0
WELL_S: Final = 15.0
"""By then every service says that all is well again."""
WARM_S: Final = 0.5
SHOWN: Final = 12


@dataclass
class Run:
    """What one run came to; a JSON line.

    Attributes:
        seed: Decides everything that is drawn, together with the place in the hub's life.
        episode: 1, 2, 3 … in that life.
        clock: By which the hub's deadlines ran.
        faults: What was injected, with proof.
        acknowledged: Records that got their receipt in this run.
        lost: Acknowledged records missing anywhere, as the oracle says of the whole life of the hub so far.
        double_counted: As above.
        longest_stall_s: Longest time without any answer while the driver wanted one.
        recovery_s: From the end of the injection until everything was published and applied by everybody.
        draws: Injections it took until one bit.
    """

    kind: str
    store: str
    seed: int
    episode: int
    clock: str
    faults: list[str] = field(default_factory=list)
    acknowledged: int = 0
    commands: int = 0
    events: int = 0
    lost: int = 0
    double_counted: int = 0
    repeats_dropped: int = 0
    gaps_fetched: int = 0
    longest_stall_s: float = 0.0
    recovery_s: float = 0.0
    seconds: float = 0.0
    draws: int = 0
    problems: list[str] = field(default_factory=list)
    folder: str = ""

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems and self.lost == 0 and self.double_counted == 0

    def as_json(self) -> dict[str, Any]:
        """Return the line."""
        return asdict(self) | {"ok": self.ok}


class Director:
    """Plays runs on one life of the hub, one after the other.

    Args:
        rig: Started.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._evidence: Evidence | None = None

    async def play(self, name: str, seed: int) -> Run:
        """Run one kind with one seed; what goes wrong stands in the run, not in an exception."""
        rig = self._rig
        rig.episode += 1
        dice = random.Random(f"{name}/{seed}/{rig.store}")  # noqa: S311 - reproducible, no secret
        kind = mixed(dice, rig.store, rig.clock) if name == MIXED else BY_NAME[name]
        run = Run(name, rig.store, seed, rig.episode, rig.clock, folder=str(rig.folder))
        began, known = time.monotonic(), len(rig.book)
        load = Load(rig.clients, rig.book, seed, rig.episode, kind.manner)
        playing = asyncio.create_task(self._through(kind, load, dice, run))
        try:
            await rig.unless_broken(playing)
        except Exception as error:  # noqa: BLE001 - whatever ended the run makes it red, and is told
            run.problems.append(told_of(error))
        finally:
            await load.cancel()
        run.problems += load.tally.problems + rig.book.contradictions + rig.fallen()
        run.acknowledged, run.commands = len(rig.book) - known, load.tally.commands
        run.seconds = round(time.monotonic() - began, 1)
        return run

    async def _through(self, kind: Kind, load: Load, dice: random.Random, run: Run) -> None:
        rig = self._rig
        await load.start()
        await asyncio.sleep(WARM_S)
        await self._inject(kind, load, dice, run)
        healed = time.monotonic()
        await load.stop(FINISH_S)
        run.longest_stall_s = round(load.stall.longest_s, 1)
        await rig.level(LEVEL_S)
        run.recovery_s = round(time.monotonic() - healed, 1)
        await rig.revive()
        await rig.advance()
        await rig.level(LEVEL_S)
        run.problems += await differing(rig, {child.label: OK for child in rig.hub.children}, WELL_S)
        await rig.fetch_results()
        await self._judge(run)

    async def _inject(self, kind: Kind, load: Load, dice: random.Random, run: Run) -> None:
        while True:
            run.draws += 1
            scene = Scene(self._rig, load, dice, health=EXPECTED.get(kind.name, {}))
            try:
                await kind.inject(scene)
            except NotBitten as missed:
                await self._rig.revive()
                if run.draws >= DRAWS:
                    run.problems.append(f"the fault did not take place in {DRAWS} draws: {missed}")
                    return
                continue
            finally:
                run.faults += scene.faults
                run.problems += scene.problems
            load.raise_for_dead()
            return

    async def _judge(self, run: Run) -> None:
        sources, before = self._rig.sources(), self._evidence
        self._evidence = await asyncio.to_thread(gather, sources, before)
        verdict = await asyncio.to_thread(judge, self._evidence)
        run.events, run.lost, run.double_counted = verdict.events, len(verdict.lost), verdict.double_counted
        did = readers_did(self._evidence, before)
        run.repeats_dropped, run.gaps_fetched = did["repeats_dropped"], did["gaps_fetched"]
        run.problems += verdict.problems[:SHOWN]
        if not verdict.ok and not run.problems:
            run.problems.append("the oracle is not content and does not say why")


def told_of(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(told_of(one) for one in error.exceptions)
    return f"{type(error).__name__}: {error}"
