"""Which implementation stands behind which port of intake: the whole service on one screen."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from hub.contracts.sealing import Sealer
from hub.contracts.topics import CATALOGUE, HANDOFFS, JOURNAL
from hub.journal.deadletters import DeadLetterRelay
from hub.journal.heads import HeadCheck, HeadGuard, Logged, OpenLog
from hub.journal.holds import held_remark
from hub.journal.judge import Numbered
from hub.journal.outbox import Outbox
from hub.journal.ports import Feed, Publisher
from hub.journal.reader import Reader, places_of
from hub.journal.recovery import Recovered, recover
from hub.journal.relay import Relay
from hub.rpc.books import BooksServicer
from hub.rpc.call import Bounds
from hub.rpc.server import GrpcServer
from hub.runtime.calendars import WorkCalendar
from hub.runtime.clock import Clock, WallClock
from hub.runtime.health import Bearing, Concern, Health, HealthWatch
from hub.runtime.keys import load_or_create
from hub.runtime.metrics import Metrics
from hub.runtime.process import Part
from hub.store.batcher import Batcher
from hub.store.migrate import migrate
from hub.store.probe import StoreProbe
from hub.store.store import Store, Transaction
from hub.store.waits import UPKEEP
from hub.streaming.admin import provision
from hub.streaming.bus import Bus
from hub.streaming.log import Log
from hub.streaming.provisioner import Provisioner
from hub.streaming.publisher import KafkaPublisher
from hub.streaming.worker import FaustFeed
from hub.web.app import build_app
from hub.web.server import HttpServer
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from hub.wire.intake.v1 import intake_pb2_grpc
from services.intake.adapters.accounts import HANDOFF, books_of
from services.intake.adapters.applier import HandoffApplier
from services.intake.adapters.counters import MetricCounters
from services.intake.adapters.holidays import HolidayFolder, HolidayTables
from services.intake.adapters.progress import AlarmClock, FeedProgress
from services.intake.adapters.pulse import Pulse
from services.intake.adapters.readiness import VERSIONS, StorePart
from services.intake.adapters.recalling import dispute_of, recalled_of
from services.intake.adapters.register import StoreRegister, StoreUnits
from services.intake.adapters.requests import Requests
from services.intake.adapters.rpc import IntakeServicer
from services.intake.adapters.rules import load_deadlines, load_screening
from services.intake.adapters.vault import Vault
from services.intake.domain.matching import match_token
from services.intake.domain.registration import Rulebook
from services.intake.domain.telling import Arrival
from services.intake.handlers.carrying import Answer, Outcome, Task, carry_out
from services.intake.handlers.firing import Alarms
from services.intake.handlers.recovering import take_back
from services.intake.handlers.settling import Settler
from services.intake.settings import IntakeSettings

NAME: Final = "intake"
GROUP: Final = "hub-intake"
VERSION: Final = "0.1.0"
DEGRADED_AFTER_S: Final = 10.0
"""Age of the oldest record that Kafka has not taken, from which health says degraded."""
PROVISION_S: Final = 2.0
"""Bound of one try: a process that is told to stop must not wait for a bus that is away."""
LOOK_S: Final = 3.0
"""Bound of one request of the look at the journal before the doors open."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the service gets from outside.

    Attributes:
        feed: Makes the feed of the hand-offs from the store that holds the places.
        publisher: Makes a publisher; called twice (journal, dead letters).
        provision: Creates or checks the topics; blocks.
        clock: Wall clock.
        log: Opens the log of what intake itself published.
    """

    feed: Callable[[Store], Feed]
    publisher: Callable[[], Publisher]
    provision: Callable[[], None]
    clock: Clock
    log: OpenLog


@dataclass(frozen=True, slots=True)
class Intake:
    """The built service.

    Attributes:
        parts: In the order of their start.
        store: For tests that look at rows.
        outbox: Journal.
        reader: Of the hand-offs.
        alarm_clock: Fires timers.
        holidays: Reads holiday tables and settles what they make certain.
        grpc: Knows its port once started.
        http: As above.
    """

    parts: Sequence[Part]
    store: Store
    outbox: Outbox
    reader: Reader
    alarm_clock: AlarmClock
    holidays: HolidayTables
    grpc: GrpcServer
    http: HttpServer


def kafka(settings: IntakeSettings) -> Outside:
    """Return the real bus and the real clock."""
    bus = Bus(
        bootstrap=settings.kafka_bootstrap,
        partitions=settings.kafka_partitions,
        replication=settings.kafka_replication,
        session_timeout_s=settings.session_timeout_s,
    )
    # Nothing of value is kept there; a name of its own per worker, the same after a restart.
    folder = Path(tempfile.gettempdir()) / "santiao-faust" / f"{NAME}-{settings.worker_name()}"
    return Outside(
        feed=lambda store: FaustFeed(bus, HANDOFFS, GROUP, places_of(store, HANDOFFS.name), folder),
        publisher=lambda: KafkaPublisher(bus),
        provision=lambda: provision(bus, CATALOGUE, deadline_s=PROVISION_S),
        clock=WallClock(),
        log=lambda: Log(replace(bus, request_timeout_s=LOOK_S)),
    )


def build(settings: IntakeSettings, outside: Outside | None = None) -> Intake:
    """Build the service; nothing runs yet.

    Args:
        settings: Read once.
        outside: Bus and clock; Kafka and the wall clock when None.
    """
    world = outside or kafka(settings)
    clock = world.clock
    metrics = Metrics()
    metrics.set("hub_build_info", 1, service=NAME, version=VERSION)
    counters = MetricCounters(metrics)
    calendar = WorkCalendar({})
    book = Rulebook(load_screening(), load_deadlines(), calendar)
    transport = load_or_create(settings.keys_dir, "transport")
    match = partial(_token, load_or_create(settings.keys_dir, "match").secret)
    vault = Vault(load_or_create(settings.keys_dir, "intake-store").secret)

    store = Store(settings.store_url)
    outbox = Outbox(JOURNAL, NAME, limit_rows=settings.outbox_limit_rows)
    pulse = Pulse(store)

    def bind(tx: Transaction) -> StoreRegister:
        return StoreRegister(tx, outbox, vault, clock, store.dialect)

    def unit(tx: Transaction, tasks: Sequence[Task]) -> Sequence[Outcome]:
        return carry_out(bind(tx), tasks, book, clock.now())

    feed = world.feed(store)
    applier = HandoffApplier(
        bind=bind,
        sealer=Sealer({transport.id: transport.secret}, transport.id),
        match=match,
        book=book,
        clock=clock,
        counters=counters,
    )
    reader = Reader(
        store,
        feed,
        applier,
        on_bug="park",
        metrics=metrics,
        stage=HANDOFF,
        held_limit_rows=settings.held_limit_rows,
    )
    commands: Batcher[Task, Answer] = Batcher(store, unit)
    units = StoreUnits(store, bind)
    alarms = Alarms(units, book, clock.now, counters)
    settler = Settler(
        units, book, clock.now, lambda register: register.now() if settings.clock == "scenario" else clock.now()
    )
    holidays = HolidayTables(
        calendar, HolidayFolder(settings.calendar_dir), settler, metrics, every_s=settings.calendar_every_s
    )
    alarm_clock = AlarmClock(
        store,
        alarms,
        FeedProgress(store, feed, settings.kafka_partitions),
        clock,
        kind=settings.clock,
        every_s=settings.timer_every_s,
        grace_s=settings.timer_grace_s,
    )
    guard = HeadGuard(store, outbox, world.log, partitions=settings.kafka_partitions)
    relay = Relay(
        store,
        outbox,
        world.publisher(),
        partitions=settings.kafka_partitions,
        worker=settings.worker_name(),
        metrics=metrics,
        guard=guard.check,
    )

    async def books() -> books_pb2.GetBooksResponse:
        return await store.read(lambda tx: books_of(tx, reader, outbox))

    probe = StoreProbe(store, settings.store_url, metrics)
    health = Health(
        (
            Concern("writes", Bearing.ACCEPTING, probe.trouble, "不能受理 nothing can be accepted"),
            Concern("reads", Bearing.APPLYING, reader.trouble, "来件未处理 hand-offs are not applied"),
            Concern("relays", Bearing.PASSING_ON, partial(relay.trouble, DEGRADED_AFTER_S), "转发延迟 sent on late"),
            Concern("sources", Bearing.PASSING_ON, lambda: held_remark(reader.held()), "来源 sources"),
        )
    )
    servicer = IntakeServicer(
        store=store,
        outbox=outbox,
        reader=reader,
        commands=commands,
        requests=Requests(clock, settings.clock, match, book),
        alarms=alarms,
        clock=clock,
        clock_kind=settings.clock,
        pulse=pulse,
        counters=counters,
    )
    grpc = GrpcServer(
        f"{settings.host}:{settings.grpc_port}",
        [
            (intake_pb2_grpc.add_IntakeServiceServicer_to_server, servicer, "hub.intake.v1.IntakeService"),
            (
                books_pb2_grpc.add_BooksServiceServicer_to_server,
                BooksServicer(NAME, books),
                "hub.books.v1.BooksService",
            ),
        ],
        metrics,
        bounds=Bounds(call_s=settings.answer_s),
    )
    app = build_app("Santiao hub: intake", metrics=metrics, healthy=health.report, answer_s=settings.answer_s)
    http = HttpServer(app, settings.host, settings.http_port)
    parts: Sequence[Part] = (
        StorePart(store, outbox),
        probe,
        HeadCheck(guard),
        holidays,
        pulse,
        Provisioner(world.provision),
        relay,
        reader,
        DeadLetterRelay(store, world.publisher(), version=f"{NAME} {VERSION}"),
        alarm_clock,
        grpc,
        http,
        HealthWatch(health, metrics, grpc.set_serving),
    )
    return Intake(parts, store, outbox, reader, alarm_clock, holidays, grpc, http)


def recover_store(settings: IntakeSettings, source: Logged | None = None) -> Recovered:
    """Bring a restored store up to what it had published; errors as `hub.journal.recovery.recover`.

    Args:
        settings: As for serving.
        source: The log; Kafka when None.
    """
    book = Rulebook(load_screening(), load_deadlines(), WorkCalendar({}))
    vault = Vault(load_or_create(settings.keys_dir, "intake-store").secret)
    outbox = Outbox(JOURNAL, NAME)
    store = Store(settings.store_url, UPKEEP)
    log = source or Log(Bus(settings.kafka_bootstrap))
    try:
        migrate(store, VERSIONS)
        store.write_blocking(outbox.open)

        def adopt(tx: Transaction, records: Sequence[Numbered]) -> None:
            take_back(
                StoreRegister(tx, outbox, vault, WallClock(), store.dialect), [recalled_of(r) for r in records], book
            )

        return recover(store, outbox, log, key_of=dispute_of, adopt=adopt)
    finally:
        log.close()
        store.close()


def _token(secret: bytes, arrival: Arrival) -> str:
    return match_token(secret, arrival.people, arrival.facts.category)
