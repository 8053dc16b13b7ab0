"""Runs one service with points of failure in it: `python -m tests.faults.service <name> [arguments]`.

Patches classes of the product in this process, before it builds anything; the product itself knows nothing of it.
Variables: `FAULT_FOLDER` (where points are armed), `FAULT_DELIVERY_S` (the producer's delivery time-out, shortened),
`FAULT_GUARD_OFF` (switches a guard off, for the control).
"""

from __future__ import annotations

from tests.faults import precedence

if __name__ == "__main__":
    precedence.take()

import importlib
import os
import random
import runpy
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event, exc

from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Bug, Refusal
from hub.kafka import publisher
from hub.kafka.buffer import Buffer
from hub.kafka.bus import Bus
from hub.kafka.worker import FaustFeed
from hub.runtime import heap
from hub.store import engines
from hub.store.batcher import Batcher
from hub.streams import reader
from hub.streams.judge import Numbered
from hub.streams.leases import Leases
from hub.streams.ports import FeedRecord
from services.intake.inbound.handoffs import HandoffApplier
from tests.faults import points as at
from tests.faults.points import Points

REBALANCE_S = 0.2
"""A kill at a rebalance comes within this time after its beginning."""
WRITES = ("INSERT", "UPDATE", "DELETE")


def install(points: Points) -> None:
    """Put every point in its place."""
    _relay(points)
    _entry(points)
    _applying(points)
    _buffer(points)
    _rebalance(points)
    _rule(points)
    _store(points)


def _relay(points: Points) -> None:
    send, mark = publisher.KafkaPublisher.send, Leases.mark

    def sending(self: publisher.KafkaPublisher, message: Any) -> Any:  # noqa: ANN401 - as the method
        if not message.topic.endswith(".dlq"):
            points.strike(at.AFTER_COMMIT_BEFORE_RELAY, topic=message.topic, partition=message.partition)
        return send(self, message)

    def marking(self: Leases, tx: sa.Connection, sent: Any) -> None:  # noqa: ANN401 - as the method
        if sent:
            points.strike(at.AFTER_SEND_BEFORE_MARK, confirmed={str(shard): upto for shard, upto in sent.items()})
        mark(self, tx, sent)

    publisher.KafkaPublisher.send = sending  # type: ignore[method-assign]
    Leases.mark = marking  # type: ignore[method-assign]


def _entry(points: Points) -> None:
    one, many = Batcher.submit, Batcher.submit_all

    async def submit(self: Batcher[Any, Any], item: Any) -> Any:  # noqa: ANN401 - as the method
        done = await one(self, item)
        answering(points, [done])
        return done

    async def submit_all(self: Batcher[Any, Any], items: Sequence[Any]) -> Any:  # noqa: ANN401 - as the method
        done = await many(self, items)
        answering(points, done)
        return done

    Batcher.submit = submit  # type: ignore[method-assign]
    Batcher.submit_all = submit_all  # type: ignore[method-assign]


def answering(points: Points, outcomes: Sequence[Any]) -> None:
    """Only what was committed now counts: a repeat's answer may get lost without any effect."""
    fresh = sum(not isinstance(outcome, Refusal | Bug) and not outcome.repeated for outcome in outcomes)
    if fresh:
        points.strike(at.AFTER_EFFECT_BEFORE_ANSWER, effects=fresh)


