"""Builds intake: an implementation for every port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct

from dispute.access.roles import role_table
from dispute.calendar.working_days import WorkCalendar
from dispute.codes.ages import show_ages
from dispute.codes.division_files import load as load_divisions
from dispute.contracts.sealing import sealer_of
from dispute.contracts.topics import HANDOFFS, JOURNAL, TOPICS
from dispute.wire.intake.v1 import intake_pb2_grpc
from hub.access.verifier import SetVerifier
from hub.grpc.access import AccessServicer
from hub.grpc.server import GrpcServer
from hub.http.server import HttpServer
from hub.kafka.log import Log
from hub.runtime.clock import Clock, WallClock
from hub.runtime.health import Bearing, Concern
from hub.runtime.keys import load_or_create
from hub.runtime.process import Part
from hub.service.bus import BusPorts, bus_of, kafka
from hub.service.kit import Kit
from hub.store.batcher import Batcher
from hub.store.migrate import migrate
from hub.store.snapshots import snapshot
from hub.store.store import Store, Transaction
from hub.store.waits import UPKEEP
from hub.streams.heads import TopicLog
from hub.streams.judge import Numbered
from hub.streams.outbox import Outbox
from hub.streams.reader import Reader
from hub.streams.recovery import RecoveryResult, recover
from hub.wire.access.v1 import access_pb2_grpc
from services.intake.cases.books import HANDOFF, books_of
from services.intake.cases.counters import MetricCounters
from services.intake.cases.own_events import dispute_of, recalled_of
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.provisional_dates import Settler
from services.intake.cases.recovery import take_back
from services.intake.cases.register import StoreRegister, StoreUnits
from services.intake.cases.sealed_exits import SealedExits
from services.intake.cases.shredding import KeyDestroyer
from services.intake.cases.trace import trace
from services.intake.cases.unit_of_work import Outcome, Task, TaskResult, carry_out
from services.intake.dry_run.comparison import Comparison, dry_run
from services.intake.dry_run.recording import Window, chronology_of
from services.intake.inbound.alarm_clock import AlarmClock, FeedProgress
from services.intake.inbound.alarm_levels import AlarmLevels
from services.intake.inbound.alarms import Alarms
from services.intake.inbound.commits import CommitSignal
from services.intake.inbound.effects import Effects
from services.intake.inbound.handoffs import HandoffApplier
from services.intake.inbound.holidays import HolidayFolder, HolidayTables
from services.intake.inbound.requests import Requests
from services.intake.inbound.rule_folder import RuleFolder
from services.intake.inbound.servicer import IntakeServicer
from services.intake.inbound.shreddings import ShreddingCalls
from services.intake.law.marks import marks_of, marks_without
from services.intake.law.rule_files import LoadedRules, load_rules, read_folder, rules_of, sound
from services.intake.law.rule_text import Problem
from services.intake.law.rulebook import Rules
from services.intake.settings import IntakeSettings

NAME: Final = "intake"
GROUP: Final = "hub-intake"
VERSIONS: Final = Path(__file__).parent / "cases" / "migrations" / "versions"


class Intake(Struct, frozen=True):
    """The built service.

    Attributes:
        parts: In the order of their start.
        store: For tests that look at rows.
        outbox: Journal.
        reader: Of the hand-offs.
        alarm_clock: Fires timers.
        holidays: Reads holiday tables and settles what they make certain.
        rule_folder: Reads the county's rules again when they change.
        verifier: Knows the tokens.
        grpc: Knows its port once started.
        http: As above.
    """

    parts: Sequence[Part]
    store: Store
    outbox: Outbox
    reader: Reader
    alarm_clock: AlarmClock
    holidays: HolidayTables
    rule_folder: RuleFolder
    verifier: SetVerifier
    grpc: GrpcServer
    http: HttpServer


def build(settings: IntakeSettings, bus: BusPorts | None = None, clock: Clock | None = None) -> Intake:
    """Build the service; nothing runs yet.

    Args:
        settings: Read once.
        bus: Kafka when None.
        clock: The wall clock when None.

    Raises:
        Fault: `rules_invalid`: the county's rules have errors; deciding by other rules would be worse than waiting.
    """
    calendar = WorkCalendar({})
    county = read_folder(settings.rules_dir)
    rules = Rules(sound(rules_of(county, calendar)).book)
    roles, clock = role_table(), clock or WallClock()
    ports = bus or kafka(settings, NAME, TOPICS)
    kit = Kit(NAME, settings, ports, VERSIONS, table=roles, clock=clock, issues=True)
    store = kit.store
    counters = MetricCounters(kit.metrics)
    places = load_divisions(settings.divisions_file)
    show_ages(kit.metrics, places.as_of)
    match = load_or_create(settings.keys_dir, "match").secret
    mark = partial(marks_of, match)
    vault = PartyVault(settings.keys_dir)
    exits = SealedExits(load_or_create(settings.keys_dir, "discipline").secret)

    outbox = kit.outbox(JOURNAL)
    commits = CommitSignal(store)

    def bind(tx: Transaction) -> StoreRegister:
        return StoreRegister(tx, outbox, vault, clock, settings.clock, exits=exits)

    def unit(tx: Transaction, tasks: Sequence[Task]) -> Sequence[Outcome]:
        now = clock.now()
        outcomes = carry_out(bind(tx), tasks, rules.current, now)
        trace(tx, tasks, outcomes, now)
        return outcomes

    applier = HandoffApplier(
        bind=bind,
        sealer=sealer_of(settings.keys_dir, opens=True),
        mark=mark,
        rules=rules,
        clock=clock,
        counters=counters,
    )
    feed = kit.feed(HANDOFFS, GROUP)
    reader = kit.reader(feed, applier, stage=HANDOFF, on_bug="park")
    commands: Batcher[Task, TaskResult] = Batcher(store, unit)
    units = StoreUnits(store, bind)
    alarms = Alarms(units, rules, clock.now, counters)
    effects = Effects(store, units, rules, clock.now, counters, commits=commits, every_s=settings.timer_every_s)
    settler = Settler(units, rules, clock.now)
    holidays = HolidayTables(
        calendar, HolidayFolder(settings.calendar_dir), settler, kit.metrics, every_s=settings.calendar_every_s
    )
    rule_folder = RuleFolder(rules, county, calendar, settings.rules_dir, kit.metrics, every_s=settings.rules_every_s)
    levels = AlarmLevels(store, kit.metrics)
    alarm_clock = AlarmClock(
        store,
        alarms,
        FeedProgress(store, feed, settings.kafka_partitions),
        clock,
        kind=settings.clock,
        every_s=settings.timer_every_s,
        grace_s=settings.timer_grace_s,
    )
    destroyer = KeyDestroyer(store, vault)
    servicer = IntakeServicer(
        store=store,
        outbox=outbox,
        reader=reader,
        commands=commands,
        requests=Requests(clock, settings.clock, mark, places),
        vault=vault,
        shreddings=ShreddingCalls(
            store,
            bind=bind,
            vault=vault,
            destroyer=destroyer,
            unmark=partial(marks_without, match),
            clock=clock,
        ),
        bind=bind,
        rules=rules,
        alarms=alarms,
        effects=effects,
        clock=clock,
        clock_kind=settings.clock,
        commits=commits,
        counters=counters,
    )
    built = kit.assemble(
        "Santiao hub: intake",
        concerns=(
            kit.writes("不能受理 nothing can be accepted"),
            kit.reads("reads", Bearing.APPLYING, "来件未处理 hand-offs are not applied"),
            kit.relays("转发延迟 sent on late"),
            Concern("rules", Bearing.NOTHING, rule_folder.trouble, "规则文件有误，沿用旧规则 rules refused"),
        ),
        services=[
            (intake_pb2_grpc.add_IntakeServiceServicer_to_server, servicer, "hub.intake.v1.IntakeService"),
            (
                access_pb2_grpc.add_AccessServiceServicer_to_server,
                AccessServicer(store, roles, clock, kit.credentials_changed),
                "hub.access.v1.AccessService",
            ),
        ],
        books=lambda tx: books_of(tx, reader, outbox),
        before=(holidays, rule_folder, commits),
        after=(effects, alarm_clock, levels, destroyer),
    )
    return Intake(
        built.parts, store, outbox, reader, alarm_clock, holidays, rule_folder, kit.verifier, built.grpc, built.http
    )


def recover_store(settings: IntakeSettings, source: TopicLog | None = None) -> RecoveryResult:
    """Recover a restored store from the journal.

    Reads what the store had published after its backup. Errors as `hub.streams.recovery.recover`, and `rules_invalid`.

    Args:
        settings: As for serving.
        source: The log; Kafka when None.
    """
    book = load_rules(_calendar(settings), settings.rules_dir).book
    vault = PartyVault(settings.keys_dir)
    exits = SealedExits(load_or_create(settings.keys_dir, "discipline").secret)
    outbox = Outbox(JOURNAL, NAME)
    store = Store(settings.store_url, UPKEEP)
    log = source or Log(bus_of(settings))
    try:
        migrate(store, VERSIONS)
        store.write_blocking(outbox.open)

        def adopt(tx: Transaction, records: Sequence[Numbered]) -> None:
            register = StoreRegister(tx, outbox, vault, WallClock(), settings.clock, exits=exits)
            take_back(register, [recalled_of(record) for record in records], book)

        return recover(store, outbox, log, key_of=dispute_of, adopt=adopt)
    finally:
        log.close()
        store.close()


def try_rules(
    settings: IntakeSettings, folder: Path, window: Window, progress: Callable[[int, int], None]
) -> Comparison | tuple[Problem, ...]:
    """Return what a county's folder would have changed in what the store has recorded, or its errors.

    Nothing of the store is written. Errors as `build`, and those of a store that can't be read.

    Args:
        settings: As for serving: the store, and the rules in force.
        folder: The changed rules.
        window: Days of registration that are looked at.
        progress: Gets the disputes looked at, and their number.
    """
    calendar = _calendar(settings)
    changed = rules_of(read_folder(folder), calendar)
    if not isinstance(changed, LoadedRules):
        return changed
    books = (load_rules(calendar, settings.rules_dir).book, changed.book)
    grace = timedelta(seconds=settings.timer_grace_s)
    with snapshot(settings.store_url) as tx:
        return dry_run(tx, books, chronology_of(tx, settings.clock, WallClock().now(), grace), window, progress)


def _calendar(settings: IntakeSettings) -> WorkCalendar:
    """Return the calendar with the operator's holiday tables."""
    return WorkCalendar(HolidayFolder(settings.calendar_dir).read() or {})
