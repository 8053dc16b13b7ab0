"""What an agency did not write down is unknown: the record is accepted, and waits for what a decision needs."""

from __future__ import annotations

from typing import Final

import pytest

from bridge.record import codelists
from bridge.record.dto import read
from services.court_bridge.record import kind_of, procedure_of
from tests.support.bridges import RunningBridge

NEEDED: Final = {
    "court": {"case_number", "court_received_on", "county_code"},
    "police": {"incident_number", "called_at", "class_as_called", "county_code"},
    "petition": {"petition_number", "registered_on", "purpose", "form", "county_code"},
}
"""All that an agency has to send."""
VALID: Final = ("11010519491231002X", "91350100M000100Y43")


async def test_what_nobody_wrote_down_refuses_no_record(any_bridge: RunningBridge) -> None:
    channel = any_bridge.bridge.spec.channel
    bare = {name: value for name, value in any_bridge.record().items() if name in NEEDED[channel]}
    assert bare.keys() == NEEDED[channel]
    answer = await any_bridge.post(any_bridge.noun, bare)
    assert answer.status_code == 201, answer.text
    assert (await any_bridge.post(any_bridge.noun, bare)).json() == {**answer.json(), "repeated": True}
    await any_bridge.relayed()
    (handoff,) = any_bridge.handoffs()
    facts = handoff.case_received
    assert (facts.category, facts.town_code, facts.relation_clarity, facts.recurrence) == ("", "", "", facts.recurrence)
    assert handoff.occurred_at == handoff.received_at, "the hand-over is the receipt"


async def test_what_is_needed_is_named(any_bridge: RunningBridge) -> None:
    for name in NEEDED[any_bridge.bridge.spec.channel]:
        record = any_bridge.record()
        del record[name]
        answer = await any_bridge.post(any_bridge.noun, record)
        assert (answer.status_code, answer.json()["code"]) == (422, "missing"), name
        assert answer.json()["errors"][0]["field"] == name


async def test_a_town_is_checked_also_when_the_hand_over_is_not_written_down(any_bridge: RunningBridge) -> None:
    record = any_bridge.record(town_code="620725999")
    del record["handed_over_at"]
    answer = await any_bridge.post(any_bridge.noun, record)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_division")
    village = any_bridge.record(town_code="", village_code="152722101201")
    assert (await any_bridge.post(any_bridge.noun, village)).json()["code"] == "division_mismatch"


@pytest.mark.parametrize("number", VALID)
async def test_a_number_that_proves_itself_needs_no_kind(any_bridge: RunningBridge, number: str) -> None:
    spec = any_bridge.bridge.spec
    parties = [{"role": "applicant", "name": "甲某", "id_number": number}]
    codes = codelists.load(codelists.OWN, spec.folder / "codes")
    dto = read(spec.record, any_bridge.record(parties=parties), codes)
    (party,) = dto.to_record().matter.confidential.parties
    assert (party.id_type, party.id_number) == ("citizen_id" if number == VALID[0] else "uscc", number)
    wrong = any_bridge.record(parties=[{**parties[0], "id_number": number[:-1] + ("0" if number[-1] != "0" else "1")}])
    answer = await any_bridge.post(any_bridge.noun, wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "id_type_missing")


@pytest.mark.parametrize(
    ("number", "kind", "procedure"),
    [
        ("（2026）甘0725民诉前调18号", "civil", "before_filing"),
        ("（2026）甘0725行诉前调3号", "administrative", "before_filing"),
        ("（2024）甘0725民初1023号", "civil", ""),
        ("引调2026030004", "", ""),
        ("平民路纠纷1", "", ""),
    ],
)
def test_a_case_number_says_its_kind_and_that_nothing_is_filed(number: str, kind: str, procedure: str) -> None:
    assert (kind_of(number), procedure_of(number)) == (kind, procedure)
