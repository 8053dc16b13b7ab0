"""`hub doctor` probes what a running hub needs.

It names the cause of each failure.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import typer
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from dispute.contracts.topics import CATALOGUE, CREDENTIALS
from hub.errors import Fault, Refused
from hub.kafka.admin import describe
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.store.store import Store
from hub.store.tables import dead_letter
from ops.console import output
from ops.console.exits import CommandError, Exit
from ops.run import calendar, rules
from ops.run.broker import choose
from ops.run.client import PERSON_S, HubClient
from ops.run.credentials import shown
from ops.run.run_folder import Running, find
from ops.run.status import Json, Run

PROBE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Result of one probe."""

    what: str
    ok: bool
    says: str


def doctor(run: Run = None, *, json: Json = False) -> None:
    """体检 Probe broker, topics, stores and services; says what is wrong and where to look."""
    findings = output.carry_out(_examine(run))
    if json:
        output.document([asdict(finding) for finding in findings])
    else:
        table = Table()
        for column in ("项目 what", "", "说明 says"):
            table.add_column(column, overflow="fold")
        for finding in findings:
            table.add_row(finding.what, "[green]✓[/]" if finding.ok else "[red]✗[/]", finding.says)
        output.show(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(int(Exit.DIFFERENCE))


async def _examine(run: Run) -> list[Diagnosis]:
    found = [probe("Kafka 选择 choice (HUB_KAFKA)", lambda: choose(os.environ).why)]
    try:
        running = find(run)
    except CommandError as error:
        return [*found, Diagnosis("运行 run", ok=False, says=str(error))]
    found.append(await asyncio.to_thread(probe, f"Kafka {running.kafka}", partial(_kafka, running.kafka)))
    names = [CREDENTIALS.name, *(name for topic in CATALOGUE for name in (topic.name, topic.dead_letters))]
    looks = [(f"主题 topic {name}", partial(_topic, running.kafka, name)) for name in names]
    looks += [(f"存储 store {name}", partial(_store, url)) for name, url in running.stores.items()]
    looks.append(("节假日表 holiday tables", partial(calendar.reach, Path(running.folder) / calendar.CALENDARS)))
    looks.append(("本县规则 county's rules", partial(rules.state_of, Path(running.folder))))
    found += await asyncio.gather(*(asyncio.to_thread(probe, what, look) for what, look in looks))
    return found + await _services(running)


def probe(what: str, look: Callable[[], str]) -> Diagnosis:
    """Run one check and return its result.

    A check that fails gives the reason as the text.
    """
    try:
        return Diagnosis(what, ok=True, says=look())
    except (Refused, Fault, CommandError, SQLAlchemyError, OSError) as error:
        return Diagnosis(what, ok=False, says=str(error).splitlines()[0])


def _kafka(servers: str) -> str:
    cluster = describe(Bus(servers), deadline_s=PROBE_S)
    return f"Apache Kafka {cluster.version}"


def _topic(servers: str, name: str) -> str:
    log = Log(Bus(servers))
    try:
        ends = log.ends(name)
        return f"{len(ends)} 分区 partitions, {sum(ends.values())} 批 messages"
    finally:
        log.close()


def _store(url: str) -> str:
    store = Store(url)
    try:
        letters = store.read_blocking(
            lambda tx: tx.execute(sa.select(sa.func.count()).select_from(dead_letter)).scalar()
        )
        return f"{store.dialect}, 死信 dead letters: {letters}"
    finally:
        store.close()


async def _services(running: Running) -> list[Diagnosis]:
    client = HubClient(running.grpc, running.http, shown(running.folder), patience_s=PERSON_S)
    found = []
    try:
        for label, address in running.grpc.items():
            sheet = await client.sheet_now(label)
            says = f"无应答 no answer at {address}; 日志 see {running.folder}/logs/{label}.log"
            if sheet is not None:
                says = f"{address}, 待发 unsent {sheet.outbox_rows}"
            found.append(Diagnosis(f"服务 service {label}", ok=sheet is not None, says=says))
    finally:
        await client.close()
    return found
