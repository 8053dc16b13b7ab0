"""`hub trial` runs and shows a trial.

It prints the result as one JSON line.
"""

from __future__ import annotations

import asyncio
import json as plain
import shutil
import subprocess
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ops.console import output
from ops.console.exits import Exit
from ops.console.interrupts import run
from ops.play.trial.session import Show, Trial, TrialSettings, TrialVerdict
from ops.run.launcher import check_broker
from ops.run.run_folder import run_folder

ROOT: Final = Path(__file__).resolve().parents[3]
REFRESH_S: Final = 0.5
PLAIN_EVERY_S: Final = 30.0
RATE: Final = 3.0
STORES: Final = ("sqlite", "postgres")


def trial(
    minutes: Annotated[float, typer.Option(min=1.0, max=10_000.0, help="负载分钟数 minutes of load")] = 30.0,
    seed: Annotated[int, typer.Option(help="种子 decides records, pauses and kills")] = 1,
    store: Annotated[str, typer.Option(help="存储 sqlite | postgres")] = "sqlite",
    rate: Annotated[float, typer.Option(min=0.1, max=200.0, help="每秒件数 records a second")] = RATE,
    folder: Annotated[Path | None, typer.Option("--folder", help="运行目录 run folder; default .run/<time>")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="不显示进度 no progress, only the JSON line")] = False,
) -> None:
    """试运行 Run `hub up` on the wall clock under load, pause every service five times and kill it once; count all."""
    if store not in STORES:
        raise typer.BadParameter(" | ".join(STORES), param_hint="--store")
    with output.failing():
        check_broker()
        with run_folder(folder) as where:
            verdict = run(_shown(TrialSettings(where, minutes, seed, store, rate), quiet=json))
    for line in verdict.faults:
        output.stderr().print(line, style="red", markup=False, soft_wrap=True)
    if verdict.ok and folder is None:
        shutil.rmtree(where)
    elif not verdict.ok:
        output.stderr().print(f"运行目录保留 run folder kept: {where}", soft_wrap=True)
    typer.echo(plain.dumps(as_json(verdict, minutes=minutes, seed=seed, store=store), ensure_ascii=False))
    if not verdict.ok:
        raise typer.Exit(int(Exit.DIFFERENCE))


def as_json(verdict: TrialVerdict, *, minutes: float, seed: int, store: str) -> dict[str, object]:
    """Return the content of the JSON line.

    It has the figures, the parameters of the trial, and the number of faults.
    """
    figures = asdict(verdict) | {"faults": len(verdict.faults)}
    return figures | {"minutes": minutes, "seed": seed, "store": store, "commit": _commit(), "ok": verdict.ok}


def _commit() -> str:
    """Return the checkout's commit; empty outside a checkout."""
    with suppress(OSError):
        asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        return done.stdout.strip()
    return ""


async def _shown(wanted: TrialSettings, *, quiet: bool) -> TrialVerdict:
    show, console = Show(), output.stderr()
    showing = asyncio.create_task(_bar(show, console) if console.is_terminal else _lines(show, console))
    if quiet:
        showing.cancel()
    try:
        return await Trial(wanted, show).run()
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


def progress_line(show: Show) -> str:
    """Return one progress line for people."""
    return (
        f"{show.line}  回执 receipts {show.receipts}  待结果 awaited {show.awaited}  暂停 pauses {show.pauses}  "
        f"kill -9 {show.kills}  重启 restarts {show.restarts}"
    )


async def _lines(show: Show, console: Console) -> None:
    while True:
        await asyncio.sleep(PLAIN_EVERY_S)
        console.print(f"{show.seconds:5.0f} s  {progress_line(show)}", soft_wrap=True)


async def _bar(show: Show, console: Console) -> None:
    columns = (TimeElapsedColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(progress_line(show), total=1.0)
        while True:
            bar.update(task, description=progress_line(show), total=max(1.0, show.of), completed=show.seconds)
            await asyncio.sleep(REFRESH_S)
