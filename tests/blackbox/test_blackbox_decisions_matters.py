"""Rows 1 and 2: one matter that several channels bring, screened, answered and counted record by record."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, NamedTuple
from uuid import uuid4

import pytest
from stubs.journal.v1 import journal_pb2

from tests.blackbox.hubs import COUNTY, SIDES, RunningHub
from tests.blackbox.matters import (
    CountedPlace,
    citizen,
    consents,
    counted,
    handed_over,
    own_sides,
    party,
    sides,
    told_until,
)
from tests.blackbox.register import HOUR, Register, agreed, at, in_mediation, order, register_of

RECEIVED: Final = at("2026-03-03")
ONE_MATTER: Final = pytest.mark.item("decision 1")
OTHER_MATTERS: Final = pytest.mark.item("decision 2")
DOCKED: Final = ("court", "police", "petition")


class Excluded(NamedTuple):
    """A record that may not be mediated, and why not."""

    bridge: str
    changes: dict[str, object]
    reason: str
    clause: str


EXCLUDED: Final = {
    "defendant refused": Excluded(
        "court",
        {"consents": consents("court", "given", "refused")},
        "consent_refused",
        "人民调解法 3, 17; 特邀调解规定 11, 12",
    ),
    "special procedure": Excluded("court", {"procedure": "special"}, "special_procedure", "民诉解释(2022) 143"),
    "found criminal, with a weapon": Excluded(
        "police",
        {"class_as_found": "criminal", "circumstances": ["weapon"]},
        "criminal_matter",
        "治安管理处罚法 9",
    ),
    "a suggestion": Excluded("petition", {"purpose": "suggestion"}, "suggestion", "信访工作条例 29"),
}


@ONE_MATTER
@pytest.mark.parametrize("channel", ["hotline", "window"])
@pytest.mark.parametrize("why", EXCLUDED)
async def test_a_record_of_an_open_matter_is_screened_and_returned_on_its_own_facts(
    clocked_hub: RunningHub, channel: str, why: str
) -> None:
    bridge, changes, reason, clause = EXCLUDED[why]
    hub, people = clocked_hub, (citizen(), citizen())
    async with register_of(hub) as register:
        own = await register.submit(channel, str(uuid4()), RECEIVED, parties=own_sides(*people), category="08")
        told = {"parties": sides(bridge, *people), "category": "08", **changes}
        receipt = await hub.submit(bridge, handed_over(hub, bridge, RECEIVED + HOUR, **told))
        results = await hub.result_of(bridge, receipt["dispute_id"])
        assert [result["status"] for result in results] == ["not_mediable", "returned"]
        assert (results[0]["reason_code"], results[0]["clause"]) == (reason, clause)
        assert (await register.dispute(receipt["dispute_id"])).state == "returned"
        assert (await register.dispute(own.dispute_id)).state == "accepted"


async def linked_suit(hub: RunningHub, register: Register) -> tuple[str, dict[str, Any]]:
    """Return a dispute of the hotline and the receipt of a suit of the same matter; a clerk has linked the suit."""
    people = (citizen(), citizen())
    own = await register.submit("hotline", str(uuid4()), RECEIVED, parties=own_sides(*people), category="08")
    suit = handed_over(hub, "court", RECEIVED + HOUR, parties=sides("court", *people), category="08")
    receipt = await hub.submit("court", suit)
    await register.applied(receipt)
    results = await hub.result_of("court", receipt["dispute_id"])
    assert [result["status"] for result in results] == ["accepted"]
    link = order(
        receipt["dispute_id"], "link_duplicate", RECEIVED + 2 * HOUR, "clerk", master_dispute_id=own.dispute_id
    )
    assert await register.execute(link) == []
    return own.dispute_id, receipt


@ONE_MATTER
async def test_a_linked_suit_in_hand_hears_the_agreement_of_its_matter_as_its_own(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        first, receipt = await linked_suit(clocked_hub, register)
        begin = RECEIVED + 3 * HOUR
        assert await register.execute(*in_mediation(first, begin), agreed(first, begin + 3 * HOUR)) == []
        results = await told_until(clocked_hub, "court", receipt["dispute_id"], "agreed")
        assert [result["status"] for result in results] == ["accepted", "linked", "agreed"]
        assert results[-1]["outcome_form"] == "agreement"
        assert (await register.dispute(receipt["dispute_id"])).state == "agreed"


@ONE_MATTER
@pytest.mark.new_field("hub.dispute.v1.Command.unlink")
async def test_an_undone_link_leaves_both_histories_whole(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        first, receipt = await linked_suit(clocked_hub, register)
        suit, begin = receipt["dispute_id"], RECEIVED + 3 * HOUR
        assert await register.execute(*in_mediation(first, begin), agreed(first, begin + 3 * HOUR)) == []
        await told_until(clocked_hub, "court", suit, "agreed")
        before = {one: await register.history(one) for one in (first, suit)}
        undo = order(suit, "unlink", begin + 5 * HOUR, "clerk", reason_code="another_matter")
        assert await register.execute(undo) == []
        after = {one: await register.history(one) for one in (first, suit)}
        assert plain(after[first]) == plain(before[first])
        assert plain(after[suit][:-1]) == plain(before[suit])
        assert (after[suit][-1].type, after[suit][-1].to_state) == ("unlinked", "accepted")
        told = await told_until(clocked_hub, "court", suit, "unlinked")
        by_status = {result["status"]: result for result in told}
        assert by_status["unlinked"]["supersedes"] == [by_status["linked"]["event_id"], by_status["agreed"]["event_id"]]
        assert (await register.dispute(first)).state == "agreed"


def plain(events: list[journal_pb2.JournalEvent]) -> list[bytes]:
    return [event.SerializeToString(deterministic=True) for event in events]


@ONE_MATTER
@pytest.mark.parametrize(
    "told",
    [
        pytest.param([[], [], ["repeated_domestic_violence"]], id="told by the police"),
        pytest.param([["domestic_violence"]] * 3, id="counted by the hub"),
    ],
)
async def test_a_third_call_about_violence_at_home_is_answered_on_its_own(
    clocked_hub: RunningHub, told: list[list[str]]
) -> None:
    hub, people, answers = clocked_hub, (citizen(), citizen()), []
    for number, circumstances in enumerate(told):
        of_home = {"parties": sides("police", *people), "category": "01", "circumstances": circumstances}
        call = handed_over(hub, "police", RECEIVED + number * HOUR, **of_home)
        receipt = await hub.submit("police", call)
        results = await hub.result_of("police", receipt["dispute_id"])
        answers.append([(result["status"], result["reason_code"]) for result in results])
    assert answers[2][0] == ("not_mediable", "repeated_domestic_violence")
    assert answers[2][1][0] == "returned"
    assert [each[0] for each in answers[:2]] == [("accepted", "")] * 2


@ONE_MATTER
async def test_a_matter_of_three_channels_is_counted_once_in_each_and_once_in_all(clocked_hub: RunningHub) -> None:
    hub, people, town, day = clocked_hub, (citizen(), citizen()), f"{COUNTY}203", date(2026, 3, 10)
    channels, here = (*DOCKED, "all"), CountedPlace(town, day)
    async with register_of(hub) as register:
        receipts = []
        for bridge in DOCKED:
            told = {"parties": sides(bridge, *people), "category": "08", "town_code": town}
            receipts.append(await hub.submit(bridge, handed_over(hub, bridge, at(day.isoformat()), **told)))
        place = await register.applied(*receipts)
        received = {
            channel: total for channel, (_, total) in (await counted(hub, here, "diversion", channels, place)).items()
        }
        assert received == {"court": 1, "police": 1, "petition": 1, "all": 3}
        first, *others = [receipt["dispute_id"] for receipt in receipts]
        links = [
            order(one, "link_duplicate", at(day.isoformat(), 15), "clerk", master_dispute_id=first) for one in others
        ]
        assert await register.execute(*links) == []
        place = await register.applied()
        assert await counted(hub, here, "diversion", channels, place) == {
            channel: (total, total) for channel, total in received.items()
        }
        matters = await counted(hub, here, "matters", channels, place)
        assert matters == {"court": (1, 1), "police": (0, 1), "petition": (0, 1), "all": (1, 3)}


@OTHER_MATTERS
async def test_a_third_loan_of_one_borrower_is_a_matter_of_its_own(clocked_hub: RunningHub) -> None:
    hub, lender, borrower = clocked_hub, citizen(), citizen()
    async with register_of(hub) as register:
        suits = []
        for amount_fen in (3_000_000, 5_200_000):
            told = {"parties": sides("court", lender, borrower), "category": "08", "amount_fen": amount_fen}
            suits.append(await hub.submit("court", handed_over(hub, "court", RECEIVED, **told)))
        await register.applied(*suits)
        own = await register.submit(
            "window",
            str(uuid4()),
            RECEIVED + HOUR,
            parties=own_sides(lender, borrower),
            category="08",
            case_cause="loan",
            amount_fen=1_100_000,
        )
        third = await register.dispute(own.dispute_id)
        assert (third.state, third.master_dispute_id) == ("accepted", "")
        assert await register.execute(*in_mediation(own.dispute_id, RECEIVED + 2 * HOUR)) == []
        assert {event.type for event in await register.history(own.dispute_id)}.isdisjoint({"linked", "link_proposed"})
        states = [(await register.dispute(suit["dispute_id"])).state for suit in suits]
        assert states == ["accepted", "accepted"]


@OTHER_MATTERS
async def test_members_of_a_group_at_the_hotline_are_linked_to_its_petition(clocked_hub: RunningHub) -> None:
    hub, workers, employer = clocked_hub, [citizen() for _ in range(60)], citizen()
    claiming, answering = SIDES["petition"]
    group = [*(party(claiming, worker) for worker in workers), party(answering, employer)]
    wages = handed_over(hub, "petition", RECEIVED, parties=group, persons=60, form="letter", category="07")
    async with register_of(hub) as register:
        receipt = await hub.submit("petition", wages)
        await register.applied(receipt)
        calls = [
            await register.submit(
                "hotline", str(uuid4()), RECEIVED + HOUR, parties=own_sides(worker, employer), category="07"
            )
            for worker in workers[:12]
        ]
        disputes = [await register.dispute(one.dispute_id) for one in calls]
        assert {one.master_dispute_id for one in disputes} == {receipt["dispute_id"]}
        petition = await register.dispute(receipt["dispute_id"])
        assert [one.state for one in (petition, *disputes)] == ["accepted"] * 13
