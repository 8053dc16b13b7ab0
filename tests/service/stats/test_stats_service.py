"""The whole service through its wiring, on the memory bus, on both stores: counted once, whatever the bus does."""

from __future__ import annotations

import uuid
from decimal import Decimal
from pathlib import Path

import grpc
import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from dispute.contracts.topics import JOURNAL
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.grpc.client import bearer, refusal_of
from hub.grpc.vectors import vector_to_wire
from hub.streams.envelope import StreamName
from hub.streams.memory import MemoryBus
from hub.streams.topics import partition_of, shard_of
from services.stats.wiring import GROUP
from tests.support.access import token_of
from tests.support.stats import (
    EPOCH,
    Journal,
    Run,
    Running,
    dims,
    dispute_of,
    event,
    life,
    retraction,
    running,
    unreachable,
    until,
)


async def test_counts_once_and_answers_at_the_place_asked_for(run_stats: Run, stats_journal: Journal) -> None:
    stats_journal.write(*life(1), *life(2, channel="police"), *life(3, "mediation_refused"), *life(4, "accepted"))
    async with run_stats() as stats:
        answer = await stats.rates(stats_journal)
        found = {(rate.channel, rate.metric): rate for rate in answer.rates}
        assert answer.events == stats_journal.count
        assert {item.stream: item.position for item in answer.positions.positions} == {
            str(stream): position for stream, position in stats_journal.heads.items()
        }
        court = found["court", "diversion"]
        assert (court.numerator, court.denominator, court.percent, court.open) == (2, 3, "66.7", 0)
        success = found["court", "success"]
        assert (success.numerator, success.denominator, success.percent, success.open) == (1, 2, "50.0", 1)
        assert found["all", "resolution"].numerator == 2
        assert not found["petition", "success"].HasField("percent")


async def test_repeats_and_overlapping_batches_count_once(run_stats: Run, stats_journal: Journal) -> None:
    shard = shard_of(dispute_of(1))
    async with run_stats() as stats:
        stats_journal.write(*life(1))
        stats_journal.send(shard, 1, 4)
        stats_journal.send(shard, 3, 4)
        before = await stats.table(stats_journal)
        stats_journal.append(shard, *(item.SerializeToString() for item in life(1, "failed")[2:]))
        stats_journal.send(shard, 4, 6)
        stats_journal.bus.rewind(JOURNAL.name, GROUP, 3)
        assert (await stats.table(stats_journal))["court", "success"] == (1, 2)
        assert before["court", "success"] == (1, 1)
        await until(lambda: _at_least(stats, "repeats_dropped", 9))
        assert (await stats.books())["applied"] == stats_journal.count


async def _at_least(stats: Running, what: str, count: int) -> bool:
    return (await stats.books())[what] >= count


async def test_a_dropped_record_is_fetched_and_counted(run_stats: Run, stats_journal: Journal) -> None:
    partition = partition_of(shard_of(dispute_of(1)), stats_journal.bus.partitions)
    stats_journal.bus.drop(JOURNAL.name, partition, [0])
    stats_journal.write(*life(1)[:2])
    stats_journal.append(shard_of(dispute_of(1)), *(item.SerializeToString() for item in life(1)[2:]))
    async with run_stats() as stats:
        assert (await stats.table(stats_journal))["court", "diversion"] == (1, 1)
        assert (await stats.books())["gaps_fetched"] == 1


async def test_restart_half_way_goes_on_where_it_stood(run_stats: Run, stats_journal: Journal) -> None:
    stats_journal.write(*life(1), *life(2))
    async with run_stats() as stats:
        await stats.rates(stats_journal)
    stats_journal.write(*life(3, "failed"))
    async with run_stats() as stats:
        assert (await stats.table(stats_journal))["court", "success_on_concluded"] == (2, 3)
        assert (await stats.books())["repeats_dropped"] == 0


async def test_bus_that_is_down_leaves_figures_readable_and_says_degraded(
    run_stats: Run, stats_journal: Journal, stats_bus: MemoryBus, store_url: str, tmp_path: Path
) -> None:
    stats_journal.write(*life(1))
    async with run_stats() as stats:
        await stats.rates(stats_journal)
    async with running(store_url, tmp_path, stats_bus, unreachable(stats_bus)) as stats:
        assert (await stats.table())["court", "success"] == (1, 1)
        async with httpx2.AsyncClient(trust_env=False) as client:
            health = await client.get(f"http://127.0.0.1:{stats.service.http.port}/healthz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")


