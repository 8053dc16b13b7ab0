"""Rows 3, 4, 6, 9, 11 and 12: what the clock does, and what it may not do.

One clock for all of them, which never goes back: the tests stand in the order of the days to which they move it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import pytest
from stubs.journal.v1 import journal_pb2

from tests.blackbox.hubs import HERE, RunningHub
from tests.blackbox.matters import consents, handed_over, told_until
from tests.blackbox.register import HOUR, Register, agreed, at, begun, in_mediation, order, register_of

TONGDAO: Final = HERE / "deploy" / "rules" / "431230-tongdao"
LATE: Final = frozenset({"overdue", "supervised", "escalated"})
ALARMS: Final = pytest.mark.item("decision 12")


def alarms(history: Iterable[journal_pb2.JournalEvent], rungs: frozenset[str] = LATE) -> list[datetime]:
    """Return when a history's alarms rang, by their limits."""
    return [
        event.occurred_at.ToDatetime(tzinfo=at("2024-01-01").tzinfo)
        for event in history
        if event.type == "supervised" and event.particulars.supervision in rungs
    ]


async def taken(hub: RunningHub, register: Register, bridge: str, record: dict[str, Any]) -> str:
    """Hand a record over and wait until the register has it; returns its dispute."""
    receipt = await hub.submit(bridge, record)
    await register.applied(receipt)
    return str(receipt["dispute_id"])


