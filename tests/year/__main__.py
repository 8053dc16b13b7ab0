"""Plays a county's year through the hub and proves what must hold of it.

`python -m tests.year --of 30000 --seed 1 --store both`. A progress bar on stderr, one JSON line on stdout; exits with 1
when anything is not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, TaskID

from hub.runtime.logs import configure
from tests.support.stores import postgres_server
from tests.year.county import County
from tests.year.judging import SHOWN
from tests.year.one_hub import SERVICES
from tests.year.real_hub import HUBS
from tests.year.running import Backlog, Run, run, run_backlog, run_real

STORES: Final = ("sqlite", "postgres")
COUNT: Final = 30_000
WEEKS: Final = 52
BACKLOG_S: Final = 15 * 60


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    found = argparse.ArgumentParser(prog="python -m tests.year", description=__doc__)
    found.add_argument("--of", type=int, default=COUNT, help=f"disputes, default {COUNT}")
    found.add_argument("--seed", type=int, default=1, help="default 1")
    found.add_argument("--store", choices=(*STORES, "both"), default="sqlite", help="default sqlite")
    found.add_argument(
        "--bus", choices=HUBS, default="memory", help="in this process, or five processes and a real Kafka"
    )
    found.add_argument("--save", type=Path, help="folder that keeps the stores and keys")
    return found


@contextmanager
def stores_of(kind: str) -> Iterator[Mapping[str, str] | None]:
    """Provide empty stores: files of the run's folder, or databases of a PostgreSQL server."""
    if kind == "sqlite":
        yield None
        return
    import sqlalchemy as sa  # noqa: PLC0415 - only a server needs it

    with postgres_server() as url:
        admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            for name in (*SERVICES, "replay"):
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        names = (*SERVICES, "replay")
        yield {name: sa.make_url(url).set(database=name).render_as_string(hide_password=False) for name in names}


def main() -> int:
    """Play the year on the wanted stores and print the verdict as one line."""
    wanted = parser().parse_args()
    configure("intake", "error", "json")
    began = time.monotonic()
    plan = County(wanted.seed, wanted.of).plan()
    kinds = STORES if wanted.store == "both" else (wanted.store,)
    console = Console(stderr=True)
    runs: dict[str, Run] = {}
    with tempfile.TemporaryDirectory(prefix="year-") as scratch, Progress(console=console) as bar:
        folder = (wanted.save or Path(scratch)).resolve()
        for kind in kinds:
            (folder / kind).mkdir(parents=True, exist_ok=True)
            task = bar.add_task(f"{wanted.of} · {kind}", total=len(plan.entries))

            def show(done: int, _: int, task: TaskID = task) -> None:
                bar.update(task, completed=done)

            if wanted.bus == "kafka":
                runs[kind] = asyncio.run(run_real(plan, folder / kind, kind, console.print, show))
            else:
                with stores_of(kind) as stores:
                    runs[kind] = asyncio.run(run(plan, folder / kind, stores, show))
        (folder / "backlog").mkdir(exist_ok=True)
        task = bar.add_task("backlog", total=1)
        backlog = asyncio.run(run_backlog(folder / "backlog", wanted.seed, wanted.of // WEEKS))
        bar.update(task, completed=1)
    found = report(runs, backlog) | {
        "seed": wanted.seed,
        "disputes": plan.by_channel(),
        "inputs": len(plan.entries),
        "seconds": round(time.monotonic() - began, 1),
    }
    for line in (*(line for each in runs.values() for line in each.judgement.shown), *backlog.alarms[:SHOWN]):
        sys.stderr.write(line + "\n")
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    return 0 if found["ok"] else 1


def differing_of(digests: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the disputes of which the hubs do not tell the same."""
    every = {name for each in digests for name in each}
    return sorted(name for name in every if len({each.get(name) for each in digests}) > 1)


def report(runs: Mapping[str, Run], backlog: Backlog | None = None) -> dict[str, Any]:
    """Return what the runs found, and whether all is as it must be."""
    counts = {kind: each.counts for kind, each in runs.items()}
    differing = differing_of([each.judgement.digests for each in runs.values()])
    wrong = {kind: sum(each.values()) for kind, each in counts.items()} | {"stores": len(differing)}
    entered: dict[str, Any] = {}
    if backlog is not None:
        slow = backlog.seconds > BACKLOG_S
        wrong["backlog"] = len(backlog.alarms) + len(backlog.lost) + slow
        entered = {"alarms": len(backlog.alarms), "lost": len(backlog.lost), "seconds": backlog.seconds}
        entered["inputs"] = backlog.inputs
    return {
        "ok": not any(wrong.values()),
        "invariants": counts,
        "backlog": entered,
        "stores_differ": len(differing),
        "differing": differing[:SHOWN],
        "events": {kind: each.judgement.events for kind, each in runs.items()},
        "rewound": {kind: each.judgement.rewound for kind, each in runs.items()},
        "timers": {kind: each.played.fired for kind, each in runs.items()},
        "states": {kind: each.judgement.states for kind, each in runs.items()},
        "refused": {kind: dict(each.played.refused.most_common()) for kind, each in runs.items()},
        "of_which_s": {kind: each.seconds for kind, each in runs.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
