"""One of two parties is forgotten, by two persons, for good: in the store, in its copies, on the bus."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa

from dispute.contracts.sealing import RING as HANDOFF_RING
from dispute.lifecycle import key_owner_of
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.audit.chain import AuditEntry, entries
from hub.errors import Refusal
from hub.grpc.client import bearer, refusal_of
from hub.runtime.keys import load_or_create
from hub.store.store import Transaction
from ops.run.run_folder import write
from services.intake.cases.party_vault import RING, PartyVault
from services.intake.cases.tables import confidential, dispute, forgotten_party, match_pair
from services.intake.cases.vault import Vault
from services.intake.law.marks import marks_from_bytes
from tests.support.access import token_of
from tests.support.intake_rig import HANDED_OVER, IntakeClient, Rig, submission
from tests.support.journals import until
from tests.support.orders import agree, to_mediation
from tests.support.restored_intake import Disk, sent

ONE = handoff_pb2.Party(role="plaintiff", name="甲", id_type="citizen_id", id_number="11010519491231002X")
OTHER = handoff_pb2.Party(role="defendant", name="乙", phone="13912345678")
THIRD = handoff_pb2.Party(role="defendant", name="丙", phone="13912345679")
GONE = handoff_pb2.Party()
"""Keeps the place of who was forgotten."""
GROUND = "consent_withdrawn"


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a ring look at its file at each use, so that no test waits."""
    monkeypatch.setattr("hub.runtime.key_ring.LOOK_S", 0.0)


@pytest.fixture
async def dispute_id(rig: Rig, client: IntakeClient) -> str:
    """A court's case with three parties."""
    rig.bridge.send(rig.bridge.handoff("A-1", people=[ONE, OTHER, THIRD]))
    await client.applied(rig.bridge)
    return rig.bridge.dispute_id("A-1")


async def approve(
    client: IntakeClient, dispute_id: str, party: int, holder: str = "leader-1", ground: str = GROUND
) -> None:
    request = intake_pb2.ApproveShreddingRequest(dispute_id=dispute_id, party=party, ground=ground)
    who = await client.credentials.of("leader", holder)
    await client.stub.ApproveShredding(request, timeout=20, metadata=who)


async def shred(
    client: IntakeClient, dispute_id: str, party: int, holder: str = "operator-1", ground: str = GROUND
) -> intake_pb2.ShredPartyResponse:
    request = intake_pb2.ShredPartyRequest(dispute_id=dispute_id, party=party, ground=ground)
    who = await client.credentials.of("operator", holder)
    return await client.stub.ShredParty(request, timeout=20, metadata=who)  # type: ignore[no-any-return]


async def refused(client: IntakeClient, dispute_id: str, party: int, **of: str) -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await shred(client, dispute_id, party, **of)
    return refusal_of(error.value)


async def forgotten(client: IntakeClient, dispute_id: str, party: int) -> intake_pb2.ShredPartyResponse:
    await approve(client, dispute_id, party)
    return await shred(client, dispute_id, party)


async def seen(client: IntakeClient, dispute_id: str, role: str = "clerk") -> list[handoff_pb2.Party]:
    request = intake_pb2.GetPartiesRequest(dispute_id=dispute_id, purpose="handling")
    who = await client.credentials.of(role, f"{role}-1")
    found = await client.stub.GetParties(request, timeout=20, metadata=who)
    assert [number for number, its in enumerate(found.parties, start=1) if its == GONE] == list(found.forgotten)
    return list(found.parties)


async def acts(client: IntakeClient) -> list[AuditEntry]:
    def read(tx: Transaction) -> list[AuditEntry]:
        return [entry for _, entry in entries(tx) if "Shred" in entry.call]

    return await client.intake.store.read(read)


