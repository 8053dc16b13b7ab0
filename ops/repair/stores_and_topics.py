"""`hub store` and `hub topics` repair stores and topics.

The runbook describes each repair. Except for a backup, the service concerned must be stopped.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from dispute.contracts.topics import CATALOGUE, TOPICS
from hub.kafka.admin import recreate
from hub.kafka.bus import Bus
from hub.kafka.log import Log
from hub.kafka.rights import command_lines, rights_of
from hub.refusals import STORE_IN_USE
from hub.store import backups
from hub.store.store import Store
from hub.store.waits import UPKEEP
from hub.streams.envelope import StreamName
from hub.streams.inbox import Inbox
from hub.streams.outbox import Outbox
from hub.streams.recovery import refuse_running, republish
from hub.streams.topics import SHARDS, Topic
from ops.console import output
from ops.console.refusals import NOT_DRAINED, PUBLISHES_NOTHING
from ops.run.launcher import environment_of
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

store_app = typer.Typer(help="存储 Stores: back up, restore, recover, republish.", no_args_is_help=True)
topics_app = typer.Typer(help="主题 Topics: grow their partitions, rights of the services.", no_args_is_help=True)
Service = Annotated[
    str, typer.Argument(help="服务 service: court_bridge | police_bridge | petition_bridge | intake | stats")
]
File = Annotated[Path, typer.Argument(help="备份文件 backup file")]
PROBE_S: Final = 1.0
NAMED: Final = 5
"""Largest number of reasons that the error `not_drained` lists."""


@store_app.command("backup")
def backup(service: Service, file: File, run: Run = None) -> None:
    """备份 Copy a SQLite store, also while its service works; PostgreSQL: pg_dump."""
    url = _url(find_or_fail(run), service)
    with output.failing():
        size = backups.backup(url, file, datetime.now(UTC))
    output.console().print(f"{service}: {size} 字节 bytes → {file}")


@store_app.command("restore")
def restore(service: Service, file: File, run: Run = None) -> None:
    """恢复 Put a backup in the store's place; what stood there is moved aside. Then: hub store recover."""
    running = find_or_fail(run)
    url = _url(running, service)
    with output.failing():
        _refuse_listening(running, [service])
        aside = backups.restore(url, file, datetime.now(UTC))
    console = output.console()
    if aside is not None:
        console.print(f"原存储移至 the former store is now {aside}")
    console.print(f"{service}: 已恢复 restored from {file}")
    if _publishes(service):
        console.print(f"启动前须 before it may start: hub store recover {service}")


@store_app.command("recover")
def recover(service: Service, run: Run = None) -> None:
    """补回 Take back from Kafka what the store published after its backup: `python -m services.<service> recover`."""
    running = find_or_fail(run)
    url = _url(running, service)
    with output.failing():
        _topic_of(service)
    environment = environment_of(service, Path(running.folder), url, running.kafka, running.clock)
    command = [sys.executable, "-m", f"services.{service}", "recover"]
    done = subprocess.run(command, env=environment, check=False)  # noqa: S603 - our own interpreter and module
    raise typer.Exit(done.returncode)


@store_app.command("republish")
def republish_store(service: Service, run: Run = None) -> None:
    """重发 Have a stopped service publish its records again: for a topic that was lost or made anew."""
    url = _url(find_or_fail(run), service)
    with output.failing():
        topic = _topic_of(service)
        with closing(Store(url, UPKEEP)) as store:
            refuse_running(store)
            count = store.write_blocking(lambda tx: republish(tx, topic, time.time()))
    output.console().print(f"{service}: 启动后重发 {count} 条 records go to {topic.name} again once it is started")


@store_app.command("new-epoch")
def new_epoch(service: Service, run: Run = None) -> None:
    """新纪元 Begin a new epoch: only when Kafka no longer has what the store lacks (docs/runbook.md)."""
    url = _url(find_or_fail(run), service)
    with output.failing():
        topic = _topic_of(service)
        with closing(Store(url, UPKEEP)) as store:
            refuse_running(store)
            epoch = store.write_blocking(Outbox(topic, service).begin_epoch)
            store.write_blocking(backups.forget_backup)
    output.console().print(f"{service}: 新纪元 new epoch {epoch}")


