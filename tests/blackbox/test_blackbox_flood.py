"""One source's flood of dead letters: everybody else's records are read, decided and told as before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc
import pytest
from kafka import KafkaProducer
from stubs.books.v1 import books_pb2, books_pb2_grpc
from stubs.handoff.v1 import handoff_pb2
from stubs.stream.v1 import stream_pb2

from tests.blackbox.conftest import OwnHub
from tests.blackbox.hubs import BRIDGES, RunningHub, wait_until

TOPIC: Final = "dispute.handoffs.v1"
STREAM: Final = "partner_gateway/0/e0000001"
SOURCE: Final = "partner_gateway/bureau-620725"
FLOOD: Final = 40
SEEN_S: Final = 30.0
Written = tuple[bytes, Sequence[tuple[str, bytes]]]
"""Value and headers of a Kafka record."""


def no_batches() -> list[Written]:
    """Return what a stranger might write: no records of any stream."""
    return [(f"report {number}".encode(), ()) for number in range(FLOOD)]


def of_a_newer_partner() -> list[Written]:
    """Return a well-numbered stream of hand-offs whose content this release does not know."""
    written: list[Written] = []
    running = bytes(32)
    for position in range(1, FLOOD + 1):
        handoff = handoff_pb2.Handoff(handoff_id=f"n-{position}", agency_id="bureau-620725", channel="bureau")
        handoff.dispute_id = f"00000000-0000-5000-8000-{position:012}"
        record = handoff.SerializeToString()
        after = hashlib.sha256(running + record).digest()
        batch = stream_pb2.Batch(stream=STREAM, first_position=position, count=1, hash_before=running, records=[record])
        told = {
            "ce_stream": STREAM,
            "ce_firstposition": str(position),
            "ce_count": "1",
            "ce_hashbefore": running.hex(),
            "ce_hashafter": after.hex(),
        }
        written.append((batch.SerializeToString(), [(name, value.encode()) for name, value in told.items()]))
        running = after
    return written


def write(hub: RunningHub, records: Sequence[Written]) -> None:
    producer = KafkaProducer(bootstrap_servers=hub.kafka)
    try:
        for value, headers in records:
            producer.send(TOPIC, value=value, headers=list(headers), partition=0).get(timeout=SEEN_S)
    finally:
        producer.close()


def books(hub: RunningHub, service: str, stage: str) -> dict[str, int]:
    """Return what a service counts at one stage."""
    with grpc.insecure_channel(hub.grpc[service]) as channel:
        stub = hub.staff.stub(books_pb2_grpc.BooksServiceStub(channel))
        answer = stub.GetBooks(books_pb2.GetBooksRequest(), timeout=10)
    return {entry.what: entry.count for entry in answer.entries if entry.stage == stage}


async def told(hub: RunningHub) -> None:
    """Hand a record over at each bridge and wait for its result."""
    receipts = {bridge: await hub.submit(bridge, hub.record(bridge)) for bridge in BRIDGES}
    for bridge, receipt in receipts.items():
        await hub.result_of(bridge, receipt["dispute_id"])


@pytest.mark.item("3")
@pytest.mark.parametrize("flood", [no_batches, of_a_newer_partner])
async def test_a_flood_of_one_source_leaves_the_others_alone(
    own_hub: OwnHub, flood: Callable[[], list[Written]]
) -> None:
    async with own_hub() as hub:
        await told(hub)
        write(hub, flood())
        await told(hub)
        # A start meets the same flood again, or what was kept of it.
        if "intake" not in hub.ended():
            hub.stop("intake")
            hub.start("intake")
        await told(hub)
        assert hub.ended() == []


@pytest.mark.item("3")
async def test_what_is_held_is_counted_named_and_comes_back(own_hub: OwnHub) -> None:
    async with own_hub() as hub:
        write(hub, of_a_newer_partner())
        await told(hub)

        def counted() -> dict[str, int]:
            return books(hub, "intake", "handoff")

        wait_until("all of the flood is accounted for", lambda: _aside(counted()) == FLOOD, SEEN_S)
        found = counted()
        assert found["held"] > FLOOD // 2, found
        assert found["applied"] == len(BRIDGES)

        def held() -> Any:  # noqa: ANN401 - a JSON document
            return json.loads(hub.cli("dlq", "held", "--json", "--run", str(hub.folder)).stdout)

        (line,) = held()
        assert (line["service"], line["source"], line["state"]) == ("intake", SOURCE, "held")
        assert line["records"] == found["held"]
        released = hub.cli("dlq", "release", SOURCE, "--json", "--run", str(hub.folder))
        assert released.returncode == 0, released.stderr
        assert json.loads(released.stdout)["records"] == found["held"]
        # The cause is not cured: it is held again before all of it is drained, and nothing is lost on the way.
        wait_until("it is held again", lambda: any(one["state"] == "held" for one in held()), SEEN_S)
        assert _aside(counted()) == FLOOD
        assert counted()["held"] > 0
        await told(hub)
        assert hub.ended() == []


def _aside(counts: dict[str, int]) -> int:
    return sum(counts.get(what, 0) for what in ("dead", "parked", "held"))
