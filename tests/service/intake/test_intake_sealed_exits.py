"""Whistle-blowing leaves by a sealed exit, and the rest of the house knows nothing of it (信访工作条例 30)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from dispute.contracts.sealing import whole_of
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Rejected
from hub.runtime.keys import load_or_create
from ops.run.run_folder import write
from services.intake.cases.party_vault import PartyVault
from services.intake.cases.tables import confidential, dispute, match_pair, sealed_exit
from services.intake.cases.vault import SealedSecret, Vault
from tests.support.intake_rig import FakeBridge, IntakeClient, Rig, case_facts, parties, submission
from tests.support.restored_intake import Disk, sent

CANARY = "金丝雀局长收受红包"
WAGES = "六名工人反映工资未按时发放"
PEOPLE = parties("p-1", "p-2", ("petitioner", "respondent"))
CONSENTS = [
    handoff_pb2.Consent(role="petitioner", answer="given"),
    handoff_pb2.Consent(role="respondent", answer="given"),
]


@pytest.fixture
def office(rig: Rig) -> FakeBridge:
    return FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")


def petition(**changes: Any) -> handoff_pb2.CaseReceived:  # noqa: ANN401 - any field
    return case_facts(**({"procedure": "", "suit_kind": "", "purpose": "request", "consents": CONSENTS} | changes))


def content(**changes: Any) -> handoff_pb2.Confidential:  # noqa: ANN401 - any field
    return handoff_pb2.Confidential(**({"parties": PEOPLE, "brief": WAGES} | changes))


async def exit_of(rig: Rig, client: IntakeClient) -> handoff_pb2.Accusation:
    """Open the only exit, as the discipline inspection body does."""
    row = await client.intake.store.read(lambda tx: tx.execute(sealed_exit.select()).one())
    vault = Vault(load_or_create(rig.keys_dir, "discipline").secret)
    sealed = SealedSecret(row.wrapped_key, row.nonce, row.ciphertext)
    return handoff_pb2.Accusation.FromString(vault.open(row.exit_id, row.organ, sealed))


async def content_of(rig: Rig, client: IntakeClient) -> handoff_pb2.Confidential:
    """Open what is kept with the only dispute that has people."""
    row = await client.intake.store.read(lambda tx: tx.execute(confidential.select()).one())
    return whole_of(PartyVault(rig.keys_dir).open(row))


async def stored(client: IntakeClient) -> bytes:
    """Return every value of every table as bytes."""

    def dump(tx: sa.Connection) -> bytes:
        metadata = sa.MetaData()
        metadata.reflect(tx)
        values = [value for table in metadata.sorted_tables for row in tx.execute(sa.select(table)) for value in row]
        return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)

    return await client.intake.store.read(dump)


def forms(text: str) -> set[bytes]:
    """Return every form in which a text could be readable."""
    plain = text.encode()
    return {
        plain,
        text.encode("unicode_escape"),
        plain.hex().encode(),
        base64.b64encode(plain)[:-4],
        hashlib.sha256(plain).digest(),
        hashlib.sha256(plain).hexdigest().encode(),
    }


async def assert_unknown(client: IntakeClient, dispute_id: str, logged: object) -> None:
    """Nothing readable says what the accusation says."""
    history = await client.history(dispute_id)
    journal = b"\n".join(event.SerializeToString() for event in history)
    places = {"store": await stored(client), "journal": journal, "logs": repr(logged).encode()}
    assert len(places["store"]) > 1000
    assert [place for place, held in places.items() for form in forms(CANARY) if form in held] == []


async def test_a_petition_that_accuses_leaves_as_a_whole(rig: Rig, client: IntakeClient, office: FakeBridge) -> None:
    told = content(brief=CANARY, subject_ref="HT-1", happened_on="2024-02-01")
    facts = petition(purpose="whistle_blowing", circumstances=["public_interest"])
    with capture_logs() as logged:
        office.send(office.handoff("P-1", case_received=facts, content=told))
        await client.applied(office)
    dispute_id = office.dispute_id("P-1")
    history = await client.history(dispute_id)
    assert [event.type for event in history] == ["registered", "screening_begun", "mediation_refused", "referred"]
    assert history[2].reason_code == "whistle_blowing"
    assert history[3].particulars.target == "discipline_inspection"
    assert await client.state(dispute_id) == "referred"
    assert [await client.rows(table) for table in (confidential, match_pair)] == [0, 0]
    assert await client.intake.store.read(lambda tx: list(tx.scalars(sa.select(dispute.c.marks)))) == [None]
    assert await exit_of(rig, client) == handoff_pb2.Accusation(facts=facts, confidential=told, source_ref="P-1")
    await assert_unknown(client, dispute_id, logged)


async def test_whistle_blowing_at_a_window_leaves_a_receipt_only(rig: Rig, client: IntakeClient) -> None:
    request = submission()
    request.facts.circumstances.extend(["criminal", "whistle_blowing"])
    request.facts.happened_on = "2024-02-01"
    request.confidential.brief = CANARY
    with capture_logs() as logged:
        receipt = (await client.call("Submit", request)).receipt
    assert await client.types(receipt.dispute_id) == ["registered", "screening_begun", "mediation_refused", "referred"]
    assert await client.rows(confidential) == 0
    sealed = await exit_of(rig, client)
    assert (sealed.confidential.brief, sealed.facts.happened_on, sealed.source_ref) == (CANARY, "2024-02-01", "2024-17")
    assert b"2024-02-01" not in await stored(client)
    await assert_unknown(client, receipt.dispute_id, logged)


async def test_wages_go_on_without_the_accusation(rig: Rig, client: IntakeClient, office: FakeBridge) -> None:
    told = content(accusation=CANARY)
    with capture_logs() as logged:
        office.send(office.handoff("P-1", case_received=petition(), content=told))
        await client.applied(office)
    dispute_id = office.dispute_id("P-1")
    assert await client.types(dispute_id) == ["registered", "screening_begun", "accepted"]
    kept = await content_of(rig, client)
    assert (kept.brief, len(kept.parties), kept.accusation) == (WAGES, 2, "")
    assert await exit_of(rig, client) == handoff_pb2.Accusation(
        confidential=handoff_pb2.Confidential(accusation=CANARY)
    )
    assert b"whistle_blowing" not in await stored(client)
    await assert_unknown(client, dispute_id, logged)


async def test_a_brief_that_nobody_parted_leaves_whole(rig: Rig, client: IntakeClient, office: FakeBridge) -> None:
    facts = petition(circumstances=["whistle_blowing"])
    with capture_logs() as logged:
        office.send(office.handoff("P-1", case_received=facts, content=content(brief=CANARY)))
        await client.applied(office)
    assert await client.state(office.dispute_id("P-1")) == "accepted"
    kept = await content_of(rig, client)
    assert (kept.brief, len(kept.parties)) == ("", 2)
    assert (await exit_of(rig, client)).confidential.accusation == CANARY
    assert b"whistle_blowing" not in await stored(client)
    await assert_unknown(client, office.dispute_id("P-1"), logged)


async def test_an_exit_is_made_once_and_stays_fetched(client: IntakeClient) -> None:
    request = submission()
    request.facts.circumstances.append("whistle_blowing")
    await client.call("Submit", request)
    await client.intake.store.write(lambda tx: tx.execute(sa.update(sealed_exit).values(fetched_at=1)))
    assert (await client.call("Submit", request)).receipt.repeated
    assert await client.rows(sealed_exit) == 1
    waiting = await client.call("ListSealedExits", intake_pb2.ListSealedExitsRequest(waiting_only=True))
    (fetched,) = (await client.call("ListSealedExits", intake_pb2.ListSealedExitsRequest())).exits
    assert not waiting.exits
    assert fetched.HasField("fetched_at")


async def test_nothing_leaves_of_a_refused_submission(client: IntakeClient) -> None:
    request = submission()
    request.facts.circumstances.append("whistle_blowing")
    request.facts.county_code = "62"
    assert (await client.refusal("Submit", request)).code == "division_mismatch"
    assert await client.rows(sealed_exit) == 0


async def test_an_accusation_is_text_without_hidden_signs(client: IntakeClient) -> None:
    request = submission()
    request.confidential.accusation = "a\u202eb"
    refusal = await client.refusal("Submit", request)
    assert (refusal.code, refusal.field) == ("forbidden_character", "confidential.accusation")


async def test_a_record_that_comes_again_may_accuse_for_the_first_time(
    rig: Rig, client: IntakeClient, office: FakeBridge
) -> None:
    office.send(office.handoff("P-1", case_received=petition(purpose="suggestion"), content=content()))
    again = petition(purpose="whistle_blowing", round=2)
    office.send(office.handoff("P-1", "second", case_received=again, content=content(brief=CANARY)))
    await client.applied(office)
    assert await client.state(office.dispute_id("P-1")) == "referred"
    assert (await exit_of(rig, client)).confidential.brief == CANARY


async def test_exits_are_listed_without_content_or_dispute(client: IntakeClient, office: FakeBridge) -> None:
    refs = [f"P-{number}" for number in range(3)]
    handoffs = [
        office.handoff(ref, case_received=petition(purpose="whistle_blowing"), content=content(brief=CANARY))
        for ref in refs
    ]
    office.send(*handoffs)
    await client.applied(office)
    seen: list[intake_pb2.SealedExit] = []
    token = ""
    while True:
        request = intake_pb2.ListSealedExitsRequest(waiting_only=True, page_size=2, page_token=token)
        page = await client.call("ListSealedExits", request)
        seen += page.exits
        token = page.next_page_token
        if not token:
            break
    assert [each.exit_id for each in seen] == sorted({each.exit_id for each in seen})
    assert {(each.organ, each.target) for each in seen} == {("petition-620725", "discipline_inspection")}
    assert [each.HasField("fetched_at") for each in seen] == [False] * 3
    shown = repr(seen)
    assert not any(handoff.handoff_id in shown or handoff.dispute_id in shown for handoff in handoffs)
    with pytest.raises(Rejected, match="bad_page_token"):
        await client.call("ListSealedExits", intake_pb2.ListSealedExitsRequest(page_token="x"))


async def test_no_other_key_opens_an_exit(rig: Rig, client: IntakeClient, office: FakeBridge) -> None:
    facts = petition(purpose="whistle_blowing")
    office.send(office.handoff("P-1", case_received=facts, content=content(brief=CANARY)))
    await client.applied(office)
    row = await client.intake.store.read(lambda tx: tx.execute(sealed_exit.select()).one())
    sealed = SealedSecret(row.wrapped_key, row.nonce, row.ciphertext)
    for name in ("intake-store", "transport", "match"):
        with pytest.raises(Rejected, match="cannot_open"):
            Vault(load_or_create(rig.keys_dir, name).secret).open(row.exit_id, row.organ, sealed)


async def test_the_operator_sees_what_waits(client: IntakeClient, tmp_path: Path) -> None:
    request = submission()
    request.facts.circumstances.append("whistle_blowing")
    request.confidential.brief = CANARY
    receipt = (await client.call("Submit", request)).receipt
    write(await client.running(tmp_path))

    async def shown(*options: str) -> str:
        command = (sys.executable, "-m", "ops", "exits", "list", "--run", str(tmp_path), *options)
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode()

    (line,) = json.loads(await shown("--json"))
    assert (line["organ"], line["target"], line["fetched_at"]) == ("window-620725", "discipline_inspection", "")
    await client.intake.store.write(lambda tx: tx.execute(sa.update(sealed_exit).values(fetched_at=1)))
    table = await shown("--all")
    assert "sealed exits that wait: 0" in table
    assert line["exit_id"] in table
    for text in (json.dumps(line), table):
        assert not any(hidden in text for hidden in (CANARY, receipt.dispute_id, receipt.receipt_id, "2024-17"))


async def test_a_restored_store_gets_its_exits_from_the_hand_offs_again(rig: Rig) -> None:
    office = FakeBridge(rig.bus, rig.sealer, "petition", "petition-620725", "petition_bridge")
    client = await rig.start()
    office.send(office.handoff("P-1", case_received=petition(), content=content()))
    await client.applied(office)
    await sent(client)
    await client.stop()
    disk = Disk(rig)
    backup = await disk.backup()
    client = await rig.start()
    accusing = petition(purpose="whistle_blowing")
    office.send(office.handoff("P-2", case_received=accusing, content=content(brief=CANARY)))
    await client.applied(office)
    before = await client.intake.store.read(lambda tx: tx.scalar(sa.select(sealed_exit.c.exit_id)))
    await sent(client)
    await client.stop()
    await disk.restore(backup)
    assert disk.recover() > 0
    client = await rig.start()
    await client.applied(office)
    after = await client.intake.store.read(lambda tx: tx.scalar(sa.select(sealed_exit.c.exit_id)))
    assert after == before
    assert (await exit_of(rig, client)).confidential.brief == CANARY
    assert await client.state(office.dispute_id("P-2")) == "referred"
