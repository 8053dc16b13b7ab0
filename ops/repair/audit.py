"""`hub audit`: who did and saw what, from the stores of the services; they may run meanwhile.

Each service has a chain of its own. Its end, written down elsewhere, proves later that nothing before it was rewritten.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec import DecodeError, Struct, ValidationError, to_builtins
from msgspec import json as msgspec_json
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dispute.calendar.days import ZONE
from hub.audit.chain import PAGE, AuditEntry, ChainBreak, ChainEnd, entries, size, verify
from hub.store.snapshots import snapshot
from ops.console import output
from ops.console.exits import CommandError, Exit
from ops.run.credentials import private_file, write_private
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

COLUMNS: Final = (
    "服务 service",
    "序号 no.",
    "时间 at",
    "持有人 holder",
    "角色 role",
    "调用 call",
    "结果 result",
    "有关 about",
)
SHOWN: Final = 200
ALLOWED: Final = "准 allowed"

app = typer.Typer(help="审计 Who did and saw what: list, verify, export.", no_args_is_help=True)
Service = Annotated[str, typer.Option(help="只看此服务 only of this service")]
Holder = Annotated[str, typer.Option(help="只看此人 only of this holder")]
Since = Annotated[str, typer.Option(help="自此时起 from this time on, ISO 8601")]
Denied = Annotated[bool, typer.Option("--denied", help="只看被拒的 only what was denied")]


class AuditLine(Struct, frozen=True):
    """An entry of a service's audit."""

    service: str
    position: int
    entry: AuditEntry


@app.command("list")
def list_entries(
    service: Service = "",
    holder: Holder = "",
    since: Since = "",
    last: Annotated[int, typer.Option(min=1, help="至多最近几条 at most so many, the newest")] = SHOWN,
    run: Run = None,
    *,
    denied: Denied = False,
    json: Json = False,
) -> None:
    """列出 The newest entries, oldest first."""
    with output.failing():
        lines = deque(_lines(find_or_fail(run), service, holder, _instant(since), denied=denied), maxlen=last)
    if json:
        output.document(to_builtins(list(lines)))
        return
    table = Table(title=f"审计 audit: {len(lines)}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*cells(line))
    output.show(table)


@app.command("verify")
def verify_chains(
    known: Annotated[Path | None, typer.Option(help="先前记下的链尾 ends that were written down before")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="把链尾写到 write the ends to this file, to be kept elsewhere")
    ] = None,
    run: Run = None,
    *,
    json: Json = False,
) -> None:
    """核验 Is each chain whole; and does it go through the ends that were written down before."""
    with output.failing():
        found = verified(find_or_fail(run), _known(known))
        if keep is not None:
            ends = {name: its for name, its in found.items() if isinstance(its, ChainEnd)}
            write_private(keep, msgspec_json.encode(ends).decode() + "\n")
    if json:
        output.document(to_builtins(found))
    else:
        for name, its in found.items():
            if isinstance(its, ChainEnd):
                said = f"至第 {its.position} 条 up to no. {its.position}, {its.hash}"
            else:
                said = f"断 broken at {its.position}: {its.why}"
            output.console().print(f"{name:<16} {said}", markup=False, soft_wrap=True)
    if any(isinstance(its, ChainBreak) for its in found.values()):
        raise typer.Exit(int(Exit.DIFFERENCE))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="写到 new file, JSON lines, 0600")],
    service: Service = "",
    since: Since = "",
    run: Run = None,
) -> None:
    """导出 Write all entries to a file, one JSON object a line; it is there when all of them are."""
    with output.failing():
        if file.exists():
            raise CommandError(Exit.USAGE, f"已存在 exists already: {file}")
        running, at = find_or_fail(run), _instant(since)
        with progress(_chosen(running, service).values()) as advance:
            count = write_lines(file, _lines(running, service, "", at, denied=False, advance=advance))
    output.console().print(f"{count} 条 entries: {file}", soft_wrap=True)


def write_lines(file: Path, lines: Iterable[AuditLine]) -> int:
    """Write entries to a new file as they come, one JSON object a line; returns how many.

    Raises:
        CommandError: The file can't be written.
    """
    count = 0
    try:
        with private_file(file) as out:
            for line in lines:
                out.write(json.dumps(to_builtins(line), ensure_ascii=False) + "\n")
                count += 1
    except OSError as error:
        raise CommandError(Exit.USAGE, f"无法写入 can't be written: {error}") from error
    return count


@contextmanager
def progress(urls: Iterable[str]) -> Iterator[Callable[[int], None]]:
    """Show on stderr, if it is a terminal, how many entries of the stores were looked at; yields what adds to them."""
    total = 0
    for url in urls:
        with snapshot(url) as tx:
            total += size(tx)
    columns = (TextColumn("导出 export"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = output.stderr()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


def verified(running: Running, known: Mapping[str, ChainEnd]) -> dict[str, ChainEnd | ChainBreak]:
    """Return where each service's chain ends, or where it is broken."""
    found = {}
    for name, url in running.stores.items():
        with snapshot(url) as tx:
            found[name] = verify(tx, known.get(name))
    return found


def cells(line: AuditLine) -> tuple[str, ...]:
    """Return an entry as a row of the table."""
    its = line.entry
    at = its.at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
    result = f"{its.denied} ×{its.count}" if its.count > 1 else its.denied or ALLOWED
    about = "\n".join(filter(None, (its.purpose, *its.about[:5], "…" if len(its.about) > 5 else "")))  # noqa: PLR2004 - a screen
    who = its.holder or its.address
    return line.service, str(line.position), at, who, its.role, its.call.rpartition(".")[2], result, about


def _chosen(running: Running, service: str) -> dict[str, str]:
    """Return the stores that are asked for, by service."""
    if service and service not in running.stores:
        raise CommandError(Exit.USAGE, f"没有此服务 no such service: {service}; {', '.join(running.stores)}")
    return {name: url for name, url in running.stores.items() if service in {"", name}}


def _lines(
    running: Running,
    service: str,
    holder: str,
    since: datetime | None,
    *,
    denied: bool,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[AuditLine]:
    """Yield the entries that fit; `advance` gets how many were looked at since it was called last."""
    for name, url in _chosen(running, service).items():
        with snapshot(url) as tx:
            for number, (position, entry) in enumerate(entries(tx), 1):
                if not number % PAGE:
                    advance(PAGE)
                fits = holder in {"", entry.holder} and (since is None or entry.at >= since)
                if fits and (entry.denied or not denied):
                    yield AuditLine(name, position, entry)


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(Exit.USAGE, f"--since: 不是时间 no time: {text}") from error
    return at if at.tzinfo else at.replace(tzinfo=ZONE)


def _known(file: Path | None) -> dict[str, ChainEnd]:
    if file is None:
        return {}
    try:
        return msgspec_json.decode(file.read_bytes(), type=dict[str, ChainEnd])
    except (OSError, DecodeError, ValidationError) as error:
        raise CommandError(Exit.USAGE, f"--known: {file}: {error}") from error
