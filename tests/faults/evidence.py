"""What a run left behind, read by plain clients: topics, the ledger, rows of the stores, answers over gRPC.

Imports nothing of ours but `hub.wire` (a test walks the imports), so that no bug of the product can hide here.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import grpc
import psycopg
from kafka import KafkaConsumer, TopicPartition

from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from tests.faults.rows import ROWS_OF, TABLES, Cell, StoreRows

HANDOFFS: Final = "dispute.handoffs.v1"
JOURNAL: Final = "dispute.journal.v1"
TOPICS: Final = (HANDOFFS, JOURNAL, f"{HANDOFFS}.dlq", f"{JOURNAL}.dlq")
METRICS: Final = ("diversion", "success", "success_on_concluded", "resolution", "matters")
CHANNELS: Final = ("court", "police", "petition", "window", "all")
PATIENCE_S: Final = 60.0
ANSWER_S: Final = 20.0
EPOCH: Final = date(1970, 1, 1)

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Sources:
    """Where a run's traces are.

    Attributes:
        bootstrap: Brokers, `host:port[,host:port]`.
        ledger: JSON lines of receipts: agency, source_ref, receipt_id, dispute_id, stream, position.
        intake_store: `sqlite:///absolute/path.db` or `postgresql+psycopg://…`; the others alike.
        stats_store: As above.
        bridge_stores: By service name, `court_bridge` …
        intake_grpc: `host:port`.
        stats_grpc: As above.
        bridges_grpc: By service name.
        results: JSON lines of the results that agencies fetched: agency, event_id, dispute_id, source_ref, status …
        expected_dead: Reason -> dead letters that the driver may have provoked, at most. Records that are no batch are
            matched one by one besides, whatever stands here.
        who: Credential of an operator.
        commands: JSON lines of commands that intake said it carried out: command_id, dispute_id, stream, position.
    """

    bootstrap: str
    ledger: Path
    intake_store: str
    stats_store: str
    bridge_stores: Mapping[str, str]
    intake_grpc: str
    stats_grpc: str
    bridges_grpc: Mapping[str, str]
    who: Sequence[tuple[str, str | bytes]]
    results: Path
    expected_dead: Mapping[str, int] = field(default_factory=dict)
    commands: Path | None = None


class Raw(NamedTuple):
    """One Kafka record as it lies in the log."""

    topic: str
    partition: int
    offset: int
    headers: Mapping[str, bytes]
    value: bytes | None


class Answer(NamedTuple):
    """One rate as stats gave it, for business days [start, end); empty is open."""

    start: str
    end: str
    channel: str
    metric: str
    numerator: int
    denominator: int
    open: int


@dataclass(frozen=True)
class Evidence:
    """Everything the oracle looks at.

    Attributes:
        ledger: Receipts.
        results: Results that agencies fetched.
        raw: By topic, in offset order per partition.
        partitions: By topic.
        stores: By service.
        answers: Rates over gRPC.
        books: By service, (stage, what) -> count over gRPC.
        expected_dead: As in `Sources`.
        commands: Commands that intake said it carried out.
    """

    ledger: Sequence[Line]
    results: Sequence[Line]
    raw: Mapping[str, Sequence[Raw]]
    partitions: Mapping[str, int]
    stores: Mapping[str, StoreRows]
    answers: Sequence[Answer]
    books: Mapping[str, Mapping[tuple[str, str], int]]
    expected_dead: Mapping[str, int]
    commands: Sequence[Line] = ()


def gather(sources: Sources, before: Evidence | None = None) -> Evidence:
    """Read everything, the ledger first and the topics last.

    Args:
        sources: Where to look. The hub must have drained: what is still on its way counts as missing.
        before: Evidence of the same topics gathered earlier; only what came after it is read from Kafka.

    Raises:
        TimeoutError: A topic did not give what its end promised.
    """
    ledger, results = read_lines(sources.ledger), read_lines(sources.results)
    commands = () if sources.commands is None else read_lines(sources.commands)
    urls = {"intake": sources.intake_store, "stats": sources.stats_store, **sources.bridge_stores}
    stores = {name: read_store(name, url) for name, url in urls.items()}
    addresses = {"intake": sources.intake_grpc, "stats": sources.stats_grpc, **sources.bridges_grpc}
    raw, partitions = read_topics(sources.bootstrap, {} if before is None else before.raw)
    return Evidence(
        ledger=ledger,
        results=results,
        raw=raw,
        partitions=partitions,
        stores=stores,
        answers=read_rates(sources.stats_grpc, windows_of(stores["stats"]), sources.who),
        books={name: read_books(address, sources.who) for name, address in addresses.items()},
        expected_dead=dict(sources.expected_dead),
        commands=commands,
    )


def read_lines(path: Path) -> Sequence[Line]:
    """Return the JSON lines of a file; a last line that is cut off (its writer was killed) is left out."""
    if not path.exists():
        return ()
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return tuple(json.loads(line) for line in whole.splitlines() if line)


@contextmanager
def snapshot(url: str) -> Iterator[Any]:
    """Open a cursor on one consistent state of a store."""
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, timeout=30)) as opened:
            opened.execute("BEGIN")
            yield opened.cursor()
        return
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with connection.cursor() as cursor:
            yield cursor


def read_store(service: str, url: str) -> StoreRows:
    """Return the rows of one service's store."""
    kind = service if service in ROWS_OF else "bridge"
    tables: dict[str, Sequence[tuple[Any, ...]]] = {}
    with snapshot(url) as cursor:
        for name in ROWS_OF[kind]:
            row = cast("Any", TABLES[name])
            columns = ", ".join(f'"{column.rstrip("_")}"' for column in row._fields)
            cursor.execute(f'SELECT {columns} FROM "{name}"')  # noqa: S608 - names from the table above
            tables[name] = tuple(row._make(found) for found in cursor.fetchall())
    return StoreRows(service, tables)


