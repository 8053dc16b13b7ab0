"""What a trouble comes to: how long it lasts, and what it takes away."""

from __future__ import annotations

import asyncio

import pytest

from hub.runtime.health import DOWN_AFTER_S, Bearing, Concern, Health, HealthStatus, HealthWatch
from hub.runtime.metrics import Metrics


class Stand:
    """One concern of each bearing, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.trouble = dict.fromkeys(Bearing, "")
        self.health = Health([self._concern(bearing) for bearing in Bearing], now=lambda: self.now_s)

    def _concern(self, bearing: Bearing) -> Concern:
        return Concern(bearing.value, bearing, lambda: self.trouble[bearing], "部件 part")

    def after(self, seconds: float) -> HealthStatus:
        self.now_s += seconds
        return self.health.report().status


@pytest.mark.parametrize(
    ("bearing", "lasting", "serving"),
    [
        (Bearing.ACCEPTING, HealthStatus.DOWN, False),
        (Bearing.APPLYING, HealthStatus.DOWN, True),
        (Bearing.PASSING_ON, HealthStatus.DEGRADED, True),
        (Bearing.NOTHING, HealthStatus.DEGRADED, True),
    ],
)
def test_a_trouble_that_lasts_means_what_it_takes_away(bearing: Bearing, lasting: HealthStatus, serving: bool) -> None:  # noqa: FBT001 - a row
    stand = Stand()
    assert stand.after(50) is HealthStatus.OK
    stand.trouble[bearing] = "store_locked"
    assert stand.after(0) is HealthStatus.DEGRADED
    assert stand.after(DOWN_AFTER_S - 0.1) is HealthStatus.DEGRADED
    assert stand.health.serving()
    assert stand.after(0.2) is lasting
    assert stand.health.serving() is serving
    stand.trouble[bearing] = ""
    assert stand.after(0) is HealthStatus.OK
    assert stand.health.serving()


def test_a_trouble_that_changes_its_name_is_the_same_trouble() -> None:
    stand = Stand()
    stand.trouble[Bearing.ACCEPTING] = "store_busy"
    stand.after(0)
    stand.trouble[Bearing.ACCEPTING] = "store_locked"
    assert stand.after(DOWN_AFTER_S) is HealthStatus.DOWN
    finding = stand.health.report().parts["accepting"]
    assert (finding.reason, finding.for_s) == ("store_locked", DOWN_AFTER_S)


def test_a_trouble_that_comes_back_begins_anew() -> None:
    stand = Stand()
    for _ in range(5):
        stand.trouble[Bearing.ACCEPTING] = "store_busy"
        assert stand.after(4) is HealthStatus.DEGRADED
        stand.trouble[Bearing.ACCEPTING] = ""
        assert stand.after(4) is HealthStatus.OK


def test_the_detail_names_part_reason_and_time_chinese_first() -> None:
    stand = Stand()
    stand.trouble[Bearing.PASSING_ON] = "unsent"
    stand.after(0)
    stand.after(7)
    assert stand.health.report().detail == "部件 part: 已受理的记录未能发出 / accepted records are not sent on (7 s)"


async def test_the_watch_tells_grpc_and_the_metric_and_takes_both_back() -> None:
    stand, metrics = Stand(), Metrics()
    told: list[bool] = []
    heard = asyncio.Event()

    async def tell(*, serving: bool) -> None:
        told.append(serving)
        heard.set()

    watch = HealthWatch(stand.health, metrics, tell)
    await watch.start()
    for lasting, expected in ((True, [False]), (False, [False, True])):
        stand.trouble[Bearing.ACCEPTING] = "store_full" if lasting else ""
        stand.after(0)
        stand.now_s += DOWN_AFTER_S
        await asyncio.wait_for(heard.wait(), 10)
        heard.clear()
        assert told == expected
        assert metrics.registry.get_sample_value("hub_healthy") == (not lasting)
    await watch.stop()


async def test_a_bug_at_a_look_ends_the_watch() -> None:
    def broken() -> str:
        raise ZeroDivisionError

    async def tell(*, serving: bool) -> None:
        raise AssertionError(serving)

    watch = HealthWatch(Health([Concern("x", Bearing.ACCEPTING, broken, "x")]), Metrics(), tell)
    await watch.start()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(watch.failed(), 10)
    await watch.stop()