async def test_at_least_of_a_place_not_reached_ends_with_the_callers_deadline(
    run_stats: Run, stats_journal: Journal
) -> None:
    stats_journal.write(*life(1))
    shard = shard_of(dispute_of(1))
    ahead = vector_to_wire({StreamName("intake", shard, EPOCH): 99})
    async with run_stats() as stats:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stats.stub.GetRates(stats_pb2.GetRatesRequest(at_least=ahead), timeout=0.4)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_watch_pushes_changes_together_and_nothing_when_nothing_changes(
    run_stats: Run, stats_journal: Journal
) -> None:
    async with run_stats() as stats:
        watch = stats.stub.WatchRates(
            stats_pb2.WatchRatesRequest(query=stats_pb2.Query(channels=["court"], metrics=["success"])), timeout=20
        )
        first = await watch.read()
        assert first.rates[0].denominator == 0
        stats_journal.write(*life(1), *life(2, channel="police"))
        seen = await watch.read()
        while seen.rates[0].numerator == 0:
            seen = await watch.read()
        assert (seen.rates[0].numerator, seen.rates[0].denominator) == (1, 1)
        # Another channel's events change nothing that is watched: the next push is the court's own.
        stats_journal.write(*life(3, channel="police"))
        await stats.rates(stats_journal)
        stats_journal.write(*life(4, "accepted"))
        assert (await watch.read()).rates[0].denominator == 2
        watch.cancel()


async def test_drill_down_is_exactly_the_counted_set(run_stats: Run, stats_journal: Journal) -> None:
    for number in range(25):
        stats_journal.write(*life(number, "agreed" if number % 3 else "failed"))
    stats_journal.write(*life(100, channel="police"))
    async with run_stats() as stats:
        query = stats_pb2.Query(start_on="2024-03-01", end_on="2024-04-01")
        asked = {"query": query, "channel": "court", "metric": "success"}
        seen: list[str] = []
        token = ""
        while True:
            page = await stats.counted(stats_journal, **asked, part="numerator", page_size=7, page_token=token)
            assert page.total == 16
            assert len(page.counted) <= 7
            seen += [row.dispute_id for row in page.counted for _ in range(row.count)]
            token = page.next_page_token
            if not token:
                break
        assert sorted(seen) == sorted(dispute_of(number) for number in range(25) if number % 3)
        assert (await stats.counted(stats_journal, **asked, part="denominator")).total == 25
        assert {row.business_day for row in page.counted} == {"2024-03-09"}


async def test_pages_of_one_listing_are_all_read_at_one_place(run_stats: Run, stats_journal: Journal) -> None:
    for number in range(4):
        stats_journal.write(*life(number))
    async with run_stats() as stats:
        asked = {"channel": "all", "metric": "diversion", "part": "denominator", "page_size": 2}
        first = await stats.counted(stats_journal, **asked)
        for number in range(10, 20):
            stats_journal.write(*life(number))
        second = await stats.counted(stats_journal, **asked, page_token=first.next_page_token)
        assert (second.total, len(second.counted), second.next_page_token) == (4, 2, "")
        assert second.positions == first.positions
        assert (await stats.counted(stats_journal, **asked)).total == 14


async def test_reclassification_moves_a_dispute_and_a_link_takes_it_back(
    run_stats: Run, stats_journal: Journal
) -> None:
    new = dims(town_code="620725101", category="05")
    moved = event(
        "reclassified",
        day="2024-03-20",
        dimensions=new,
        cohort={"received_on": "2024-03-01", "accepted_on": "2024-03-02"},
        retracts=[retraction(one, new) for one in life(1) if one.type != "screening_begun"],
    )
    linked = event("duplicate_linked", dispute=2, day="2024-03-01", retracts=[retraction(life(2)[0])])
    async with run_stats() as stats:
        stats_journal.write(*life(1), *life(2, "registered"))
        assert (await stats.table(stats_journal))["court", "diversion"] == (1, 2)
        stats_journal.write(moved, linked)
        window = {"start_on": "2024-03-01", "end_on": "2024-03-10"}
        (here,) = (await stats.rates(stats_journal, **window, channels=["court"], metrics=["diversion"])).rates
        assert (here.numerator, here.denominator, here.open) == (1, 1, 0)
        for town, figures in (("620725100", (0, 0, 0)), ("620725101", (1, 1, 0))):
            answer = await stats.rates(
                stats_journal, town_code=town, channels=["all"], metrics=["diversion", "success"]
            )
            assert [(rate.numerator, rate.denominator, rate.open) for rate in answer.rates] == [figures] * 2
        listed = await stats.counted(channel="court", metric="success", part="numerator")
        assert [(row.dispute_id, row.count, row.business_day) for row in listed.counted] == [
            (dispute_of(1), 1, "2024-03-09")
        ]