async def test_one_is_forgotten_and_the_others_are_there(client: IntakeClient, dispute_id: str) -> None:
    history = await client.history(dispute_id)
    answer = await forgotten(client, dispute_id, 2)
    assert (answer.dispute_id, answer.repeated, answer.sealed_whole) == (dispute_id, False, False)
    assert await seen(client, dispute_id) == [ONE, GONE, THIRD]
    assert [party.name for party in await seen(client, dispute_id, "leader")] == ["甲", "", "丙"]
    assert await client.history(dispute_id) == history
    await forgotten(client, dispute_id, 1)
    assert await seen(client, dispute_id) == [GONE, GONE, THIRD]


async def test_the_handoff_on_the_bus_shows_the_others_alone(rig: Rig, client: IntakeClient, dispute_id: str) -> None:
    sent_once = rig.bridge.handoff("A-1", people=[ONE, OTHER, THIRD])
    again = rig.bridge.handoff("A-1", "again", people=[OTHER, ONE])
    its = (sent_once.handoff_id, key_owner_of(dispute_id))
    assert list(rig.sealer.open(sent_once.confidential, *its).parties) == [ONE, OTHER, THIRD]
    await forgotten(client, dispute_id, 1)
    left = rig.sealer.open(sent_once.confidential, *its)
    assert (list(left.parties), left.brief) == ([GONE, OTHER, THIRD], "")
    # Whatever else was told of this case may name the person too, in another order.
    assert list(rig.sealer.open(again.confidential, again.handoff_id, key_owner_of(dispute_id)).parties) == [GONE, GONE]


async def test_nobody_finds_the_matter_by_who_was_forgotten(client: IntakeClient, dispute_id: str) -> None:
    def marked(tx: Transaction) -> tuple[int, int, set[str]]:
        marks = marks_from_bytes(tx.scalar(sa.select(dispute.c.marks)))  # type: ignore[arg-type]
        stored = set(tx.scalars(sa.select(match_pair.c.token)))
        assert stored == set(marks.pairs)
        return len(marks.claiming), len(marks.answering), stored

    claiming, answering, before = await client.intake.store.read(marked)
    assert (claiming, answering, len(before)) == (1, 2, 2)
    await forgotten(client, dispute_id, 2)
    claiming, answering, after = await client.intake.store.read(marked)
    assert (claiming, answering, len(after)) == (1, 1, 1)
    await forgotten(client, dispute_id, 1)
    assert await client.rows(match_pair) == 0
    assert await client.intake.store.read(lambda tx: tx.scalar(sa.select(dispute.c.marks))) is None


async def test_two_persons_are_needed_for_the_same_thing(client: IntakeClient, dispute_id: str) -> None:
    assert (await refused(client, dispute_id, 1)).code == "second_person_missing"
    await approve(client, dispute_id, 1)
    for other in (
        await refused(client, dispute_id, 2),
        await refused(client, dispute_id, 1, ground="unlawful"),
        await refused(client, dispute_id, 1, holder="leader-1"),
    ):
        assert other.code == "second_person_missing"
    await client.execute(*to_mediation(dispute_id))
    assert (await refused(client, dispute_id, 1)).code == "second_person_missing", "the case went on since"
    assert await seen(client, dispute_id) == [ONE, OTHER, THIRD]
    await forgotten(client, dispute_id, 1)
    assert (await refused(client, dispute_id, 2)).code == "second_person_missing", "an approval serves once"


@pytest.mark.parametrize("party", [-1, 0, 4])
async def test_only_parties_of_the_case_are_forgotten(client: IntakeClient, dispute_id: str, party: int) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await approve(client, dispute_id, party)
    for its in (refusal_of(error.value), await refused(client, dispute_id, party)):
        assert (its.code, its.field) == ("unknown_party", "party")


async def test_bad_input_is_refused_by_name(client: IntakeClient, dispute_id: str) -> None:
    its = await refused(client, dispute_id, 1, ground="curiosity")
    assert (its.code, its.field) == ("unknown_ground", "ground")
    assert (await refused(client, "no-such-id", 1)).code == "unknown_dispute"
    elsewhere = bearer(await token_of(client.intake, "operator-9", "operator", "431230"))
    request = intake_pb2.ShredPartyRequest(dispute_id=dispute_id, party=1, ground=GROUND)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await client.stub.ShredParty(request, timeout=20, metadata=elsewhere)
    assert refusal_of(error.value).code == "unknown_dispute"


