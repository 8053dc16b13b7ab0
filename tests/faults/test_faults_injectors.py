"""What the injectors stand on, without brokers: points, a store that can't write, locks, signals, the cluster."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from kafka.errors import KafkaConnectionError

from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Bug, Retryable
from hub.refusals import BUS_UNAVAILABLE
from hub.store import engines
from hub.store.store import Store
from hub.streams.envelope import StreamName
from hub.streams.judge import Numbered
from services.intake.inbound.handoffs import HandoffApplier
from tests.faults import points as at
from tests.faults import service
from tests.faults.of_processes import STOPPED, state_of
from tests.faults.of_stores import take_all
from tests.faults.points import Points
from tests.faults.rig import ROOT
from tests.faults.scene import ANSWER_S, NotBitten, Scene, on_cluster
from tests.faults.service import answering
from tests.support.leaders import next_first


def test_a_point_fires_once_and_tells(tmp_path: Path) -> None:
    points = Points(tmp_path)
    assert points.armed("here") is None
    points.arm("here", signal="stop", seconds=2.5)
    assert points.armed("here") == {"signal": "stop", "seconds": 2.5}
    assert points.take("here", records=3)
    assert not points.take("here", records=4)
    told = points.fired("here")
    assert told is not None
    assert (told["records"], told["pid"]) == (3, os.getpid())
    points.arm("here")
    assert points.fired("here") is None, "an old firing must not pass for a new one"


async def test_a_point_that_nobody_comes_to_is_disarmed_again(tmp_path: Path) -> None:
    points = Points(tmp_path)
    points.arm("here")
    assert await points.wait_fired("here", 0.05) is None
    assert points.armed("here") is None


@pytest.mark.parametrize(("how", "number"), [({}, signal.SIGKILL), ({"signal": "stop"}, signal.SIGSTOP)])
def test_a_strike_is_a_signal_to_the_own_process(tmp_path: Path, how: dict[str, str], number: signal.Signals) -> None:
    Points(tmp_path).arm("here", **how)
    script = (
        "import sys; from pathlib import Path; from tests.faults.points import Points;"
        "Points(Path(sys.argv[1])).strike('here')"
    )
    struck = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT)
    try:
        _, status = os.waitpid(struck.pid, os.WUNTRACED)
        seen = os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.WTERMSIG(status)
        assert seen == number
    finally:
        struck.returncode = 0  # it was waited for above
        if number is signal.SIGSTOP:
            os.kill(struck.pid, signal.SIGKILL)
            os.waitpid(struck.pid, 0)


@pytest.mark.parametrize(("point", "code"), [(at.STORE_FULL, "store_full"), (at.STORE_READ_ONLY, "store_read_only")])
def test_a_store_that_cannot_write_is_what_the_product_takes_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str, code: str
) -> None:
    monkeypatch.setattr(engines, "writer_engine", engines.writer_engine)
    points = Points(tmp_path / "points")
    service._store(points)
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    table = sa.Table("t", sa.MetaData(), sa.Column("n", sa.Integer))
    try:
        store.write_blocking(table.create)
        points.arm(point, until=time.time() + 60)
        with pytest.raises(Retryable, match=code):
            store.write_blocking(lambda tx: tx.execute(sa.insert(table).values(n=1)))
        assert points.hits(point) >= 1
        points.disarm(point)
        store.write_blocking(lambda tx: tx.execute(sa.insert(table).values(n=2)))
        assert store.read_blocking(lambda tx: list(tx.scalars(sa.select(table.c.n)))) == [2]
    finally:
        store.close()


def test_a_call_without_an_answer_in_time_is_a_problem() -> None:
    nobody: Any = None
    scene = Scene(nobody, nobody, random.Random(1))  # noqa: S311 - reproducible, no secret
    scene.in_time(ANSWER_S)
    assert not scene.problems
    scene.in_time(ANSWER_S + 0.1)
    assert scene.problems


def test_a_process_that_was_stopped_shows_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        try:
            assert state_of(child.pid) in {"R", "S", "D"}
            child.send_signal(signal.SIGSTOP)
            os.waitpid(child.pid, os.WUNTRACED)
            assert state_of(child.pid) == STOPPED
        finally:
            child.kill()
    assert state_of(child.pid) == ""


class Crossed:
    """A connection whose first locks end as a deadlock's victim."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.rolled_back = 0

    def execute(self, _: bytes) -> None:
        if self.left:
            self.left -= 1
            raise psycopg.errors.DeadlockDetected("deadlock detected")

    def rollback(self) -> None:
        self.rolled_back += 1


