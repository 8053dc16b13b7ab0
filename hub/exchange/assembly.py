"""Puts one bridge together from its trade and the rooms of the hub; each service's `wiring.build` calls it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Generic

from fastapi import FastAPI

from hub.contracts.sealing import Sealer
from hub.contracts.topics import CATALOGUE, HANDOFFS, JOURNAL
from hub.exchange import codelists, credentials, openapi, references
from hub.exchange.books import read_books
from hub.exchange.calls import Calls
from hub.exchange.counter import Counter
from hub.exchange.credentials import KeyRing
from hub.exchange.desk import Desk
from hub.exchange.door import Door
from hub.exchange.health import concerns_of
from hub.exchange.link import BusLink
from hub.exchange.ports import RecordT
from hub.exchange.references import References
from hub.exchange.rest import Acknowledgement, RestEdge, build_router
from hub.exchange.results import ResultsApplier
from hub.exchange.settings import BridgeSettings
from hub.exchange.trade import Trade
from hub.journal.deadletters import DeadLetterRelay
from hub.journal.heads import HeadCheck, HeadGuard, OpenLog
from hub.journal.outbox import Outbox
from hub.journal.ports import Feed, Places, Publisher
from hub.journal.reader import Reader, places_of
from hub.journal.relay import Relay
from hub.rpc.books import BooksServicer
from hub.rpc.call import Bounds
from hub.rpc.quotas import CallQuotas
from hub.rpc.server import GrpcServer, Service
from hub.runtime import keys
from hub.runtime.clock import Clock
from hub.runtime.health import Health, HealthWatch
from hub.runtime.metrics import Metrics
from hub.runtime.process import Part
from hub.store.migrate import migrate, prepare
from hub.store.probe import StoreProbe
from hub.store.store import Store
from hub.streaming.admin import provision
from hub.streaming.bus import Bus
from hub.streaming.log import Log
from hub.streaming.publisher import KafkaPublisher
from hub.streaming.worker import FaustFeed
from hub.web.app import build_app
from hub.web.body import BodyLimits, JsonBody
from hub.web.quotas import RequestQuotas
from hub.web.server import HttpServer
from hub.wire.books.v1 import books_pb2, books_pb2_grpc

PROVISION_S: Final = 2.0
"""One look for the broker; short, because a stopping process waits for it."""
LOOK_S: Final = 3.0
"""One request of the look at the log before the doors open."""
GATHER_S: Final = 0.1
"""Results are taken in at this pace: an agency asks every few seconds, and a bridge reads the whole journal."""


@dataclass(frozen=True, slots=True)
class BusSide:
    """What a bridge needs of a bus; tests bring an in-memory one.

    Attributes:
        provision: Makes sure that the topics are there; `Retryable` while there is no bus.
        publisher: New publisher; called for the relay and for the dead letters.
        feed: New feed of the journal for a group; given the reader's own places.
        log: Opens the log of what the bridge itself published.
    """

    provision: Callable[[], None]
    publisher: Callable[[], Publisher]
    feed: Callable[[str, Places], Feed]
    log: OpenLog


def kafka_side(settings: BridgeSettings, scratch: Path) -> BusSide:
    """Return the real bus; `scratch` is a folder of this process that nothing of value is kept in."""
    bus = Bus(
        settings.kafka_bootstrap,
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
        session_timeout_s=settings.session_timeout_s,
    )
    return BusSide(
        provision=lambda: provision(bus, CATALOGUE, deadline_s=PROVISION_S),
        publisher=lambda: KafkaPublisher(bus),
        feed=lambda group, places: FaustFeed(bus, JOURNAL, group, places, scratch),
        log=lambda: Log(replace(bus, request_timeout_s=LOOK_S)),
    )


@dataclass(frozen=True, slots=True)
class Bridge(Generic[RecordT]):
    """A bridge put together, not started.

    Attributes:
        parts: In order of start.
        publishers: Of the relay and the dead letters; closed last.
        scratch: Folder of this process, for the consumer framework.
    """

    trade: Trade[RecordT]
    settings: BridgeSettings
    store: Store
    outbox: Outbox
    metrics: Metrics
    app: FastAPI
    relay: Relay
    reader: Reader
    heads: HeadCheck
    probe: StoreProbe
    link: BusLink
    grpc: GrpcServer
    http: HttpServer
    watch: HealthWatch
    publishers: Sequence[Publisher]
    scratch: tempfile.TemporaryDirectory[str]

    @property
    def parts(self) -> Sequence[Part]:
        """Parts in order of start: the doors open last, and then somebody watches them."""
        return (self.heads, self.probe, self.link, self.grpc, self.http, self.watch)

    def close(self) -> None:
        """Close what was opened; whatever is not on the bus yet is in the store."""
        for publisher in self.publishers:
            publisher.close()
        self.store.close()
        self.scratch.cleanup()


def open_store(trade: Trade[RecordT], store_url: str) -> Store:
    """Return the bridge's store at today's schema."""
    store = Store(store_url)
    migrate(store, trade.folder / "migrations" / "versions")
    return store


def assemble(
    trade: Trade[RecordT],
    settings: BridgeSettings,
    servicer: Callable[[Calls[RecordT]], Service],
    *,
    clock: Clock,
    bus: Callable[[BridgeSettings, Path], BusSide] = kafka_side,
) -> Bridge[RecordT]:
    """Put a bridge together; verifies the store, the key and the code lists, and starts nothing.

    Args:
        trade: What differs from agency to agency.
        settings: The bridge's own.
        servicer: The agency's gRPC service around the shared calls.
        clock: Wall clock; dates of records are judged by it.
        bus: Kafka, or an in-memory bus.

    Raises:
        Fault: `key_exposed`, `key_damaged`, `credentials_unreadable`.
        Rejected: `bad_code_list`.
        Retryable: The store could not be written for `hub.store.migrate.START_S`.
    """
    codes = codelists.load(codelists.OWN, trade.folder / "codes")
    key = keys.load_or_create(settings.keys_dir, "transport")
    path = settings.credentials_file
    fixed = credentials.read_file(path, trade.channel) if path else ()

    metrics = Metrics()
    store = Store(settings.store_url)
    outbox = Outbox(HANDOFFS, trade.service, limit_rows=settings.outbox_limit_rows)
    prepare(store, trade.folder / "migrations" / "versions", outbox.open)
    sealer = Sealer({key.id: key.secret}, key.id)
    door = Door(store, outbox, channel=trade.channel, to_wire=trade.to_wire, sealer=sealer, clock=clock)
    ring = KeyRing(store, fixed)
    known = References(store.read_blocking(references.load))
    counter = Counter(trade, codes, Desk(door, clock, trade.prepare), store, metrics, references=known)

    scratch = tempfile.TemporaryDirectory(prefix=f"santiao-{trade.service}-")
    side = bus(settings, Path(scratch.name))
    publishers = (side.publisher(), side.publisher())
    guard = HeadGuard(store, outbox, side.log, partitions=settings.kafka_partitions)
    relay = Relay(
        store,
        outbox,
        publishers[0],
        partitions=settings.kafka_partitions,
        worker=settings.worker_name(),
        metrics=metrics,
        guard=guard.check,
    )
    feed = side.feed(f"hub-{trade.service}", places_of(store, JOURNAL.name))
    applier = ResultsApplier(trade.channel)
    reader = Reader(
        store,
        feed,
        applier,
        on_bug="park",
        metrics=metrics,
        stage="result",
        gather_s=GATHER_S,
        held_limit_rows=settings.held_limit_rows,
    )
    dead_letters = DeadLetterRelay(store, publishers[1], version=f"{trade.service} {_version()}")
    link = BusLink(side.provision, (relay, dead_letters, reader))
    probe = StoreProbe(store, settings.store_url, metrics)
    health = Health(concerns_of(probe, link, relay, reader, settings.unsent_alarm_s))

    bodies = JsonBody(BodyLimits(max_bytes=settings.max_body_bytes))
    app = build_app(
        trade.title,
        metrics=metrics,
        healthy=health.report,
        routers=[build_router(trade, RestEdge(trade, counter, ring, codes, bodies))],
        quotas=RequestQuotas(identify=ring.known),
        answer_s=settings.answer_s,
    )
    openapi.complete(app.openapi(), (trade.record, trade.report, Acknowledgement), trade.field, codes)

    async def books() -> books_pb2.GetBooksResponse:
        return await store.read(lambda tx: read_books(tx, outbox, reader))

    services: list[Service] = [
        servicer(Calls(counter, ring)),
        (
            books_pb2_grpc.add_BooksServiceServicer_to_server,
            BooksServicer(trade.service, books),
            books_pb2.DESCRIPTOR.services_by_name["BooksService"].full_name,
        ),
    ]
    grpc = GrpcServer(
        f"{settings.host}:{settings.grpc_port}",
        services,
        metrics,
        bounds=Bounds(call_s=settings.answer_s),
        quotas=CallQuotas(identify=ring.known),
    )
    return Bridge(
        trade=trade,
        settings=settings,
        store=store,
        outbox=outbox,
        metrics=metrics,
        app=app,
        relay=relay,
        reader=reader,
        heads=HeadCheck(guard),
        probe=probe,
        link=link,
        grpc=grpc,
        http=HttpServer(app, settings.host, settings.http_port),
        watch=HealthWatch(health, metrics, grpc.set_serving),
        publishers=publishers,
        scratch=scratch,
    )


def _version() -> str:
    """Return the release that runs; a checkout that was never installed has none."""
    try:
        return version("santiao-hub")
    except PackageNotFoundError:
        return "checkout"
