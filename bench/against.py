"""Compares the CPU of an event with that of an old commit: the sustained load on both, in turns.

Each tree runs its own hub, broker and driver with the interpreter and the packages of this one. The cost of a process
is its CPU time from /proc over the events that a stats answer includes; medians of the turns are compared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.checkout import checkout
from bench.machine import ROOT, facts
from bench.measure import spread
from bench.options import Screen, command, common
from bench.results import finish, save

TURNS: Final = 5
MINUTES: Final = 1.0
QUICK_MINUTES: Final = 0.3
BOUND: Final = 1.05
"""Largest ratio of a service, unless another one is given."""
NOT_OURS: Final = frozenset({"broker", "driver", "postgres"})


def cost_of(tree: Path, minutes: float) -> dict[str, float]:
    """Run the sustained load in a tree.

    Returns µs of CPU an event by process, and the events a second.

    Raises:
        CalledProcessError: The run failed, or its books did not balance.
    """
    done = subprocess.run(  # noqa: S603 - fixed words
        [sys.executable, "-m", "bench.sustained", "--minutes", str(minutes), "--json"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {name: cost["cpu_us_per_event"] for name, cost in figures["cpu"].items()} | {"events_s": figures["events_s"]}


def compare(base: Sequence[Mapping[str, float]], now: Sequence[Mapping[str, float]], bound: float) -> dict[str, Any]:
    """Return the ratio of medians of each process, and whether each of ours is within the bound."""
    compared: dict[str, Any] = {}
    for name in now[0]:
        there, here = [turn[name] for turn in base], [turn[name] for turn in now]
        compared[name] = {"base": spread(there), "now": spread(here), "ratio": round(median(here) / median(there), 3)}
        if name not in NOT_OURS and name != "events_s":
            compared[name]["ok"] = compared[name]["ratio"] <= bound
    return compared


def main() -> int:
    """Compare; the exit code is 1 when a process costs more than its bound."""
    parser = command("against", "CPU of an event beside an old commit.", rounds=TURNS)
    parser.add_argument("--base", required=True, help="commit to compare with")
    parser.add_argument("--minutes", type=float, help=f"length of a turn (default {MINUTES:g})")
    parser.add_argument("--bound", type=float, default=BOUND, help=f"largest ratio of a service (default {BOUND})")
    given = parser.parse_args()
    options = common(given)
    screen = Screen(options)
    minutes = given.minutes or (QUICK_MINUTES if options.quick else MINUTES)
    base: list[dict[str, float]] = []
    now: list[dict[str, float]] = []
    with checkout(given.base) as tree:
        for turn in range(1, options.rounds + 1):
            # The order changes from turn to turn, so that a machine that slows down favours none.
            for where, found in ((tree, base), (ROOT, now)) if turn % 2 else ((ROOT, now), (tree, base)):
                found.append(cost_of(where, minutes))
                name = given.base if found is base else "now"
                screen.say(f"turn {turn} {name}: {found[-1]}")
    processes = compare(base, now, given.bound)
    ok = all(process.get("ok", True) for process in processes.values())
    document = {
        "benchmark": "against",
        "base": given.base,
        "turns": options.rounds,
        "minutes": minutes,
        "bound": given.bound,
        "quick": options.quick,
        "processes": processes,
        "machine": facts(ROOT),
        "ok": ok,
    }
    save("against", document, publish=options.save)
    finish(document)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
