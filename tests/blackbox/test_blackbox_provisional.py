"""Limits that reach a year without a holiday table: taken, handled, told; and put right when the table comes.

The table that is brought is made up here, of the very days on which the provisional limits end: none is shipped.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import grpc
import psycopg
import pytest
from stubs.dispute.v1 import command_pb2, dimensions_pb2
from stubs.intake.v1 import intake_pb2_grpc
from stubs.journal.v1 import journal_pb2

from tests.blackbox.conftest import OwnHub
from tests.blackbox.hubs import BRIDGES, NOUN, ZONE, RunningHub
from tests.blackbox.register import Register, order

pytestmark = pytest.mark.item("2")

OLD: Final = ("1999-05-01", "2003-09-30")
ODD: Final = 50
"""Petitions of each odd day."""
ORDINARY: Final = 100
"""Ordinary records of each channel."""
IN_TIME_S: Final = 20.0
FIELD: Final = {"court": "court_case", "police": "incident", "petition": "petition"}
COUNTED: Final = {"registered": 1, "accepted": 2, "dispatched": 4, "agreed": 6}
"""Types of the facts that these disputes have, as stats stores them."""
Due = tuple[str, str, str]
Place = tuple[int, Due]


def today() -> date:
    return datetime.now(ZONE).date()


def petition_of(hub: RunningHub, day: str) -> dict[str, Any]:
    """Return a petition that was registered on a day."""
    told = {"registered_on": day}
    if day == today().isoformat():
        told["handed_over_at"] = datetime.now(ZONE).isoformat(timespec="seconds")
    return hub.record("petition", **told)


async def hand_over(hub: RunningHub, bridge: str, records: Iterable[dict[str, Any]]) -> list[str]:
    """Hand a batch over; returns the disputes, in order."""
    items = [{FIELD[bridge]: record} for record in records]
    answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}:batch", json={"items": items})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [item for item in results if item["receipt"] is None] == []
    return [item["receipt"]["dispute_id"] for item in results]


async def told_of(hub: RunningHub, bridge: str) -> dict[str, list[dict[str, Any]]]:
    """Return every result of a bridge's agency by dispute."""
    found: dict[str, list[dict[str, Any]]] = {}
    cursor = 0
    while True:
        answer = await hub.get(bridge, "/v1/results", params={"after": cursor, "limit": 1000})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        for result in page["results"]:
            found.setdefault(result["dispute_id"], []).append(result)
        if not page["results"]:
            return found
        cursor = int(page["next_cursor"])


async def all_told(hub: RunningHub, wanted: Mapping[str, Iterable[str]], deadline_s: float) -> None:
    """Wait until each dispute has a result."""
    end = time.monotonic() + deadline_s
    missing: dict[str, int] = {"": 1}
    while missing:
        told = {bridge: await told_of(hub, bridge) for bridge in wanted}
        missing = {bridge: sum(one not in told[bridge] for one in ids) for bridge, ids in wanted.items()}
        missing = {bridge: number for bridge, number in missing.items() if number}
        assert not missing or time.monotonic() < end, f"without a result after {deadline_s:.0f} s: {missing}"
        await asyncio.sleep(0.2)


async def test_a_batch_of_every_year_is_decided_and_told_in_time(own_hub: OwnHub) -> None:
    async with own_hub() as hub:
        odd = [petition_of(hub, day) for day in (*OLD, today().isoformat()) for _ in range(ODD)]
        plain = {bridge: [hub.record(bridge) for _ in range(ORDINARY)] for bridge in BRIDGES}
        petitions = [record for pair in zip(odd[:ORDINARY], plain["petition"], strict=True) for record in pair]
        plain["petition"] = [*petitions, *odd[ORDINARY:]]
        began = time.monotonic()
        disputes = {bridge: await hand_over(hub, bridge, records) for bridge, records in plain.items()}
        assert sum(map(len, disputes.values())) == 3 * ODD + 3 * ORDINARY
        await all_told(hub, disputes, IN_TIME_S - (time.monotonic() - began))
        assert hub.ended() == []
        first = (await told_of(hub, "petition"))[disputes["petition"][0]][0]
        by_name = {due["name"]: due for due in first["due_dates"]}
        assert by_name["statutory_due_on"]["missing_year"] == 1999
        assert "1999" in by_name["statutory_due_on"]["note"]


