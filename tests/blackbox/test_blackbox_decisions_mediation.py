"""Rows 5, 6, 7, 8, 10 and 13: terms from the signature, agreements, and what follows a mediation."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import pytest

from tests.blackbox.hubs import RunningHub
from tests.blackbox.matters import handed_over, report, told_until
from tests.blackbox.register import Register, agreed, at, begun, in_mediation, order, register_of, signed

RECEIVED: Final = at("2026-03-03")
IN_LITIGATION: Final = pytest.mark.item("decision 5")
CONFIRMATION: Final = pytest.mark.item("decision 7")
POLICE: Final = pytest.mark.item("decision 8")


async def mediated(
    hub: RunningHub, register: Register, bridge: str, record: dict[str, Any], day: str, *, kind: str = "people"
) -> str:
    """Hand a record over and have it mediated from a day on; returns its dispute."""
    receipt = await hub.submit(bridge, record)
    await register.applied(receipt)
    assert await register.execute(*in_mediation(receipt["dispute_id"], at(day), kind)) == []
    return str(receipt["dispute_id"])


def entrusted(hub: RunningHub, procedure: str) -> dict[str, Any]:
    """Return a suit of 2024 that was filed before it came to mediation."""
    return handed_over(hub, "court", at("2024-05-10"), filed_on="2024-05-10", procedure=procedure)


@IN_LITIGATION
@pytest.mark.parametrize(("procedure", "due_on"), [("ordinary", "2024-05-28"), ("summary", "2024-05-20")])
async def test_a_suit_in_litigation_has_the_short_term(clocked_hub: RunningHub, procedure: str, due_on: str) -> None:
    async with register_of(clocked_hub) as register:
        suit = await mediated(clocked_hub, register, "court", entrusted(clocked_hub, procedure), "2024-05-13")
        assert (await register.dispute(suit)).cohort.due_on == due_on


@IN_LITIGATION
async def test_no_appraisal_before_filing_stops_the_clock_of_a_filed_suit(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        suit = await mediated(clocked_hub, register, "court", entrusted(clocked_hub, "ordinary"), "2024-05-13")
        stop = order(suit, "suspend", at("2024-05-14"), "mediator", reason_code="appraisal_before_filing")
        assert await register.execute(stop) == ["already_filed"]


@pytest.mark.item("decision 6")
async def test_a_petition_is_mediated_within_its_statutory_limit(clocked_hub: RunningHub) -> None:
    petition = handed_over(clocked_hub, "petition", at("2024-05-06"), category="02")
    async with register_of(clocked_hub) as register:
        dispute = await register.dispute(await mediated(clocked_hub, register, "petition", petition, "2024-05-14"))
    assert dispute.cohort.statutory_due_on == "2024-07-05"
    assert dispute.cohort.due_on == "2024-07-05"


@CONFIRMATION
@pytest.mark.parametrize("circumstance", ["title_confirmation", "divorce"])
async def test_what_no_court_confirms_is_not_called_confirmable(clocked_hub: RunningHub, circumstance: str) -> None:
    suit = handed_over(clocked_hub, "court", at("2024-03-04"), circumstances=[circumstance])
    async with register_of(clocked_hub) as register:
        dispute_id = await mediated(clocked_hub, register, "court", suit, "2024-03-05")
        refused = await register.execute(agreed(dispute_id, at("2024-03-06"), confirmable=True))
        assert refused == ["confirmation_barred"]
        assert await register.execute(agreed(dispute_id, at("2024-03-06"))) == []


@CONFIRMATION
@pytest.mark.new_field("hub.dispute.v1.Agree.subjects")
async def test_an_agreement_about_title_alone_is_barred_and_a_severable_one_is_left_to_a_reviewer(
    clocked_hub: RunningHub,
) -> None:
    day = "2026-03-04"
    async with register_of(clocked_hub) as register:
        dispute_id = await register.window(str(uuid4()), RECEIVED)
        assert await register.execute(*in_mediation(dispute_id, at(day))) == []
        title = agreed(dispute_id, at(day, 15), confirmable=True, subjects=["title"])
        assert await register.execute(title) == ["confirmation_barred"]
        both = agreed(dispute_id, at(day, 15), confirmable=True, subjects=["debt", "title"])
        assert await register.execute(both) == []
        last = (await register.history(dispute_id))[-1].particulars
        assert (last.confirmable, last.severable, last.clause) == (False, True, "民诉解释(2022) 355(4)")
        by_clerk = order(dispute_id, "apply_for_confirmation", at(day, 16), "clerk", jointly=True, severed_part=True)
        assert await register.execute(by_clerk) == ["not_confirmable"]
        by_reviewer = order(
            dispute_id, "apply_for_confirmation", at(day, 16), "reviewer", jointly=True, severed_part=True
        )
        assert await register.execute(by_reviewer) == []


@POLICE
async def test_the_police_try_once_more_within_seven_working_days(clocked_hub: RunningHub) -> None:
    call = handed_over(clocked_hub, "police", at("2026-03-02"), category="02")
    async with register_of(clocked_hub) as register:
        dispute_id = await mediated(clocked_hub, register, "police", call, "2026-03-03")
        failed = order(dispute_id, "fail", at("2026-03-05"), "mediator", reason_code="deadlock")
        assert await register.execute(failed) == []
        # the seventh working day after 2026-03-05 is the 16th
        assert await register.execute(begun(dispute_id, at("2026-03-16"))) == []
        dispute, history = await register.dispute(dispute_id), await register.history(dispute_id)
        assert (dispute.state, dispute.cohort.due_on) == ("mediating", "2026-03-16")
        assert [fact.type for fact in history[-1].retracts] == ["failed"]


@POLICE
async def test_no_consent_extends_a_mediation_of_the_police(clocked_hub: RunningHub) -> None:
    call = handed_over(clocked_hub, "police", at("2026-03-02"), category="02")
    async with register_of(clocked_hub) as register:
        dispute_id = await mediated(clocked_hub, register, "police", call, "2026-03-03")
        longer = order(dispute_id, "extend", at("2026-03-05"), "mediator", consent_of_all=True, days=7)
        assert await register.execute(longer) == ["no_extension"]


@POLICE
async def test_the_traffic_police_have_ten_days(clocked_hub: RunningHub) -> None:
    crash = handed_over(clocked_hub, "police", at("2024-06-03"), category="05", class_as_found="traffic")
    async with register_of(clocked_hub) as register:
        dispute_id = await mediated(clocked_hub, register, "police", crash, "2024-06-03", kind="administrative")
        assert (await register.dispute(dispute_id)).cohort.due_on == "2024-06-13"


@POLICE
async def test_where_there_was_no_violation_no_penalty_follows(clocked_hub: RunningHub) -> None:
    call = handed_over(clocked_hub, "police", at("2026-03-02"), category="02", circumstances=["not_a_violation"])
    async with register_of(clocked_hub) as register:
        dispute_id = await mediated(clocked_hub, register, "police", call, "2026-03-03")
        assert await register.execute(agreed(dispute_id, at("2026-03-04"))) == []
        broken = order(dispute_id, "record_non_performance", at("2026-03-20"), "clerk", target="penalty_procedure")
        assert await register.execute(broken) == ["barred_by_rule"]
        assert (await register.dispute(dispute_id)).state == "agreed"


@POLICE
async def test_a_matter_that_turns_out_criminal_is_stopped_and_returned(clocked_hub: RunningHub) -> None:
    call = handed_over(clocked_hub, "police", at("2026-03-02"), category="02")
    async with register_of(clocked_hub) as register:
        dispute_id = await mediated(clocked_hub, register, "police", call, "2026-03-03")
        found = await report(clocked_hub, "police", call, at("2026-03-05"), "reclassified", case_cause="criminal")
        await register.applied(found)
        assert (await register.dispute(dispute_id)).state == "returned"
    results = await told_until(clocked_hub, "police", dispute_id, "returned")
    assert [(result["status"], result["reason_code"]) for result in results[-2:-1]] == [("failed", "not_a_dispute")]


@pytest.mark.item("decision 10")
async def test_a_labour_matter_at_the_window_has_fifteen_days(clocked_hub: RunningHub) -> None:
    async with register_of(clocked_hub) as register:
        receipt = await register.submit("window", str(uuid4()), RECEIVED, category="07", case_cause="wages")
        assert await register.execute(*signed(receipt.dispute_id, at("2026-03-04"))) == []
        assert (await register.dispute(receipt.dispute_id)).cohort.due_on == "2026-03-19"


@pytest.mark.item("decision 13")
@pytest.mark.parametrize(("bridge", "way"), [("court", "suit"), ("police", "penalty_procedure")])
async def test_an_agreement_that_is_not_performed_is_told_with_the_way_that_is_open(
    clocked_hub: RunningHub, bridge: str, way: str
) -> None:
    record = handed_over(clocked_hub, bridge, at("2026-03-02"), category="02")
    async with register_of(clocked_hub) as register:
        dispute_id = await mediated(clocked_hub, register, bridge, record, "2026-03-03")
        assert await register.execute(agreed(dispute_id, at("2026-03-03", 15))) == []
        broken = await report(clocked_hub, bridge, record, at("2026-04-07"), "not_performed")
        await register.applied(broken)
        assert (await register.history(dispute_id))[-1].type == "not_performed"
    results = await told_until(clocked_hub, bridge, dispute_id, "not_performed")
    assert results[-1]["way"] == way
