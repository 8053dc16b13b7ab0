from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from bridge.tables import result
from dispute.contracts.topics import JOURNAL
from tests.support.bridges import RunningBridge, Workshop, event_of, eventually


async def results(running: RunningBridge, after: int = 0, **headers: str) -> list[dict[str, Any]]:
    answer = await running.get(f"results?after={after}&limit=1000", **headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


async def hand_over(running: RunningBridge, *numbers: int) -> list[str]:
    """Hand records over; return their disputes."""
    answers = [await running.post(running.noun, running.numbered(number)) for number in numbers]
    return [answer.json()["dispute_id"] for answer in answers]


async def test_results_come_back_once_in_ascending_cursors(court: RunningBridge) -> None:
    one, two = await hand_over(court, 1, 2)
    events = [
        event_of(one, "court", "registered", 1),
        event_of(one, "court", "accepted", 2),
        event_of(two, "court", "mediation_refused", 1, reason_code="consent_refused"),
        event_of(one, "court", "agreed", 3),
        event_of(one, "court", "an_event_of_next_year", 4),
        event_of(one, "police", "agreed", 5),
        event_of("7e0a1c9a-0000-5000-8000-000000000000", "court", "agreed", 1),
        event_of(one, "court", "closed", 6),
    ]
    events[2].particulars.clause = "民诉解释(2022) 143"
    events[3].dimensions.outcome_form = "agreement"
    events[3].particulars.document_sha256 = "ab" * 32
    court.pen.write(*events)

    async def all_there() -> bool:
        return len(await results(court)) == 4

    await eventually(all_there)
    # The bus delivers everything again: nothing comes twice.
    court.bus.rewind(JOURNAL.name, "hub-court_bridge", 100)
    court.pen.write(event_of(two, "court", "returned", 2))

    async def fifth_there() -> bool:
        return len(await results(court)) >= 5

    await eventually(fifth_there)
    told = await results(court)
    assert [item["cursor"] for item in told] == [1, 2, 3, 4, 5]
    first = [(item["status"], item["final"]) for item in told if item["dispute_id"] == one]
    assert first == [("accepted", False), ("agreed", False), ("closed", True)]
    second = [item for item in told if item["dispute_id"] == two]
    assert [(item["status"], item["final"]) for item in second] == [("not_mediable", False), ("returned", True)]
    assert (second[0]["reason_code"], second[0]["clause"]) == ("consent_refused", "民诉解释(2022) 143")
    agreed = next(item for item in told if item["status"] == "agreed")
    assert (agreed["outcome_form"], agreed["document_sha256"]) == ("agreement", "ab" * 32)
    where = (await court.get("cases/T-00001")).json()
    assert [item["status"] for item in where["results"]] == ["accepted", "agreed", "closed"]


async def test_an_agency_reads_and_confirms_its_own_alone(court: RunningBridge) -> None:
    stranger = await court.add_agency("court-620724", "620724")
    (mine,) = await hand_over(court, 1)
    hers_record = court.numbered(2, county_code="620724", town_code="620724100")
    hers = (await court.post("cases", hers_record, x_api_key=stranger)).json()["dispute_id"]
    court.pen.write(*(event_of(d, "court", k, n) for d in (mine, hers) for n, k in ((1, "accepted"), (2, "failed"))))

    async def all_there() -> bool:
        return len(await results(court)) == 2 and len(await results(court, x_api_key=stranger)) == 2

    await eventually(all_there)
    assert {item["dispute_id"] for item in await results(court)} == {mine}
    assert [item["cursor"] for item in await results(court, x_api_key=stranger)] == [1, 2]
    assert [item["cursor"] for item in await results(court, after=1)] == [2]
    assert (await court.post("results:acknowledge", {"cursor": 2})).json() == {"remaining": 0}
    assert (await court.post("results:acknowledge", {"cursor": 1})).json() == {"remaining": 0}  # never goes back
    unconfirmed = await court.post("results:acknowledge", {"cursor": 0}, x_api_key=stranger)
    assert unconfirmed.json() == {"remaining": 2}
    ahead = await court.post("results:acknowledge", {"cursor": 3})
    assert (ahead.status_code, ahead.json()["code"]) == (409, "cursor_ahead")


@pytest.mark.parametrize("query", ["after=-1", "limit=1001", "limit=-1", "after=x", "after=99999999999999999999"])
async def test_bad_cursors_are_named(court: RunningBridge, query: str) -> None:
    answer = await court.get(f"results?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"]


async def test_pages_join_without_holes(court: RunningBridge) -> None:
    disputes = await hand_over(court, *range(5))
    court.pen.write(*(event_of(d, "court", k, n) for d in disputes for n, k in ((1, "accepted"), (2, "agreed"))))
    seen: list[int] = []
    cursor = 0
    while len(seen) < 10:  # read while the reader still writes: whoever asks on from his cursor misses nothing
        answer = (await court.get(f"results?after={cursor}&limit=3")).json()
        seen += [item["cursor"] for item in answer["results"]]
        cursor = answer["next_cursor"]
        await asyncio.sleep(0)
    assert seen == list(range(1, 11))


async def test_undecodable_journal_record_is_buried_and_the_stream_goes_on(sqlite_court: RunningBridge) -> None:
    (mine,) = await hand_over(sqlite_court, 1)
    sqlite_court.pen.write_raw(mine, b"\xff\xff\xff")
    sqlite_court.pen.write(event_of(mine, "court", "accepted", 1))

    async def there() -> bool:
        return len(await results(sqlite_court)) == 1

    await eventually(there)
    assert (await sqlite_court.bridge.store.read(sqlite_court.bridge.reader.books))["dead"] == 1
    await eventually(lambda: _buried(sqlite_court))


async def _buried(court: RunningBridge) -> bool:
    return len(court.bus.records(JOURNAL.dead_letters)) == 1


async def test_each_bridge_gives_results_of_its_channel(any_bridge: RunningBridge) -> None:
    (mine,) = await hand_over(any_bridge, 1)
    any_bridge.pen.write(event_of(mine, any_bridge.bridge.spec.channel, "accepted", 1))

    async def there() -> bool:
        return [item["status"] for item in await results(any_bridge)] == ["accepted"]

    await eventually(there)


async def test_restart_half_way_loses_nothing(workshop: Workshop) -> None:
    async with workshop.running() as first:
        one, two = await hand_over(first, 1, 2)
        receipt = (await first.get("cases/T-00001")).json()["receipt"]
        first.pen.write(event_of(one, "court", "accepted", 1))

        async def there() -> bool:
            return len(await results(first)) == 1

        await eventually(there)
    workshop.pen.write(event_of(two, "court", "accepted", 1))
    async with workshop.running() as second:
        again = await second.post("cases", second.numbered(1))
        assert (again.status_code, again.json()) == (200, {**receipt, "repeated": True})

        async def both() -> bool:
            return len(await results(second)) == 2

        await eventually(both)
        assert [item["cursor"] for item in await results(second)] == [1, 2]
        await second.relayed()
        assert len(second.handoffs()) == 2
        count = sa.select(sa.func.count()).select_from(result)
        assert await second.bridge.store.read(lambda tx: tx.scalar(count)) == 2


async def test_a_result_tells_the_limits_and_which_of_them_are_provisional(workshop: Workshop) -> None:
    async with workshop.running("petition") as petition:
        await limits_are_told(petition)


async def limits_are_told(petition: RunningBridge) -> None:
    (one,) = await hand_over(petition, 1)
    accepted = event_of(one, "petition", "accepted", 2)
    accepted.cohort.local_due_on, accepted.cohort.statutory_due_on = "2026-12-31", "2027-01-18"
    accepted.provisional.add(name="statutory_due_on", day="2027-01-18", missing_year=2027)
    settled = event_of(one, "petition", "due_dates_settled", 4)
    settled.cohort.local_due_on, settled.cohort.statutory_due_on = "2026-12-31", "2027-01-20"
    settled.particulars.settled.add(name="statutory_due_on", before="2027-01-18", after="2027-01-20")
    # By when a handler signs is the centre's own work.
    inner = event_of(one, "petition", "due_dates_settled", 3)
    inner.particulars.settled.add(name="sign_by", before="2027-01-08", after="2027-01-11")
    agreed = event_of(one, "petition", "agreed", 5)
    agreed.particulars.confirm_by = "2027-02-20"
    agreed.provisional.add(name="confirm_by", day="2027-02-20", missing_year=2027)
    petition.pen.write(accepted, inner, settled, agreed)

    async def all_there() -> bool:
        return len(await results(petition)) == 3

    await eventually(all_there)
    first, second, third = await results(petition)
    note = "暂定：缺2027年节假日表，不据此认定逾期 / "
    note += "provisional: holiday table of 2027 missing, nothing is late on this day"
    assert first["due_dates"] == [
        {"name": "local_due_on", "day": "2026-12-31", "missing_year": 0, "note": ""},
        {"name": "statutory_due_on", "day": "2027-01-18", "missing_year": 2027, "note": note},
    ]
    assert (second["status"], second["final"]) == ("due_dates_corrected", False)
    assert second["due_dates"][1] == {"name": "statutory_due_on", "day": "2027-01-20", "missing_year": 0, "note": ""}
    assert [(due["name"], due["missing_year"]) for due in third["due_dates"]] == [("confirm_by", 2027)]
