from __future__ import annotations

from typing import Any

from hub.grpc.client import bearer, call, channel
from hub.streams.memory import SendMode
from hub.wire.books.v1 import books_pb2, books_pb2_grpc
from tests.support.access import token_of
from tests.support.bridges import RunningBridge, Workshop, eventually


async def health(running: RunningBridge) -> dict[str, Any]:
    answer = await running.client.get("/healthz")
    return {"http": answer.status_code, **answer.json()}


async def test_accepting_starts_and_goes_on_while_the_bus_is_down(workshop: Workshop) -> None:
    workshop.bus.sending = SendMode.DOWN
    async with workshop.running() as court:
        for number in range(5):
            assert (await court.post("cases", court.numbered(number))).status_code == 201
        told = await health(court)
        assert (told["http"], told["status"]) == (200, "degraded")
        assert not court.handoffs()
        workshop.bus.sending = SendMode.NORMAL
        await court.relayed()
        assert len(court.handoffs()) == 5
        await eventually(lambda: _ok(court))
        workshop.bus.sending = SendMode.DOWN  # and goes away again
        assert (await court.post("cases", court.numbered(9))).status_code == 201
        workshop.bus.sending = SendMode.NORMAL
        await court.relayed()
        assert len(court.handoffs()) == 6


async def test_what_was_accepted_before_a_stop_is_published_after_the_start(workshop: Workshop) -> None:
    workshop.bus.sending = SendMode.DOWN
    async with workshop.running() as first:
        given = (await first.post("cases", first.numbered(1))).json()
    workshop.bus.sending = SendMode.NORMAL
    async with workshop.running() as second:
        await second.relayed()
        assert [handoff.handoff_id for handoff in second.handoffs()] == [given["receipt_id"]]


async def test_old_unsent_records_degrade_health(sqlite_workshop: Workshop) -> None:
    async with sqlite_workshop.running(unsent_alarm_s=0.05) as court:
        await eventually(lambda: _ok(court))
        sqlite_workshop.bus.sending = SendMode.HELD
        await court.post("cases", court.numbered(1))

        async def degraded() -> bool:
            return bool((await health(court))["status"] == "degraded")

        await eventually(degraded)
        sqlite_workshop.bus.sending = SendMode.NORMAL


async def _ok(court: RunningBridge) -> bool:
    return bool((await health(court))["status"] == "ok")


async def test_books_count_each_from_its_own_place(court: RunningBridge) -> None:
    for number in (1, 2, 2):
        await court.post("cases", court.numbered(number))
    await court.relayed()
    async with channel(f"127.0.0.1:{court.bridge.grpc.port}") as client:
        stub = books_pb2_grpc.BooksServiceStub(client)
        who = bearer(await token_of(court.bridge, "operator-1", "operator"))
        books = await call(stub.GetBooks, books_pb2.GetBooksRequest(), timeout_s=5, metadata=who)
    counts = {(entry.stage, entry.what): entry.count for entry in books.entries}
    assert books.service == "court_bridge"
    assert (counts["handoff", "received"], counts["handoff", "unsent"]) == (2, 0)
    assert sum(place.position for place in books.written.positions) == 2
    assert sum(place.position for place in books.sent.positions) == 2


async def test_openapi_lists_the_codes_in_chinese(any_bridge: RunningBridge) -> None:
    document = (await any_bridge.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    record = schemas[any_bridge.bridge.spec.record.__name__]
    assert record["additionalProperties"] is False
    for name, field in record["properties"].items():
        assert any("一" <= letter <= "鿿" for letter in field["description"]), name
    assert schemas["ConsentDto"]["properties"]["answer"]["enum"] == ["given", "refused", "not_asked", "unreachable"]
    assert "x-code-list" not in str(document)
    assert document["security"] == [{"ApiKey": []}]
    submit = document["paths"][f"/v1/{any_bridge.noun}"]["post"]
    body = submit["requestBody"]["content"]["application/json"]
    assert (await any_bridge.post(any_bridge.noun, body["example"])).status_code == 201
    for ref in _references(document):
        assert ref.removeprefix("#/components/schemas/") in schemas, ref


def _references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in node.values()))
    return set().union(*(_references(value) for value in node)) if isinstance(node, list) else set()