async def test_a_repeat_changes_nothing(client: IntakeClient, dispute_id: str) -> None:
    await forgotten(client, dispute_id, 1)
    assert (await shred(client, dispute_id, 1)).repeated
    assert await client.rows(forgotten_party) == 1


async def test_each_try_is_in_the_audit_and_names_nobody(client: IntakeClient, dispute_id: str) -> None:
    await refused(client, dispute_id, 1)
    await forgotten(client, dispute_id, 1)
    found = [
        (entry.call.rpartition("/")[2], entry.holder, entry.purpose, entry.denied, entry.about)
        for entry in await acts(client)
    ]
    about = f"{dispute_id} party 1"
    assert found == [
        ("ShredParty", "operator-1", GROUND, "second_person_missing", ()),
        ("ApproveShredding", "leader-1", GROUND, "", (about,)),
        ("ShredParty", "operator-1", GROUND, "", (about, "approved by leader-1")),
    ]


async def test_keys_that_cannot_be_destroyed_now_are_later(
    rig: Rig, client: IntakeClient, dispute_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The register forgets at once; a crash or a full disk only delays the rest."""
    kept = rig.bridge.handoff("A-1", people=[ONE, OTHER, THIRD])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PartyVault, "destroy", full)
    await approve(client, dispute_id, 1)
    its = await refused(client, dispute_id, 1)
    assert its.code == "keys_not_writable"
    assert await seen(client, dispute_id) == [GONE, OTHER, THIRD]
    monkeypatch.undo()
    assert rig.sealer.open(kept.confidential, kept.handoff_id, key_owner_of(dispute_id)).parties[0] == ONE
    await client.stop()
    await rig.start()

    async def gone() -> bool:
        return rig.sealer.open(kept.confidential, kept.handoff_id, key_owner_of(dispute_id)).parties[0] == GONE

    await until(gone)


async def test_keys_that_come_back_from_a_copy_are_destroyed_again(
    rig: Rig, client: IntakeClient, dispute_id: str
) -> None:
    copy = rig.keys_dir.with_name("copy")
    shutil.copytree(rig.keys_dir, copy)
    await forgotten(client, dispute_id, 1)
    after = {name: (rig.keys_dir / name).read_bytes() for name in (RING, HANDOFF_RING)}
    await client.stop()
    for name in after:
        shutil.copy2(copy / name, rig.keys_dir / name)
    await rig.start()

    async def again() -> bool:
        return all((rig.keys_dir / name).read_bytes() == content for name, content in after.items())

    await until(again)


async def test_a_copy_of_the_store_shows_nobody_who_was_forgotten(rig: Rig) -> None:
    """The copy was made before; the person is away in it too, and the others are there."""
    disk = Disk(rig)
    client = await rig.start()
    rig.bridge.send(rig.bridge.handoff("A-1", people=[ONE, OTHER]))
    await client.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id("A-1")
    assert await seen(client, dispute_id) == [ONE, OTHER]
    await sent(client)
    backup = await disk.backup()
    await forgotten(client, dispute_id, 1)
    await client.stop()
    await disk.restore(backup)
    disk.recover()
    client = await rig.start()
    assert await seen(client, dispute_id) == [GONE, OTHER]
    assert await client.rows(forgotten_party) == 0
    await forgotten(client, dispute_id, 1)
    assert await client.rows(match_pair) == 0, "nobody can tell whose the marks are: all of them go"


async def test_a_register_that_is_made_anew_from_the_bus_does_not_have_them(rig: Rig) -> None:
    disk = Disk(rig)
    client = await rig.start()
    await sent(client)
    empty = await disk.backup()
    rig.bridge.send(rig.bridge.handoff("A-1", people=[ONE, OTHER]))
    await client.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id("A-1")
    await client.execute(*to_mediation(dispute_id), agree(dispute_id, HANDED_OVER + timedelta(days=1)))
    await forgotten(client, dispute_id, 1)
    history = await client.history(dispute_id)
    await sent(client)
    await client.stop()
    await disk.restore(empty)
    assert disk.recover() > 0
    client = await rig.start()
    await client.applied(rig.bridge)
    assert await seen(client, dispute_id) == [GONE, OTHER]
    assert await client.history(dispute_id) == history


async def test_a_dispute_of_an_earlier_release_is_sealed_anew(rig: Rig, client: IntakeClient, dispute_id: str) -> None:
    """It was sealed as one, with a key that the row holds."""
    content = handoff_pb2.Confidential(parties=[ONE, OTHER], brief="案情").SerializeToString()
    sealed = Vault(load_or_create(rig.keys_dir, "intake-store").secret).seal(dispute_id, "court-620725", content)
    values = {"wrapped_key": sealed.wrapped_key, "nonce": sealed.nonce, "ciphertext": sealed.ciphertext}
    await client.intake.store.write(lambda tx: tx.execute(sa.update(confidential).values(values)))
    assert await seen(client, dispute_id) == [ONE, OTHER]
    assert (await forgotten(client, dispute_id, 1)).sealed_whole
    assert await seen(client, dispute_id) == [GONE, OTHER]
    row = await client.intake.store.read(lambda tx: tx.execute(confidential.select()).one())
    assert (row.wrapped_key, row.nonce) == (b"", b"")


async def test_a_case_of_the_window_has_its_people_forgotten_too(client: IntakeClient) -> None:
    request = submission()
    # Nobody who sends a case can say of a person that they were forgotten.
    request.confidential.parties.add(role="respondent", name="乙", phone="13912345678")
    request.confidential.forgotten.append(2)
    receipt = (await client.call("Submit", request)).receipt
    assert [party.name for party in await seen(client, receipt.dispute_id)] == ["甲", "乙"]
    await forgotten(client, receipt.dispute_id, 2)
    assert [party.name for party in await seen(client, receipt.dispute_id)] == ["甲", ""]
    assert (await client.call("Submit", request)).receipt.repeated
    assert [party.name for party in await seen(client, receipt.dispute_id)] == ["甲", ""]


async def test_leader_and_operator_do_it_at_a_terminal(client: IntakeClient, dispute_id: str, tmp_path: Path) -> None:
    write(await client.running(tmp_path))
    code = (await client.dispute(dispute_id)).case_code

    async def hub(*words: str) -> tuple[int, str]:
        command = (sys.executable, "-m", "ops", "privacy", *words, "--run", str(tmp_path))
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
        shown, refused = await process.communicate()
        return process.returncode or 0, (shown + refused).decode()

    _, listed = await hub("parties", code, "--json")
    assert [(line["party"], line["name"], line["forgotten"]) for line in json.loads(listed)] == [
        (1, "甲", False),
        (2, "乙", False),
        (3, "丙", False),
    ]
    which = (code, "--party", "2", "--ground", GROUND)
    ended, said = await hub("shred", *which)
    assert (ended, "second_person_missing" in said) == (1, True)
    assert (await hub("approve", *which))[0] == 0
    ended, said = await hub("shred", *which)
    assert (ended, "已删除 forgotten" in said, "copy the folder anew" in said, "as one" in said) == (
        0,
        True,
        True,
        False,
    )
    assert json.loads((await hub("shred", dispute_id, *which[1:], "--json"))[1]) == {
        "dispute_id": dispute_id,
        "party": 2,
        "repeated": True,
        "sealed_whole": False,
    }
    _, table = await hub("parties", dispute_id)
    assert "forgotten" in table
    assert await seen(client, dispute_id) == [ONE, GONE, THIRD]
