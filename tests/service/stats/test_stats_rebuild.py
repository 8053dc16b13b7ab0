"""Stats can be dropped and rebuilt at any time, and two workers count into one store without touching each other."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import TOPICS
from dispute.wire.stats.v1 import stats_pb2
from hub.store.store import Store
from hub.streams.memory import MemoryBus
from hub.streams.topics import partition_of, shard_of
from services.stats.__main__ import EXIT_RUNNING, EXIT_USAGE, main, rebuild
from services.stats.facts.measures import SUMMED
from services.stats.facts.tables import cell, fact, interned, metadata, total
from tests.support.backups import back_up, put_back
from tests.support.stats import Journal, Run, Running, dispute_of, life, running, settings_for

ENDINGS = ("agreed", "failed", "withdrawn", "accepted", "mediation_refused", "registered", "linked", "resubmitted")
CHANNELS = ("court", "police", "petition", "window")


def fill(journal: Journal, seed: int, count: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a repeatable mixture
    for number in range(count):
        journal.write(
            *life(
                seed * 1000 + number,
                rng.choice(ENDINGS),
                channel=rng.choice(CHANNELS),
                town=rng.choice(("620725100", "620725101", "152722100")),
                month=rng.choice(("01", "02", "03")),
            )
        )


def rows_of(table: sa.Table) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(table)


async def answers(stats: Running, journal: Journal) -> list[object]:
    """Everything a caller can see."""
    return [
        await stats.rates(journal, channels=[*CHANNELS, "all"]),
        await stats.rates(journal, start_on="2024-02-01", end_on="2024-03-01"),
        await stats.rates(journal, county_code="152722"),
        await stats.rates(journal, town_code="620725101"),
        [
            [(row.dispute_id, row.count, row.business_day) for row in page.counted]
            for page in [
                await stats.counted(journal, channel="all", metric=metric, part=part, page_size=1000)
                for metric in ("success", "diversion", "matters")
                for part in ("numerator", "denominator")
            ]
        ],
        sorted(line for line in (await stats.scrape()).splitlines() if line.startswith("hub_stats")),
    ]


async def test_rebuild_answers_the_same(
    run_stats: Run, stats_journal: Journal, store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(stats_journal, 1, 40)
    stats_journal.append(3, b"\xff")
    async with run_stats() as stats:
        before = await answers(stats, stats_journal)
    assert rebuild(settings_for(store_url, tmp_path)) == 0
    assert "position 0" in capsys.readouterr().out
    store = Store(store_url)
    try:
        assert store.read_blocking(lambda tx: [tx.scalar(rows_of(table)) for table in (fact, cell, total)]) == [0, 0, 0]
    finally:
        store.close()
    async with run_stats() as stats:
        assert await answers(stats, stats_journal) == before
        assert (await stats.books())["dead"] == 1


async def test_rebuild_from_other_batches_answers_the_same(tmp_path: Path, stats_journal: Journal) -> None:
    fill(stats_journal, 2, 40)
    merged = Journal(MemoryBus(TOPICS, partitions=3))
    for shard, records in stats_journal.records.items():
        merged.records[shard] = records
        merged.send(shard, 1, len(records))
    seen = []
    for name, journal in (("a", stats_journal), ("b", merged)):
        async with running(f"sqlite:///{tmp_path / name}.db", tmp_path, journal.bus) as stats:
            seen.append(await answers(stats, journal))
    assert seen[0] == seen[1]


async def test_cells_are_the_sum_of_facts(run_stats: Run, stats_journal: Journal) -> None:
    fill(stats_journal, 3, 60)
    async with run_stats() as stats:
        await stats.rates(stats_journal)
        c, f = cell.c, fact.c

        def sums(tx: sa.Connection) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
            kept = sa.select(c.day, c.measure, c.channel, c.county, c.town, sa.func.sum(c.count))
            measure = f.type * 4 + f.first + f.concluding * 2
            keys = (f.day, measure, f.channel, f.county_code, f.town_code)
            told = sa.select(*keys, sa.func.sum(f.sign)).where(f.type.in_(SUMMED)).group_by(*keys)
            grouped = kept.where(c.measure < 1000).group_by(c.day, c.measure, c.channel, c.county, c.town)
            return sorted(map(tuple, tx.execute(grouped))), sorted(map(tuple, tx.execute(told)))

        cells, facts = await stats.service.store.read(sums)
        assert cells == facts


async def test_totals_are_the_sum_of_cells(run_stats: Run, stats_journal: Journal) -> None:
    fill(stats_journal, 3, 60)
    async with run_stats() as stats:
        await stats.rates(stats_journal)

        def sums(tx: sa.Connection) -> list[list[tuple[int, ...]]]:
            names = ("county", "channel", "measure", "shard")
            keys = [[table.c[name] for name in names] for table in (cell, total)]
            grouped = sa.select(*keys[0], sa.func.sum(cell.c.count)).group_by(*keys[0])
            kept = sa.select(*keys[1], total.c.count)
            return [sorted(tuple(row) for row in tx.execute(query) if row[-1]) for query in (grouped, kept)]

        added_up, kept = await stats.service.store.read(sums)
        assert added_up == kept
        assert kept


async def test_an_answer_about_all_time_equals_one_about_every_day(run_stats: Run, stats_journal: Journal) -> None:
    """The first is read from totals, the second from cells."""
    fill(stats_journal, 3, 60)
    async with run_stats() as stats:
        whole = await stats.table(stats_journal)
        assert whole == await stats.table(stats_journal, start_on="1970-01-01", end_on="2100-01-01")
        assert any(whole.values())


@pytest.mark.postgres
async def test_two_workers_share_one_postgresql(postgres_schema: str, tmp_path: Path) -> None:
    bus = MemoryBus(TOPICS)
    journal = Journal(bus)
    alone = Journal(MemoryBus(TOPICS))
    async with running(postgres_schema, tmp_path, bus) as one, running(postgres_schema, tmp_path, bus) as two:
        for seed in (4, 5, 6):
            fill(journal, seed, 40)
            # New values come to both workers at once; in between the partitions change hands.
            bus.rebalance("dispute.journal.v1", "hub-stats", turn=seed)
        at_one, at_two = await answers(one, journal), await answers(two, journal)
        assert at_one == at_two
        values = await one.service.store.read(lambda tx: tx.execute(sa.select(interned.c.kind, interned.c.value)).all())
        assert len(values) == len(set(map(tuple, values)))
    for shard, records in journal.records.items():
        alone.append(shard, *records)
    async with running(f"sqlite:///{tmp_path / 'alone.db'}", tmp_path, alone.bus) as single:
        assert await answers(single, alone) == at_one


@pytest.mark.postgres
async def test_watch_sees_what_another_worker_counts(postgres_schema: str, tmp_path: Path) -> None:
    bus = MemoryBus(TOPICS)
    journal = Journal(bus)
    # Members get every other partition in the order in which they joined: an even one belongs to the first.
    number = next(n for n in range(100) if partition_of(shard_of(dispute_of(n)), bus.partitions) % 2 == 0)
    async with running(postgres_schema, tmp_path, bus) as one, running(postgres_schema, tmp_path, bus) as two:
        watch = two.stub.WatchRates(stats_pb2.WatchRatesRequest(), timeout=20)
        await watch.read()
        journal.write(*life(number))
        await one.rates(journal)
        while (await watch.read()).rates[-1].numerator != 1:
            pass
        assert 'hub_pipeline_out_total{stage="journal"} 0.0' in await two.scrape()
        watch.cancel()


def test_wrong_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rebuilt"]) == EXIT_USAGE
    assert "rebuild" in capsys.readouterr().err


async def test_rebuild_refuses_while_stats_runs(run_stats: Run, store_url: str, tmp_path: Path) -> None:
    async with run_stats() as stats:
        settings = settings_for(store_url, tmp_path).model_copy(update={"grpc_port": stats.service.grpc.port})
        assert rebuild(settings) == EXIT_RUNNING


async def test_a_restored_stats_goes_on_from_its_own_place(
    run_stats: Run, stats_journal: Journal, store_url: str
) -> None:
    """It publishes nothing: its facts and its place are of one moment, and the journal has the rest."""
    fill(stats_journal, 5, 10)
    async with run_stats() as stats:
        await answers(stats, stats_journal)
    store = Store(store_url)
    try:
        backup = await back_up(store, metadata)
    finally:
        store.close()
    fill(stats_journal, 6, 10)
    async with run_stats() as stats:
        untouched = await answers(stats, stats_journal)
    store = Store(store_url)
    try:
        await put_back(store, backup, metadata)
    finally:
        store.close()
    async with run_stats() as stats:
        assert await answers(stats, stats_journal) == untouched
