"""Builds one bridge from its specification and the services' kit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic

from fastapi import FastAPI

from bridge.accepting.acceptance import Acceptance
from bridge.accepting.admission import DurableAdmission
from bridge.books import read_books
from bridge.inbound import openapi
from bridge.inbound.requests import RequestHandler
from bridge.inbound.rest import Acknowledgement, RestEdge, build_router, on_invalid
from bridge.inbound.sealed_records import SealedRecords, build_sealed_router
from bridge.inbound.servicer import BridgeServicer
from bridge.outbound.applier import ResultsApplier
from bridge.record import codelists, references
from bridge.record.dto import Invalid
from bridge.record.facts import RecordT
from bridge.record.references import References
from bridge.settings import BridgeSettings
from bridge.specification import Specification
from dispute.access.roles import role_table
from dispute.codes.ages import show_ages
from dispute.contracts.sealing import sealer_of
from dispute.contracts.topics import HANDOFFS, JOURNAL, TOPICS
from dispute.lifecycle.vocabulary import Role
from hub.access.verifier import Caller, SetVerifier
from hub.grpc.server import GrpcServer
from hub.http.body import BodyLimits, JsonBody
from hub.runtime.clock import Clock, WallClock
from hub.runtime.health import Bearing
from hub.runtime.process import Part
from hub.service.bus import BusPorts, kafka
from hub.service.kit import Kit
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.streams.outbox import Outbox
from hub.streams.reader import Reader

GATHER_S: Final = 0.1
"""Results are read at this interval: an agency asks every few seconds, and a bridge reads the whole journal."""


@dataclass(frozen=True, slots=True)
class Bridge(Generic[RecordT]):
    """A built bridge, not started.

    Attributes:
        parts: In the order of their start.
        verifier: Knows the tokens.
    """

    spec: Specification[RecordT]
    settings: BridgeSettings
    parts: Sequence[Part]
    store: Store
    verifier: SetVerifier
    outbox: Outbox
    reader: Reader
    app: FastAPI
    grpc: GrpcServer


def open_store(spec: Specification[RecordT], store_url: str) -> Store:
    """Return the bridge's store at the current schema."""
    store = Store(store_url)
    migrate(store, spec.versions)
    return store


def assemble(
    spec: Specification[RecordT],
    settings: BridgeSettings,
    bus: BusPorts | None = None,
    clock: Clock | None = None,
) -> Bridge[RecordT]:
    """Build a bridge without starting it.

    Verifies the store, the key and the code lists.

    Args:
        spec: The agency's specification.
        settings: The bridge's own.
        bus: Kafka when None.
        clock: The wall clock when None; dates of records are judged by it.

    Raises:
        Fault: `key_exposed`, `key_damaged`, `credentials_unreadable`.
        Rejected: `bad_code_list`.
        Retryable: The store could not be written for `hub.store.migrate.START_S`.
    """
    codes = codelists.load(codelists.OWN, spec.folder / "codes", divisions_file=settings.divisions_file)
    clock = clock or WallClock()

    def is_ours(caller: Caller) -> bool:
        return caller.role != Role.AGENCY or caller.holder.startswith(f"{spec.channel}-")

    kit = Kit(
        spec.service,
        settings,
        bus or kafka(settings, spec.service, TOPICS),
        spec.versions,
        table=role_table(),
        clock=clock,
        is_ours=is_ours,
    )
    show_ages(kit.metrics, codes.as_of())
    store = kit.store
    outbox = kit.outbox(HANDOFFS)
    kit.prepare()
    sealer = sealer_of(settings.keys_dir)
    admission = DurableAdmission(store, outbox, channel=spec.channel, to_wire=spec.to_wire, sealer=sealer, clock=clock)
    known = References(store.read_blocking(references.load))
    requests = RequestHandler(
        spec, codes, Acceptance(admission, clock, spec.admitted), store, kit.metrics, references=known
    )
    feed = kit.feed(JOURNAL, f"hub-{spec.service}")
    reader = kit.reader(feed, ResultsApplier(spec.channel), stage="result", on_bug="park", gather_s=GATHER_S)
    edge = RestEdge(spec, requests, kit.gate, codes, JsonBody(BodyLimits(max_bytes=settings.max_body_bytes)))
    sealed = SealedRecords(spec.service, kit.metrics)
    built = kit.assemble(
        spec.title,
        # A bridge is healthy while it can accept; the other concerns only make it late.
        concerns=(
            kit.writes("不能受理 nothing can be accepted"),
            kit.relays("受理照常，转发延迟 accepting; sent on late"),
            kit.reads("results", Bearing.PASSING_ON, "受理照常，结果延迟 accepting; results come late"),
        ),
        services=[(spec.add_servicer, BridgeServicer(spec, requests, sealed), spec.called.full_name)],
        books=lambda tx: read_books(tx, outbox, reader),
        routers=[build_sealed_router(spec, edge, sealed), build_router(spec, edge)],
    )
    built.app.add_exception_handler(Invalid, on_invalid)
    openapi.complete(built.app.openapi(), (spec.record, spec.report, Acknowledgement), spec.field, codes)
    return Bridge(spec, settings, built.parts, store, kit.verifier, outbox, reader, built.app, built.grpc)
