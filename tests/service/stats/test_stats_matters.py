"""One matter in three channels, over gRPC and Prometheus on both stores: three records, one matter, until unlinked."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from dispute.lifecycle import Agree, Channel, Fail, FailureReason, Link, OutcomeForm, Resubmit, Role, State, Unlink
from tests.support.lifecycle import MEDIATING, START, TODAY, Walk, reach, registration
from tests.support.stats import Journal, Run, Running, dispute_of, journal_of

CHANNELS = ("court", "police", "petition")
MASTER = dispute_of(0)
MONTHS = {"March": ("2024-03-01", "2024-04-01"), "later": ("2024-04-01", "")}


class Told:
    """Real disputes in a journal: what is new of each is written when it is told.

    Their ids are given here, because each walk is on a dispute of one and the same reference.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[int, int] = {}

    def tell(self, number: int, walk: Walk) -> None:
        fresh = journal_of([walk.events])[self._known.get(number, 0) :]
        for event in fresh:
            event.dispute_id = dispute_of(number)
        self._journal.write(*fresh)
        self._known[number] = len(walk.events)


async def gauges(stats: Running, measure: str) -> dict[str, int]:
    return {
        sample.labels["channel"]: int(sample.value)
        for family in text_string_to_metric_families(await stats.scrape())
        for sample in family.samples
        if sample.name == "hub_stats_disputes"
        and sample.labels["measure"] == measure
        and sample.labels["county"] == "620725"
    }


async def seen(stats: Running, journal: Journal) -> dict[str, tuple[int, int]]:
    """Matters and records by channel; each door says the same, and the list has as many as the number."""
    table = await stats.table(journal, metrics=["matters"])
    found = {channel: table[channel, "matters"] for channel in (*CHANNELS, "all")}
    assert found == {
        channel: numbers
        for (channel, _), numbers in (await stats.table(metrics=["matters"], start_on="2024-01-01")).items()
    }
    for channel, (matters, records) in found.items():
        for part, number in (("numerator", matters), ("denominator", records)):
            page = await stats.counted(channel=channel, metric="matters", part=part)
            assert (page.total, [row.count for row in page.counted]) == (number, [1] * number)
    counts = {name: await gauges(stats, name) for name in ("matters", "registered", "linked")}
    for channel in CHANNELS:
        assert (counts["matters"][channel], counts["registered"][channel]) == found[channel]
    assert sum(counts["matters"].values()) == found["all"][0] == found["all"][1] - sum(counts["linked"].values())
    return found


async def test_one_matter_in_three_channels_before_and_after_its_links(run_stats: Run, stats_journal: Journal) -> None:
    told = Told(stats_journal)
    walks = [Walk(registration(Channel(channel))).all(MEDIATING[1:]) for channel in CHANNELS]
    for number, walk in enumerate(walks):
        told.tell(number, walk)
    alone = {**dict.fromkeys(CHANNELS, (1, 1)), "all": (3, 3)}
    async with run_stats() as stats:
        assert await seen(stats, stats_journal) == alone
        diversion = await stats.table(metrics=["diversion", "success"])
        for number in (1, 2):
            told.tell(number, walks[number].do(Link(MASTER), at=START + timedelta(days=50)))
        linked = {"court": (1, 1), "police": (0, 1), "petition": (0, 1), "all": (1, 3)}
        assert await seen(stats, stats_journal) == linked
        assert await stats.table(metrics=["diversion", "success"]) == diversion
        (listed,) = (await stats.counted(channel="all", metric="matters", part="numerator")).counted
        assert (listed.dispute_id, listed.business_day) == (dispute_of(0), "2024-03-01")
        for number in (1, 2):
            told.tell(number, walks[number].do(Unlink("another_matter"), at=START + timedelta(days=60)))
        assert await seen(stats, stats_journal) == alone


async def test_pages_of_matters_stay_those_of_their_first_page(run_stats: Run, stats_journal: Journal) -> None:
    told = Told(stats_journal)
    walks = [reach(State.MEDIATING) for _ in range(4)]
    for number, walk in enumerate(walks):
        told.tell(number, walk)
    told.tell(3, walks[3].do(Link(MASTER)))
    asked = {"channel": "all", "metric": "matters", "part": "numerator", "page_size": 2}
    async with run_stats() as stats:
        first = await stats.counted(stats_journal, **asked)
        told.tell(2, walks[2].do(Link(MASTER)))
        second = await stats.counted(stats_journal, **asked, page_token=first.next_page_token)
        assert (first.total, second.total, second.next_page_token) == (3, 3, "")
        ids = [row.dispute_id for page in (first, second) for row in page.counted]
        assert sorted(ids) == sorted(dispute_of(number) for number in range(3))
        assert (await stats.counted(stats_journal, **asked)).total == 2


async def test_late_paper_and_a_further_round_move_each_window(run_stats: Run, stats_journal: Journal) -> None:
    told = Told(stats_journal)
    expired = reach(State.MEDIATING).do(
        Fail(FailureReason.TERM_EXPIRED), at=START + timedelta(days=35), role=Role.SYSTEM
    )
    back = reach(State.RETURNED).do(Resubmit(2, TODAY + timedelta(days=70)), at=START + timedelta(days=80))
    told.tell(0, expired)
    told.tell(1, back)
    async with run_stats() as stats:
        before = {name: await _rates(stats, stats_journal, *days) for name, days in MONTHS.items()}
        assert before["March"]["success_on_concluded"] == (0, 1, 0)
        assert before["later"]["success_on_concluded"] == (0, 1, 0)
        assert before["later"]["diversion"] == (0, 1, 1)
        told.tell(0, expired.do(Agree(OutcomeForm.SELF_SETTLED), at=START + timedelta(days=9)))
        after = {name: await _rates(stats, stats_journal, *days) for name, days in MONTHS.items()}
        assert after["March"]["success_on_concluded"] == (1, 2, 0)
        assert after["later"]["success_on_concluded"] == (0, 0, 0)
        assert after["March"]["success"] == (1, 2, 0)


async def _rates(stats: Running, journal: Journal, start: str, end: str) -> dict[str, tuple[int, int, int]]:
    answer = await stats.rates(journal, start_on=start, end_on=end, channels=["all"])
    return {rate.metric: (rate.numerator, rate.denominator, rate.open) for rate in answer.rates}
