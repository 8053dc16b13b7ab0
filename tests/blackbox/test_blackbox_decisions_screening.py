"""Rows 3, 7, 8, 10, 11 and 14: what is screened waits, is refused or is accepted as the law says."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import uuid4

import pytest
from stubs.intake.v1 import intake_pb2

from tests.blackbox.hubs import COUNTY, NOUN, SIDES, RunningHub
from tests.blackbox.matters import (
    CountedPlace,
    citizen,
    consents,
    counted,
    handed_over,
    party,
    report,
    sides,
    told_until,
)
from tests.blackbox.register import CALL_S, HOUR, at, register_of

RECEIVED: Final = at("2026-03-04")
LATER: Final = RECEIVED + 20 * HOUR
WAITS: Final = pytest.mark.item("decision 3")
SEALED: Final = pytest.mark.item("decision 10")


async def waiting(hub: RunningHub, bridge: str, body: dict[str, Any], *missing: str) -> dict[str, Any]:
    """Hand a record over that waits in screening for what is missing; returns its receipt."""
    receipt = await hub.submit(bridge, body)
    results = await hub.result_of(bridge, receipt["dispute_id"])
    assert [result["status"] for result in results] == ["to_complete"]
    assert tuple(results[0]["missing"]) == missing
    assert [due["name"] for due in results[0]["due_dates"] if due["name"] == "due_on"] == []
    async with register_of(hub) as register:
        assert (await register.dispute(receipt["dispute_id"])).state == "screening"
    return receipt


@WAITS
async def test_a_side_that_nobody_asked_yet_is_waited_for(clocked_hub: RunningHub) -> None:
    hub = clocked_hub
    suit = handed_over(hub, "court", RECEIVED, consents=consents("court", "given", "not_asked"))
    receipt = await waiting(hub, "court", suit, "consent_missing")
    await report(hub, "court", suit, LATER, "consent_given", consent={"role": "defendant", "answer": "given"})
    results = await told_until(hub, "court", receipt["dispute_id"], "accepted")
    assert [result["status"] for result in results] == ["to_complete", "accepted"]


@WAITS
async def test_unclear_facts_are_waited_for_until_they_are_clarified(clocked_hub: RunningHub) -> None:
    hub = clocked_hub
    suit = handed_over(hub, "court", RECEIVED, facts_clarity="unclear")
    receipt = await waiting(hub, "court", suit, "facts_unclear")
    await report(hub, "court", suit, LATER, "clarified", facts_clarity="fairly_clear")
    results = await told_until(hub, "court", receipt["dispute_id"], "accepted")
    assert [result["status"] for result in results] == ["to_complete", "accepted"]


@WAITS
async def test_a_record_that_nobody_judged_yet_waits(clocked_hub: RunningHub) -> None:
    bare = handed_over(clocked_hub, "court", RECEIVED)
    for field in ("consents", "relation_clarity", "facts_clarity"):
        del bare[field]
    await waiting(clocked_hub, "court", bare, "consent_missing", "relation_unclear", "facts_unclear")


@WAITS
async def test_a_refusal_ends_the_wait_at_once(clocked_hub: RunningHub) -> None:
    hub = clocked_hub
    suit = handed_over(hub, "court", RECEIVED, consents=consents("court", "given", "not_asked"))
    receipt = await waiting(hub, "court", suit, "consent_missing")
    await report(hub, "court", suit, LATER, "consent_refused", consent={"role": "defendant", "answer": "refused"})
    results = await told_until(hub, "court", receipt["dispute_id"], "returned")
    told = [(result["status"], result["reason_code"]) for result in results]
    assert told[:2] == [("to_complete", "consent_missing"), ("not_mediable", "consent_refused")]
    assert len(told) == 3


@WAITS
@pytest.mark.new_field("hub.court.v1.CourtCase.round")
async def test_a_returned_record_that_is_handed_over_anew_is_the_next_opening(clocked_hub: RunningHub) -> None:
    hub = clocked_hub
    first = handed_over(hub, "court", RECEIVED, consents=consents("court", "given", "not_asked"))
    receipt = await waiting(hub, "court", first, "consent_missing")
    again = handed_over(hub, "court", LATER, round=2, court_received_on=first["court_received_on"])
    again = hub.with_ref("court", again, hub.ref("court", first))

    early = await hub.post("court", f"/v1/{NOUN['court']}", json=again)
    assert (early.status_code, early.json()["code"]) == (409, "round_not_over")

    await report(hub, "court", first, LATER, "consent_refused", consent={"role": "defendant", "answer": "refused"})
    await told_until(hub, "court", receipt["dispute_id"], "returned")
    second = await hub.submit("court", again)
    assert (second["dispute_id"], second["round"]) == (receipt["dispute_id"], 2)
    results = await told_until(hub, "court", receipt["dispute_id"], "accepted")
    assert [(result["status"], result["opening"]) for result in results] == [
        ("to_complete", 1),
        ("not_mediable", 1),
        ("returned", 1),
        ("accepted", 2),
    ]

    other = await hub.post("court", f"/v1/{NOUN['court']}", json=again | {"brief": "另一内容。"})
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


@pytest.mark.item("decision 7")
async def test_a_bankruptcy_suit_may_be_mediated(clocked_hub: RunningHub) -> None:
    receipt = await clocked_hub.submit("court", handed_over(clocked_hub, "court", RECEIVED, procedure="bankruptcy"))
    results = await clocked_hub.result_of("court", receipt["dispute_id"])
    assert [result["status"] for result in results] == ["accepted"]


@pytest.mark.item("decision 8")
async def test_noise_calls_stay_out_of_what_the_police_handed_over(clocked_hub: RunningHub) -> None:
    hub, town, day = clocked_hub, f"{COUNTY}204", date(2026, 3, 11)
    receipts = []
    for found in ("dispute", "harassment", "invalid"):
        told = {"class_as_found": found, "town_code": town}
        receipts.append(await hub.submit("police", handed_over(hub, "police", at(day.isoformat()), **told)))
    async with register_of(hub) as register:
        place = await register.applied(*receipts)
    received = await counted(hub, CountedPlace(town, day), "diversion", ("police", "all"), place)
    assert received == {"police": (1, 1), "all": (1, 1)}
    first = [(await hub.result_of("police", receipt["dispute_id"]))[0] for receipt in receipts]
    assert [result["status"] for result in first] == ["accepted", "not_docked", "not_docked"]


@SEALED
async def test_a_petition_about_law_and_litigation_is_refused(clocked_hub: RunningHub) -> None:
    receipt = await clocked_hub.submit("petition", handed_over(clocked_hub, "petition", RECEIVED, category="14"))
    results = await clocked_hub.result_of("petition", receipt["dispute_id"])
    assert (results[0]["status"], results[0]["reason_code"]) == (
        "not_mediable",
        "litigation_pending",
    )
    assert results[0]["clause"] == "信访工作条例 28"


@SEALED
async def test_wages_go_on_without_a_trace_of_the_accusation_beside_them(clocked_hub: RunningHub) -> None:
    wages = handed_over(
        clocked_hub, "petition", RECEIVED, purpose="request", category="07", circumstances=["whistle_blowing"]
    )
    receipt = await clocked_hub.submit("petition", wages)
    results = await clocked_hub.result_of("petition", receipt["dispute_id"])
    assert [result["status"] for result in results] == ["accepted"]
    async with register_of(clocked_hub) as register:
        history = await register.history(receipt["dispute_id"])
    assert [event.type for event in history if "whistle" in str(event) or "discipline" in str(event)] == []


@SEALED
@pytest.mark.parametrize("born", ["2012-06-01", "2008-10-01"], ids=["13 years old", "17 years old"])
async def test_a_minor_by_the_number_waits_for_a_guardian(clocked_hub: RunningHub, born: str) -> None:
    people = sides("police", citizen(date.fromisoformat(born)), citizen())
    call = handed_over(clocked_hub, "police", RECEIVED, parties=people, category="02")
    await waiting(clocked_hub, "police", call, "guardian_consent_missing")


@SEALED
async def test_seven_petitioners_in_person_are_asked_for_representatives(clocked_hub: RunningHub) -> None:
    claiming, answering = SIDES["petition"]
    people = [*(party(claiming, citizen()) for _ in range(7)), party(answering, citizen())]
    visit = handed_over(clocked_hub, "petition", RECEIVED, parties=people, form="visit", persons=7)
    receipt = await waiting(clocked_hub, "petition", visit, "too_many_representatives")
    (result,) = await clocked_hub.result_of("petition", receipt["dispute_id"])
    assert "信访工作条例 20" in result["clause"]


async def accusation(hub: RunningHub) -> str:
    """Bring an accusation to the window; returns its dispute."""
    async with register_of(hub) as register:
        receipt = await register.submit(
            "window", str(uuid4()), RECEIVED, category="15", circumstances=["whistle_blowing"], brief="反映某干部。"
        )
        assert receipt.HasField("accepted_at")
        return str(receipt.dispute_id)


@SEALED
async def test_an_accusation_at_the_window_leaves_for_the_discipline_inspection(clocked_hub: RunningHub) -> None:
    dispute_id = await accusation(clocked_hub)
    async with register_of(clocked_hub) as register:
        assert (await register.dispute(dispute_id)).state == "referred"
        last = (await register.history(dispute_id))[-1]
        assert (last.type, last.particulars.target) == ("referred", "discipline_inspection")


@SEALED
@pytest.mark.new_field("hub.intake.v1.IntakeService.ListSealedExits")
async def test_a_sealed_exit_is_listed_without_what_it_says(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        request = intake_pb2.ListSealedExitsRequest(waiting_only=True, page_size=1000)
        before = (await register.stub.ListSealedExits(request, timeout=CALL_S)).exits
        dispute_id = await accusation(clocked_hub)
        after = (await register.stub.ListSealedExits(request, timeout=CALL_S)).exits
    known = {exit_.exit_id for exit_ in before}
    (new,) = [exit_ for exit_ in after if exit_.exit_id not in known]
    assert (new.organ, new.target) == (f"window-{COUNTY}", "discipline_inspection")
    assert dispute_id not in str(new)


@pytest.mark.item("decision 11")
async def test_a_penalty_is_sealed_from_whoever_asks(clocked_hub: RunningHub) -> None:
    call = handed_over(clocked_hub, "police", RECEIVED)
    await clocked_hub.submit("police", call)
    for ref in (clocked_hub.ref("police", call), "nobody-s"):
        answer = await clocked_hub.get("police", f"/v1/{NOUN['police']}/{ref}/penalty")
        assert answer.status_code == 403, answer.text


@pytest.mark.item("decision 11")
async def test_a_receipt_proves_when_a_claim_was_made(clocked_hub: RunningHub) -> None:
    receipt = await clocked_hub.submit("court", handed_over(clocked_hub, "court", RECEIVED, category="08"))
    assert receipt["accepted_at"]
    assert "时效" in receipt.get("note", "")


@pytest.mark.item("decision 14")
async def test_a_town_that_is_not_there_is_refused_by_name(clocked_hub: RunningHub, bridge: str) -> None:
    record = handed_over(clocked_hub, bridge, RECEIVED, town_code=f"{COUNTY}999")
    answer = await clocked_hub.post(bridge, f"/v1/{NOUN[bridge]}", json=record)
    assert answer.status_code == 422, answer.text
    faults = [(fault["field"], fault["code"]) for fault in answer.json()["errors"]]
    assert faults == [("town_code", "unknown_division")]