def _applying(points: Points) -> None:
    module: Any = reader
    apply_plan = module.apply_plan

    def applying(tx: sa.Connection, inbox: Any, applier: Any, plan: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
        if plan.items:
            points.strike(
                at.BEFORE_APPLY_COMMIT, records=len(plan.items), moves={str(p): m.before for p, m in plan.moves.items()}
            )
            slow = points.armed(at.SLOW_APPLIER)
            if slow is not None:
                points.hit(at.SLOW_APPLIER)
                time.sleep(float(slow["seconds"]))
        return apply_plan(tx, inbox, applier, plan, *rest, **named)

    module.apply_plan = applying


def _rule(points: Points) -> None:
    """Refuse every hand-off of one agency, as a bug at a rule or a code that nobody knows does."""
    apply = HandoffApplier.apply

    def refusing(self: HandoffApplier, tx: sa.Connection, records: Sequence[Numbered]) -> Any:  # noqa: ANN401 - as the method
        how = points.armed(at.RULE_BUG)
        if how is None:
            return apply(self, tx, records)
        refused = [handoff_pb2.Handoff.FromString(item.record).agency_id == how["agency"] for item in records]
        answers = iter(apply(self, tx, [item for item, no in zip(records, refused, strict=True) if not no]))
        return [Refusal(how["reason"]) if no else next(answers) for no in refused]

    HandoffApplier.apply = refusing  # type: ignore[method-assign]


def _buffer(points: Points) -> None:
    put = Buffer.put
    dropping: dict[str, int] = {}

    async def putting(self: Buffer, record: FeedRecord) -> bool:
        if points.armed(at.DROP_ONE) is not None and points.take(
            at.DROP_ONE, topic=record.topic, partition=record.partition, offset=record.offset
        ):
            return True
        if points.armed(at.DROP_TAIL) is not None:
            # One partition, the first that brings anything, goes silent until the point is disarmed.
            if dropping.setdefault(record.topic, record.partition) == record.partition:
                points.hit(at.DROP_TAIL)
                return True
        else:
            dropping.clear()
        return await put(self, record)

    Buffer.put = putting  # type: ignore[method-assign]


def _rebalance(points: Points) -> None:
    revoked = FaustFeed.revoked

    def revoking(self: FaustFeed) -> None:
        # The consumer's own stop revokes as well; that is no rebalance.
        if self._app is not None and points.armed(at.REBALANCE) is not None:
            wait_s = random.uniform(0, REBALANCE_S)  # noqa: S311 - a moment, no secret
            threading.Timer(wait_s, points.strike, (at.REBALANCE,), {"after_s": round(wait_s, 3)}).start()
        revoked(self)

    FaustFeed.revoked = revoking  # type: ignore[method-assign]


def _store(points: Points) -> None:
    writer_engine = engines.writer_engine

    def filling(url: str, *rest: Any) -> sa.Engine:  # noqa: ANN401 - as the function
        engine = writer_engine(url, *rest)
        event.listen(engine, "before_cursor_execute", _full(points, engine.dialect.name))
        if engine.dialect.name == "sqlite":
            event.listen(engine, "before_cursor_execute", _read_only(points))
        return engine

    module: Any = engines
    module.writer_engine = filling


def _full(points: Points, dialect: str) -> Callable[..., None]:
    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        how = points.armed(at.STORE_FULL) if statement.startswith(WRITES) else None
        if how is not None and time.time() < float(how["until"]):
            points.hit(at.STORE_FULL)
            raise exc.OperationalError(statement, None, _disk_full(dialect))

    return refuse


def _read_only(points: Points) -> Callable[..., None]:
    """Let SQLite itself refuse every write: what it says of a file that it can't write."""

    def turn(connection: sa.Connection, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 - the driver's
        if not statement.startswith(("BEGIN", *WRITES)):
            return
        wanted = points.armed(at.STORE_READ_ONLY) is not None
        if wanted:
            points.hit(at.STORE_READ_ONLY)
        if connection.info.get(at.STORE_READ_ONLY, False) != wanted:
            cursor.execute(f"PRAGMA query_only = {int(wanted)}")
            connection.info[at.STORE_READ_ONLY] = wanted

    return turn


def _disk_full(dialect: str) -> Exception:
    """Return what the driver itself raises on ENOSPC."""
    if dialect == "sqlite":
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode, full.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
        return full
    return psycopg.errors.DiskFull('could not extend file "base/16384/16402": No space left on device')


def shorten_delivery(delivery_s: float) -> None:
    """Give the relay's producers a delivery time-out that an outage of seconds outlasts."""
    module: Any = publisher
    build = module.producer

    def building(bus: Bus) -> Any:  # noqa: ANN401 - kafka-python has no types
        return build(replace(bus, delivery_timeout_s=delivery_s, request_timeout_s=min(bus.request_timeout_s, 3.0)))

    module.producer = building


def share_when_ready() -> None:
    """Give the precedence back that this process took for its start."""
    settle = heap.settle

    def settled() -> None:
        settle()
        precedence.give_back()

    heap.settle = settled


def main(arguments: Sequence[str]) -> None:
    """Install what the environment asks for, then be that service."""
    share_when_ready()
    name, *rest = arguments
    install(Points(Path(os.environ[at.FOLDER])))
    delivery_s = float(os.environ.get(at.DELIVERY_S, "0"))
    if delivery_s:
        shorten_delivery(delivery_s)
    guard = os.environ.get(at.GUARD_OFF, "")
    if guard:
        # Sabotage is loaded only where it is wanted.
        importlib.import_module("tests.faults.guards").install(guard)
    module = f"services.{name}"
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