def test_a_lock_that_crosses_a_writers_is_tried_again_and_not_for_ever() -> None:
    crossed: Any = Crossed(2)
    take_all(crossed, ["receipt"])
    assert (crossed.left, crossed.rolled_back) == (0, 2)
    always: Any = Crossed(10**6)
    with pytest.raises(NotBitten, match="crossed"):
        take_all(always, ["receipt"])


class Quiet:
    """A load that does nothing and of which nothing died."""

    def raise_for_dead(self) -> None:
        """Nothing died."""


async def test_work_on_the_cluster_is_tried_again_while_it_fails_and_given_up_in_the_end() -> None:
    nobody: Any = None
    quiet: Any = Quiet()
    scene = Scene(nobody, quiet, random.Random(1))  # noqa: S311 - reproducible, no secret
    answers: Iterator[Exception | bool] = iter(
        [KafkaConnectionError("refused"), BUS_UNAVAILABLE.error(why="gone"), False, True]
    )

    def work() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    await scene.until("work", on_cluster(work), 5.0)
    assert next(answers, None) is None, "tried until it was done, and not once more"
    with pytest.raises(NotBitten, match="work"):
        await scene.until("work", on_cluster(lambda: False), 0.05)
    with pytest.raises(ZeroDivisionError):
        await scene.until("work", on_cluster(lambda: bool(1 // 0)), 5.0)


@pytest.mark.parametrize("leader", [1, 2, 3])
@pytest.mark.parametrize("replicas", [[1, 2, 3], [3, 1, 2], [2, 1, 3]])
def test_a_moved_leader_is_another_one_though_it_was_not_the_preferred_one(leader: int, replicas: list[int]) -> None:
    order = next_first(leader, replicas)
    assert order[0] != leader
    assert sorted(order) == sorted(replicas)


def test_a_partition_without_a_leader_gets_another_preferred_one() -> None:
    assert next_first(-1, [2, 3, 1]) == [3, 1, 2]


def test_a_bug_at_a_rule_refuses_one_agency_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(HandoffApplier, "apply", lambda _self, _tx, items: [None] * len(items))
    points = Points(tmp_path)
    service._rule(points)
    applier: Any = HandoffApplier.__new__(HandoffApplier)
    records = [handoff_pb2.Handoff(agency_id=name).SerializeToString() for name in ("court-1", "police-1", "court-1")]
    items = [Numbered("t", 0, n, StreamName("b", 0, "e"), n, record) for n, record in enumerate(records, 1)]
    assert applier.apply(None, items) == [None] * 3
    points.arm(at.RULE_BUG, agency="court-1", reason="unknown_category")
    first, second, third = applier.apply(None, items)
    assert second is None
    assert [one.code for one in (first, third)] == ["unknown_category"] * 2
    points.disarm(at.RULE_BUG)
    assert applier.apply(None, items) == [None] * 3


def test_only_what_was_committed_now_may_lose_its_answer() -> None:
    struck: list[int] = []

    class Striking:
        def strike(self, _: str, *, effects: int) -> None:
            struck.append(effects)

    refused, bug = BUS_UNAVAILABLE.refusal(), Bug(ValueError())
    points: Any = Striking()
    answering(points, [refused, bug, SimpleNamespace(repeated=True)])
    assert struck == []
    answering(points, [refused, SimpleNamespace(repeated=False)])
    assert struck == [1]