@pytest.mark.item("decision 9")
async def test_after_a_refused_confirmation_the_term_runs_anew_and_expires(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        dispute_id = await register.window(str(uuid4()), at("2024-03-18"))
        ruling = {"confirmed": False, "reason_code": "violates_law"}
        steps = [
            *in_mediation(dispute_id, at("2024-03-18", 10)),
            agreed(dispute_id, at("2024-04-01"), confirmable=True),
            order(dispute_id, "apply_for_confirmation", at("2024-04-22"), "clerk", jointly=True),
            order(dispute_id, "record_ruling", at("2024-05-20"), "court", **ruling),
            begun(dispute_id, at("2024-05-21")),
        ]
        assert await register.execute(*steps) == []
        assert (await register.dispute(dispute_id)).cohort.due_on == "2024-06-20"
        await register.advance(at("2024-06-20", 23))
        assert (await register.dispute(dispute_id)).state == "mediating"
        await register.advance(at("2024-06-21", 1))
        last = (await register.history(dispute_id))[-1]
        assert (last.type, last.reason_code) == ("failed", "term_expired")


@pytest.mark.item("decision 11")
@pytest.mark.new_field("hub.court.v1.CourtCase.preserved_on")
async def test_a_mediation_after_a_preservation_leaves_time_for_the_suit(clocked_hub: RunningHub) -> None:
    suit = handed_over(clocked_hub, "court", at("2026-03-03"), category="08", preserved_on="2026-03-02")
    async with register_of(clocked_hub) as register:
        dispute_id = await taken(clocked_hub, register, "court", suit)
        longer = order(dispute_id, "extend", at("2026-03-10"), "mediator", consent_of_all=True, days=30)
        assert await register.execute(*in_mediation(dispute_id, at("2026-03-04")), longer) == []
        assert (await register.dispute(dispute_id)).cohort.due_on == "2026-04-01"
        await register.advance(at("2026-03-21", 23))
        warnings = frozenset({"reminded"})
        assert alarms(await register.history(dispute_id), warnings) == []
        await register.advance(at("2026-03-22", 1))
        # the twentieth day after the preservation
        assert alarms(await register.history(dispute_id), warnings) == [at("2026-03-22", 0)]


@ALARMS
async def test_what_nobody_dispatches_raises_an_alarm(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        dispute_id = await taken(clocked_hub, register, "court", handed_over(clocked_hub, "court", at("2026-04-01")))
        assert (await register.dispute(dispute_id)).state == "accepted"
        await register.advance(at("2026-04-20"))
        # three working days after 2026-04-01, with the holiday of the sixth between; then three and seven days more
        assert alarms(await register.history(dispute_id)) == [at(f"2026-04-{day:02}", 0) for day in (8, 11, 15)]


@pytest.mark.item("decision 3")
async def test_the_end_of_the_wait_gives_a_record_back(clocked_hub: RunningHub) -> None:
    suit = handed_over(clocked_hub, "court", at("2026-04-21"), consents=consents("court", "given", "not_asked"))
    async with register_of(clocked_hub) as register:
        dispute_id = await taken(clocked_hub, register, "court", suit)
        assert (await register.dispute(dispute_id)).state == "screening"
        await register.advance(at("2026-04-28", 23))
        assert (await register.dispute(dispute_id)).state == "screening"
        await register.advance(at("2026-04-29", 1))
        assert (await register.dispute(dispute_id)).state == "returned"
    told = [
        (each["status"], each["reason_code"]) for each in await told_until(clocked_hub, "court", dispute_id, "returned")
    ]
    assert told[0] == ("to_complete", "consent_missing")
    assert told[-2][0:2] == ("not_mediable", "consent_missing")
    assert told[-1][0] == "returned"


@ALARMS
async def test_an_agreement_that_nobody_follows_up_raises_an_alarm(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        dispute_id = await taken(clocked_hub, register, "court", handed_over(clocked_hub, "court", at("2026-05-06")))
        begin = at("2026-05-06", 10)
        assert await register.execute(*in_mediation(dispute_id, begin), agreed(dispute_id, begin + 3 * HOUR)) == []
        await register.advance(at("2026-06-05", 12))
        assert alarms(await register.history(dispute_id)) == []
        await register.advance(at("2026-06-06", 12))
        assert alarms(await register.history(dispute_id)) == [at("2026-06-06", 0)]
        assert (await register.dispute(dispute_id)).state == "agreed"


@pytest.mark.item("decision 4")
async def test_an_agreement_in_time_counts_although_it_is_written_after_the_term(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        await register.advance(at("2026-06-06", 13))
        dispute_id = await taken(clocked_hub, register, "court", handed_over(clocked_hub, "court", at("2026-06-01")))
        steps = in_mediation(dispute_id, at("2026-06-02"))
        assert await register.execute(*steps) == []
        assert (await register.dispute(dispute_id)).cohort.due_on == "2026-06-17"
        await register.advance(at("2026-06-18"))
        assert (await register.dispute(dispute_id)).state == "failed"
        assert await register.execute(agreed(dispute_id, at("2026-06-16"))) == []
        assert (await register.dispute(dispute_id)).state == "agreed"
        last = (await register.history(dispute_id))[-1]
        assert "failed" in [fact.type for fact in last.retracts]
    told = {each["status"]: each for each in await told_until(clocked_hub, "court", dispute_id, "agreed")}
    assert told["failed"]["event_id"] in told["agreed"]["supersedes"]
    assert told["failed"]["superseded"]


@pytest.mark.item("decision 6")
async def test_a_petition_alarms_at_the_end_of_its_statutory_limit_too(clocked_hub: RunningHub) -> None:
    petition = handed_over(clocked_hub, "petition", at("2026-06-18"), category="02", registered_on="2026-06-01")
    async with register_of(clocked_hub) as register:
        dispute_id = await taken(clocked_hub, register, "petition", petition)
        assert (await register.dispute(dispute_id)).cohort.statutory_due_on == "2026-07-31"
        await register.advance(at("2026-08-01", 12))
        assert at("2026-08-01", 0) in alarms(await register.history(dispute_id))


@pytest.mark.item("decision 6")
@pytest.mark.new_field("HUB_RULES_DIR")
async def test_a_county_with_milestones_takes_them_in_their_order(clocked_hub: RunningHub) -> None:
    await asyncio.to_thread(clocked_hub.stop, "intake")
    await asyncio.to_thread(clocked_hub.start, "intake", {"HUB_RULES_DIR": str(TONGDAO)})
    try:
        petition = handed_over(clocked_hub, "petition", at("2026-08-03"), category="02")
        async with register_of(clocked_hub) as register:
            dispute_id = await taken(clocked_hub, register, "petition", petition)
            concluded = order(dispute_id, "reach_milestone", at("2026-08-05"), "handler", milestone="concluded")
            assert await register.execute(concluded) == ["milestone_order"]
            days = dict(zip(("met", "investigated", "fed_back", "concluded"), (5, 7, 10, 12), strict=True))
            in_order = [
                order(dispute_id, "reach_milestone", at(f"2026-08-{day:02}"), "handler", milestone=milestone)
                for milestone, day in days.items()
            ]
            assert await register.execute(*in_order) == []
    finally:
        await asyncio.to_thread(clocked_hub.stop, "intake")
        await asyncio.to_thread(clocked_hub.start, "intake", {})
