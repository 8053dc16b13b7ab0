"""A store of an earlier release is brought to today's form: no limit loses its timer, no suit its procedure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from dispute.case_code import case_code
from dispute.contracts.codec import state_to_bytes
from dispute.lifecycle import Dispute, Regime, State, Supervision, end_of
from dispute.wire.intake.v1 import intake_pb2
from hub.store.instants import to_micros
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.streams.topics import shard_of
from services.intake.cases.tables import dispute
from services.intake.wiring import VERSIONS
from tests.support.intake import timers_in
from tests.support.intake_rig import Rig, submission
from tests.support.lifecycle import START, reach
from tests.support.orders import order

DUE = date(2024, 4, 1)
BEFORE = sa.table(
    "timer", *(sa.column(name, kind) for name, kind in
               (("dispute_id", sa.String), ("kind", sa.String), ("shard", sa.Integer), ("due_at", sa.BigInteger)))
)  # fmt: skip
OLD = {"dispute_id", "sequence", "state", "channel", "procedure", "snapshot"}
"""Columns of a dispute then."""
KINDS = {
    "both": ["sign_reminder", "sign_overdue", "term_reminder", "term_expired"],
    "reminded": ["sign_overdue", "term_expired"],
    "petition": ["local_reminder", "local_overdue", "statutory_reminder", "statutory_overdue"],
    "late": ["statutory_overdue"],
    "performed": ["follow_up"],
}
"""Timers of disputes of before: a reminder that had fired was gone."""
STEPS = {
    ("both", "sign_by", "reminder"),
    ("both", "due_on", "reminder"),
    ("reminded", "sign_by", "overdue"),
    ("reminded", "due_on", "overdue"),
    ("petition", "local_due_on", "reminder"),
    ("petition", "statutory_due_on", "reminder"),
    ("late", "statutory_due_on", "overdue"),
    ("performed", "follow_up", "overdue"),
}


@pytest.fixture
def store_of_before(store_url: str, tmp_path: Path) -> Iterator[Store]:
    """A store at the second revision."""
    versions = tmp_path / "versions"
    versions.mkdir()
    for name in ("intake_0001.py", "intake_0002.py"):
        shutil.copy(VERSIONS / name, versions)
    store = Store(store_url)
    try:
        migrate(store, versions)
        yield store
    finally:
        store.close()


def add_dispute(store: Store, its: Dispute, procedure: str) -> None:
    """Add a dispute as an earlier release kept it: its procedure stands beside its state."""
    old = sa.table(
        "dispute",
        *(sa.column(c.name, c.type) for c in dispute.columns if c.name in OLD),
    )
    of = {"dispute_id": its.dispute_id, "sequence": its.sequence, "state": its.state.value, "channel": "court"}
    row = {**of, "procedure": procedure, "snapshot": state_to_bytes(replace(its, procedure="", since=None))}
    store.write_blocking(lambda tx: tx.execute(sa.insert(old), [row]))


def add_timers(store: Store, timers: dict[tuple[str, str], datetime]) -> None:
    rows = [
        {"dispute_id": of, "kind": kind, "shard": shard_of(of), "due_at": to_micros(at)}
        for (of, kind), at in timers.items()
    ]
    store.write_blocking(lambda tx: tx.execute(sa.insert(BEFORE), rows))


def test_each_limit_keeps_one_timer_of_its_next_step(store_of_before: Store) -> None:
    due = {(of, kind): START + timedelta(hours=n) for of, kinds in KINDS.items() for n, kind in enumerate(kinds)}
    add_timers(store_of_before, due)
    for of in KINDS:
        add_dispute(store_of_before, replace(reach(State.ACCEPTED).state, dispute_id=of), "ordinary")
    migrate(store_of_before, VERSIONS)
    timers = store_of_before.read_blocking(timers_in)
    assert {(timer.dispute_id, timer.limit, timer.step) for timer in timers} == STEPS
    assert len(timers) == len(STEPS)
    assert all(timer.due_at == timer.rings_at for timer in timers)
    ends = {(timer.dispute_id, timer.limit): timer.due_at for timer in timers}
    assert ends["both", "due_on"] == due["both", "term_reminder"]


async def test_a_mediation_of_before_ends_with_its_term(rig: Rig, store_of_before: Store) -> None:
    its = reach(State.MEDIATING).state
    its = replace(its, cohort=replace(its.cohort, due_on=DUE))
    add_dispute(store_of_before, its, "ordinary")
    add_timers(store_of_before, {(its.dispute_id, "term_expired"): end_of(DUE)})
    store_of_before.close()
    client = await rig.start()
    await client.advance(end_of(DUE) - timedelta(seconds=1))
    assert await client.state(its.dispute_id) == "mediating"
    await client.advance(end_of(DUE))
    assert await client.state(its.dispute_id) == "failed"
    assert len(await client.intake.store.read(timers_in)) == 1  # to be returned


async def test_a_suit_of_before_has_the_term_of_its_procedure(rig: Rig, store_of_before: Store) -> None:
    its = reach(State.DISPATCHED).state
    dimensions = replace(its.dimensions, regime=Regime.B)
    its = replace(its, dimensions=dimensions, cohort=replace(its.cohort, received_on=date(2025, 3, 3), due_on=None))
    add_dispute(store_of_before, its, "summary")
    store_of_before.close()
    client = await rig.start()
    signed = datetime(2025, 3, 3, 2, tzinfo=UTC)
    (result,) = await client.execute(order(its.dispute_id, "sign", signed, actor=("handler", "handler-1")))
    assert result.WhichOneof("result") == "position", result
    assert (await client.dispute(its.dispute_id)).cohort.due_on == "2025-03-10"


async def test_what_was_late_before_is_listed(rig: Rig, store_of_before: Store) -> None:
    normal = reach(State.ACCEPTED).state
    late = replace(normal, dispute_id="00000000-0000-5000-8000-000000000001", supervision=Supervision.OVERDUE)
    for each in (normal, late):
        add_dispute(store_of_before, each, "ordinary")
    store_of_before.close()
    client = await rig.start()
    answer = await client.call("ListAlarms", intake_pb2.ListAlarmsRequest())
    assert [each.dispute.dispute_id for each in answer.disputes] == [late.dispute_id]


async def test_disputes_of_before_have_no_code_and_numbers_begin_at_one(rig: Rig, store_of_before: Store) -> None:
    its = [replace(reach(State.ACCEPTED).state, dispute_id=f"00000000-0000-5000-8000-00000000000{n}") for n in (1, 2)]
    for each in its:
        add_dispute(store_of_before, each, "ordinary")
    store_of_before.close()
    client = await rig.start()
    assert [(await client.dispute(each.dispute_id)).case_code for each in its] == ["", ""]
    receipt = (await client.call("Submit", submission())).receipt
    assert receipt.case_code == case_code("620725", 2024, 1)
