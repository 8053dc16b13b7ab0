"""A batch is nothing but its items: the same answers and the same rows as the items one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.tables import receipt
from dispute.contracts.sealing import Sealer, sealer_of
from dispute.lifecycle import key_owner_of
from dispute.wire.handoff.v1 import handoff_pb2
from hub.store.store import Transaction
from hub.store.tables import outbox
from tests.support.bridges import RunningBridge, Workshop

CORRELATION: Final = "one-for-all"
FAULTS: Final[Sequence[dict[str, Any]]] = (
    {"category": "nothing"},
    {"county_code": "620724", "town_code": "620724101"},
    {"court_received_on": "2099-01-01"},
    {"filed_on": "2024-02-01"},
    {"parties": [{"role": "plaintiff", "name": "甲某", "id_type": "citizen_id", "id_number": "1"}]},
    {"brief": "\u200b"},
    {"amount_fen": "1"},
    {"unknown": 1},
    {"case_number": ""},
)


@dataclass(frozen=True)
class Line:
    """One item: which of a few references, under which key, which content, and what is wrong with it."""

    number: int
    key: str | None
    brief: str
    fault: dict[str, Any] | None

    def item(self, running: RunningBridge, example: int) -> dict[str, Any]:
        told = {"case_number": f"E{example}-{self.number}", "brief": self.brief} | (self.fault or {})
        key = {} if self.key is None else {"idempotency_key": self.key and f"{example}-{self.key}"}
        return {"court_case": running.record(**told), **key}


LINES: Final = st.lists(
    st.builds(
        Line,
        number=st.integers(0, 3),
        key=st.sampled_from([None, None, None, "a", "b", "a b"]),
        brief=st.sampled_from(["", "一", "一", "二"]),
        fault=st.one_of(st.none(), st.none(), st.none(), st.sampled_from(FAULTS)),
    ),
    max_size=14,
)


async def as_one_batch(running: RunningBridge, items: Sequence[dict[str, Any]]) -> list[Any]:
    answer = await running.post("cases:batch", {"items": items}, x_correlation_id=CORRELATION)
    assert answer.status_code == 200, answer.text
    return [
        told(one["receipt"]) if "receipt" in one else (one["refusal"]["code"], one["refusal"]["field"])
        for one in answer.json()["results"]
    ]


async def one_by_one(running: RunningBridge, items: Sequence[dict[str, Any]]) -> list[Any]:
    answers: list[Any] = []
    for item in items:
        key = {"idempotency_key": item["idempotency_key"]} if "idempotency_key" in item else {}
        answer = await running.post("cases", item["court_case"], x_correlation_id=CORRELATION, **key)
        said = answer.json()
        if answer.status_code in {200, 201}:
            assert said["repeated"] is (answer.status_code == 200)
            answers.append(told(said))
        else:
            field = said["errors"][0]["field"] if said["errors"] else ""
            # Beside a single record the key is a header, and the refusal names it so.
            answers.append((said["code"], "idempotency_key" if field == "header.Idempotency-Key" else field))
    return answers


def told(given_receipt: dict[str, Any]) -> dict[str, Any]:
    """A receipt without the epoch, which each new store makes up."""
    producer, shard, _ = given_receipt["position"]["stream"].split("/")
    return given_receipt | {"position": (producer, shard, given_receipt["position"]["position"])}


def contents(tx: Transaction, sealer: Sealer) -> tuple[list[Any], list[Any]]:
    """What the store holds, with the epoch left out and the seals opened: both are new at each writing."""
    receipts = [
        {**row, "stream": row["stream"].rpartition("/")[0]}
        for row in tx.execute(sa.select(receipt).order_by(receipt.c.receipt_id)).mappings()
    ]
    columns = (outbox.c.shard, outbox.c.position, outbox.c.key, outbox.c.record)
    rows = [
        (row.shard, row.position, row.key, opened(row.record, sealer))
        for row in tx.execute(sa.select(*columns).order_by(outbox.c.shard, outbox.c.position))
    ]
    return receipts, rows


def opened(record: bytes, sealer: Sealer) -> tuple[str, str]:
    handoff = handoff_pb2.Handoff.FromString(record)
    inside = sealer.open(handoff.confidential, handoff.handoff_id, key_owner_of(handoff.dispute_id))
    handoff.ClearField("confidential")
    return str(handoff), str(inside)


def test_a_batch_is_its_items_one_by_one(tmp_path: Path) -> None:
    stores = [Workshop(tmp_path, f"sqlite:///{tmp_path / name}.db") for name in ("batch", "single")]
    numbers = count(1)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        batch, single = [runner.run(stack.enter_async_context(workshop.running("court"))) for workshop in stores]
        sealer = sealer_of(tmp_path / "keys")

        async def same(lines: Sequence[Line]) -> None:
            example = next(numbers)  # references of its own: the bridges stay as they are between the examples
            items = [line.item(batch, example) for line in lines]
            assert await as_one_batch(batch, items) == await one_by_one(single, items)
            held = [await one.bridge.store.read(lambda tx: contents(tx, sealer)) for one in (batch, single)]
            assert held[0] == held[1]

        @settings(max_examples=30, deadline=None)
        @given(LINES)
        def check(lines: list[Line]) -> None:
            runner.run(same(lines))

        try:
            check()
            held, _ = runner.run(batch.bridge.store.read(lambda tx: contents(tx, sealer)))
            assert len(held) > 10, "the examples have to reach the store"
        finally:
            runner.run(stack.aclose())
