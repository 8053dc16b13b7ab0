"""`hub status`, `hub books` and `hub stats rates`.

They show a running hub as a table or as JSON.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from dispute.contracts.topics import BRIDGES
from ops.console import output
from ops.console.exits import Exit
from ops.run.books import Books, balance
from ops.run.client import PERSON_S, HubClient
from ops.run.credentials import shown
from ops.run.launcher import SERVICES
from ops.run.rates import FIGURES, RateRow
from ops.run.restarts import restarts
from ops.run.run_folder import Running, find
from ops.run.tables import books_table, rates_table

stats_app = typer.Typer(help="统计 Figures of a running hub.", no_args_is_help=True)
Run = Annotated[Path | None, typer.Option("--run", help="运行目录 run folder; default: the newest under .run")]
Json = Annotated[bool, typer.Option("--json", help="只输出一个 JSON 文档 one JSON document on stdout and nothing else")]
COLUMNS: Final = (
    "进程 process",
    "状态 state",
    "gRPC",
    "HTTP",
    "待发 unsent",
    "丢弃重复 repeats",
    "补取 gaps",
    "重启 restarts",
)
LOOKS: Final = 10
BETWEEN_S: Final = 0.3
UP: Final = "运行 serving"
DOWN: Final = "[red]无应答 no answer[/]"


def status(run: Run = None, *, json: Json = False) -> None:
    """状态 Which processes answer, and what waits in front of each."""
    running = find_or_fail(run)
    rows = output.carry_out(_status(running))
    if json:
        output.document(rows)
    else:
        table = Table()
        for column in COLUMNS:
            table.add_column(column)
        for row in rows:
            counts = (str(row[name]) for name in ("unsent", "repeats_dropped", "gaps_fetched", "restarts"))
            table.add_row(
                str(row["process"]), UP if row["serving"] else DOWN, str(row["grpc"]), str(row["http"]), *counts
            )
        output.show(table)
    if not all(row["serving"] for row in rows):
        raise typer.Exit(int(Exit.DIFFERENCE))


async def _status(running: Running) -> list[dict[str, object]]:
    client = HubClient(running.grpc, running.http, shown(running.folder), patience_s=PERSON_S)
    again = restarts(Path(running.folder))
    try:
        rows: list[dict[str, object]] = []
        for label, address in running.grpc.items():
            sheet = await client.sheet_now(label)
            rows.append(
                {
                    "process": label,
                    "serving": sheet is not None,
                    "grpc": address,
                    "http": running.http[label],
                    "unsent": None if sheet is None else sheet.outbox_rows,
                    "repeats_dropped": None if sheet is None else sheet.total("repeats_dropped"),
                    "gaps_fetched": None if sheet is None else sheet.total("gaps_fetched"),
                    "restarts": again[label],
                }
            )
        return rows
    finally:
        await client.close()


def books(run: Run = None, *, json: Json = False) -> None:
    """账目 Does everything add up: received = applied + rejected + dead + parked + held + in flight."""
    found = output.carry_out(_books(find_or_fail(run)))
    if json:
        output.document(found.as_json())
    else:
        output.show(books_table(found))
    if not found.balanced:
        raise typer.Exit(int(Exit.DIFFERENCE))


async def _books(running: Running) -> Books:
    client = HubClient(running.grpc, running.http, shown(running.folder), patience_s=PERSON_S)
    try:
        found = balance(await client.sheets(SERVICES), BRIDGES)
        for _ in range(LOOKS):
            if found.balanced:
                break
            # While records move, the five services are read at different moments; only a real difference persists.
            await asyncio.sleep(BETWEEN_S)
            found = balance(await client.sheets(SERVICES), BRIDGES)
        return found
    finally:
        await client.close()


@stats_app.command("rates")
def rates(
    start: Annotated[str, typer.Option(help="起 first day, inclusive; YYYY-MM-DD")] = "",
    end: Annotated[str, typer.Option(help="止 day after the last; YYYY-MM-DD")] = "",
    run: Run = None,
    *,
    json: Json = False,
) -> None:
    """比率 Diversion, success, resolution and matters, each with numerator and denominator."""
    running = find_or_fail(run)
    table, events = output.carry_out(_rates(running, start, end))
    if json:
        output.document({"rates": [asdict(rate) for rate in table], "events": events})
    else:
        output.show(rates_table(table, f"比率 rates  [{start or '…'} – {end or '…'})"))


async def _rates(running: Running, start: str, end: str) -> tuple[tuple[RateRow, ...], int]:
    client = HubClient(running.grpc, running.http, shown(running.folder), patience_s=PERSON_S)
    try:
        return await client.rates(start, end, {}, FIGURES)
    finally:
        await client.close()


def find_or_fail(run: Path | None) -> Running:
    """Return the command's run, or end the command."""
    with output.failing():
        return find(run)
