"""A county's rules change while intake runs: one whole intake, on both stores."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from dispute.contracts.codec import instant_of
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Fault
from tests.support.county_rules import write
from tests.support.intake_rig import HANDED_OVER, FakeBridge, IntakeClient, Rig, case_facts
from tests.support.orders import agree, order, to_mediation

DAY = timedelta(days=1)

CLAIMS = """exclusions:
  - id: claims
    zh: 求决类信访不调解
    en: petitions that claim something
    reason_code: handled_above
    channels: [petition]
    fact: purpose
    values: [claim]
    clause: "a test"
"""


@pytest.fixture
def folder(rig: Rig, tmp_path: Path) -> Path:
    rig.rules_dir = write(tmp_path / "rules")
    return rig.rules_dir


async def petition(client: IntakeClient, office: FakeBridge, ref: str) -> str:
    """Have a petition applied; returns its dispute."""
    consents = [handoff_pb2.Consent(role=role, answer="given") for role in ("petitioner", "respondent")]
    facts = case_facts(procedure="", suit_kind="", purpose="claim", consents=consents)
    office.send(office.handoff(ref, case_received=facts))
    await client.applied(office)
    return office.dispute_id(ref)


async def reloaded(client: IntakeClient) -> None:
    await client.intake.rule_folder.look()
    await client.intake.rule_folder.look()


async def test_new_rules_decide_without_a_restart_and_events_name_them(rig: Rig, folder: Path) -> None:
    client = await rig.start()
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    first = await petition(client, office, "P-1")
    write(folder, "test-2", screening=CLAIMS)
    await reloaded(client)
    second = await petition(client, office, "P-2")
    accepted, refused = [(await client.history(one))[2] for one in (first, second)]
    assert (accepted.type, accepted.dimensions.rule_version) == ("accepted", "rules-2026.2+test-1")
    assert (refused.type, refused.dimensions.rule_version) == ("mediation_refused", "rules-2026.2+test-2")
    assert (refused.reason_code, refused.particulars.clause) == ("handled_above", "a test")
    assert (await client.history(first))[2] == accepted, "what was decided stays"


SIGN_OFF = """sign_off:
  - id: court
    zh: 法院来件 5 个工作日内签收
    en: "the court's: five working days"
    channel: court
    days: 5
    count: workday
    clause: "a test"
"""


async def test_a_unit_counts_by_the_rules_that_hold_when_it_begins(rig: Rig, folder: Path) -> None:
    client = await rig.start()
    rig.bridge.send(rig.bridge.handoff("A-1"), rig.bridge.handoff("A-2"))
    await client.applied(rig.bridge)
    first, second = (rig.bridge.dispute_id(ref) for ref in ("A-1", "A-2"))
    await client.execute(to_mediation(first)[0])
    write(folder, "test-2", deadlines=SIGN_OFF)
    await reloaded(client)
    await client.execute(to_mediation(second)[0], *to_mediation(first)[1:])
    told = {}
    for dispute_id in (first, second):
        event = next(each for each in await client.history(dispute_id) if each.type == "dispatched")
        sign_by = instant_of(event.particulars.sign_by).isoformat()
        told[dispute_id] = (sign_by, event.dimensions.rule_version, event.particulars.clause)
    assert told[first] == ("2024-03-08T16:00:00+00:00", "rules-2026.2+test-1", "在线调解规则 12, 15")
    assert told[second] == ("2024-03-12T16:00:00+00:00", "rules-2026.2+test-2", "a test")
    versions = [event.dimensions.rule_version for event in await client.history(first)]
    assert versions == ["rules-2026.2+test-1"] * 4 + ["rules-2026.2+test-2"] * 2


@pytest.mark.usefixtures("folder")
async def test_every_event_that_rests_on_a_rule_names_the_rules(rig: Rig) -> None:
    client = await rig.start()
    asked = case_facts(consents=[handoff_pb2.Consent(role="plaintiff", answer="given")])
    rig.bridge.send(
        *(rig.bridge.handoff(f"A-{number}") for number in range(3)),
        rig.bridge.handoff("B-1", case_received=asked),
        rig.bridge.handoff("B-2", case_received=case_facts(procedure="special")),
    )
    await client.applied(rig.bridge)
    agreed, unsigned, idle = (rig.bridge.dispute_id(f"A-{number}") for number in range(3))
    extend = order(agreed, "extend", HANDED_OVER + 10 * DAY, consent_of_all=True, days=30)
    await client.execute(*to_mediation(agreed), extend, agree(agreed, HANDED_OVER + 11 * DAY))
    await client.execute(to_mediation(unsigned)[0])
    await client.advance(HANDED_OVER + 60 * DAY)
    seen = set()
    for dispute_id in (agreed, unsigned, idle, *(rig.bridge.dispute_id(ref) for ref in ("B-1", "B-2"))):
        for event in await client.history(dispute_id):
            if event.particulars.clause:
                assert event.dimensions.rule_version == "rules-2026.2+test-1", event.type
                seen.add(event.type)
    assert seen >= {"accepted", "dispatched", "signed", "extended", "supervised", "mediation_refused"}
    assert "information_requested" in seen


async def test_refused_rules_are_told_by_health_and_decide_nothing(rig: Rig, folder: Path) -> None:
    client = await rig.start(http=True)
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    write(folder, "test-2", screening=CLAIMS.replace("purpose", "porpoise"))
    await reloaded(client)
    dispute_id = await petition(client, office, "P-1")
    assert (await client.dispute(dispute_id)).dimensions.rule_version == "rules-2026.2+test-1"
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{client.intake.http.port}") as http:
        health = (await http.get("/healthz")).json()
        assert health["status"] == "degraded"
        assert "规则文件有误，沿用旧规则 rules refused: screening.yaml:7: exclusions[claims].fact" in health["detail"]
        scrape = (await http.get("/metrics")).text
        assert "hub_rules_damaged_files 1.0" in scrape
        assert 'hub_rules_info{version="rules-2026.2+test-1"} 1.0' in scrape
        write(folder, "test-2", screening=CLAIMS)
        await reloaded(client)
        assert (await http.get("/healthz")).json()["status"] == "ok"


async def test_intake_does_not_start_on_faulty_rules(rig: Rig, folder: Path) -> None:
    write(folder, screening=CLAIMS.replace("purpose", "porpoise"), deadlines="terms: 3")
    with pytest.raises(Fault, match=r"(?s)rules_invalid.*deadlines\.yaml:1: .*screening\.yaml:7: "):
        await rig.start()
