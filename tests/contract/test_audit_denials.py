"""Denied calls are in the audit, also when the store was away and when they come as a flood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.contextvars import bind_contextvars

from hub.access.verifier import Caller
from hub.audit import recorder
from hub.audit.chain import AuditEntry, ChainEnd, append, entries, verify
from hub.audit.recorder import BEYOND, LAW, DenialRecorder
from hub.refusals import NOT_FOR_ROLE, STORE_BUSY, UNAUTHENTICATED
from hub.runtime.clock import FixedClock
from hub.runtime.metrics import Metrics
from hub.store.store import Store

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
CLERK = Caller("c-1", "clerk-1", "clerk", frozenset(), "620725")
CALL = "hub.intake.v1.IntakeService/Execute"
HERE = "ipv4:10.0.0.7"


class Desk:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FixedClock(NOW)
        self.metrics = Metrics()
        self.recorder = DenialRecorder(store, self.clock, self.metrics, kept=timedelta(days=200), most=4)

    async def add(self, *days: float) -> None:
        """Write an entry for each number of days that have passed since."""
        made = [AuditEntry(self.clock.now() - timedelta(days=ago), CALL, about=(f"{ago:g}",)) for ago in days]
        await self.store.write(lambda tx: append(tx, made))

    async def kept(self) -> list[str]:
        """Look a minute later, until nothing is left to forget; returns the entries that stay."""
        self.clock.advance(timedelta(minutes=1))
        for _ in range(20):
            found = await self.written()
        return [each.about[0] for each in found]

    @property
    def gauge(self) -> float | None:
        return self.metrics.registry.get_sample_value("hub_audit_rows")

    async def written(self) -> list[AuditEntry]:
        await self.recorder.step()
        assert isinstance(await self.store.read(verify), ChainEnd)
        return await self.store.read(lambda tx: [each for _, each in entries(tx)])


@pytest.fixture
async def desk(store: Store) -> Desk:
    made = Desk(store)
    await made.recorder.start()
    await made.recorder.stop()
    return made


async def test_a_denied_call_is_there_with_who_what_and_when(desk: Desk) -> None:
    bind_contextvars(correlation_id="r-1")
    desk.recorder.note(CALL, CLERK, HERE, NOT_FOR_ROLE.refusal())
    assert await desk.written() == [
        AuditEntry(NOW, CALL, "c-1", "clerk-1", "clerk", denied="not_for_role", correlation_id="r-1", address=HERE)
    ]
    assert desk.metrics.registry.get_sample_value("hub_calls_denied_total", {"code": "not_for_role"}) == 1


async def test_a_flood_is_one_entry_that_tells_how_many(desk: Desk) -> None:
    for number in range(10_000):
        bind_contextvars(correlation_id=f"r-{number}")
        desk.recorder.note(CALL, None, HERE, UNAUTHENTICATED.refusal())
    desk.recorder.note(CALL, None, "ipv4:10.0.0.8", UNAUTHENTICATED.refusal())
    found = await desk.written()
    assert [(each.address, each.count, each.correlation_id) for each in found] == [
        (HERE, 10_000, "r-0"),
        ("ipv4:10.0.0.8", 1, "r-9999"),
    ]
    assert desk.metrics.registry.get_sample_value("hub_calls_denied_total", {"code": "unauthenticated"}) == 10_001


async def test_a_flood_of_different_calls_is_bounded_and_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "KINDS_MOST", 3)
    for number in range(10):
        desk.recorder.note(f"call-{number % 5}", None, HERE, UNAUTHENTICATED.refusal())
    found = await desk.written()
    assert [(each.call, each.count) for each in found] == [("call-0", 2), ("call-1", 2), ("call-2", 2), (BEYOND, 4)]


async def test_what_cannot_be_written_now_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.recorder.note(CALL, CLERK, HERE, NOT_FOR_ROLE.refusal())

    async def busy(_unit: object) -> None:
        desk.recorder.note(CALL, CLERK, HERE, NOT_FOR_ROLE.refusal())
        raise STORE_BUSY.error(after_s=3.0)

    with monkeypatch.context() as away:
        away.setattr(desk.store, "write", busy)
        assert await desk.recorder.step() == 3.0
    desk.clock.move_to(NOW + timedelta(seconds=3))
    assert [(each.at, each.count) for each in await desk.written()] == [(NOW, 2)]


async def test_a_stop_writes_what_is_remembered(desk: Desk) -> None:
    desk.recorder.note(CALL, CLERK, HERE, NOT_FOR_ROLE.refusal())
    await desk.recorder.stop()
    assert len(await desk.store.read(lambda tx: list(entries(tx)))) == 1


async def test_what_is_old_enough_is_forgotten_and_the_chain_holds(desk: Desk) -> None:
    desk.recorder.note(CALL, CLERK, HERE, NOT_FOR_ROLE.refusal())
    assert len(await desk.written()) == 1
    desk.clock.advance(timedelta(days=199))
    desk.recorder.note(CALL, None, HERE, UNAUTHENTICATED.refusal())
    assert len(await desk.written()) == 2
    desk.clock.advance(timedelta(days=2))
    await desk.written()
    assert [each.denied for each in await desk.written()] == ["unauthenticated"]


async def test_beyond_the_bound_what_the_law_lets_go_goes_first(desk: Desk) -> None:
    await desk.add(201, 199, 190, 184, 3, 2, 1)
    assert await desk.kept() == ["184", "3", "2", "1"], "no more than there are too many"
    assert (desk.gauge, desk.recorder.trouble()) == (4, "")
    await desk.add(0)
    assert await desk.kept() == ["3", "2", "1", "0"]
    assert (desk.gauge, desk.recorder.trouble()) == (4, "")


async def test_below_the_bound_entries_are_kept_as_long_as_is_set(desk: Desk) -> None:
    await desk.add(199.9, 190, 184, 1)
    assert await desk.kept() == ["199.9", "190", "184", "1"]
    assert (desk.gauge, desk.recorder.trouble()) == (4, "")


async def test_the_law_wins_and_health_says_so_until_there_are_fewer(desk: Desk) -> None:
    young = [183.9, 183, 3, 2, 1, 0]
    await desk.add(*young)
    assert await desk.kept() == [f"{ago:g}" for ago in young], "nothing younger than six months is forgotten"
    assert (desk.gauge, desk.recorder.trouble()) == (6, "audit_too_large")
    desk.clock.advance(timedelta(days=0.2))
    assert await desk.kept() == ["183", "3", "2", "1", "0"]
    assert (desk.gauge, desk.recorder.trouble()) == (5, "audit_too_large")
    desk.clock.advance(timedelta(days=1))
    assert await desk.kept() == ["3", "2", "1", "0"]
    assert (desk.gauge, desk.recorder.trouble()) == (4, "")
    assert LAW.days == 184


async def test_a_step_forgets_one_batch_and_the_next_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "BATCH", 3)
    await desk.add(*[201] * 4, *[190] * 8)
    desk.clock.advance(timedelta(minutes=1))
    assert [len(await desk.written()) for _ in range(6)] == [9, 8, 5, 4, 4, 4]
    assert (desk.gauge, desk.recorder.trouble()) == (4, "")
    await desk.add(201)
    assert len(await desk.written()) == 5, "looked at once a minute"
    desk.clock.advance(timedelta(minutes=1))
    assert len(await desk.written()) == 4


async def test_a_store_that_is_away_is_looked_at_a_minute_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.add(201)
    desk.clock.advance(timedelta(minutes=1))

    async def busy(_unit: object) -> None:
        raise STORE_BUSY.error()

    with monkeypatch.context() as away:
        away.setattr(desk.store, "write", busy)
        await desk.recorder.step()
    assert len(await desk.written()) == 1
    desk.clock.advance(timedelta(minutes=1))
    assert await desk.written() == []
