"""A screening waits for what nobody asked or judged yet: asked again, completed, late, or refused; on both stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispute.wire.handoff.v1 import handoff_pb2
from tests.support.intake_rig import HANDED_OVER, IntakeClient, Rig, case_facts

DAY = timedelta(days=1)
LAST_DAY = datetime(2024, 3, 12, 2, tzinfo=UTC)
"""A court completes its record within 7 days of the request (民诉法(2023) 126)."""
OVER = datetime(2024, 3, 12, 16, tzinfo=UTC)


def consent(role: str, answer: str) -> handoff_pb2.Consent:
    return handoff_pb2.Consent(role=role, answer=answer)


HALF = [consent("plaintiff", "given"), consent("defendant", "not_asked")]
GIVEN = handoff_pb2.LaterFact(kind="consent_given", consent=consent("defendant", "given"))


async def waiting(rig: Rig, client: IntakeClient, **facts: Any) -> str:  # noqa: ANN401 - any fact of the case
    """Hand a suit over that lacks something; returns its dispute."""
    rig.bridge.send(rig.bridge.handoff("A-1", case_received=case_facts(**facts)))
    await client.applied(rig.bridge)
    return rig.bridge.dispute_id("A-1")


async def tell(rig: Rig, client: IntakeClient, fact: handoff_pb2.LaterFact, at: datetime) -> None:
    rig.bridge.send(rig.bridge.handoff("A-1", f"later-{at}", later_fact=fact, occurred_at=at))
    await client.applied(rig.bridge)


async def test_a_side_that_was_not_asked_is_asked_for_and_asked_for_again(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await waiting(rig, client, consents=HALF)
    asked = (await client.history(dispute_id))[-1]
    assert (asked.type, asked.reason_code, asked.to_state) == ("information_requested", "consent_missing", "screening")
    assert (list(asked.particulars.missing), asked.particulars.wait_until) == (["consent_missing"], "2024-03-12")
    assert (await client.advance(LAST_DAY)).fired == 1
    again = (await client.history(dispute_id))[-1]
    assert (again.type, again.actor_id, again.sequence) == ("information_requested", "timer", asked.sequence + 1)
    assert again.particulars.wait_until == "2024-03-12"
    await tell(rig, client, GIVEN, LAST_DAY)
    accepted = (await client.history(dispute_id))[-1]
    assert (accepted.type, accepted.business_day) == ("accepted", "2024-03-12")
    assert (accepted.particulars.clause, accepted.actor_role) == ("特邀调解规定 11; 001-19", "agency")
    await client.advance(OVER)
    assert "mediation_refused" not in await client.types(dispute_id)


@pytest.mark.parametrize("lacking", ["relation_clarity", "facts_clarity"])
async def test_what_nobody_judged_is_clarified_and_accepted(rig: Rig, client: IntakeClient, lacking: str) -> None:
    dispute_id = await waiting(rig, client, **{lacking: ""})
    assert await client.state(dispute_id) == "screening"
    clarified = handoff_pb2.LaterFact(kind="clarified", **{lacking: "fairly_clear"})  # type: ignore[arg-type]
    await tell(rig, client, clarified, HANDED_OVER + DAY)
    assert await client.state(dispute_id) == "accepted"


async def test_each_thing_that_is_still_missing_is_asked_for(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await waiting(rig, client, consents=HALF, facts_clarity="unclear")
    await tell(rig, client, GIVEN, HANDED_OVER + DAY)
    requests = [e for e in await client.history(dispute_id) if e.type == "information_requested"]
    assert [list(each.particulars.missing) for each in requests] == [
        ["consent_missing", "facts_unclear"],
        ["facts_unclear"],
    ]
    assert {each.particulars.wait_until for each in requests} == {"2024-03-12"}, "the wait does not begin anew"
    clear = handoff_pb2.LaterFact(kind="clarified", facts_clarity="clear")
    await tell(rig, client, clear, HANDED_OVER + 2 * DAY)
    assert await client.state(dispute_id) == "accepted"


async def test_at_the_end_of_the_wait_the_suit_goes_back(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await waiting(rig, client, consents=HALF)
    await client.advance(OVER - timedelta(seconds=1))
    assert await client.state(dispute_id) == "screening"
    await client.advance(OVER)
    refused, returned = (await client.history(dispute_id))[-2:]
    assert (refused.type, refused.reason_code, refused.limit) == ("mediation_refused", "consent_missing", "screen_by")
    assert (refused.particulars.clause, refused.actor_id) == ("人民调解法 3, 17; 特邀调解规定 11, 12", "timer")
    assert (returned.type, returned.particulars.target) == ("returned", "court")


async def test_a_consent_of_before_the_end_counts_when_it_comes_after_it(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await waiting(rig, client, consents=HALF)
    await client.advance(OVER + DAY)
    assert await client.state(dispute_id) == "returned"
    await tell(rig, client, GIVEN, LAST_DAY)
    accepted = (await client.history(dispute_id))[-1]
    assert (accepted.type, accepted.cohort.accepted_on) == ("accepted", "2024-03-12")
    assert {taken.type for taken in accepted.retracts} == {"mediation_refused", "returned"}
    assert await client.counted(dispute_id) == ["registered", "accepted"]
    assert await client.state(dispute_id) == "accepted"


async def test_a_consent_of_after_the_end_comes_too_late(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await waiting(rig, client, consents=HALF)
    await client.advance(OVER + DAY)
    await tell(rig, client, GIVEN, OVER)
    assert await client.state(dispute_id) == "returned"
    assert (await client.books())["handoff", "dead"] == 1


async def test_a_refusal_ends_the_wait_at_once(rig: Rig, client: IntakeClient) -> None:
    dispute_id = await waiting(rig, client, consents=HALF)
    no = handoff_pb2.LaterFact(kind="consent_refused", consent=consent("defendant", "refused"))
    await tell(rig, client, no, HANDED_OVER + DAY)
    refused, returned = (await client.history(dispute_id))[-2:]
    assert (refused.type, refused.reason_code, refused.limit) == ("mediation_refused", "consent_refused", "")
    assert returned.type == "returned"
