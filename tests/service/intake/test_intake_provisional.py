"""Holiday tables that are missing, come, and are damaged: one whole intake, on both stores."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispute.contracts.codec import timestamp_of
from dispute.wire.handoff.v1 import handoff_pb2
from services.intake.cases.tables import missing_year
from tests.support.intake import TONGDAO
from tests.support.intake_rig import FakeBridge, IntakeClient, Rig, case_facts
from tests.support.orders import order, to_mediation

pytestmark = pytest.mark.asyncio

AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
INVENTED = """
years:
  2027:
    source: "made up for this test: no notice on 2027 is out"
    issued: 2026-11-25
    holidays: [2027-01-01, 2027-01-18, 2027-01-19]
    workdays: []
"""
"""30 days from 18 December 2026 end on Sunday 17 January 2027: by weekends Monday the 18th, by the table the 20th."""


@pytest.fixture
def folder(rig: Rig, tmp_path: Path) -> Path:
    rig.calendar_dir = tmp_path / "calendars"
    rig.calendar_dir.mkdir()
    rig.rules_dir = TONGDAO
    rig.clock.at = datetime(2027, 6, 1, tzinfo=UTC)
    return rig.calendar_dir


def petition_bridge(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")


def petition(bridge: FakeBridge, ref: str, received_on: str) -> str:
    """Send a petition; returns its dispute."""
    told = datetime.fromisoformat(received_on).replace(hour=4, tzinfo=UTC)
    consents = [
        handoff_pb2.Consent(role="petitioner", answer="given"),
        handoff_pb2.Consent(role="respondent", answer="given"),
    ]
    facts = case_facts(received_on=received_on, procedure="", suit_kind="", purpose="claim", consents=consents)
    bridge.send(bridge.handoff(ref, case_received=facts, occurred_at=told))
    return bridge.dispute_id(ref)


async def years(client: IntakeClient) -> list[int]:
    query = sa.select(missing_year.c.year).order_by(missing_year.c.year)
    return await client.intake.store.read(lambda tx: list(tx.scalars(query)))


@pytest.mark.parametrize("received_on", ["1990-01-01", "1999-05-01", "2003-09-30", "2026-11-29", "2027-11-15"])
@pytest.mark.usefixtures("folder")
async def test_whatever_the_calendar_knows_a_record_is_registered_and_decided(rig: Rig, received_on: str) -> None:
    client, bridge = await rig.start(), petition_bridge(rig)
    dispute_id = petition(bridge, "X-1", received_on)
    await client.applied(bridge)
    dispute = await client.dispute(dispute_id)
    assert dispute.state == "accepted"
    assert dispute.cohort.statutory_due_on
    assert {mark.name for mark in dispute.provisional} >= {"statutory_due_on"}
    assert await client.rows(missing_year) >= 1


async def test_a_table_that_comes_while_running_puts_dates_facts_and_timers_right(rig: Rig, folder: Path) -> None:
    client, bridge = await rig.start(), petition_bridge(rig)
    dispute_id = petition(bridge, "X-2", "2026-12-18")
    await client.applied(bridge)
    before = await client.dispute(dispute_id)
    assert before.cohort.local_due_on == "2027-01-18"
    # Reminded, but not late: the day is provisional.
    await client.advance(datetime(2027, 5, 1, tzinfo=UTC))
    assert [level for level, _ in await client.alarms(dispute_id, "local_due_on")] == ["reminded"]
    assert await client.intake.holidays.look() == 0

    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    assert await client.intake.holidays.look() == 1
    after = await client.dispute(dispute_id)
    assert (after.cohort.local_due_on, list(after.provisional)) == ("2027-01-20", [])
    assert await years(client) == []
    event = (await client.history(dispute_id))[-1]
    assert (event.type, event.actor_role, event.actor_id) == ("due_dates_settled", "system", "calendar")
    assert {taken.type for taken in event.retracts} == {"registered", "accepted", "supervised"}
    assert all(taken.cohort.local_due_on == "2027-01-18" for taken in event.retracts)
    assert all(taken.restated_cohort.local_due_on == "2027-01-20" for taken in event.retracts)
    # The limit has passed meanwhile: now it is late, under the day on which it was, and nobody is reminded again.
    await client.advance(datetime(2027, 5, 2, tzinfo=UTC))
    assert (await client.alarms(dispute_id, "local_due_on"))[1:] == [
        ("overdue", "2027-01-20T16:00:00+00:00"),
        ("supervised", "2027-01-23T16:00:00+00:00"),
        ("escalated", "2027-01-27T16:00:00+00:00"),
    ]
    assert await client.intake.holidays.look() == 0


async def test_people_work_on_with_provisional_dates_and_an_extension_is_counted_again_too(
    rig: Rig, folder: Path
) -> None:
    client, bridge = await rig.start(), rig.bridge
    bridge.send(bridge.handoff("S-1"))
    await client.applied(bridge)
    dispute_id, start = bridge.dispute_id("S-1"), datetime(2026, 12, 18, 1, tzinfo=UTC)
    extend = order(dispute_id, "extend", start + timedelta(days=20), consent_of_all=True, days=30)
    answers = await client.execute(*to_mediation(dispute_id, start), extend)
    assert [answer.WhichOneof("result") for answer in answers] == ["position"] * 4
    standing = await client.dispute(dispute_id)
    assert standing.cohort.due_on == "2027-02-17"
    assert [(mark.name, mark.day, [span.days for span in mark.spans]) for mark in standing.provisional] == [
        ("due_on", "2027-01-18", [30]),
        ("due_on", "2027-02-17", [30, 30]),
    ]
    refused = (await client.execute(order(dispute_id, "fail", AT + timedelta(days=180), reason_code="term_expired")))[0]
    assert refused.refusal.code == "date_provisional"

    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    assert await client.intake.holidays.look() == 1
    settled = await client.dispute(dispute_id)
    assert settled.cohort.due_on == "2027-02-19"  # 30 days from 20 January
    (correction,) = [event for event in await client.history(dispute_id) if event.type == "due_dates_settled"]
    assert {taken.restated_cohort.due_on for taken in correction.retracts} == {"2027-01-20", "2027-02-19"}
    await client.advance(datetime(2027, 5, 1, tzinfo=UTC))
    assert (await client.dispute(dispute_id)).state == "failed"


async def test_a_damaged_file_keeps_the_old_table_and_says_so(rig: Rig, folder: Path) -> None:
    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    client, bridge = await rig.start(), petition_bridge(rig)
    (folder / "2027.yaml").write_text(INVENTED.replace("holidays", "feiertage"), encoding="utf-8")
    (folder / "2028.yaml").write_bytes(b"\xff")
    await client.intake.holidays.look()
    assert set(client.intake.holidays.damaged) == {"2027.yaml", "2028.yaml"}
    dispute_id = petition(bridge, "X-3", "2026-12-18")
    await client.applied(bridge)
    dispute = await client.dispute(dispute_id)
    assert dispute.cohort.local_due_on == "2027-01-20"
    assert "local_due_on" not in {mark.name for mark in dispute.provisional}
    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    (folder / "2028.yaml").unlink()
    await client.intake.holidays.look()
    assert client.intake.holidays.damaged == {}


async def test_two_files_of_one_year_are_named_and_the_first_stands(rig: Rig, folder: Path) -> None:
    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    (folder / "2027b.yaml").write_text(INVENTED.replace("2027-01-19", "2027-01-20"), encoding="utf-8")
    client, bridge = await rig.start(), petition_bridge(rig)
    assert set(client.intake.holidays.damaged) == {"2027b.yaml"}
    dispute_id = petition(bridge, "X-4", "2026-12-18")
    await client.applied(bridge)
    assert (await client.dispute(dispute_id)).cohort.local_due_on == "2027-01-20"


async def test_many_are_settled_chunk_by_chunk_and_each_once(
    rig: Rig, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.cases.provisional_dates.CHUNK", 3)
    client, bridge = await rig.start(), petition_bridge(rig)
    disputes = [petition(bridge, f"M-{number}", "2026-12-18") for number in range(8)]
    await client.applied(bridge)
    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    assert await client.intake.holidays.look() == len(disputes)
    assert await client.intake.holidays.look() == 0
    for dispute_id in disputes:
        assert (await client.types(dispute_id)).count("due_dates_settled") == 1


async def test_dates_of_a_day_that_a_table_does_not_cover_wait_for_theirs(rig: Rig, folder: Path) -> None:
    client, bridge = await rig.start(), petition_bridge(rig)
    old, new = petition(bridge, "O-1", "1999-05-04"), petition(bridge, "N-1", "2026-12-18")
    await client.applied(bridge)
    assert set(await years(client)) == {1999, 2027}
    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    assert await client.intake.holidays.look() == 1
    assert (await client.types(old)).count("due_dates_settled") == 0
    assert (await client.types(new)).count("due_dates_settled") == 1
    assert await years(client) == [1999]


async def test_the_clock_of_a_correction_is_the_business_time(rig: Rig, folder: Path) -> None:
    client, bridge = await rig.start(), petition_bridge(rig)
    dispute_id = petition(bridge, "C-1", "2026-12-18")
    await client.applied(bridge)
    await client.advance(datetime(2026, 12, 28, 2, tzinfo=UTC))
    (folder / "2027.yaml").write_text(INVENTED, encoding="utf-8")
    await client.intake.holidays.look()
    event = (await client.history(dispute_id))[-1]
    assert event.occurred_at == timestamp_of(datetime(2026, 12, 28, 2, tzinfo=UTC))
    assert event.business_day == date(2026, 12, 28).isoformat()