async def test_prometheus_equals_grpc_and_known_labels_start_at_zero(run_stats: Run, stats_journal: Journal) -> None:
    async with run_stats() as stats:
        assert _gauges(await stats.scrape())["", "petition", "registered"] == 0
        for number, channel in enumerate(("court", "court", "police", "petition", "window")):
            stats_journal.write(*life(number, "agreed" if number % 2 else "failed", channel=channel))
        table = await stats.table(stats_journal, channels=["court", "police", "petition", "window", "all"])
        gauges = _gauges(await stats.scrape())
        for channel in ("court", "police", "petition", "window"):
            of = {measure: gauges["620725", channel, measure] for measure in MEASURED}
            assert table[channel, "diversion"] == (of["accepted"], of["registered"])
            assert table[channel, "success"] == table[channel, "resolution"] == (of["agreed"], of["accepted"])
            concluded = of["agreed_concluding"] + of["failed_concluding"]
            assert table[channel, "success_on_concluded"] == (of["agreed_concluding"], concluded)
        agreed = sum(value for (_, _, measure), value in gauges.items() if measure == "agreed")
        assert table["all", "resolution"][0] == agreed == 2
        text = await stats.scrape()
        assert 'hub_stats_balance_difference{stage="journal"} 0.0' in text
        assert f'hub_pipeline_out_total{{stage="journal"}} {Decimal(stats_journal.count)}.0' in text


MEASURED = ("registered", "accepted", "agreed", "agreed_concluding", "failed_concluding")