async def test_a_day_that_the_bridge_takes_the_register_takes_too(own_hub: OwnHub) -> None:
    async with own_hub() as hub:
        # Either it is refused before the receipt, or it is decided.
        taken = []
        for day in ("1980-01-01", "1989-12-31", "1990-01-01"):
            answer = await hub.post("petition", "/v1/petitions", json=hub.record("petition", registered_on=day))
            assert answer.status_code in {201, 422}, answer.text
            if answer.status_code == 201:
                taken.append(answer.json()["dispute_id"])
        await all_told(hub, {"petition": taken}, IN_TIME_S)
        assert taken


def work(dispute_id: str, at: datetime, *, extended: bool) -> list[command_pb2.Command]:
    """Return the commands from the dispatch to an agreement."""
    hour = timedelta(hours=1)
    lead = {"lead_department": "justice_bureau", "level": "township", "dispatch_mode": "assigned"}
    begun: dict[str, Any] = {"mediation_kind": "people"}
    begun |= dict.fromkeys(("parties_accepted_mediator", "no_conflict_of_interest", "rights_notice_given"), True)
    orders = [
        order(dispute_id, "dispatch", at, "dispatcher", **lead),
        order(dispute_id, "sign", at + hour, "handler"),
        order(dispute_id, "begin_mediation", at + 2 * hour, "mediator", mediator_id="m-1", **begun),
    ]
    if extended:
        orders.append(order(dispute_id, "extend", at + 3 * hour, "mediator", consent_of_all=True, days=30))
    agreed = {"outcome_form": "agreement", "signed_by_all": True, "made_by": "people_committee", "confirmable": True}
    return [*orders, order(dispute_id, "agree", at + 4 * hour, "mediator", **agreed)]


def due_of(cohort: dimensions_pb2.CohortDates) -> Due:
    return cohort.due_on, cohort.local_due_on, cohort.statutory_due_on


def recounted(events: Iterable[journal_pb2.JournalEvent]) -> Counter[Place]:
    """Count a history's facts by type and limits, from the journal alone."""
    net: Counter[Place] = Counter()
    for event in events:
        if event.type in COUNTED:
            net[COUNTED[event.type], due_of(event.cohort)] += 1
        for taken in event.retracts:
            if taken.type in COUNTED:
                net[COUNTED[taken.type], due_of(taken.cohort)] -= 1
                after = taken.restated_cohort if taken.HasField("restated_cohort") else taken.cohort
                if taken.restated:
                    net[COUNTED[taken.type], due_of(after)] += 1
    return Counter({place: number for place, number in net.items() if number})


def iso_of(day: int | None) -> str:
    """Return the ISO date of a column: days since 1970; empty when it is NULL."""
    return "" if day is None else (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def stored(hub: RunningHub, dispute_id: str) -> Counter[Place]:
    """Return the facts of a dispute by type and limits, as the columns of stats' store have them."""
    types = ", ".join(map(str, COUNTED.values()))
    columns = "type, due_on, local_due_on, statutory_due_on, sign"
    query = f"SELECT {columns} FROM fact WHERE type IN ({types}) AND dispute = "  # noqa: S608 - words of ours
    url, key = hub.stores["stats"], UUID(dispute_id).bytes
    if hub.store == "sqlite":
        with sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True) as file:
            rows = file.execute(f"{query}?", (key,)).fetchall()
        file.close()
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as line:
            rows = line.execute(f"{query}%s".encode(), (key,)).fetchall()
    net: Counter[Place] = Counter()
    for kind, due, local, statutory, sign in rows:
        net[kind, (iso_of(due), iso_of(local), iso_of(statutory))] += sign
    return Counter({place: number for place, number in net.items() if number})


