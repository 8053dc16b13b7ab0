"""The trial's own parts: when it strikes, what it sends, which ends are its own, and when it is content."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from itertools import islice, pairwise
from pathlib import Path
from signal import SIGKILL

import pytest

from ops.play.scenarios.days import SHANGHAI
from ops.play.scenarios.vocabulary import Docking, Fate
from ops.play.simulators.answers import Answer, ReceivedReceipt, ReceivedRefusal, ReceivedResult
from ops.play.simulators.bodies import Body
from ops.play.simulators.ledger import ReceiptFile
from ops.play.trial.agency import BATCH, Agency, wanted
from ops.play.trial.blows import Blows
from ops.play.trial.plan import KILL, KILLS, PAUSE, PAUSES, ROOM_S, Blow, blows
from ops.play.trial.script import CHAPTER, cases
from ops.play.trial.session import TrialVerdict, uncaused
from ops.run.launcher import SERVICES
from ops.run.restarts import End

SUNDAY = date(2026, 11, 29)
GOOD = TrialVerdict(receipts=9, results=9, books_difference=0, restarts=5, kills=5)
AT = "2026-11-29T20:00:00+00:00"


@pytest.mark.parametrize("seconds", [60.0, 1800.0])
def test_every_service_is_paused_five_times_and_killed_once_with_room_between(seconds: float) -> None:
    for seed in range(20):
        for service in SERVICES:
            planned = blows(seed, service, seconds)
            assert Counter(blow.what for blow in planned) == {"pause": PAUSES, "kill": KILLS}
            assert all(later.at_s - blow.at_s >= ROOM_S for blow, later in pairwise(planned))
            assert planned[0].at_s > 0
            assert planned[-1].at_s + ROOM_S < seconds
            assert planned == blows(seed, service, seconds)
    assert blows(1, "stats", seconds) != blows(2, "stats", seconds)


@pytest.mark.parametrize("channel", list(Docking))
def test_cases_never_end_and_no_reference_or_person_comes_twice(channel: Docking) -> None:
    made = list(islice(cases(channel, 7, lambda: SUNDAY), 3 * CHAPTER))
    assert len({case.record.ref for case in made}) == len(made)
    assert len({party.id_number for case in made for party in case.record.parties}) == 2 * len(made)
    assert len({step.command_id for case in made for step in case.way.steps}) == sum(len(c.way.steps) for c in made)
    assert max(c.record.arrives_at for c in made) < datetime(2026, 11, 29, tzinfo=SHANGHAI)
    assert {case.record.ending.fate for case in made} == set(Fate) - {Fate.EXPIRED}
    assert made == list(islice(cases(channel, 7, lambda: SUNDAY), 3 * CHAPTER))


def test_an_agency_waits_for_the_first_word_and_the_last() -> None:
    (settled,) = islice((c for c in cases(Docking.COURT, 7, lambda: SUNDAY) if c.record.ending.fate is Fate.SETTLED), 1)
    assert wanted(settled) == {"accepted", "agreed"}
    still_open = replace(settled, record=replace(settled.record, ending=replace(settled.record.ending, fate=Fate.OPEN)))
    assert wanted(still_open) == {"accepted"}
    for answer in ("not_mediable", "to_complete"):
        (other,) = islice((c for c in cases(Docking.COURT, 7, lambda: SUNDAY) if c.record.answer == answer), 1)
        assert wanted(other) == {answer}


def test_an_end_is_ours_as_often_as_we_killed() -> None:
    killed = End("stats", AT, "信号 signal SIGKILL", 0.5)
    hung = End("intake", AT, "15 秒无应答 no answer for 15 s", 0.5)
    assert uncaused([killed, killed, hung], Counter({"stats": 1, "intake": 1})) == [killed, hung]
    assert uncaused([killed], Counter({"stats": 1})) == []
    assert uncaused([replace(killed, cause="退出码 exit code 70")], Counter({"stats": 1})) != []


def test_a_trial_is_content_when_nothing_is_missing() -> None:
    assert GOOD.ok


@pytest.mark.parametrize(
    "change",
    [
        {"receipts": 0},
        {"missing": 1},
        {"ended_by_itself": 1},
        {"books_difference": 1},
        {"books_difference": None},
        {"dead": 1},
        {"figures_difference": 1},
        {"restarts": 6},
        {"faults": ["hub up ended"]},
    ],
)
def test_any_of_these_makes_a_trial_red(change: dict[str, object]) -> None:
    assert not replace(GOOD, **change).ok  # type: ignore[arg-type] # one field each, of its own type


class Office:
    """An agency's system in memory: the first call of all is answered late, and results overtake receipts."""

    agency = "court-620725"

    def __init__(self, refused: Collection[str] = ()) -> None:
        self.refused = refused
        self.seen: dict[str, ReceivedReceipt] = {}
        self.calls = Counter[int]()
        self._results: list[ReceivedResult] = []

    def _answer(self, ref: str) -> Answer:
        if ref in self.refused:
            return ReceivedRefusal("id_checksum", "parties", "422")
        known = self.seen.get(ref)
        if known is not None:
            return replace(known, repeated=True)
        number = len(self.seen) + 1
        self.seen[ref] = ReceivedReceipt(f"r{number}", ref, f"d{number}", "court_bridge/1/e", number, repeated=False)
        for status in ("accepted", "agreed", "failed", "withdrawn", "to_complete", "not_mediable"):
            self._results.append(ReceivedResult(len(self._results) + 1, ref, status, final=False))
        return self.seen[ref]

    async def submit(self, body: Body, key: str | None = None) -> Answer:
        assert key is None
        self.calls[1] += 1
        return self._answer(str(body["case_number"]))

    async def submit_batch(self, bodies: Sequence[Body]) -> list[Answer]:
        self.calls[len(bodies)] += 1
        return [self._answer(str(body["case_number"])) for body in bodies]

    async def results(self, after: int) -> tuple[list[ReceivedResult], int]:
        page = self._results[after : after + 7]
        return page, after + len(page)

    async def acknowledge(self, cursor: int) -> None:
        assert cursor <= len(self._results)

    async def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[ReceiptFile]:
    with ReceiptFile(tmp_path / "ledger.jsonl") as opened:
        yield opened


