"""Which implementation stands behind which port of stats: the whole service on one screen."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hub.contracts.topics import JOURNAL
from hub.journal.deadletters import DeadLetterRelay
from hub.journal.holds import held_remark
from hub.journal.ports import Feed, Publisher
from hub.journal.reader import Reader, places_of
from hub.rpc.books import BooksServicer
from hub.rpc.call import Bounds
from hub.rpc.server import GrpcServer
from hub.rpc.vectors import vector_to_wire
from hub.runtime.health import Bearing, Concern, Health, HealthWatch
from hub.runtime.metrics import Metrics
from hub.runtime.process import Part
from hub.store.probe import StoreProbe
from hub.store.store import Store, Transaction
from hub.streaming.admin import provision
from hub.streaming.bus import Bus
from hub.streaming.provisioner import Provisioner
from hub.streaming.publisher import KafkaPublisher
from hub.streaming.worker import FaustFeed
from hub.web.app import build_app
from hub.web.server import HttpServer
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from hub.wire.stats.v1 import stats_pb2_grpc
from services.stats.adapters.applier import STAGE, JournalApplier
from services.stats.adapters.changes import Pulse
from services.stats.adapters.exporter import Exporter, FreshScrape
from services.stats.adapters.interning import Interning
from services.stats.adapters.ledger import FactWriter, StoreLedger, events_in
from services.stats.adapters.readiness import PublisherPart, StorePart, difference
from services.stats.adapters.rpc import JournalPlace, StatsServicer
from services.stats.handlers import Figures
from services.stats.settings import StatsSettings

NAME: Final = "stats"
GROUP: Final = "hub-stats"
VERSION: Final = "0.1.0"
PROVISION_S: Final = 2.0
"""One try; short, because a try under way holds up the process when it stops."""

MakeFeed = Callable[[Store], Feed]


@dataclass(frozen=True, slots=True)
class Stats:
    """The built service.

    Attributes:
        parts: In the order of their start.
        store: For tests that look at rows.
        reader: The journal's reader.
        figures: What gRPC answers from.
        grpc: Knows its port once started.
        http: As above.
    """

    parts: Sequence[Part]
    store: Store
    reader: Reader
    figures: Figures
    grpc: GrpcServer
    http: HttpServer


@dataclass(frozen=True, slots=True)
class Outside:
    """The bus, as the service sees it.

    Attributes:
        feed: Makes the journal's feed from the store that holds the places.
        publisher: Takes dead letters.
        provision: Creates or checks the topics; blocks.
    """

    feed: MakeFeed
    publisher: Publisher
    provision: Callable[[], None]


def kafka(settings: StatsSettings) -> Outside:
    """Return the real bus."""
    bus = Bus(
        bootstrap=settings.kafka_bootstrap,
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
        session_timeout_s=settings.session_timeout_s,
    )
    # Nothing of value is kept there; a name of its own per instance, the same after a restart.
    folder = Path(tempfile.gettempdir()) / "santiao-faust" / f"{NAME}-{settings.grpc_port}"
    return Outside(
        feed=lambda store: FaustFeed(bus, JOURNAL, GROUP, places_of(store, JOURNAL.name), folder),
        publisher=KafkaPublisher(bus),
        provision=lambda: provision(bus, [JOURNAL], deadline_s=PROVISION_S),
    )


def build(settings: StatsSettings, outside: Outside | None = None) -> Stats:
    """Build the service; nothing runs yet.

    Args:
        settings: Read once.
        outside: The bus; Kafka when None.
    """
    bus = outside or kafka(settings)
    metrics = Metrics()
    metrics.set("hub_build_info", 1, service=NAME, version=VERSION)
    store = Store(settings.store_url)
    interning = Interning(store.dialect)
    pulse = Pulse(store, events_in, coalesce_s=settings.watch_coalesce_s)
    applier = JournalApplier(FactWriter(store.dialect), interning, pulse, metrics)
    reader = Reader(
        store,
        bus.feed(store),
        applier,
        on_bug="stop",
        metrics=metrics,
        stage=STAGE,
        held_limit_rows=settings.held_limit_rows,
    )
    ledger = StoreLedger(store, lambda tx: {str(name): place for name, place in reader.positions(tx).items()})
    figures = Figures(ledger, JournalPlace(reader), pulse)
    exporter = Exporter(store, metrics, applier, lambda tx: difference(tx, reader.positions(tx), reader.books(tx)))
    exporter.begin()

    async def books() -> books_pb2.GetBooksResponse:
        return await store.read(lambda tx: _books(tx, reader))

    probe = StoreProbe(store, settings.store_url, metrics)
    health = Health(
        (
            Concern("writes", Bearing.ACCEPTING, probe.trouble, "不能记账 nothing can be counted"),
            Concern("reads", Bearing.APPLYING, reader.trouble, "显示的是已有数字 figures stand still"),
            Concern("sources", Bearing.PASSING_ON, lambda: held_remark(reader.held()), "来源 sources"),
        )
    )
    grpc = GrpcServer(
        f"{settings.host}:{settings.grpc_port}",
        [
            (stats_pb2_grpc.add_StatsServiceServicer_to_server, StatsServicer(figures), "hub.stats.v1.StatsService"),
            (
                books_pb2_grpc.add_BooksServiceServicer_to_server,
                BooksServicer(NAME, books),
                "hub.books.v1.BooksService",
            ),
        ],
        metrics,
        bounds=Bounds(call_s=settings.answer_s),
    )
    app = build_app("Santiao hub: stats", metrics=metrics, healthy=health.report, answer_s=settings.answer_s)
    http = HttpServer(FreshScrape(app, exporter), settings.host, settings.http_port)
    parts: Sequence[Part] = (
        StorePart(store),
        probe,
        pulse,
        Provisioner(bus.provision),
        reader,
        PublisherPart(bus.publisher),
        DeadLetterRelay(store, bus.publisher, version=f"{NAME} {VERSION}"),
        grpc,
        http,
        HealthWatch(health, metrics, grpc.set_serving),
    )
    return Stats(parts, store, reader, figures, grpc, http)


def _books(tx: Transaction, reader: Reader) -> books_pb2.GetBooksResponse:
    sheet = {**reader.books(tx), "applied": events_in(tx)}
    entries = [books_pb2.Entry(stage=STAGE, what=what, count=count) for what, count in sorted(sheet.items())]
    return books_pb2.GetBooksResponse(entries=entries, read=vector_to_wire(reader.positions(tx)))