@topics_app.command("acl")
def list_rights(
    *,
    commands: Annotated[
        bool, typer.Option("--commands", help="输出 kafka-acls.sh 命令 as calls of Kafka's own tool")
    ] = False,
    json: Json = False,
) -> None:
    """权限 What each service has to be allowed at Kafka, and nothing else; users have the services' names."""
    rights = rights_of(TOPICS)
    if json:
        output.document([asdict(right) for right in rights])
        return
    if commands:
        for line in command_lines(rights):
            output.console().print(line, markup=False, soft_wrap=True)
        return
    table = Table(title="权限 rights", title_justify="left")
    for column in ("用户 user", "类别 kind", "名称 name", "操作 operations"):
        table.add_column(column, overflow="fold")
    for right in rights:
        table.add_row(right.service, right.kind, right.name, " ".join(right.operations))
    output.show(table)


@topics_app.command("grow")
def grow(
    partitions: Annotated[int, typer.Option(help="24 的约数 a divisor of 24: 6, 8, 12, 24")], run: Run = None
) -> None:
    """扩分区 Make both topics anew with more partitions, everything drained and all services stopped."""
    if partitions < 1 or SHARDS % partitions:
        raise typer.BadParameter(f"{partitions} 不能整除 does not divide {SHARDS}", param_hint="--partitions")
    running = find_or_fail(run)
    console = output.console()
    with output.failing():
        _refuse_listening(running, sorted(running.stores))
        bus = replace(Bus(running.kafka), partitions=partitions)
        if _made_anew(bus):
            console.print("主题已是新的 the topics are made already; 标记重发 marking the stores")
        else:
            for url in running.stores.values():
                with closing(Store(url, UPKEEP)) as store:
                    refuse_running(store)
            if waits := undrained(running.stores):
                raise NOT_DRAINED.error(why="; ".join(waits[:NAMED]))
            console.print("已排空 drained: 每个读者都读到了每个流的末尾 every reader is at the end of every stream")
            recreate(bus, CATALOGUE)
            console.print(f"{', '.join(topic.name for topic in CATALOGUE)}: {partitions} 分区 partitions")
        for topic in CATALOGUE:
            for service in topic.producers:
                with closing(Store(running.stores[service], UPKEEP)) as store:
                    count = store.write_blocking(lambda tx, topic=topic: republish(tx, topic, time.time()))  # type: ignore[misc]
                console.print(f"  {service}: 启动后重发 {count} 条 records again once it is started")
    console.print(f"启动时设 start all services with HUB_KAFKA_PARTITIONS={partitions}")


def undrained(stores: Mapping[str, str]) -> list[str]:
    """Return what has not arrived yet.

    Computed from the positions that the stores keep; empty when everything was published, read and applied.
    """
    waits: list[str] = []
    for topic in CATALOGUE:
        heads: dict[StreamName, int] = {}
        for service in topic.producers:
            outbox = Outbox(topic, service)
            with closing(Store(stores[service], UPKEEP)) as store:
                unsent = store.read_blocking(outbox.unsent)
                heads |= store.read_blocking(outbox.heads)
            if unsent:
                waits.append(f"{service}: {unsent} 条未发 records not published")
        for service in topic.readers:
            inbox = Inbox(topic.name)
            with closing(Store(stores[service], UPKEEP)) as store:
                reached = store.read_blocking(inbox.reached)
                books = store.read_blocking(inbox.books)
            unread = sum(max(0, head - reached.get(stream, 0)) for stream, head in heads.items())
            if unread:
                waits.append(f"{service}: {unread} 条未读 records of {topic.name} not read")
            waits += [
                f"{service}: {books[what]} 条{zh} records of {topic.name} {what}"
                for what, zh in (("parked", "搁置"), ("held", "暂扣"))
                if books[what]
            ]
    return waits


def _made_anew(bus: Bus) -> bool:
    """Tell whether an earlier try already recreated the topics."""
    log = Log(bus)
    try:
        ends = [log.ends(topic.name) for topic in CATALOGUE]
    finally:
        log.close()
    return all(len(each) == bus.partitions and not any(each.values()) for each in ends)


def _refuse_listening(running: Running, services: Sequence[str]) -> None:
    for label, address in sorted(running.grpc.items()):
        host, _, port = address.rpartition(":")
        if any(label == service or label.startswith(f"{service}-") for service in services) and _listens(
            host, int(port)
        ):
            raise STORE_IN_USE.error(service=label)


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=PROBE_S):
            return True
    except OSError:
        return False


def _url(running: Running, service: str) -> str:
    if service not in running.stores:
        raise typer.BadParameter(" | ".join(sorted(running.stores)), param_hint="service")
    return running.stores[service]


def _publishes(service: str) -> bool:
    return any(service in topic.producers for topic in CATALOGUE)


def _topic_of(service: str) -> Topic:
    for topic in CATALOGUE:
        if service in topic.producers:
            return topic
    raise PUBLISHES_NOTHING.error(service=service)
