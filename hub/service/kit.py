"""Assembles a service.

The service's composition root states only what differs from the other services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from hub.access.beats import BeatReader, BeatWriter
from hub.access.credential_file import read_file
from hub.access.gate import CallTable, Gate
from hub.access.rates import CallRates
from hub.access.uses import UseRecorder
from hub.access.verifier import Caller, SetVerifier, TokenVerifier
from hub.audit.recorder import DenialRecorder
from hub.grpc.books import BooksServicer
from hub.grpc.call import Bounds
from hub.grpc.quotas import CallQuotas
from hub.grpc.server import GrpcServer, Service
from hub.http.app import build_app
from hub.http.quotas import RequestQuotas
from hub.http.server import HttpServer
from hub.kafka.provisioner import Provisioner
from hub.runtime.clock import Clock
from hub.runtime.health import Bearing, Concern, Health, HealthWatch
from hub.runtime.metrics import Metrics
from hub.runtime.process import Part
from hub.runtime.settings import ServiceSettings
from hub.service.bus import BusPorts
from hub.service.release import release
from hub.service.stores import PublisherPart, StorePart
from hub.store.migrate import prepare
from hub.store.probe import StoreProbe, write_nothing
from hub.store.store import Store, Transaction
from hub.streams.applier import Applier
from hub.streams.dead_letters import DeadLetterRelay
from hub.streams.heads import HeadCheck, HeadGuard
from hub.streams.holds import held_remark
from hub.streams.outbox import Outbox
from hub.streams.ports import Feed
from hub.streams.reader import GATHER_S, Reader, places_of
from hub.streams.relay import Relay
from hub.streams.topics import Topic
from hub.wire.books.v1 import books_pb2, books_pb2_grpc

_BOOKS: Final = books_pb2.DESCRIPTOR.services_by_name["BooksService"].full_name


@dataclass(frozen=True, slots=True)
class Assembly:
    """A service that is assembled but not started.

    Attributes:
        parts: In the order of their start; the servers start last, followed by the health watch.
        app: The HTTP application.
        grpc: Knows its port once started.
        http: As above.
    """

    parts: Sequence[Part]
    app: FastAPI
    grpc: GrpcServer
    http: HttpServer


class Kit:
    """Builds the common parts of one service.

    These are store, bus, health and servers, the same for all five services. Call `feed` and `reader` for what the
    service reads, `outbox` for what it publishes, and `assemble` last.

    Args:
        service: Name, and producer of its streams.
        settings: Read once.
        bus: Kafka, or an in-memory bus.
        versions: Folder of the store's revisions.
        table: What roles may do.
        clock: Wall clock.
        issues: Credentials are issued here; the other services hear of them.
        is_ours: Tells whether this service serves a caller at all.

    Attributes:
        metrics: Register of the process.
        store: The service's own.
        verifier: Knows the set; where there is an identity provider, its tokens are verified beside it.
        gate: Lets only callers pass whose credential is valid and whose role may make the call.

    Raises:
        Fault: `credentials_unreadable`.
    """

    def __init__(
        self,
        service: str,
        settings: ServiceSettings,
        bus: BusPorts,
        versions: Path,
        *,
        table: CallTable,
        clock: Clock,
        issues: bool = False,
        is_ours: Callable[[Caller], bool] = lambda _: True,
    ) -> None:
        self._service = service
        self._settings = settings
        self._bus = bus
        self._versions = versions
        self.metrics = Metrics()
        self.metrics.set("hub_build_info", 1, service=service, version=release())
        self.store = Store(settings.store_url)
        self._probe = StoreProbe(self.store, settings.store_url, self.metrics)
        self._provisioner = Provisioner(bus.provision)
        self._first: Callable[[Transaction], object] = write_nothing
        self._checks: list[Part] = []
        self._relays: list[Relay] = []
        self._readers: list[Reader] = []
        self.verifier = SetVerifier()
        given = read_file(settings.credentials_file) if settings.credentials_file else ()
        kept = timedelta(days=settings.audit_days)
        denials = DenialRecorder(self.store, clock, self.metrics, kept=kept, most=settings.audit_rows_most)
        self._audit = Concern("audit", Bearing.NOTHING, denials.trouble, "审计条目过多 audit above its bound")
        beats: BeatWriter | BeatReader
        self._changed: Callable[[], None] = lambda: None
        if issues:
            beats = BeatWriter(self.store, self.verifier, bus.publisher(), bus.log(), clock, given=given)
            self._changed = beats.wake
        else:
            beats = BeatReader(self.store, self.verifier, bus.log(), clock, given=given)
        self._credentials = [
            Concern("credentials", Bearing.PASSING_ON, beats.trouble, "凭证未更新 credentials are old")
        ]
        uses = UseRecorder(self.store)
        self._access: list[Part] = [denials, uses, beats]
        self._tokens: TokenVerifier = self.verifier
        if settings.openid_issuer:
            self._trust_provider(settings)
        rates = CallRates(
            staff=settings.staff_calls_per_minute,
            systems=settings.system_calls_per_minute,
            guesses=settings.guesses_per_minute,
        )
        self.gate = Gate(
            self._tokens,
            table,
            clock,
            is_stale=beats.is_stale,
            is_ours=is_ours,
            rates=rates,
            note=denials.note,
            used=uses.note,
        )
        self._clock = clock

    def _trust_provider(self, settings: ServiceSettings) -> None:
        """Take the word of the identity provider for who somebody is."""
        from hub.access.openid import OpenIdVerifier, ProviderKeys  # noqa: PLC0415 - 8 MiB that few counties need

        keys = ProviderKeys(settings.openid_jwks_url)
        self._tokens = OpenIdVerifier(
            self.verifier, keys, issuer=settings.openid_issuer, audience=settings.openid_audience
        )
        self._access.append(keys)
        title = "身份提供方公钥未更新 keys of the identity provider are old"
        self._credentials.append(Concern("openid", Bearing.PASSING_ON, keys.trouble, title))

    def credentials_changed(self) -> None:
        """Tell the other services at once that this one changed a credential."""
        self._changed()

    def prepare(self) -> None:
        """Migrate the store to the current schema now.

        It is for a service that reads its store while it is assembled.

        Raises:
            Retryable: The store can't be written, even after the longest wait.
        """
        prepare(self.store, self._versions, self._first)

    def outbox(self, topic: Topic) -> Outbox:
        """Return the outbox of what the service publishes.

        Its relay sends the records on, after a check of the log's heads.
        """
        settings, bus = self._settings, self._bus
        outbox = Outbox(topic, self._service, limit_rows=settings.outbox_limit_rows)
        guard = HeadGuard(self.store, outbox, bus.log, partitions=settings.kafka_partitions)
        relay = Relay(
            self.store,
            outbox,
            bus.publisher(),
            partitions=settings.kafka_partitions,
            worker=settings.worker_name(),
            metrics=self.metrics,
            guard=guard.check,
        )
        self._first = outbox.open
        self._checks.append(HeadCheck(guard))
        self._relays.append(relay)
        return outbox

    def feed(self, topic: Topic, group: str) -> Feed:
        """Return the feed of a topic.

        Members of one group share its partitions.
        """
        return self._bus.feed(topic, group, places_of(self.store, topic.name))

    def reader(
        self, feed: Feed, applier: Applier, *, stage: str, on_bug: Literal["park", "stop"], gather_s: float = GATHER_S
    ) -> Reader:
        """Return the reader that applies a feed's records.

        The arguments are those of `hub.streams.reader.Reader`.
        """
        reader = Reader(
            self.store,
            feed,
            applier,
            on_bug=on_bug,
            metrics=self.metrics,
            stage=stage,
            gather_s=gather_s,
            held_limit_rows=self._settings.held_limit_rows,
        )
        self._readers.append(reader)
        return reader

    def writes(self, title: str) -> Concern:
        """Return the concern for writing to the store.

        Calls can't be served while the store takes no writes.
        """
        return Concern("writes", Bearing.ACCEPTING, self._probe.trouble, title)

    def relays(self, title: str) -> Concern:
        """Return the concern for relaying accepted records."""

        def trouble() -> str:
            late = (relay.trouble(self._settings.unsent_alarm_s) for relay in self._relays)
            return self._provisioner.trouble() or _first(late)

        return Concern("relays", Bearing.PASSING_ON, trouble, title)

    def reads(self, name: str, bearing: Bearing, title: str) -> Concern:
        """Return the concern for applying the bus's records.

        Args:
            name: In the answer: `reads`, `results`.
            bearing: What its trouble prevents.
            title: For people, Chinese first.
        """

        def trouble() -> str:
            return self._provisioner.trouble() or _first(reader.trouble() for reader in self._readers)

        return Concern(name, bearing, trouble, title)

    def assemble(
        self,
        title: str,
        *,
        concerns: Sequence[Concern],
        services: Sequence[Service],
        books: Callable[[Transaction], books_pb2.GetBooksResponse],
        routers: Sequence[APIRouter] = (),
        before: Sequence[Part] = (),
        after: Sequence[Part] = (),
        around: Callable[[ASGIApp], ASGIApp] | None = None,
    ) -> Assembly:
        """Return the assembled service.

        Health, metrics, books and dead letters are added.

        Args:
            title: Of the OpenAPI document.
            concerns: What can be in trouble; held sources are added.
            services: Of gRPC, beside health, reflection and the books.
            books: The service's counts, in one snapshot.
            routers: Paths beside `/healthz`, `/livez` and `/metrics`.
            before: Parts that start with the store, before anything is read or served.
            after: Parts that start after the readers and before the servers.
            around: Wraps the HTTP application.
        """
        settings, bounds = self._settings, Bounds(call_s=self._settings.answer_s)
        held = Concern("sources", Bearing.PASSING_ON, self._held, "来源 sources")
        health = Health((*concerns, held, *self._credentials, self._audit))

        async def read() -> books_pb2.GetBooksResponse:
            return await self.store.read(books)

        counted: Service = (
            books_pb2_grpc.add_BooksServiceServicer_to_server,
            BooksServicer(self._service, read),
            _BOOKS,
        )
        grpc = GrpcServer(
            f"{settings.host}:{settings.grpc_port}",
            [*services, counted],
            self.metrics,
            bounds=bounds,
            quotas=CallQuotas(self._identify),
            gate=self.gate,
            reflect=settings.grpc_reflection,
        )
        app = build_app(
            title,
            metrics=self.metrics,
            healthy=health.report,
            routers=routers,
            quotas=RequestQuotas(self._identify),
            answer_s=settings.answer_s,
            operations=settings.ops_port is None,
        )
        wrap = around or (lambda its: its)
        http = HttpServer(wrap(app), settings.host, settings.http_port)
        ops: list[Part] = []
        if settings.ops_port is not None:
            alone = build_app(title, metrics=self.metrics, healthy=health.report, answer_s=settings.answer_s)
            ops = [HttpServer(wrap(alone), settings.host, settings.ops_port)]
        letters = self._bus.publisher()
        parts: Sequence[Part] = (
            StorePart(self.store, self._versions, self._first),
            self._probe,
            *self._checks,
            *self._access,
            *before,
            self._provisioner,
            *self._relays,
            *self._readers,
            PublisherPart(letters),
            DeadLetterRelay(self.store, letters, version=f"{self._service} {release()}"),
            *after,
            grpc,
            http,
            *ops,
            HealthWatch(health, self.metrics, grpc.set_serving),
        )
        return Assembly(parts, app, grpc, http)

    def _identify(self, token: str) -> str | None:
        caller = self._tokens.known(token, self._clock.now())
        return None if caller is None else caller.holder

    def _held(self) -> str:
        return _first(held_remark(reader.held()) for reader in self._readers)


def _first(troubles: Iterable[str]) -> str:
    return next(filter(None, troubles), "")
