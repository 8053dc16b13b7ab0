"""Who may do what to a dispute: by role, by area, and by two persons where two are needed."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest

from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.audit.chain import ChainEnd, entries, verify
from hub.grpc.client import bearer, refusal_of
from tests.support.access import token_of
from tests.support.intake_rig import HANDED_OVER, IntakeClient, Rig, submission
from tests.support.orders import agree, order, to_mediation

DAY = timedelta(days=1)


@pytest.fixture
async def dispute_id(rig: Rig, client: IntakeClient) -> str:
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    return rig.bridge.dispute_id("A-1")


async def codes(client: IntakeClient, *commands: command_pb2.Command) -> list[str]:
    return [result.refusal.code for result in await client.execute(*commands)]


def closing(dispute_id: str, *, reviewer_id: str = "reviewer-1", holder: str = "clerk-1") -> command_pb2.Command:
    return order(
        dispute_id,
        "close",
        HANDED_OVER + 20 * DAY,
        actor=(holder.partition("-")[0], holder),
        reviewer_id=reviewer_id,
        result_reported=True,
        satisfied_or_explained=True,
    )


async def in_follow_up(client: IntakeClient, dispute_id: str) -> None:
    at = HANDED_OVER + 3 * DAY
    done = order(dispute_id, "record_performance", at + DAY, evidence_sha256="ab" * 32)
    visit_on = (at + 10 * DAY).date().isoformat()
    assert (
        await codes(
            client,
            *to_mediation(dispute_id),
            agree(dispute_id, at),
            done,
            order(dispute_id, "begin_follow_up", at + 2 * DAY, visit_on=visit_on),
            order(dispute_id, "record_visit", at + 10 * DAY, clean=True),
        )
        == [""] * 7
    )


async def given(client: IntakeClient, command: command_pb2.Command) -> str:
    """Give a command as its actor, approved or not; returns the code of the refusal."""
    who = await client.credentials.of(command.actor.role, command.actor.actor_id)
    request = intake_pb2.ExecuteBatchRequest(commands=[command])
    (result,) = (await client.stub.ExecuteBatch(request, timeout=20, metadata=who)).results
    return str(result.refusal.code)


async def test_two_persons_strike_off(client: IntakeClient, dispute_id: str) -> None:
    await in_follow_up(client, dispute_id)
    close = closing(dispute_id)
    assert await given(client, close) == "second_person_missing"
    assert await client.approve(close) == [""]
    other = closing(dispute_id, reviewer_id="reviewer-2")
    assert await given(client, other) == "second_person_missing", "another content was not approved"
    assert await given(client, close) == ""
    assert await client.state(dispute_id) == "closed"
    assert (await client.history(dispute_id))[-1].particulars.reviewer_id == "reviewer-1"


async def test_what_happened_since_was_not_approved(client: IntakeClient, dispute_id: str) -> None:
    await in_follow_up(client, dispute_id)
    close = closing(dispute_id)
    assert await client.approve(close) == [""]
    assert await codes(client, order(dispute_id, "record_visit", HANDED_OVER + 15 * DAY, clean=True)) == [""]
    assert await given(client, close) == "second_person_missing"
    assert await client.approve(close) == [""]
    assert await given(client, close) == ""


async def test_nobody_approves_for_another_or_what_needs_nobody(client: IntakeClient, dispute_id: str) -> None:
    await in_follow_up(client, dispute_id)
    assert await client.approve(closing(dispute_id), by="reviewer-2") == ["approver_not_named"]
    assert await client.approve(closing(dispute_id, reviewer_id="leader-1"), by="leader-1") == [""]
    assert await given(client, closing(dispute_id, reviewer_id="leader-1")) == "second_person_missing", (
        "not for a leader"
    )
    visit = order(dispute_id, "record_visit", HANDED_OVER + 15 * DAY, clean=True)
    assert await client.approve(visit, by="reviewer-1") == ["needs_no_second"]
    nowhere = closing("00000000-0000-5000-8000-000000000000")
    assert await client.approve(nowhere) == ["unknown_dispute"]
    bad = closing("nothing")
    assert await client.approve(bad) == ["bad_id"]


async def test_the_actor_is_whoever_holds_the_credential(client: IntakeClient, dispute_id: str) -> None:
    who = await client.credentials.of("dispatcher", "dispatcher-1")
    (first, *_) = to_mediation(dispute_id)
    for role, holder in (("clerk", "dispatcher-1"), ("dispatcher", "dispatcher-2"), ("leader", "")):
        first.actor.role, first.actor.actor_id = role, holder
        request = intake_pb2.ExecuteBatchRequest(commands=[first])
        (result,) = (await client.stub.ExecuteBatch(request, timeout=20, metadata=who)).results
        assert (result.refusal.code, result.refusal.field) == ("not_your_actor", "actor")
    first.ClearField("actor")
    await client.stub.Execute(intake_pb2.ExecuteRequest(command=first), timeout=20, metadata=who)
    last = (await client.history(dispute_id))[-1]
    assert (last.type, last.actor_role, last.actor_id) == ("dispatched", "dispatcher", "dispatcher-1")


async def test_the_content_of_a_command_decides_whose_it_is(client: IntakeClient, dispute_id: str) -> None:
    await client.execute(*to_mediation(dispute_id))
    at = HANDED_OVER + 10 * DAY
    by_leader = order(dispute_id, "extend", at, actor=("leader", "leader-1"), consent_of_all=True, days=5)
    assert await codes(client, by_leader) == ["not_for_role"], "a court's mediation is extended by its mediator"
    assert (await client.history(dispute_id))[-1].type == "mediation_begun"


async def test_a_dispute_of_another_county_is_none(client: IntakeClient, dispute_id: str) -> None:
    here, there = [bearer(await token_of(client.intake, "clerk-9", "clerk", area)) for area in ("620725", "431230")]
    town = bearer(await token_of(client.intake, "clerk-9", "clerk", "620725204"))
    look = intake_pb2.GetDisputeRequest(dispute_id=dispute_id)
    assert (await client.stub.GetDispute(look, timeout=20, metadata=here)).dispute.dispute_id == dispute_id
    unknown = intake_pb2.GetDisputeRequest(dispute_id="00000000-0000-5000-8000-000000000000")
    for who, request in ((there, look), (town, look), (here, unknown)):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await client.stub.GetDispute(request, timeout=20, metadata=who)
        refusal = refusal_of(error.value)
        assert (refusal.code, refusal.detail) == ("unknown_dispute", refusal_of(error.value).detail)
    command = order(dispute_id, "withdraw", HANDED_OVER + DAY, reason_code="applicant_withdrew")
    command.ClearField("actor")
    (result,) = (
        await client.stub.ExecuteBatch(intake_pb2.ExecuteBatchRequest(commands=[command]), timeout=20, metadata=there)
    ).results
    assert result.refusal.code == "unknown_dispute"
    listed = await client.stub.ListDisputes(intake_pb2.ListDisputesRequest(), timeout=20, metadata=there)
    assert list(listed.disputes) == []
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await client.stub.Submit(submission(), timeout=20, metadata=there)
    assert refusal_of(error.value).code == "not_your_actor"
    nobody = submission()
    nobody.ClearField("actor")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await client.stub.Submit(nobody, timeout=20, metadata=there)
    assert refusal_of(error.value).code == "county_out_of_scope"


async def test_what_was_done_is_in_the_audit_with_who_did_it(client: IntakeClient, dispute_id: str) -> None:
    await client.execute(*to_mediation(dispute_id))
    early = order(dispute_id, "close", HANDED_OVER + DAY, actor=("clerk", "clerk-1"), reviewer_id="reviewer-1")
    assert await codes(client, early, early) != ["", ""]
    await client.call("Submit", submission())
    await client.advance(HANDED_OVER + 2 * DAY)
    found = await client.intake.store.read(lambda tx: [entry for _, entry in entries(tx)])
    said = [(each.holder, each.call.rpartition("/")[2], each.about) for each in found if each.role != "operator"]
    assert [(holder, call) for holder, call, _ in said] == [
        ("dispatcher-1", "Execute"),
        ("handler-1", "Execute"),
        ("mediator-1", "Execute"),
        ("reviewer-1", "Approve"),
        ("reviewer-1", "Approve"),
        ("clerk-1", "Execute"),
        ("clerk-1", "Submit"),
    ]
    assert said[0][2] == (f"{dispute_id} dispatch T7",)
    assert said[3][2] == (f"{dispute_id} close approved",)
    assert [each.split()[1:] for each in said[5][2]] == [["close", "wrong_state"], ["close", "wrong_state"]]
    assert said[6][2][0].endswith(" submit T1+T3+T5") or " submit T1" in said[6][2][0]
    assert any(each.call.endswith("/AdvanceClock") for each in found)
    assert len({each.correlation_id for each in found}) == len(found), "each call has its own"
    assert isinstance(await client.intake.store.read(verify), ChainEnd)
    assert "欠薪" not in str(found)
