"""Builds stats: an implementation for every port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dispute.access.roles import role_table
from dispute.contracts.topics import CREDENTIALS, JOURNAL
from dispute.wire.stats.v1 import stats_pb2_grpc
from hub.access.verifier import SetVerifier
from hub.grpc.server import GrpcServer
from hub.http.server import HttpServer
from hub.runtime.clock import Clock, WallClock
from hub.runtime.health import Bearing
from hub.runtime.process import Part
from hub.service.bus import BusPorts, kafka
from hub.service.kit import Kit
from hub.store.store import Store
from hub.streams.reader import Reader
from services.stats.facts.applier import STAGE, JournalApplier
from services.stats.facts.books import books_of, difference
from services.stats.facts.changes import StoreChangeSignal
from services.stats.facts.interning import Interning
from services.stats.facts.ledger import FactWriter, StoreLedger, events_in
from services.stats.figures.answers import Figures
from services.stats.figures.exporter import Exporter, FreshScrape
from services.stats.figures.servicer import JournalWaiter, StatsServicer
from services.stats.settings import StatsSettings

NAME: Final = "stats"
GROUP: Final = "hub-stats"
VERSIONS: Final = Path(__file__).parent / "facts" / "migrations" / "versions"


@dataclass(frozen=True, slots=True)
class Stats:
    """The built service.

    Attributes:
        parts: In the order of their start.
        store: For tests that look at rows.
        verifier: Knows the tokens.
        reader: The journal's reader.
        figures: Answers gRPC requests.
        grpc: Knows its port once started.
        http: As above.
    """

    parts: Sequence[Part]
    store: Store
    verifier: SetVerifier
    reader: Reader
    figures: Figures
    grpc: GrpcServer
    http: HttpServer


def build(settings: StatsSettings, bus: BusPorts | None = None, clock: Clock | None = None) -> Stats:
    """Build the service; nothing runs yet.

    Args:
        settings: Read once.
        bus: Kafka when None; stats creates or checks only the topics that it reads.
        clock: The wall clock when None.
    """
    ports = bus or kafka(settings, NAME, [JOURNAL, CREDENTIALS])
    kit = Kit(NAME, settings, ports, VERSIONS, table=role_table(), clock=clock or WallClock())
    store = kit.store
    interning = Interning(store.dialect)
    changes = StoreChangeSignal(store, events_in, coalesce_s=settings.watch_coalesce_s)
    applier = JournalApplier(FactWriter(store.dialect), interning, changes, kit.metrics)
    reader = kit.reader(kit.feed(JOURNAL, GROUP), applier, stage=STAGE, on_bug="stop")
    ledger = StoreLedger(store, lambda tx: {str(name): place for name, place in reader.positions(tx).items()})
    figures = Figures(ledger, JournalWaiter(reader), changes)
    exporter = Exporter(store, kit.metrics, applier, lambda tx: difference(tx, reader.positions(tx), reader.books(tx)))
    exporter.begin()
    built = kit.assemble(
        "Santiao hub: stats",
        concerns=(
            kit.writes("不能记账 nothing can be counted"),
            kit.reads("reads", Bearing.APPLYING, "显示的是已有数字 figures stand still"),
        ),
        services=[
            (stats_pb2_grpc.add_StatsServiceServicer_to_server, StatsServicer(figures), "hub.stats.v1.StatsService")
        ],
        books=lambda tx: books_of(tx, reader),
        before=(changes,),
        around=lambda app: FreshScrape(app, exporter),
    )
    return Stats(built.parts, store, kit.verifier, reader, figures, built.grpc, built.http)
