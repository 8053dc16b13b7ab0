"""`hub audit`: who did and saw what, from the stores of the services; they may run meanwhile.

Each service has a chain of its own. Its end, written down elsewhere, proves later that nothing before it was rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from msgspec import DecodeError, Struct, ValidationError, to_builtins
from msgspec import json as msgspec_json
from rich.table import Table

from dispute.calendar.days import ZONE
from hub.audit.chain import AuditEntry, ChainBreak, ChainEnd, entries, verify
from hub.store.snapshots import snapshot
from ops.console import output
from ops.console.exits import CommandError, Exit
from ops.run.credentials import write_private
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


class Verdict(Struct, frozen=True):
    """Whether a chain is whole.

    Attributes:
        entries: Position of the last entry.
        hash: Of the chain up to it; empty when it is broken.
        broken_at: Position of the first entry that does not fit; 0 when all do.
        why: missing | changed | added; empty when all fit.
    """

    entries: int
    hash: str
    broken_at: int = 0
    why: str = ""


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
        lines = list(_lines(find_or_fail(run), service, holder, _instant(since), denied=denied))[-last:]
    if json:
        output.document(to_builtins(lines))
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
        verdicts = verified(find_or_fail(run), _known(known))
        if keep is not None:
            ends = {name: its for name, its in verdicts.items() if not its.why}
            write_private(keep, msgspec_json.encode(to_builtins(ends)).decode() + "\n")
    if json:
        output.document(to_builtins(verdicts))
    else:
        for name, its in verdicts.items():
            said = (
                f"{its.entries} 条 entries, {its.hash}" if not its.why else f"断 broken at {its.broken_at}: {its.why}"
            )
            output.console().print(f"{name:<16} {said}", markup=False, soft_wrap=True)
    if any(its.why for its in verdicts.values()):
        raise typer.Exit(int(Exit.DIFFERENCE))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="写到 new file, JSON lines, 0600")],
    service: Service = "",
    since: Since = "",
    run: Run = None,
) -> None:
    """导出 Write all entries to a file, one JSON object a line."""
    with output.failing():
        if file.exists():
            raise CommandError(Exit.USAGE, f"已存在 exists already: {file}")
        lines = [
            json.dumps(to_builtins(line), ensure_ascii=False)
            for line in _lines(find_or_fail(run), service, "", _instant(since), denied=False)
        ]
        write_private(file, "".join(f"{line}\n" for line in lines))
    output.console().print(f"{len(lines)} 条 entries: {file}", soft_wrap=True)


def verified(running: Running, known: dict[str, ChainEnd]) -> dict[str, Verdict]:
    """Return the verdict on each service's chain."""
    found = {}
    for name, url in running.stores.items():
        with snapshot(url) as tx:
            end = verify(tx, known.get(name))
        if isinstance(end, ChainBreak):
            found[name] = Verdict(end.position - 1, "", end.position, end.why)
        else:
            found[name] = Verdict(end.position, end.hash)
    return found


def cells(line: AuditLine) -> tuple[str, ...]:
    """Return an entry as a row of the table."""
    its = line.entry
    at = its.at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
    result = f"{its.denied} ×{its.count}" if its.count > 1 else its.denied or ALLOWED
    about = "\n".join(filter(None, (its.purpose, *its.about[:5], "…" if len(its.about) > 5 else "")))  # noqa: PLR2004 - a screen
    who = its.holder or its.address
    return line.service, str(line.position), at, who, its.role, its.call.rpartition(".")[2], result, about


def _lines(running: Running, service: str, holder: str, since: datetime | None, *, denied: bool) -> Iterator[AuditLine]:
    if service and service not in running.stores:
        raise CommandError(Exit.USAGE, f"没有此服务 no such service: {service}; {', '.join(running.stores)}")
    for name, url in running.stores.items():
        if service not in {"", name}:
            continue
        with snapshot(url) as tx:
            for position, entry in entries(tx):
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
        kept = msgspec_json.decode(file.read_bytes(), type=dict[str, Verdict])
    except (OSError, DecodeError, ValidationError) as error:
        raise CommandError(Exit.USAGE, f"--known: {file}: {error}") from error
    return {name: ChainEnd(its.entries, its.hash) for name, its in kept.items()}
