"""`python -m tests.faults.control`: proves that the matrix can see (`make faults-control`).

Each drive runs twice: with the guard it must be green, without it red; anything else fails. Two deeds that no guard
could hide (a record dropped, an event applied twice) must be found by the oracle itself. The last line on stdout is one
JSON object, as that of `python -m tests.faults`, with `guards` {name: caught} and what a naive Faust counter counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, Final

import grpc
import stamina
from rich.console import Console

from bench.machine import commit
from hub.errors import Retryable
from ops.console.exits import BrokenPromise, CommandError
from ops.console.interrupts import run as run_guarded
from tests.faults import traps
from tests.faults.drives import Trip
from tests.faults.evidence import Evidence, gather
from tests.faults.guards import GUARDS
from tests.faults.naive import Naive, measure
from tests.faults.oracle import Verdict, judge
from tests.faults.promises import ROWS, Row
from tests.faults.rig import ROOT, Rig
from tests.faults.scene import STORES, NotBitten
from tests.faults.script import CLOCKS, SCENARIO

RESULTS: Final = Path(".run/faults-control")
SAVED: Final = ROOT / "docs/results/faults-control.json"
ON_S: Final = 90.0
OFF_S: Final = 45.0
"""How long a hub without its guard gets to be level, at least; the slowest guard (the watchdog) acts after 20 s."""
OFF_TIMES: Final = 2.0
"""On a slow machine: so many times what the whole half with the guard took."""
DRAWS: Final = 3
NAIVE: Final = "naive"
SHOWN: Final = 6


TRAPPED: Final = ("intake", "intake-2", "stats", "stats-2")
TOGETHER: Final = ("dropped_record", "applied_twice")
"""Done in one life: each is seen by a figure of its own."""


@dataclass
class Half:
    """One drive with or without its guard; a JSON line."""

    guard: str
    store: str
    guarded: bool
    seed: int
    proof: str = ""
    symptoms: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    double_counted: int = 0
    longest_stall_s: float = 0.0
    draws: int = 0
    seconds: float = 0.0
    bitten: bool = False

    @property
    def red(self) -> bool:
        """Something is wrong."""
        return bool(self.symptoms or self.problems or self.lost or self.double_counted)


class Control:
    """Runs both halves of every row.

    Args:
        results: Folder of the lines and of the lives' folders.
        console: Progress.
        seed: Decides the load.
    """

    def __init__(self, results: Path, console: Console, seed: int) -> None:
        self._results = results
        self._console = console
        self._commit = commit()  # of the code that runs: the checkout may move on meanwhile
        self._seed = seed
        self.halves: list[Half] = []
        self.naive: Naive | None = None
        self.broker = "unknown"

    async def compare_naive(self) -> None:
        """Let a naive counter run beside the hub, and note what it counted."""
        async with self._life("sqlite", SCENARIO, "naive", {}) as rig:
            try:
                self.naive = await measure(rig, self._seed)
            except TimeoutError as error:
                self._console.print(f"[red]naive counter not measured: {error}[/red]", highlight=False)
                return
        self._console.print(f"naive counter: {self.naive}", highlight=False)

    async def run(self, rows: Sequence[Row]) -> None:
        """Run the guarded halves, many in one life, then each half without its guard in a life of its own."""
        for store, clock in product(STORES, CLOCKS):
            mine = [row for row in rows if (row.store, row.clock) == (store, clock)]
            await self._guarded(store, clock, mine)
            for group in _groups(mine):
                await self._unguarded(store, clock, group)

    async def _guarded(self, store: str, clock: str, rows: Sequence[Row]) -> None:
        left = list(rows)
        while left:
            async with self._life(store, clock, "guarded", dict.fromkeys(TRAPPED, ",".join(traps.TRAPS))) as rig:
                evidence: Evidence | None = None
                while left:
                    row = left.pop(0)
                    half = Half(row.guard, store, guarded=True, seed=self._seed)
                    evidence = await self._half(rig, row, half, evidence, ON_S)
                    self._keep(half)
                    if half.red:
                        break

    async def _unguarded(self, store: str, clock: str, rows: Sequence[Row]) -> None:
        off = {label: list(traps.TRAPS) for label in TRAPPED}
        for row in rows:
            for label in (*GUARDS[row.guard].services, *(f"{name}-2" for name in GUARDS[row.guard].services)):
                off.setdefault(label, []).append(row.guard)
        name = "-".join(row.guard for row in rows)
        async with self._life(store, clock, name, {label: ",".join(names) for label, names in off.items()}) as rig:
            first, *others = [Half(row.guard, store, guarded=False, seed=self._seed) for row in rows]
            took = max(
                (half.seconds for half in self.halves if half.guarded and half.guard == first.guard), default=0.0
            )
            await self._half(rig, rows[0], first, None, max(OFF_S, OFF_TIMES * took))
            for half in (first, *others):
                self._keep(half if half is first else _same(first, half.guard))

    def _life(self, store: str, clock: str, name: str, off: Mapping[str, str]) -> Rig:
        folder = self._results / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{name}"
        self._say(f"{name} on {store}, {clock} clock")
        return Rig(folder, store, lambda _: None, off, clock)

    async def _half(self, rig: Rig, row: Row, half: Half, before: Evidence | None, level_s: float) -> Evidence | None:
        self.broker = rig.kafka.version
        began, known = time.monotonic(), len(rig.book)
        evidence = before
        while half.draws < DRAWS and not half.bitten:
            half.draws += 1
            trip = Trip(rig, self._seed, level_s)
            try:
                await row.drive(trip)
                half.bitten = True
            except NotBitten as missed:
                half.proof = f"did not get there: {missed}"
                try:
                    await rig.revive()
                except CommandError as error:
                    trip.symptoms.append(str(error))
                    break
                continue
            except (TimeoutError, CommandError, Retryable, RuntimeError, BrokenPromise, ExceptionGroup) as error:
                trip.symptoms.append(f"{type(error).__name__}: {error}")
                half.bitten = bool(trip.proof)
            half.proof, half.symptoms = trip.proof or half.proof, trip.symptoms + _new(rig.fallen(), trip.symptoms)
            half.longest_stall_s = round(trip.stall_s, 1)
            rig.poisoned.update(trip.expected)
            evidence = await self._look(rig, half, before)
            if rig.fallen():
                break
        half.acknowledged, half.seconds = len(rig.book) - known, round(time.monotonic() - began, 1)
        return evidence

    async def _look(self, rig: Rig, half: Half, before: Evidence | None) -> Evidence | None:
        """Let the oracle judge; a service that is down has said enough."""
        if rig.fallen():
            return before
        try:
            await rig.fetch_results()
            evidence = await asyncio.to_thread(gather, rig.sources(), before)
        except (TimeoutError, grpc.RpcError, Retryable) as error:
            half.symptoms.append(f"no evidence: {type(error).__name__}")
            return before
        verdict: Verdict = await asyncio.to_thread(judge, evidence)
        half.lost, half.double_counted = len(verdict.lost), verdict.double_counted
        half.problems = list(verdict.problems[:SHOWN])
        return evidence

    def _keep(self, half: Half) -> None:
        self.halves.append(half)
        with (self._results / "halves.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(half) | {"red": half.red}, ensure_ascii=False) + "\n")
        word = "with   " if half.guarded else "without"
        mark = "red  " if half.red else "green"
        self._console.print(
            f"{mark} {word} {half.guard}: {half.proof} ({half.seconds} s)", highlight=False, soft_wrap=True
        )
        for line in (*half.symptoms, *half.problems):
            self._console.print(f"      [dim]{line[:300]}[/dim]", highlight=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{text}[/dim]", highlight=False)

    def caught(self, row: Row) -> bool:
        """Tell whether the drive was green with the guard, and red without it in the way that counts."""
        mine = {half.guarded: half for half in self.halves if half.guard == row.guard}
        on, off = mine.get(True), mine.get(False)
        if on is None or off is None or not on.bitten or not off.bitten or on.red:
            return False
        return bool(getattr(off, row.seen_by)) if row.seen_by else off.red

    def summary(self, rows: Iterable[Row]) -> dict[str, Any]:
        """Return the last line; `lost` and `double_counted` are those of the guarded halves."""
        guarded = [half for half in self.halves if half.guarded]
        return {
            "runs": len(self.halves),
            "kinds": sorted({half.guard for half in self.halves}),
            "acknowledged": sum(half.acknowledged for half in self.halves),
            "lost": sum(half.lost for half in guarded),
            "double_counted": sum(half.double_counted for half in guarded),
            "longest_stall_s": max((half.longest_stall_s for half in guarded), default=0.0),
            "seeds": [self._seed],
            "guards": {row.guard: self.caught(row) for row in rows},
            "naive": None if self.naive is None else asdict(self.naive),
            "commit": self._commit,
            "broker": f"Apache Kafka {self.broker}",
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
        }

    def report(self, rows: Iterable[Row]) -> dict[str, Any]:
        """Return what the page is made of."""
        told = []
        for row in rows:
            mine = {half.guarded: half for half in self.halves if half.guard == row.guard}
            told.append(
                {
                    "guard": row.guard,
                    "off": GUARDS[row.guard].off,
                    "drive": (row.drive.__doc__ or "").splitlines()[0],
                    "promise": row.promise,
                    "behind": row.behind,
                    "seen_by": row.seen_by,
                    "store": row.store,
                    "with": asdict(mine[True]) | {"red": mine[True].red} if True in mine else None,
                    "without": asdict(mine[False]) | {"red": mine[False].red} if False in mine else None,
                    "caught": self.caught(row),
                }
            )
        return self.summary(rows) | {"rows": told}


def _groups(rows: Sequence[Row]) -> list[list[Row]]:
    together = [row for row in rows if row.guard in TOGETHER]
    return [group for group in (together, *([row] for row in rows if row.guard not in TOGETHER)) if group]


def _new(lines: Sequence[str], known: Sequence[str]) -> list[str]:
    return [line for line in lines if line not in known]


def _same(half: Half, guard: str) -> Half:
    return Half(**(asdict(half) | {"guard": guard}))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    found = argparse.ArgumentParser(prog="python -m tests.faults.control", description=__doc__)
    names = ", ".join(row.guard for row in ROWS)
    found.add_argument(
        "--guards", default="", help=f"comma-separated, default all: {names}, {NAIVE} (the naive counter)"
    )
    found.add_argument("--seed", type=int, default=1, help="decides the load; default 1")
    found.add_argument("--results", type=Path, default=RESULTS, help=f"folder, default {RESULTS}")
    found.add_argument("--save", action="store_true", help=f"write {SAVED.relative_to(ROOT)} for the page")
    return found


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit code: 0 every guard caught, 1 not, 2 wrong arguments, 130 interrupted."""
    options = parser()
    told = options.parse_args(arguments)
    wanted = [name for name in told.guards.split(",") if name]
    unknown = set(wanted) - GUARDS.keys() - {NAIVE}
    if unknown:
        options.error(f"no such guard: {', '.join(sorted(unknown))}")
    rows = [row for row in ROWS if not wanted or row.guard in wanted]
    results = told.results.resolve()
    results.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Calls are repeated all the time here; the tool tells of each on stdout.
    stamina.instrumentation.set_on_retry_hooks([])
    control = Control(results, Console(stderr=True), told.seed)
    code = 0

    async def work() -> None:
        if not wanted or NAIVE in wanted:
            await control.compare_naive()
        await control.run(rows)

    try:
        run_guarded(work())
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        code = int(error.exit_code)
    if told.save and not code:
        SAVED.write_text(json.dumps(control.report(rows), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    summary = control.summary(rows)
    sys.stdout.write(json.dumps(summary, ensure_ascii=False) + "\n")
    missed = not all(summary["guards"].values()) or (control.naive is None and (not wanted or NAIVE in wanted))
    return code or int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
