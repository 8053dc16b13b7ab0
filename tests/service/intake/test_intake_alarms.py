"""Alarms of limits: each step on its day and once, each limit by itself, until the matter moves; in great number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from typing_extensions import override

from dispute.contracts.codec import state_from_bytes, state_to_bytes
from dispute.lifecycle import State, dispute_id_of
from hub.store.instants import to_micros
from hub.streams.topics import shard_of
from services.intake.cases.ports import DisputeRegister, Units
from services.intake.cases.tables import dispute
from services.intake.inbound.alarms import CHUNK
from services.intake.law.rule_files import load_rules
from services.intake.law.timers import Step, Timer, timers_to_bytes
from tests.support.county_rules import CALENDAR
from tests.support.intake import TONGDAO, timers_in
from tests.support.intake_rig import HANDED_OVER, FakeBridge, IntakeClient, Rig, case_facts
from tests.support.orders import agree, order, to_mediation

T = TypeVar("T")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AFTER = datetime(2024, 7, 1, tzinfo=UTC)
MET = ["reminded", "overdue", "supervised", "escalated"]


async def accepted(rig: Rig, client: IntakeClient, ref: str = "A-1") -> str:
    rig.bridge.send(rig.bridge.handoff(ref))
    await client.applied(rig.bridge)
    return rig.bridge.dispute_id(ref)


async def first_petition(rig: Rig) -> tuple[IntakeClient, str]:
    """Start intake in a county with limits of its own and hand a first petition over."""
    rig.rules_dir = TONGDAO
    client = await rig.start()
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-431230", "petition_bridge")
    office.send(office.handoff("P-1", case_received=case_facts(procedure="", suit_kind="")))
    await client.applied(office)
    return client, office.dispute_id("P-1")


async def test_what_nobody_dispatches_is_reminded_of_supervised_and_escalated(rig: Rig, client: IntakeClient) -> None:
    """Accepted on Tuesday 5 March 2024, to be dispatched within three working days: Friday the 8th."""
    dispute_id = await accepted(rig, client)
    steps = [
        (datetime(2024, 3, 8, 0, tzinfo=UTC), "reminded"),
        (datetime(2024, 3, 8, 16, tzinfo=UTC), "overdue"),
        (datetime(2024, 3, 11, 16, tzinfo=UTC), "supervised"),
        (datetime(2024, 3, 15, 16, tzinfo=UTC), "escalated"),
    ]
    for number, (at, level) in enumerate(steps):
        if number:
            assert (await client.advance(at - timedelta(seconds=1))).fired == 0
        assert (await client.advance(at)).fired == 1
        assert (await client.dispute(dispute_id)).supervision == level
    assert (await client.advance(LONG_AFTER)).fired == 0
    alarms = await client.alarms(dispute_id, "state")
    assert [level for level, _ in alarms] == MET
    assert [datetime.fromisoformat(at) for _, at in alarms[1:]] == [at for at, _ in steps[1:]]
    last = (await client.history(dispute_id))[-1]
    assert (last.particulars.clause, last.actor_id) == ("深圳条例 45 式地方规则", "timer")


async def test_an_agreement_that_nobody_follows_up_has_an_alarm(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await accepted(rig, client)
    agreed = datetime(2024, 3, 8, 2, tzinfo=UTC)
    await client.execute(*to_mediation(dispute_id), agree(dispute_id, agreed))
    await client.advance(LONG_AFTER)
    assert (await client.alarms(dispute_id, "state"))[1:] == [
        ("overdue", "2024-04-07T16:00:00+00:00"),
        ("supervised", "2024-04-10T16:00:00+00:00"),
        ("escalated", "2024-04-14T16:00:00+00:00"),
    ]
    assert await client.alarms(dispute_id) == await client.alarms(dispute_id, "state")
    assert await client.state(dispute_id) == "agreed"


async def test_alarms_stop_when_the_matter_moves(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await accepted(rig, client)
    await client.advance(datetime(2024, 3, 12, tzinfo=UTC))
    assert (await client.dispute(dispute_id)).supervision == "supervised"
    await client.execute(to_mediation(dispute_id, datetime(2024, 3, 12, 2, tzinfo=UTC))[0])
    assert (await client.dispute(dispute_id)).supervision == "normal"
    await client.advance(datetime(2024, 3, 15, 15, tzinfo=UTC))
    assert [level for level, _ in await client.alarms(dispute_id, "state")] == MET[:3]
    assert [level for level, _ in await client.alarms(dispute_id)] == [*MET[:3], "reminded"]  # of the sign-off


async def test_the_statutory_end_has_an_alarm_after_the_countys_own(rig: Rig) -> None:
    client, dispute_id = await first_petition(rig)
    await client.advance(datetime(2024, 4, 12, tzinfo=UTC))
    assert (await client.dispute(dispute_id)).supervision == "escalated"
    assert [level for level, _ in await client.alarms(dispute_id, "local_due_on")] == MET
    assert await client.alarms(dispute_id, "statutory_due_on") == []
    await client.advance(datetime(2024, 5, 6, 16, tzinfo=UTC))
    overdue = (await client.alarms(dispute_id, "statutory_due_on"))[-1]
    assert overdue == ("overdue", "2024-05-06T16:00:00+00:00")
    last = (await client.history(dispute_id))[-1]
    assert last.particulars.clause == "信访工作条例 34"
    await client.advance(LONG_AFTER)
    assert [level for level, _ in await client.alarms(dispute_id, "statutory_due_on")] == MET


async def test_each_milestone_of_a_first_petition_has_its_alarms_until_it_is_reached(rig: Rig) -> None:
    client, dispute_id = await first_petition(rig)
    met = order(dispute_id, "reach_milestone", HANDED_OVER + DAY, milestone="met")
    (result,) = await client.execute(met)
    assert result.WhichOneof("result") == "position"
    reached = (await client.history(dispute_id))[-1].particulars
    assert (reached.due_on, reached.late, reached.clause) == ("2024-03-07", False, "三五七三十 (local rule of S3)")
    await client.advance(datetime(2024, 3, 11, 16, tzinfo=UTC))
    assert await client.alarms(dispute_id, "met") == []
    for name in ("investigated", "fed_back"):  # the 9th and the 11th: the 9th is a Saturday
        overdue = [at for level, at in await client.alarms(dispute_id, name) if level == "overdue"]
        assert overdue == ["2024-03-11T16:00:00+00:00"]
    late = order(dispute_id, "reach_milestone", HANDED_OVER + 7 * DAY, milestone="investigated")
    await client.execute(late)
    assert (await client.history(dispute_id))[-1].particulars.late
    await client.advance(LONG_AFTER)
    assert [level for level, _ in await client.alarms(dispute_id, "investigated")] == MET[:2]
    assert [level for level, _ in await client.alarms(dispute_id, "fed_back")] == MET


ENDED_BY = {
    State.SCREENING: "screen_by",
    State.DISPATCHED: "sign_by",
    State.MEDIATING: "due_on",
    State.PERFORMED: "follow_up",
}
"""States that a limit of the law, or the follow-up, ends; a screening waits only for what it asked."""
PASSING = {State.REGISTERED: "screening begins in the same unit"}
OVER = {State.CLOSED, State.DUPLICATE, State.RETURNED, State.REFERRED}


def test_every_open_state_has_a_limit() -> None:
    for book in (load_rules(CALENDAR).book, load_rules(CALENDAR, TONGDAO).book):
        own = {State(row.state) for row in book.deadlines.states if not row.channel}
        assert own.isdisjoint(ENDED_BY)
        assert set(State) - OVER - own == {*ENDED_BY, *PASSING}


class Dying(Units):
    """Units of work of a process that dies after some of them."""

    def __init__(self, units: Units, after: int) -> None:
        self._units = units
        self._left = after

    @override
    async def write(self, unit: Callable[[DisputeRegister], T]) -> T:
        if self._left == 0:
            raise SystemError("the process is gone")
        self._left -= 1
        return await self._units.write(unit)


async def many_due(client: IntakeClient, pattern: str, number: int) -> None:
    """Copy a dispute and have the end of a limit of all copies come within one minute."""
    row = await client.intake.store.read(
        lambda tx: tx.execute(sa.select(dispute).where(dispute.c.dispute_id == pattern)).one()
    )
    await client.intake.store.write(lambda tx: tx.execute(sa.update(dispute).values(timers=b"", rings_at=None)))
    copied = state_from_bytes(row.snapshot)
    due_at = datetime(2024, 3, 8, 16, tzinfo=UTC)
    for start in range(0, number, 5000):
        names = [dispute_id_of("court-620725", f"M-{n}") for n in range(start, min(start + 5000, number))]
        copies = []
        for n, name in enumerate(names, start):
            end = Timer(name, "state", Step.OVERDUE, due_at, due_at + timedelta(seconds=n % 60))
            snapshot = state_to_bytes(replace(copied, dispute_id=name, case_code=""))
            own = {"dispute_id": name, "case_code": None, "snapshot": snapshot, "shard": shard_of(name)}
            timed = {"timers": timers_to_bytes({end.limit: end}), "rings_at": to_micros(end.rings_at)}
            copies.append({**row._mapping, **own, **timed})
        await client.intake.store.write(lambda tx, copies=copies: tx.execute(sa.insert(dispute), copies))  # type: ignore[misc] # mypy knows no default of a lambda


@pytest.mark.parametrize(
    "number",
    [3 * CHUNK + 1, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])],
)
async def test_timers_due_in_one_minute_fire_once_each_though_the_process_dies(
    rig: Rig, client: IntakeClient, number: int
) -> None:
    pattern = await accepted(rig, client, "pattern")
    await many_due(client, pattern, number)
    before = (await client.dispute(pattern)).sequence
    alarms = client.intake.alarm_clock._alarms
    until = datetime(2024, 3, 8, 16, 1, tzinfo=UTC)
    alarms._units = Dying(alarms._units, after=2)
    with pytest.raises(SystemError):
        await alarms.ring(until)
    await client.stop()
    again = await rig.start()
    assert await again.intake.alarm_clock._alarms.ring(until) == number - 2 * CHUNK
    copies = sa.select(dispute.c.sequence, sa.func.count()).where(dispute.c.dispute_id != pattern)
    found = await again.intake.store.read(lambda tx: tx.execute(copies.group_by(dispute.c.sequence)).all())
    assert [tuple(row) for row in found] == [(before + 1, number)]
    assert Counter(timer.step for timer in await again.intake.store.read(timers_in)) == {Step.SUPERVISED: number}
    assert await again.intake.alarm_clock._alarms.ring(until) == 0
