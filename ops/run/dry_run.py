"""`hub rules dry-run` tries changed rules on recorded traffic before they hold.

Intake itself does it, on a snapshot of its store: nothing is written, and the service may go on.
"""

from __future__ import annotations

import json as json_text
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ops.console import output
from ops.console.exits import CommandError, Exit
from ops.run.launcher import environment_of
from ops.run.rules import Json, line_of
from ops.run.status import Run, find_or_fail

CODES: Final = (
    "退出码 exit codes: 0 已比较 compared · 1 规则有误或有案件无法重现 rules refused, or cases not reproduced · "
    "2 用法 usage · 130 中断 interrupted"
)
CASES: Final = (
    "案件 dispute",
    "渠道 channel",
    "登记日 registered",
    "项目 what",
    "原 before",
    "改后 after",
    "规则 rules",
)
RATES: Final = (
    "渠道 channel",
    "登记 reg.",
    "受理 accepted",
    "成功 agreed",
    "不成 failed",
    "分流率 diversion",
    "成功率 success",
)
COUNTED: Final = ("registered", "accepted", "agreed", "failed", "diversion", "success")
SHOWN: Final = 50
"""Cases in the table; `--json` has all of them."""
ZH: Final = {
    "decision": "甄别 decision",
    "reason": "原因 reason",
    "clause": "条款 clause",
    "state": "状态 state",
    "result": "结果 result",
}
Folder = Annotated[Path, typer.Argument(help="规则目录 folder of the changed rules")]
First = Annotated[str, typer.Option("--from", help="登记日起 first day of registration, YYYY-MM-DD")]
Until = Annotated[str, typer.Option("--to", help="登记日止（不含） day after the last, YYYY-MM-DD")]


def dry_run(folder: Folder, first: First, until: Until, run: Run = None, *, json: Json = False) -> None:
    """预演 Try changed rules on recorded traffic: who would be decided differently, and why; nothing is written."""
    with output.failing():
        found = tried(folder, first, until, environment(run))
    problems = found.get("problems", ())
    if json:
        output.document(found)
    elif problems:
        for problem in problems:
            output.stderr().print(line_of(folder, problem), style="red", markup=False, soft_wrap=True)
    else:
        show(found)
    if problems or found["totals"]["not_reproduced"]:
        raise typer.Exit(int(Exit.DIFFERENCE))


def environment(run: Path | None) -> dict[str, str]:
    """Return intake's settings: those of a run, or ours when they name a store and no run is given."""
    if run is None and "HUB_STORE_URL" in os.environ:
        return dict(os.environ)
    running = find_or_fail(run)
    return environment_of("intake", Path(running.folder), running.stores["intake"], running.kafka, running.clock)


def tried(folder: Path, first: str, until: str, settings: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
    """Have intake try a folder, with a bar on stderr.

    Raises:
        CommandError: The days are none, or intake can't do it.
    """
    command = [sys.executable, "-m", "services.intake", "dry-run", str(folder), first, until]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            said = list(_lines(child))
            answer = child.stdout.read() if child.stdout is not None else ""
        except BaseException:
            child.kill()
            raise
    if child.returncode == int(Exit.USAGE):
        raise CommandError(Exit.USAGE, said[-1] if said else "--from, --to: YYYY-MM-DD")
    try:
        return json_text.loads(answer)
    except ValueError as error:
        raise CommandError(Exit.DIFFERENCE, f"intake: {said[-1] if said else child.returncode}") from error


def _lines(child: subprocess.Popen[str]) -> Iterator[str]:
    """Show intake's progress; yields what else it says."""
    columns = (TextColumn("预演 dry run"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=output.stderr(), transient=True) as bar:
        task = bar.add_task("", total=None)
        for line in child.stderr or ():
            if not line.startswith('{"done":'):
                yield line.strip()
                continue
            progress = json_text.loads(line)
            bar.update(task, completed=progress["done"], total=progress["total"])


def show(found: Any) -> None:  # noqa: ANN401 - JSON
    """Print what would change: totals, causes, rates, cases."""
    console, totals = output.console(), found["totals"]
    console.print(
        f"现行 in force: {found['before']}\n改后 changed: {found['after']}\n"
        f"登记日 registered: [{found['first']}, {found['until']})\n"
        f"案件 disputes: {totals['disputes']}   事件 events: {totals['events']}   不同 changed: {totals['changed']}   "
        f"无法重现 not reproduced: {totals['not_reproduced']}   {totals['events_per_s']:g} 事件/秒 events/s",
        markup=False,
    )
    if totals["refused"]:
        console.print(
            "当时被拒的指令没有存内容，改后是否仍被拒不得而知 commands refused at the time, their content is not kept: "
            f"{totals['refused']}",
            markup=False,
        )
    for name, count in found["causes"].items():
        console.print(f"  {name}: {count} 件 disputes", markup=False)
    output.show(rates_table(found["rates"]))
    if found["differing"]:
        output.show(cases_table(found["differing"][:SHOWN]))
    if len(found["differing"]) > SHOWN:
        console.print(f"另有 {len(found['differing']) - SHOWN} 件，见 --json / more of them with --json")
    for case in found["not_reproduced"][:SHOWN]:
        console.print(
            f"无法重现 not reproduced: {case['dispute_id']} {case['field']}: {case['recorded']} ≠ {case['lived']}",
            markup=False,
            soft_wrap=True,
        )


def rates_table(rates: Any) -> Table:  # noqa: ANN401 - JSON
    """Return counts and rates by channel; what changes as before → after."""
    table = Table()
    for column in RATES:
        table.add_column(column)
    for row in rates:
        pairs = ((row["before"][name], row["after"][name]) for name in COUNTED)
        table.add_row(row["channel"], *(_pair(one, other) for one, other in pairs))
    return table


def cases_table(cases: Any) -> Table:  # noqa: ANN401 - JSON
    """Return the cases that differ, a line for each value."""
    table = Table()
    for column in CASES:
        table.add_column(column, overflow="fold")
    for case in cases:
        head = (case["dispute_id"], case["channel"], case["day"])
        for number, (name, (one, other)) in enumerate(case["what"].items()):
            causes = ", ".join(case["causes"]) if number == 0 else ""
            cells = (*(head if number == 0 else ("", "", "")), ZH.get(name, name), one or "-", other or "-", causes)
            table.add_row(*map(escape, cells))
    return table


def _pair(one: object, other: object) -> str:
    shown = ["-" if value is None else str(value) for value in (one, other)]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]} → {shown[1]}"
