"""`python -m tests.faults`: the fault matrix; its last line is one JSON object, exit 1 when a run is red."""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from rich.console import Console

from bench.machine import commit
from ops.console.exits import CommandError
from ops.console.interrupts import run as run_guarded
from tests.faults.episode import Director, Run, told_of
from tests.faults.kinds import BY_NAME, MIXED, NAMES, chosen_for
from tests.faults.rig import Rig
from tests.faults.save import SAVED, done_in, product, read
from tests.faults.scene import STORES
from tests.faults.script import CLOCKS, QUARTERS

RESULTS: Final = Path(".run/faults")
LINES: Final = "runs.jsonl"
EPISODES: Final = 10
"""Runs of one life of the hub. The oracle judges the whole life after each: with 24, two fifths of the time."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    found = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    found.add_argument("--kinds", default="", help=f"comma-separated: {', '.join(NAMES)}")
    found.add_argument("--seeds", default="1", help="how many (3 is 1-3), or a range as 5-20; default 1")
    found.add_argument("--store", default="both", choices=(*STORES, "both"), help="default both")
    found.add_argument(
        "--clock",
        choices=(*CLOCKS, "both"),
        help="play all that can be played by it; without, each kind by its first clock (--list shows them)",
    )
    found.add_argument("--full", action="store_true", help="also the kinds that the short list leaves out")
    found.add_argument(
        "--missing",
        action="store_true",
        help="only runs that are neither saved nor in the folder as green for this product",
    )
    found.add_argument("--results", type=Path, default=RESULTS, help=f"folder, default {RESULTS}")
    found.add_argument("--list", action="store_true", help="list the kinds and end")
    return found


def seeds_of(text: str) -> range:
    """Read `3` as 1 to 3, and `5-20` as it says.

    Raises:
        ValueError: It is neither.
    """
    first, dash, last = text.partition("-")
    found = range(int(first), int(last) + 1) if dash else range(1, int(first) + 1)
    if not found or found.start < 1:
        raise ValueError(text)
    return found


class Matrix:
    """Runs what was asked for and keeps the lines.

    Args:
        results: Folder of the lines and of the lives' folders.
        console: Progress.
    """

    def __init__(self, results: Path, console: Console) -> None:
        self._results = results
        self._console = console
        self.runs: list[Run] = []
        self.broker = "unknown"
        self._origin = {"commit": commit(), "product": product()}

    async def play(self, store: str, clock: str, plan: Sequence[tuple[str, int]]) -> None:
        """Run kinds with seeds on one store by one clock; a red run ends the hub's life, the next begins a new one."""
        left = list(plan)
        while left:
            folder = self._results / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{store}-{clock}-{os.getpid()}"
            played = len(self.runs)
            try:
                await self._live(store, clock, folder, left)
            except Exception as error:
                if len(self.runs) > played:
                    raise
                why = f"the hub did not start: {told_of(error)}"
                kind, seed = left.pop(0)
                self._keep(Run(kind, store, seed, 0, clock, problems=[why], folder=str(folder)))
            if all(run.ok for run in self.runs[played:]):
                # Nothing in it that anybody would look at again.
                shutil.rmtree(folder, ignore_errors=True)
            else:
                self._console.print(f"[red]kept[/red] {folder}", soft_wrap=True)

    async def _live(self, store: str, clock: str, folder: Path, left: list[tuple[str, int]]) -> None:
        """Play one life of the hub: until nothing is left, something is red, or it is long enough."""
        async with Rig(folder, store, self._say, clock=clock) as rig:
            self.broker = rig.kafka.version
            director = Director(rig)
            for _ in range(min(EPISODES, QUARTERS, len(left))):
                run = await director.play(*left.pop(0))
                self._keep(run)
                if not run.ok:
                    return

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{text}[/dim]", highlight=False, soft_wrap=True)

    def _keep(self, run: Run) -> None:
        self.runs.append(run)
        with (self._results / LINES).open("a", encoding="utf-8") as file:
            line = run.as_json() | self._origin | {"date": _today(), "broker": self.broker}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        mark = "[green]ok [/green]" if run.ok else "[red]RED[/red]"
        self._console.print(
            f"{mark} seed {run.seed} {run.store} {run.clock} {run.kind}: {run.acknowledged} acknowledged, "
            f"{run.lost} lost, {run.double_counted} double-counted, longest stall {run.longest_stall_s} s, "
            f"recovery {run.recovery_s} s, {run.seconds} s in all",
            highlight=False,
            soft_wrap=True,
        )
        for fault in run.faults:
            self._console.print(f"      [dim]{fault}[/dim]", highlight=False, soft_wrap=True)
        for problem in run.problems:
            self._console.print(f"      [red]{problem}[/red]", highlight=False, soft_wrap=True)

    def summary(self) -> dict[str, Any]:
        """Return the last line."""
        runs = self.runs
        return {
            "runs": len(runs),
            "kinds": sorted({run.kind for run in runs}),
            "acknowledged": sum(run.acknowledged for run in runs),
            "lost": sum(run.lost for run in runs),
            "double_counted": sum(run.double_counted for run in runs),
            "longest_stall_s": max((run.longest_stall_s for run in runs), default=0.0),
            "seeds": sorted({run.seed for run in runs}),
            "failed": [f"{run.kind}/{run.store}/{run.clock}/{run.seed}" for run in runs if not run.ok],
            "stores": sorted({run.store for run in runs}),
            "clocks": sorted({run.clock for run in runs}),
            "longest_recovery_s": max((run.recovery_s for run in runs), default=0.0),
            **self._origin,
            "broker": f"Apache Kafka {self.broker}",
            "date": _today(),
        }


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def plans_of(told: argparse.Namespace) -> Iterator[tuple[str, str, list[tuple[str, int]]]]:
    """Return (store, clock, the runs of one life) in the order of playing, without those that need no run.

    Raises:
        KeyError: No such kind.
        ValueError: No such seeds.
    """
    names = [name for name in told.kinds.split(",") if name]
    done = done_in([*read(SAVED), *read(told.results / LINES)], product()) if told.missing else set()
    stores = STORES if told.store == "both" else (told.store,)
    clocks = (told.clock,) if told.clock in CLOCKS else CLOCKS
    runs = {
        (store, clock): [
            (kind, seed)
            for seed in seeds_of(told.seeds)
            for kind in chosen_for(store, clock, names, full=told.full, any_clock=told.clock is not None)
            if (kind, store, clock, seed) not in done
        ]
        for clock in clocks
        for store in stores
    }
    # A life of one store, then one of the other: what is interrupted has tried both alike, and only the last is short.
    for first in range(0, max(map(len, runs.values())), EPISODES):
        for (store, clock), mine in runs.items():
            if life := mine[first : first + EPISODES]:
                yield store, clock, life


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit code: 0 all green, 1 something red, 2 wrong arguments, 130 interrupted."""
    options = parser()
    told = options.parse_args(arguments)
    if told.list:
        for kind in BY_NAME.values():
            sys.stdout.write(f"{kind.name:24} {'/'.join(kind.stores):16} {'/'.join(kind.clocks):14} {kind.what}\n")
        sys.stdout.write(f"{MIXED:24} {'/'.join(STORES):16} {'/'.join(CLOCKS):14} two or three of the above at once\n")
        return 0
    try:
        plans = list(plans_of(told))
    except KeyError as unknown:
        options.error(f"no such kind: {unknown.args[0]}; --list shows them")
    except ValueError as wrong:
        options.error(f"--seeds takes 3 or 5-20, not {wrong}")
    # Clients that try again tell so; the progress is what counts here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    results = told.results.resolve()
    results.mkdir(parents=True, exist_ok=True, mode=0o700)
    matrix = Matrix(results, Console(stderr=True))

    async def work() -> None:
        for store, clock, plan in plans:
            await matrix.play(store, clock, plan)

    code = 0
    try:
        run_guarded(work())
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        code = int(error.exit_code)
    sys.stdout.write(json.dumps(matrix.summary(), ensure_ascii=False) + "\n")
    return code or int(any(not run.ok for run in matrix.runs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
