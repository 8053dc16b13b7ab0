"""What a hub tells agencies and the centre, all of it: receipts, results, register, figures."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import grpc
from google.protobuf.json_format import MessageToDict
from stubs.books.v1 import books_pb2, books_pb2_grpc
from stubs.intake.v1 import intake_pb2, intake_pb2_grpc
from stubs.stats.v1 import stats_pb2, stats_pb2_grpc

from tests.blackbox.hubs import BRIDGES, NOUN, SERVICES
from tests.blackbox.register import CALL_S, Register
from tests.blackbox.upgrade.hub import UpgradedHub

REST_S: Final = 120.0
"""For a machine that has other work."""
LOOK_S: Final = 0.2
PAGE: Final = 500
Told = dict[str, Any]


@asynccontextmanager
async def register_of(hub: UpgradedHub) -> AsyncIterator[Register]:
    """Give a client of intake."""
    async with grpc.aio.insecure_channel(hub.grpc["intake"]) as line:
        yield Register(intake_pb2_grpc.IntakeServiceStub(line), hub.staff)


async def on_its_way(hub: UpgradedHub) -> Counter[str]:
    """Count the records that were accepted and have not arrived, by who waits."""
    sheets = {name: await _sheet(hub, name) for name in SERVICES}
    found = Counter({f"{name} unsent": _behind(told.written, told.sent) for name, told in sheets.items()})
    for bridge in BRIDGES:
        found["intake unread"] += _behind(sheets[f"{bridge}_bridge"].sent, sheets["intake"].read)
    for name in ("stats", *(f"{bridge}_bridge" for bridge in BRIDGES)):
        found[f"{name} unread"] = _behind(sheets["intake"].sent, sheets[name].read)
    return +found


async def unsent(hub: UpgradedHub, names: Iterable[str]) -> int:
    """Count the rows in the outboxes of services."""
    return sum([_behind(sheet.written, sheet.sent) for sheet in [await _sheet(hub, name) for name in names]])


async def at_rest(hub: UpgradedHub) -> None:
    """Wait until everything that was accepted has arrived everywhere."""
    end = time.monotonic() + REST_S
    while waiting := await on_its_way(hub):
        assert hub.ended() == [], f"{hub.ended()} ended"
        assert time.monotonic() < end, f"not at rest within {REST_S:.0f} s: {dict(waiting)}"
        await asyncio.sleep(LOOK_S)


async def _sheet(hub: UpgradedHub, name: str) -> books_pb2.GetBooksResponse:
    async with grpc.aio.insecure_channel(hub.grpc[name]) as line:
        stub = hub.staff.stub(books_pb2_grpc.BooksServiceStub(line))
        return await stub.GetBooks(books_pb2.GetBooksRequest(), timeout=CALL_S)


def _behind(heads: Any, places: Any) -> int:  # noqa: ANN401 - stubs are untyped
    reached = {place.stream: place.position for place in places.positions}
    return sum(max(0, head.position - reached.get(head.stream, 0)) for head in heads.positions)


async def receipts_of(hub: UpgradedHub, refs: Iterable[tuple[str, str]]) -> Told:
    """Look records up by their references, given with their bridges; one that is not found is left out."""
    found: Told = {bridge: {} for bridge in BRIDGES}
    for bridge, ref in refs:
        answer = await hub.get(bridge, f"/v1/{NOUN[bridge]}/{quote(ref, safe='')}")
        assert answer.status_code in {200, 404}, f"{bridge} {ref}: {answer.text}"
        if answer.status_code == 200:
            found[bridge][ref] = same_receipt(answer.json()["receipt"])
    return found


def same_receipt(told: Mapping[str, Any]) -> Told:
    """Return a receipt without its word on being a repeat."""
    return {name: value for name, value in told.items() if name != "repeated"}


async def results_of(hub: UpgradedHub) -> Told:
    """Return every result of every agency by its cursor."""
    found: Told = {bridge: {} for bridge in BRIDGES}
    for bridge in BRIDGES:
        cursor = 0
        while True:
            answer = await hub.get(bridge, "/v1/results", params={"after": cursor, "limit": PAGE})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found[bridge] |= {str(result["cursor"]): result for result in page["results"]}
            if not page["results"]:
                break
            cursor = int(page["next_cursor"])
    return found


async def disputes_of(hub: UpgradedHub) -> Told:
    """Return every dispute of the register with its history."""
    found: Told = {}
    async with register_of(hub) as register:
        token = ""
        while True:
            asked = intake_pb2.ListDisputesRequest(page_size=PAGE, page_token=token)
            page = await register.stub.ListDisputes(asked, timeout=CALL_S)
            for dispute in page.disputes:
                history = [plain(event) for event in await register.history(dispute.dispute_id)]
                found[dispute.dispute_id] = {"dispute": plain(dispute), "history": history}
            token = page.next_page_token
            if not token:
                return found


async def figures_of(hub: UpgradedHub, at_least: Mapping[str, int] | None = None) -> Told:
    """Return every rate, the disputes behind it, and the place in the journal; `at_least` is waited for."""
    found: Told = {"rates": {}, "listed": {}}
    async with grpc.aio.insecure_channel(hub.grpc["stats"]) as line:
        stub = hub.staff.stub(stats_pb2_grpc.StatsServiceStub(line))
        request = stats_pb2.GetRatesRequest()
        for stream, position in (at_least or {}).items():
            request.at_least.positions.add(stream=stream, position=position)
        answer = await stub.GetRates(request, timeout=REST_S)
        for rate in answer.rates:
            found["rates"][f"{rate.channel} {rate.metric}"] = plain(rate)
        for metric in sorted({rate.metric for rate in answer.rates}):
            asked = stats_pb2.ListCountedRequest(channel="all", metric=metric, part="numerator", page_size=PAGE)
            listed = await _listed(hub, stub, asked)
            found["listed"][metric] = sorted((one.dispute_id, one.count, one.business_day) for one in listed.counted)
    found["positions"] = {place.stream: place.position for place in answer.positions.positions}
    found["events"] = answer.events
    return found


async def _listed(hub: UpgradedHub, stub: Any, asked: stats_pb2.ListCountedRequest) -> Any:  # noqa: ANN401 - stubs are untyped
    """List what is counted, as an auditor: a service that has just started may not have heard of credentials yet."""
    end = time.monotonic() + CALL_S
    while True:
        try:
            return await stub.ListCounted(asked, timeout=CALL_S, metadata=hub.staff.who("auditor"))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > end:
                raise
        await asyncio.sleep(LOOK_S)


def plain(message: Any) -> Told:  # noqa: ANN401 - any message
    """Return a message as plain values, also those that are zero or empty."""
    told: Told = MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return told
