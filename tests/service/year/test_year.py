"""A county's winter through three bridges, intake and stats in one process: what must hold of every dispute.

`make year` plays a whole year of 30,000 disputes. Here a fifteenth of them comes in ten weeks, over the change of the
law on 2025-01-01 and Spring Festival: a day costs more than the disputes that come on it.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog

from hub.runtime.clock import FixedClock
from hub.store.store import Store
from hub.streams.memory_log import MemoryLog
from services.intake.cases.tables import dispute
from tests.year.__main__ import report
from tests.year.backlog import alarmed, enter, week_before
from tests.year.county import County
from tests.year.judging import read
from tests.year.one_hub import SERVICES, one_hub
from tests.year.playing import play
from tests.year.replaying import replayed
from tests.year.running import run

WINTER = date(2024, 12, 1)
DAYS = 70
OF = 2_000
SMALL, SHORT = 200, 40
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Nothing is logged: a year has a line for each of thousands of alarms."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where the machine has one: no test takes its power away, and syncing costs a year most."""
    with tempfile.TemporaryDirectory(prefix="hub-year-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


async def test_two_thousand_disputes_over_the_change_of_the_law(folder: Path) -> None:
    found = await run(County(1, OF, WINTER, DAYS).plan(), folder)
    assert not any(found.counts.values()), found.judgement.shown
    assert len(found.played.accepted) == OF
    # The year is no toy: it had every ending, late paper and corrections.
    assert found.judgement.states.keys() >= {"closed", "returned", "referred", "follow_up", "tracking", "failed"}
    assert found.judgement.rewound > 10
    assert found.judgement.events > 10 * OF


@pytest.mark.postgres
async def test_both_kinds_of_store_have_the_same_year(folder: Path, postgres_schemas: Callable[[], str]) -> None:
    plan = County(2, SMALL, WINTER, SHORT).plan()
    stores = {name: postgres_schemas() for name in (*SERVICES, "replay")}
    runs = {"sqlite": await run(plan, folder), "postgres": await run(plan, folder, stores)}
    found = report(runs)
    assert found["ok"], (found, [each.judgement.shown for each in runs.values()])


async def test_a_replay_that_differs_is_seen(folder: Path) -> None:
    plan = County(3, 20, WINTER, 10).plan().within(WINTER, WINTER + timedelta(days=9))
    async with one_hub(folder) as hub:
        await play(hub.doors, plan, 1)
    url, log = hub.settings.store_url, MemoryLog(hub.bus)
    assert replayed(hub.settings, f"sqlite:///{folder / 'first.db'}", log) == []
    changed = plan.disputes[0].dispute_id
    store = Store(url)
    store.write_blocking(
        lambda tx: tx.execute(sa.update(dispute).where(dispute.c.dispute_id == changed).values(procedure="other"))
    )
    store.close()
    assert replayed(hub.settings, f"sqlite:///{folder / 'second.db'}", log) == [changed]


async def test_a_week_entered_at_once_sets_no_alarm_off(folder: Path) -> None:
    clock = FixedClock(datetime(2026, 11, 18, 8, tzinfo=UTC))
    plan = week_before(clock.now().date(), 4, 100)
    async with one_hub(folder, clock=clock, kind="wall") as hub:
        played = await enter(hub.doors, plan, hub.ring)
        answers = await read(hub.doors)
        assert played.accepted == answers.register.keys()
        assert [each for history in answers.histories.values() for each in alarmed(history)] == []
        # Who writes no more papers is late after all: the alarms are seen.
        clock.move_to(clock.now() + timedelta(days=3))
        await hub.ring()
        late = await read(hub.doors)
        assert [each for history in late.histories.values() for each in alarmed(history)] != []
