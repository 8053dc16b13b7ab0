"""A restored intake: the register comes back from the journal, what no event carries from the hand-offs (design D1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from dispute.contracts.codec import timestamp_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Fault, Rejected
from hub.store.store import Transaction
from hub.store.tables import kernel_metadata, outbox
from services.intake.cases.tables import (
    command_done,
    confidential,
    dispute,
    effect,
    handoff_applied,
    intake_metadata,
    match_pair,
    matter_member,
    missing_year,
)
from tests.support.intake_rig import HANDED_OVER, FakeBridge, Rig, case_facts, parties
from tests.support.journals import until
from tests.support.orders import agree, order, to_mediation
from tests.support.restored_intake import Disk, sent

DAY = timedelta(days=1)
C = command_done.c
REGISTER = (
    sa.select(dispute),
    sa.select(handoff_applied),
    sa.select(C.command_id, C.dispute_id, C.stream, C.position),
    sa.select(match_pair),
    sa.select(matter_member),
    sa.select(effect),
    sa.select(missing_year),
    sa.select(confidential.c.dispute_id, confidential.c.agency),
    sa.select(outbox.c.shard, outbox.c.position, outbox.c.record, outbox.c.hash),
)


def register_in(tx: Transaction) -> list[list[tuple[object, ...]]]:
    return [sorted((tuple(row) for row in tx.execute(query)), key=repr) for query in REGISTER]


def submission(ref: str, **told: object) -> intake_pb2.SubmitRequest:
    return intake_pb2.SubmitRequest(
        channel="window",
        source_organ="window-620725",
        source_ref=ref,
        occurred_at=timestamp_of(HANDED_OVER),
        actor=command_pb2.Actor(role="clerk", actor_id="clerk-1"),
        facts=case_facts(procedure="", suit_kind="", **told),
        confidential=handoff_pb2.Confidential(parties=parties("p-5", "p-6"), brief="案情"),
    )


async def test_the_register_comes_back_whole(rig: Rig) -> None:
    disk = Disk(rig)
    client = await rig.start()
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    rig.bridge.send(rig.bridge.handoff("A-2", people=parties("p-3", "p-4")))
    await client.applied(rig.bridge)
    one, two, three = (rig.bridge.dispute_id(ref) for ref in ("A-1", "A-2", "A-3"))
    await client.execute(*to_mediation(one))
    await sent(client)
    await client.stop()
    backup = await disk.backup()

    client = await rig.start()
    await client.execute(agree(one, HANDED_OVER + DAY), *to_mediation(two))
    regime_b = case_facts(received_on="2026-03-04", procedure="summary")
    rig.bridge.send(rig.bridge.handoff("A-3", case_received=regime_b, people=parties("p-7", "p-8")))
    rig.bridge.send(rig.bridge.handoff("A-3", "later", later_fact=handoff_pb2.LaterFact(kind="other")))
    await client.applied(rig.bridge)
    window = await client.call("Submit", submission("W-1"))
    await client.execute(*to_mediation(three))
    await client.advance(HANDED_OVER + 40 * DAY)
    await sent(client)
    books, untouched = await client.books(), await client.intake.store.read(register_in)
    await client.stop()

    await disk.restore(backup)
    with pytest.raises(Fault, match="store_restored"):
        await rig.start()
    assert disk.recover() > 0
    assert disk.recover() == 0
    client = await rig.start()
    await client.applied(rig.bridge)
    # The centre's own window has no journal of parties: the clerk tells the case again, and gets the same answer.
    again = await client.call("Submit", submission("W-1"))
    assert (again.receipt.repeated, again.position) == (True, window.position)
    await client.advance(HANDED_OVER + 40 * DAY)
    assert await client.intake.store.read(register_in) == untouched
    repaired = await client.books()
    same = [key for key in books if key[1] not in {"repeats_dropped", "gaps_fetched"}]
    assert {key: repaired[key] for key in same} == {key: books[key] for key in same}


async def test_a_command_from_after_the_backup_is_answered_as_repeated(rig: Rig) -> None:
    disk = Disk(rig)
    client = await rig.start()
    rig.bridge.send(rig.bridge.handoff("A-1", people=parties("p-1", "p-2")))
    await client.applied(rig.bridge)
    dispute_id = rig.bridge.dispute_id("A-1")
    await sent(client)
    await client.stop()
    backup = await disk.backup()
    client = await rig.start()
    commands = to_mediation(dispute_id)
    first = await client.execute(*commands)
    await sent(client)
    await client.stop()
    await disk.restore(backup)
    disk.recover()
    client = await rig.start()
    second = await client.execute(*commands)
    assert [result.position for result in second] == [result.position for result in first]
    assert all(result.repeated for result in second)
    # Now the content is known again: the id may not be used for something else.
    reused = order(dispute_id, "sign", command_id=commands[0].command_id, actor=("handler", "handler-2"))
    (refused,) = await client.execute(reused)
    assert refused.refusal.code == "key_reused"


async def test_a_register_is_built_from_nothing(rig: Rig) -> None:
    disk = Disk(rig)
    client = await rig.start()
    for number in range(12):
        rig.bridge.send(rig.bridge.handoff(f"A-{number}", people=parties(f"p-{number}", f"q-{number}")))
    await client.applied(rig.bridge)
    await client.execute(*to_mediation(rig.bridge.dispute_id("A-3")))
    # A limit in a year without a holiday table.
    await client.execute(*to_mediation(rig.bridge.dispute_id("A-5"), HANDED_OVER.replace(year=2098)))
    await sent(client)
    assert await client.rows(missing_year) == 1
    untouched = await client.intake.store.read(register_in)
    await client.stop()
    await disk.restore({table.name: [] for m in (kernel_metadata, intake_metadata) for table in m.sorted_tables})
    assert disk.recover() > 24
    client = await rig.start()
    await client.applied(rig.bridge)
    assert await client.intake.store.read(register_in) == untouched


async def test_what_a_matter_has_still_to_hear_is_heard_after_a_recovery(rig: Rig) -> None:
    """The journal has the outcome; whether the others heard it is known by the ids of their events."""
    disk = Disk(rig)
    client = await rig.start()
    police = FakeBridge(rig.bus, rig.sealer, "police", "police-620725", "police_bridge")
    rig.bridge.send(
        rig.bridge.handoff("A-1", case_received=case_facts(happened_on="2024-02-20"), people=parties("p-1", "p-2"))
    )
    await client.applied(rig.bridge)
    facts = case_facts(procedure="", suit_kind="", case_cause="dispute", happened_on="2024-02-20")
    people = parties("p-1", "p-2", ("applicant", "respondent"))
    police.send(police.handoff("J-1", case_received=facts, people=people))
    await client.applied(police)
    one, other = rig.bridge.dispute_id("A-1"), police.dispute_id("J-1")
    await sent(client)
    await client.stop()
    backup = await disk.backup()
    client = await rig.start()
    await client.execute(*to_mediation(one), agree(one, HANDED_OVER + DAY))

    async def heard() -> bool:
        return await client.state(other) == "agreed"

    await until(heard)
    await sent(client)
    untouched = await client.intake.store.read(register_in)
    await client.stop()
    await disk.restore(backup)
    disk.recover()
    client = await rig.start()
    await until(heard)

    async def all_gone() -> bool:
        return await client.rows(effect) == 0

    await until(all_gone)
    assert (await client.types(other)).count("agreed") == 1
    # The commands' contents are not in the journal: only their digests differ.
    assert await client.intake.store.read(register_in) == untouched


async def test_history_of_another_hand_is_refused(rig: Rig) -> None:
    disk = Disk(rig)
    client = await rig.start()
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    await sent(client)
    await client.stop()
    backup = await disk.backup()
    client = await rig.start()
    await client.execute(*to_mediation(rig.bridge.dispute_id("A-1")))
    await sent(client)
    await client.stop()
    await disk.restore({**backup, "dispute": []})
    with pytest.raises((Fault, Rejected), match="history_broken"):
        disk.recover()
