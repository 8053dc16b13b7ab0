"""A store of the release before: its duplicates are members of matters, its claims are gone; and back again.

Then disputes keep their marks and timers themselves, and know where their records are.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from dispute.contracts.topics import JOURNAL
from hub.store.instants import to_micros
from hub.store.migrate import MIGRATIONS
from hub.store.store import Store
from hub.streams.outbox import Entry, Outbox
from hub.streams.topics import shard_of
from services.intake.cases.tables import dispute
from services.intake.law.timers import Step, Timer, timers_from_bytes, timers_to_bytes
from services.intake.wiring import VERSIONS

LINKED = json.dumps({"v": 1, "dispute_id": "d-2", "state": "duplicate", "master_dispute_id": "d-1"}).encode()
ALONE = json.dumps({"v": 1, "dispute_id": "d-1", "state": "accepted"}).encode()


def moved(store: Store, to: str, *, back: bool = False) -> set[str]:
    """Move the store to a revision; returns its tables."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", os.pathsep.join([str(MIGRATIONS / "versions"), str(VERSIONS)]))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if back else command.upgrade)(config, to)
    with store.engine.connect() as connection:
        return set(sa.inspect(connection).get_table_names())


def indexes(store: Store) -> set[str | None]:
    return {index["name"] for index in sa.inspect(store.engine).get_indexes("outbox")}


def test_duplicates_become_members_and_claims_go(store_url: str) -> None:
    store = Store(store_url)
    try:
        moved(store, "intake_0002")
        insert = sa.text("INSERT INTO dispute VALUES (:id, 1, :state, 'court', '', :snapshot)")
        rows = [
            {"id": "d-1", "state": "accepted", "snapshot": ALONE},
            {"id": "d-2", "state": "duplicate", "snapshot": LINKED},
        ]
        with store.engine.begin() as connection:
            connection.execute(insert, rows)
            connection.execute(sa.text("INSERT INTO open_matter VALUES ('m-1', 'd-1')"))
        tables = moved(store, "intake_0003")
        assert {"matter_member", "effect", "match_pair"} <= tables
        assert "open_matter" not in tables
        with store.engine.connect() as connection:
            members = connection.execute(sa.text("SELECT dispute_id, master_dispute_id FROM matter_member")).all()
        assert [tuple(row) for row in members] == [("d-2", "d-1")]
        tables = moved(store, "intake_0002", back=True)
        assert "open_matter" in tables
        assert tables.isdisjoint({"matter_member", "effect", "match_pair"})
    finally:
        store.close()


def test_disputes_learn_the_positions_of_their_records_and_keep_their_marks(store_url: str) -> None:
    store = Store(store_url)
    entries = [Entry("d-1", b"1"), Entry("d-2", b"2"), Entry("d-1", b"3")]
    try:
        moved(store, "kernel_0003")
        moved(store, "intake_0003")
        add = sa.text(
            "INSERT INTO dispute (dispute_id, sequence, state, channel, procedure, snapshot) "
            "VALUES (:id, 1, '', '', '', :snapshot)"
        )
        with store.engine.begin() as connection:
            connection.execute(add, [{"id": f"d-{n}", "snapshot": ALONE} for n in (1, 2, 3)])
            connection.execute(sa.text("INSERT INTO match_marks VALUES ('d-2', :marks)"), {"marks": b"its marks"})
        outbox = Outbox(JOURNAL, "intake")
        store.write_blocking(outbox.open)
        one, two, three = store.write_blocking(lambda tx: outbox.append(tx, entries))
        assert indexes(store) == {"outbox_key"}
        assert "match_marks" not in moved(store, "heads")
        assert indexes(store) == set()
        kept = sa.select(dispute.c.dispute_id, dispute.c.positions, dispute.c.marks).order_by(dispute.c.dispute_id)
        rows = store.read_blocking(lambda tx: [tuple(row) for row in tx.execute(kept)])
        first = f"{one.position},{three.position}"
        assert rows == [("d-1", first, None), ("d-2", f"{two.position}", b"its marks"), ("d-3", "", None)]
        assert "match_marks" in moved(store, "intake_0003", back=True)
        with store.engine.connect() as connection:
            marks = connection.execute(sa.text("SELECT dispute_id, marks FROM match_marks")).all()
        assert [tuple(row) for row in marks] == [("d-2", b"its marks")]
    finally:
        store.close()


def test_disputes_keep_their_timers(store_url: str) -> None:
    store = Store(store_url)
    due, later = datetime(2026, 11, 20, 16, tzinfo=UTC), datetime(2026, 11, 21, 16, 0, 0, 5, tzinfo=UTC)
    timers = {
        "d-1": {
            "due_on": Timer("d-1", "due_on", Step.OVERDUE, due, later),
            "state": Timer("d-1", "state", Step.REMINDER, due, due),
        },
        "d-2": {},
        "d-3": {"sign_by": Timer("d-3", "sign_by", Step.REMINDER, later, later)},
    }
    before = [
        {"of": of, "limit": its.limit, "step": its.step.value, "shard": shard_of(of),
         "due_at": to_micros(its.due_at), "rings_at": to_micros(its.rings_at)}
        for of, some in timers.items()
        for its in some.values()
    ]  # fmt: skip
    listed = sa.text('SELECT dispute_id, "limit", step, shard, due_at, rings_at FROM timer ORDER BY 1, 2')
    try:
        moved(store, "intake_0004")
        add = sa.text(
            "INSERT INTO dispute (dispute_id, sequence, state, channel, procedure, snapshot) "
            "VALUES (:id, 1, '', '', '', :snapshot)"
        )
        add_timer = sa.text("INSERT INTO timer VALUES (:of, :limit, :step, :shard, :due_at, :rings_at)")
        with store.engine.begin() as connection:
            connection.execute(add, [{"id": of, "snapshot": ALONE} for of in timers])
            connection.execute(add_timer, before)
        assert "timer" not in moved(store, "intake_0005")
        c = dispute.c
        query = sa.select(c.dispute_id, c.timers, c.shard, c.rings_at).order_by(c.dispute_id)
        rows = store.read_blocking(lambda tx: tx.execute(query).all())
        assert [timers_from_bytes(row.dispute_id, row.timers) for row in rows] == list(timers.values())
        assert [bytes(row.timers) for row in rows] == [timers_to_bytes(its) for its in timers.values()]
        assert [row.rings_at for row in rows] == [to_micros(due), None, to_micros(later)]
        assert [row.shard for row in rows] == [shard_of(of) for of in timers]
        assert "timer" in moved(store, "intake_0004", back=True)
        with store.engine.connect() as connection:
            assert [tuple(row) for row in connection.execute(listed)] == [tuple(row.values()) for row in before]
    finally:
        store.close()