def _gauges(text: str) -> dict[tuple[str, str, str], float]:
    return {
        (sample.labels["county"], sample.labels["channel"], sample.labels["measure"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "hub_stats_disputes"
    }


async def test_undecodable_event_is_dead_lettered_and_the_stream_goes_on(
    run_stats: Run, stats_journal: Journal, stats_bus: MemoryBus
) -> None:
    stats_journal.append(3, b"\xff\xff\xff")
    stats_journal.append(3, event("registered", dispute="not-a-uuid").SerializeToString())
    stats_journal.append(3, event("registered").SerializeToString())
    async with run_stats() as stats:
        assert (await stats.table(stats_journal))["court", "diversion"] == (0, 1)
        books = await stats.books()
        assert (books["applied"], books["dead"], books["parked"]) == (1, 2, 0)
        assert 'hub_stats_balance_difference{stage="journal"} 0.0' in await stats.scrape()
        await until(lambda: _published(stats_bus, 2))


async def _published(bus: MemoryBus, count: int) -> bool:
    return len(bus.records(JOURNAL.dead_letters)) == count


async def test_unknown_event_type_stops_and_counts_nothing_past_it(run_stats: Run, stats_journal: Journal) -> None:
    stats_journal.write(*life(1))
    async with run_stats() as stats:
        await stats.rates(stats_journal)
        shard = shard_of(dispute_of(1))
        stats_journal.append(shard, event("split_in_two").SerializeToString())
        with pytest.raises(Exception, match="unknown_event_type"):
            await stats.service.reader.failed()
        assert (await stats.books())["applied"] == 4


REFUSED: tuple[tuple[dict[str, str | list[str]], str, str], ...] = (
    ({"metrics": ["speed"]}, "query.metrics[0]", "UNKNOWN_METRIC"),
    ({"channels": ["court", "fax"]}, "query.channels[1]", "UNKNOWN_CHANNEL"),
    ({"start_on": "2024-02-30"}, "query.start_on", "BAD_DATE"),
    ({"end_on": "1/2/2024"}, "query.end_on", "BAD_DATE"),
    ({"start_on": "2024-03-02", "end_on": "2024-03-01"}, "query.end_on", "WINDOW_REVERSED"),
    ({"start_on": "0001-01-01"}, "query.start_on", "WINDOW_OUT_OF_RANGE"),
    ({"end_on": "9999-12-31"}, "query.end_on", "WINDOW_OUT_OF_RANGE"),
    ({"county_code": "62072"}, "query.county_code", "BAD_COUNTY_CODE"),
    ({"town_code": "abc"}, "query.town_code", "BAD_TOWN_CODE"),
    ({"county_code": "620725", "town_code": "152722100"}, "query.town_code", "TOWN_OUTSIDE_COUNTY"),
    ({"metrics": ["success"] * 65}, "query.metrics", "TOO_MANY"),
)


async def test_refusals_name_the_field(run_stats: Run) -> None:
    async with run_stats() as stats:
        for query, field, reason in REFUSED:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stats.rates(None, **query)
            verdict = refusal_of(caught.value)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert (getattr(verdict, "field", ""), verdict.code.upper()) == (field, reason)


async def test_listing_refuses_a_token_of_another_query_and_junk(run_stats: Run, stats_journal: Journal) -> None:
    stats_journal.write(*life(1), *life(2))
    asked = {"channel": "court", "metric": "success", "part": "denominator", "page_size": 1}
    wrong = [
        ({**asked, "metric": "diversion"}, "page_token", "page_token_of_another_query"),
        ({**asked, "query": stats_pb2.Query(county_code="620725")}, "page_token", "page_token_of_another_query"),
        ({**asked, "page_token": "bm9uc2Vuc2U="}, "page_token", "bad_page_token"),
        ({**asked, "page_token": "é"}, "page_token", "bad_page_token"),
        ({**asked, "page_token": "W1tbW1tb" * 5000}, "page_token", "bad_page_token"),
        ({**asked, "part": "both"}, "part", "unknown_part"),
        ({**asked, "page_size": 1001}, "page_size", "bad_page_size"),
        ({**asked, "channel": ""}, "channel", "unknown_channel"),
        ({**asked, "metric": ""}, "metric", "unknown_metric"),
    ]
    async with run_stats() as stats:
        token = (await stats.counted(stats_journal, **asked)).next_page_token
        for request, field, code in wrong:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stats.counted(None, **{"page_token": token, **request})
            verdict = refusal_of(caught.value)
            assert (getattr(verdict, "field", ""), verdict.code) == (field, code)


async def test_at_least_of_a_stream_that_cannot_exist_is_refused(run_stats: Run) -> None:
    async with run_stats() as stats:
        for stream in ("court_bridge/1/abc", "intake/24/abc", "intake", f"x/{uuid.UUID(int=0)}"):
            request = stats_pb2.GetRatesRequest()
            request.at_least.positions.add(stream=stream, position=1)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stats.stub.GetRates(request, timeout=5)
            assert getattr(refusal_of(caught.value), "field", "") == "at_least.positions.0.stream"


async def test_a_county_sees_its_own_figures_alone(run_stats: Run, stats_journal: Journal) -> None:
    """The leader of one county asks for rates, watches them, opens a number: its own, none of others."""
    stats_journal.write(*life(1), *life(2))
    async with run_stats() as stats:
        here = bearer(await token_of(stats.service, "leader-1", "leader", "620725"))
        elsewhere = bearer(await token_of(stats.service, "leader-2", "leader", "152722"))
        stub, heads = stats_pb2_grpc.StatsServiceStub(stats.channel), vector_to_wire(stats_journal.heads)
        for who, count in ((here, 2), (elsewhere, 0)):
            rates = await stub.GetRates(stats_pb2.GetRatesRequest(at_least=heads), timeout=20, metadata=who)
            of_court = {rate.metric: rate.numerator for rate in rates.rates if rate.channel == "court"}
            assert of_court["success"] == count
            asked = stats_pb2.ListCountedRequest(at_least=heads, channel="court", metric="success", part="denominator")
            listed = await stub.ListCounted(asked, timeout=20, metadata=who)
            assert (listed.total, len(listed.counted)) == (count, count)
            watched = await anext(aiter(stub.WatchRates(stats_pb2.WatchRatesRequest(), timeout=20, metadata=who)))
            assert {rate.numerator for rate in watched.rates if rate.metric == "success"} == {0, count}
        there = stats_pb2.Query(county_code="620725")
        asked.query.CopyFrom(there)
        for call in (
            stub.GetRates(stats_pb2.GetRatesRequest(query=there), timeout=20, metadata=elsewhere),
            stub.ListCounted(asked, timeout=20, metadata=elsewhere),
            anext(aiter(stub.WatchRates(stats_pb2.WatchRatesRequest(query=there), timeout=20, metadata=elsewhere))),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert refusal_of(caught.value).code == "county_out_of_scope"
