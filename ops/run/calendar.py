"""`hub calendar` checks and shows holiday tables.

It checks tables before they are put into use, and shows which days a year has off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from dispute.calendar.working_days import Notice, WorkCalendar, read_notices
from hub.errors import Fault
from ops.console import output
from ops.console.exits import CommandError, Exit

CALENDARS: Final = "calendars"
"""Folder of the tables in a run folder; intake reads it every few seconds."""
PATTERN: Final = "*.yaml"
SATURDAY: Final = 5

app = typer.Typer(
    name="calendar",
    help="节假日表 Holiday tables: check a file, show a year.",
    no_args_is_help=True,
    add_completion=False,
)
Tables = Annotated[list[Path] | None, typer.Option("--file", help="另加的表 more tables than the package knows")]


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="节假日表 files of holiday tables")]) -> None:
    """检查 Check files of holiday tables, before they go into the folder that intake reads."""
    with output.failing():
        for path in files:
            for year, notice in sorted(read(path).items()):
                days = f"放假 {len(notice.holidays)} 天 days off, 调休上班 {len(notice.workdays)} 天 make-up days"
                output.console().print(f"{path.name}: {year}  {days}  {notice.issued}  {notice.source}", markup=False)


@app.command()
def show(year: Annotated[int, typer.Argument(min=1990, max=2199)], files: Tables = None) -> None:
    """显示 Show which working days a year has off, and which weekend days it works."""
    with output.failing():
        notices: dict[int, Notice] = {}
        for path in files or ():
            notices |= read(path)
        calendar = WorkCalendar(notices)
        if not calendar.covers(year):
            text = f"没有 {year} 年的节假日表：期限只能暂定 / no holiday table of {year}: its limits are provisional"
            raise CommandError(Exit.DIFFERENCE, text)
        days = [
            date(year, 1, 1) + timedelta(days=number)
            for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
        ]
        off = [day for day in days if day.weekday() < SATURDAY and not calendar.is_workday(day)]
        worked = [day for day in days if day.weekday() >= SATURDAY and calendar.is_workday(day)]
        for word, found in (("工作日放假 working days off", off), ("周末上班 weekend days worked", worked)):
            output.console().print(f"{word}: {', '.join(day.isoformat() for day in found) or '-'}", markup=False)


def read(path: Path) -> Mapping[int, Notice]:
    """Return the tables of a file.

    Raises:
        CommandError: It can't be read, or one of its tables is damaged.
    """
    try:
        return read_notices(path.read_text(encoding="utf-8"))
    except (Fault, OSError, ValueError) as error:
        raise CommandError(Exit.DIFFERENCE, f"{path}: {error}") from error


def reach(folder: Path) -> str:
    """Tell which year first lacks a table.

    The tables are those of the package and those in `folder`. The result is a line for people.

    Raises:
        CommandError: A file is damaged.
    """
    notices: dict[int, Notice] = {}
    for path in sorted(folder.glob(PATTERN)) if folder.is_dir() else ():
        notices |= read(path)
    year = WorkCalendar(notices).first_missing_year()
    return f"缺 {year} 年的表，其期限暂定 / no table of {year}: limits that reach it are provisional"