def read_topics(bootstrap: str, known: Mapping[str, Sequence[Raw]]) -> tuple[dict[str, Sequence[Raw]], dict[str, int]]:
    """Return every record of all topics up to their ends as of now, and the number of partitions of each."""
    with closing(
        KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=8 * 1024 * 1024,
        )
    ) as consumer:
        places = [TopicPartition(t, p) for t in TOPICS for p in consumer.partitions_for_topic(t) or ()]
        ends = consumer.end_offsets(places)
        had = {place: [r for r in known.get(place.topic, ()) if r.partition == place.partition] for place in places}
        starts = {place: had[place][-1].offset + 1 if had[place] else 0 for place in places}
        wanted = {place: ends[place] for place in places if ends[place] > starts[place]}
        consumer.assign(list(wanted))
        for place in wanted:
            consumer.seek(place, starts[place])
        _drain(consumer, wanted, had)
    raw: dict[str, Sequence[Raw]] = {
        topic: tuple(r for place in places if place.topic == topic for r in had[place]) for topic in TOPICS
    }
    return raw, {topic: sum(place.topic == topic for place in places) for topic in TOPICS}


def _drain(consumer: Any, wanted: dict[Any, int], into: Mapping[Any, list[Raw]]) -> None:  # noqa: ANN401 - no types
    deadline = time.monotonic() + PATIENCE_S
    while wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"topics did not give what their ends promise: {wanted}")
        for place, records in consumer.poll(timeout_ms=500, max_records=5000).items():
            end = wanted.get(place, 0)
            into[place] += [
                Raw(r.topic, r.partition, r.offset, dict(r.headers), r.value) for r in records if r.offset < end
            ]
            if place in wanted and records[-1].offset + 1 >= end:
                del wanted[place]
                consumer.pause(place)


def windows_of(stats: StoreRows) -> list[tuple[str, str]]:
    """Return windows to ask for: everything, and both halves around the middle day that has figures."""
    days = sorted({cell.day for cell in stats.of(Cell)})
    if not days:
        return [("", "")]
    middle = (EPOCH + timedelta(days=days[len(days) // 2])).isoformat()
    return [("", ""), ("", middle), (middle, "")]


def read_rates(
    address: str, windows: Sequence[tuple[str, str]], who: Sequence[tuple[str, str | bytes]]
) -> Sequence[Answer]:
    """Ask stats for its figures over some windows."""
    answers: list[Answer] = []
    with grpc.insecure_channel(address) as channel:
        stub = stats_pb2_grpc.StatsServiceStub(channel)
        for start, end in windows:
            query = stats_pb2.Query(start_on=start, end_on=end, metrics=METRICS, channels=CHANNELS)
            answer = stub.GetRates(
                stats_pb2.GetRatesRequest(query=query), timeout=ANSWER_S, wait_for_ready=True, metadata=tuple(who)
            )
            answers += [
                Answer(start, end, r.channel, r.metric, r.numerator, r.denominator, r.open) for r in answer.rates
            ]
    return tuple(answers)


def read_books(address: str, who: Sequence[tuple[str, str | bytes]]) -> Mapping[tuple[str, str], int]:
    """Ask one service for its books."""
    with grpc.insecure_channel(address) as channel:
        stub = books_pb2_grpc.BooksServiceStub(channel)
        answer = stub.GetBooks(books_pb2.GetBooksRequest(), timeout=ANSWER_S, wait_for_ready=True, metadata=tuple(who))
    return {(entry.stage, entry.what): entry.count for entry in answer.entries}