def agency(office: Office, ledger: ReceiptFile) -> Agency:
    source = cases(Docking.COURT, 7, lambda: SUNDAY)
    return Agency(office, source, rate=5000.0, dice=random.Random(1), ledger=ledger)  # noqa: S311 - no secret


async def hand_over(clerk: Agency, enough: int) -> None:
    stop = asyncio.Event()
    handing = asyncio.create_task(clerk.hand_over(stop))
    async with asyncio.timeout(20):
        while clerk.accepted.qsize() < enough:  # noqa: ASYNC110 - what is counted has no event
            await asyncio.sleep(0.001)
        stop.set()
        await handing


async def test_every_receipt_is_ticked_off_by_its_results(ledger: ReceiptFile) -> None:
    office = Office()
    clerk = agency(office, ledger)
    await hand_over(clerk, 60)
    assert clerk.receipts == len(office.seen) == len(clerk.owed) >= 60
    assert office.calls[1] > 0
    assert set(office.calls) & set(range(BATCH[0], BATCH[1] + 1))
    assert clerk.sums["court"].registered == clerk.receipts
    assert clerk.sums["all"] == clerk.sums["court"]
    await clerk.fetch()
    assert clerk.owed == {}
    assert clerk.faults == []


async def test_a_result_that_nobody_tells_stays_awaited(ledger: ReceiptFile) -> None:
    office = Office()
    clerk = agency(office, ledger)
    await hand_over(clerk, 10)
    office._results = [result for result in office._results if result.status != "accepted"]
    await clerk.fetch()
    assert clerk.owed
    assert all(left == {"accepted"} for left in clerk.owed.values())


async def test_a_refused_record_is_a_fault_and_is_waited_for_no_longer(ledger: ReceiptFile) -> None:
    (first,) = islice(cases(Docking.COURT, 7, lambda: SUNDAY), 1)
    clerk = agency(Office(refused={first.record.ref}), ledger)
    await hand_over(clerk, 5)
    assert first.record.ref not in clerk.owed
    assert clerk.faults == [f"court-620725: {first.record.ref} was refused: id_checksum parties"]


async def test_blows_are_dealt_out_to_the_process_that_the_folder_names(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    happened: list[Blow] = []

    async def serving(_: str) -> bool:
        return True

    dealing = Blows(tmp_path, serving, happened.append)
    with sleeper() as victim:
        (tmp_path / "pids" / "stats.pid").write_text(str(victim.pid))
        await asyncio.wait_for(dealing.run([Blow(0.0, "stats", PAUSE), Blow(0.0, "stats", KILL)]), 20)
        assert await asyncio.to_thread(victim.wait) == -SIGKILL
    assert (dealing.total(PAUSE), dealing.total(KILL)) == (1, 1)
    assert [blow.what for blow in happened] == [PAUSE, KILL]
    assert dealing.missed == []
    nobody = Blow(0.0, "nobody", KILL)
    await asyncio.wait_for(dealing.run([nobody]), 20)
    assert dealing.missed == [nobody]
    assert dealing.total(KILL) == 1


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "600"])