def invented(days: Iterable[str], year: int) -> str:
    """Return a table in which each of these days and the two after it are off: every limit on one of them moves."""
    off = sorted({date.fromisoformat(day) + timedelta(days=more) for day in days for more in range(3)})
    listed = ", ".join(day.isoformat() for day in off if day.year == year)
    told = f"source: made up for a test, issued: {today()}, holidays: [{listed}], workdays: []"
    return f"years: {{{year}: {{{told}}}}}\n"


async def test_a_table_that_comes_while_running_puts_dates_and_figures_right(own_hub: OwnHub, tmp_path: Path) -> None:
    async with own_hub(clock="scenario") as hub:
        (new,) = await hand_over(hub, "petition", [petition_of(hub, today().isoformat())])
        (court,) = await hand_over(hub, "court", [hub.record("court")])
        (police,) = await hand_over(hub, "police", [hub.record("police")])
        await all_told(hub, {"petition": [new], "court": [court], "police": [police]}, IN_TIME_S)
        first = (await told_of(hub, "petition"))[new][0]
        year = max(due["missing_year"] for due in first["due_dates"])
        assert year > today().year
        folder = tmp_path / "calendars"
        await asyncio.to_thread(folder.mkdir)
        await asyncio.to_thread(hub.stop, "intake")
        await asyncio.to_thread(hub.start, "intake", {"HUB_CALENDAR_DIR": str(folder), "HUB_CALENDAR_EVERY_S": "0.2"})
        async with grpc.aio.insecure_channel(hub.grpc["intake"]) as line:
            register = Register(intake_pb2_grpc.IntakeServiceStub(line), hub.staff)
            at = max(datetime.now(UTC), datetime(year - 1, 12, 20, 2, tzinfo=UTC))
            assert await register.execute(*work(court, at, extended=True)) == []
            # A police mediation has no extension; all else is carried out.
            assert await register.execute(*work(police, at, extended=True)) == ["no_extension"]
            window = await register.window(f"W-{uuid4()}", datetime(year, 11, 15, 2, tzinfo=UTC))
            assert await register.execute(*work(window, datetime(year, 11, 15, 3, tzinfo=UTC), extended=False)) == []
            disputes = (new, court, police, window)
            before = {one: await register.dispute(one) for one in disputes}
            assert {one: bool(before[one].provisional) for one in disputes} == dict.fromkeys(disputes, True)
            marks = {(one, mark.name, mark.day) for one in disputes for mark in before[one].provisional}

            table = invented((day for _, _, day in marks), year)
            await asyncio.to_thread((folder / f"{year}.yaml").write_text, table, encoding="utf-8")
            end = time.monotonic() + IN_TIME_S
            while [one for one in disputes if (await register.dispute(one)).provisional]:
                assert time.monotonic() < end, "provisional dates were not put right in time"
                await asyncio.sleep(0.1)
            histories = {one: await register.history(one) for one in disputes}
        for one in disputes:
            (settled,) = [event for event in histories[one] if event.type == "due_dates_settled"]
            moved = {(date.name, date.before): date.after for date in settled.particulars.settled}
            assert {(name, day) for of, name, day in marks if of == one} == set(moved)
            assert all(after > day for (_, day), after in moved.items())
            assert settled.retracts or not {"due_on", "local_due_on", "statutory_due_on"} & {name for name, _ in moved}
        end = time.monotonic() + IN_TIME_S
        while (figures := {one: stored(hub, one) for one in disputes}) != {
            one: recounted(histories[one]) for one in disputes
        }:
            assert time.monotonic() < end, f"stats stands at {figures}"
            await asyncio.sleep(0.2)
        assert all(figures.values())
        end = time.monotonic() + IN_TIME_S
        while "due_dates_corrected" not in [told["status"] for told in (await told_of(hub, "petition"))[new]]:
            assert time.monotonic() < end, "the agency was not told of the correction"
            await asyncio.sleep(0.2)
        last = (await told_of(hub, "petition"))[new][-1]
        assert {due["missing_year"] for due in last["due_dates"]} == {0}
        assert hub.ended() == []
