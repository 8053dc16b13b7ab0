"""`hub dlq held` and `hub dlq release`.

They show and release sources whose records wait in a reader's store. Like a redrive, a release publishes nothing; it
reaches the running service through its store. The records keep their positions and are counted once: first as held, at
last as applied (or dead).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import typer
from rich.table import Table

from dispute.contracts.topics import CATALOGUE
from hub.store.store import Store, Transaction
from hub.streams.holds import HeldRecords, aside, covers, holds, release
from ops.console import output
from ops.console.refusals import PRODUCER_HELD, UNKNOWN_SOURCE
from ops.run.run_folder import Running
from ops.run.status import Json, Run, find_or_fail

T = TypeVar("T")

COLUMNS: Final = ("服务 service", "来源 source", "状态 state", "自 since", "记录 records", "原因 reasons")
Source = Annotated[str, typer.Argument(help="来源，如所列 source, as listed")]


@dataclass(frozen=True, slots=True)
class Line:
    """One source's waiting records at one service.

    Attributes:
        state: `held`: all its records wait; `parked`: single ones do.
        since: ISO 8601, UTC; empty when it is not held.
        records: Number of records that wait in the store.
        overflow: Number of further records that became dead letters because the store had no room for them.
    """

    service: str
    source: str
    state: str
    since: str
    records: int
    overflow: int
    reasons: str


def held(run: Run = None, *, json: Json = False) -> None:
    """暂扣 Which sources are held because their records died in numbers, and which have single records parked."""
    with output.failing():
        lines = [_line(service, one) for service, one in _each(find_or_fail(run), _asides)]
    if json:
        output.document([asdict(line) for line in lines])
        return
    table = Table(title=f"暂扣的来源 held sources: {len(lines)}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for line in lines:
        records = f"{line.records} + {line.overflow}" if line.overflow else str(line.records)
        table.add_row(line.service, line.source, line.state, line.since, records, line.reasons)
    output.show(table)


def release_(source: Source, run: Run = None, *, json: Json = False) -> None:
    """放行 Let a source's records be tried again, in order; cure the cause first, or it is held again."""
    with output.failing():
        counts: dict[str, int] = {}
        for service, given in _each(find_or_fail(run), lambda store, topic: _release(store, topic, source)):
            counts[service] = counts.get(service, 0) + given
        if not counts:
            raise UNKNOWN_SOURCE.error(why=source)
    if json:
        output.document({"source": source, "records": sum(counts.values()), "services": sorted(counts)})
    else:
        for service, count in counts.items():
            output.console().print(f"{source}: {service} 将按序重试 {count} 条 records to be tried again, in order")


def _each(running: Running, look: Callable[[Store, str], Iterator[T]]) -> Iterator[tuple[str, T]]:
    """Call `look` for each reader of each topic.

    Yields the service with each result.
    """
    for topic in CATALOGUE:
        for service in topic.readers:
            with closing(Store(running.stores[service])) as store:
                for found in look(store, topic.name):
                    yield service, found


def _asides(store: Store, topic: str) -> Iterator[HeldRecords]:
    yield from store.read_blocking(lambda tx: aside(tx, topic))


def _release(store: Store, topic: str, source: str) -> Iterator[int]:
    """Release a source at one reader.

    Yields the number of records that wait to be tried again, or nothing when the source has none here.

    Raises:
        Rejected: `producer_held`: only the producer as a whole can be released.
    """

    def known(tx: Transaction) -> bool:
        named = holds(tx, topic)
        if source not in named and covers(named, source):
            raise PRODUCER_HELD.error(why=f"hub dlq release {source.partition('/')[0]}")
        return source in named or any(one.source == source for one in aside(tx, topic))

    if not store.read_blocking(known):
        return
    given: int | None = None
    while given is None:
        given = store.write_blocking(lambda tx: release(tx, topic, source))
    yield given


def _line(service: str, one: HeldRecords) -> Line:
    since = "" if one.since is None else datetime.fromtimestamp(one.since, UTC).isoformat(timespec="seconds")
    state = "parked" if one.since is None else "held"
    return Line(service, one.source, state, since, one.rows, one.letters, one.reasons)
