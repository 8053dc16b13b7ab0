"""Proves a dry run on traffic of its own or on a county's year, or times it on a store that is given.

`python -m tests.dry_run 2000` plays 2,000 disputes to intake under two rulebooks, `python -m tests.dry_run year:30000`
a county's year to the whole hub; `python -m tests.dry_run sqlite:////path/intake.db` only tries the changed rules
there. One JSON line; exits with 1 when the proof does not hold.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from hub.runtime.logs import configure
from hub.streams.memory import MemoryBus
from services.intake.settings import IntakeSettings
from tests.dry_run.dry_run_proof import changed_rules, compared, holds, played, timed, tried, year_played
from tests.support.intake_rig import Rig
from tests.year.county import County

COUNT: Final = "350"
YEAR: Final = "year"
SEED: Final = 1


async def proved(count: int, folder: Path) -> dict[str, Any]:
    """Return a proof on traffic of `count` disputes."""
    rules = changed_rules(folder / "rules")
    async with AsyncExitStack() as stack:
        first, second = (Rig(f"sqlite:///{folder}/{name}.db", folder / "keys", stack) for name in ("first", "second"))
        second.rules_dir = rules
        refused = [await played(rig, count, timedelta(hours=12)) for rig in (first, second)]
        return compared(first.settings(), first.bus, second.store_url, rules) | {"refused": refused}


async def proved_on_a_year(count: int, folder: Path) -> dict[str, Any]:
    """Return a proof on a county's year of `count` disputes."""
    plan, rules = County(SEED, count).plan(), changed_rules(folder / "rules")
    with Progress(console=Console(stderr=True)) as bar:

        async def run(name: str, its: Path | None) -> tuple[IntakeSettings, MemoryBus]:
            task = bar.add_task(name, total=len(plan.entries))
            await asyncio.to_thread((folder / name).mkdir)
            return await year_played(plan, folder / name, its, lambda done, _: bar.update(task, completed=done))

        first, bus = await run("rules-in-force", None)
        second, _ = await run("changed-rules", rules)
    return compared(first, bus, second.store_url, rules)


def measured(url: str, folder: Path) -> dict[str, Any]:
    """Return what a dry run says of a store."""
    rig = Rig(url, folder / "keys", AsyncExitStack())
    answer, cpu_s = timed(lambda: tried(rig.settings(), changed_rules(folder / "rules")))
    of = answer.totals
    return {
        "disputes": of.disputes,
        "events": of.events,
        "changed": of.changed,
        "not_reproduced": of.not_reproduced,
        "seconds": of.seconds,
        "events_per_s": of.events_per_s,
        "events_per_cpu_s": round(of.events / cpu_s, 1),
    }


PROOFS: Final = {"": proved, YEAR: proved_on_a_year}


def main() -> int:
    """Print the proof as one line."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else COUNT
    configure("intake", "error", "json")
    kind, _, count = wanted.rpartition(":")
    with tempfile.TemporaryDirectory() as name:
        if kind in PROOFS:
            found = asyncio.run(PROOFS[kind](int(count), Path(name)))
            ok = holds(found)
        else:
            found = measured(wanted, Path(name))
            ok = found["not_reproduced"] == 0
    sys.stdout.write(json.dumps(found | {"ok": ok}) + "\n")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
