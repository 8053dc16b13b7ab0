"""Commands over gRPC: repetition, batches with bad ones, refusals, queries, submissions."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from dispute.lifecycle import dispute_id_of
from dispute.wire.dispute.v1 import command_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.errors import Kind, Rejected, Retryable
from hub.grpc.vectors import vector_to_wire
from hub.streams.envelope import StreamName
from services.intake.cases.tables import command_done, confidential
from tests.support.intake_rig import HANDED_OVER, WALL, IntakeClient, Rig, case_facts, submission
from tests.support.orders import agree, order, to_mediation

DAY = timedelta(days=1)


@pytest.fixture
async def dispute_id(rig: Rig, client: IntakeClient) -> str:
    """An accepted dispute."""
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    return rig.bridge.dispute_id("A-1")


async def test_a_dispute_goes_its_way(client: IntakeClient, dispute_id: str) -> None:
    results = await client.execute(*to_mediation(dispute_id), agree(dispute_id, HANDED_OVER + DAY))
    assert [result.WhichOneof("result") for result in results] == ["position"] * 4
    assert [result.position.position for result in results] == [4, 5, 6, 7]
    history = await client.history(dispute_id)
    assert [event.sequence for event in history] == [1, 2, 3, 4, 5, 6, 7]
    signed = history[4]
    assert signed.cohort.due_on == "2024-04-07"  # 30 days from the signature; the 4th to the 6th are days off
    dispatched = history[3]
    assert dispatched.particulars.HasField("sign_by")


async def test_the_same_command_twice_gets_the_same_answer(client: IntakeClient, dispute_id: str) -> None:
    command = to_mediation(dispute_id)[0]
    first = await client.call("Execute", intake_pb2.ExecuteRequest(command=command))
    again = await client.call("Execute", intake_pb2.ExecuteRequest(command=command))
    assert (first.repeated, again.repeated) == (False, True)
    assert again.position == first.position
    assert again.dispute == first.dispute
    results = await client.execute(command, command)
    assert [(r.repeated, r.position) for r in results] == [(True, first.position)] * 2
    assert len(await client.history(dispute_id)) == 4


async def test_a_repeat_in_one_batch_is_answered_alike(client: IntakeClient, dispute_id: str) -> None:
    command = to_mediation(dispute_id)[0]
    first, again = await client.execute(command, command)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.position == again.position
    assert await client.rows(command_done) == 1


async def test_the_same_id_with_another_body_is_refused(client: IntakeClient, dispute_id: str) -> None:
    dispatch, sign, _ = to_mediation(dispute_id)
    await client.execute(dispatch)
    sign.command_id = dispatch.command_id
    refusal = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=sign))
    assert (refusal.code, refusal.kind) == ("key_reused", Kind.KEY_REUSED)
    other = command_pb2.Command()
    other.CopyFrom(dispatch)
    other.dispute_id = dispute_id_of("court-620725", "A-2")
    assert (await client.execute(other))[0].refusal.code == "key_reused"


async def test_a_refused_command_stays_refused(client: IntakeClient, dispute_id: str) -> None:
    dispatch, sign, _ = to_mediation(dispute_id)
    first = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=sign))
    assert (first.code, first.kind) == ("wrong_state", Kind.WRONG_STATE)
    await client.execute(dispatch)
    again = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=sign))
    assert (again.code, again.detail) == (first.code, first.detail)
    assert await client.state(dispute_id) == "dispatched"


async def test_a_command_for_an_unknown_dispute_may_come_again(rig: Rig, client: IntakeClient) -> None:
    command = to_mediation(rig.bridge.dispute_id("A-1"))[0]
    refusal = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=command))
    assert (refusal.code, refusal.kind) == ("unknown_dispute", Kind.NOT_FOUND)
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    await client.call("Execute", intake_pb2.ExecuteRequest(command=command))


async def test_one_bad_command_leaves_the_others_alone(rig: Rig, client: IntakeClient, dispute_id: str) -> None:
    rig.bridge.send(rig.bridge.handoff("A-2"))
    await client.applied(rig.bridge)
    other = rig.bridge.dispute_id("A-2")
    dispatch, sign, begin = to_mediation(dispute_id)
    huge = order(dispute_id, "bounce", reason_code="x" * 20_000)
    nobody = order(rig.bridge.dispute_id("A-9"), "sign")
    no_id = command_pb2.Command(dispute_id=dispute_id)
    bad_code = order(dispute_id, "fail", reason_code="because")
    early = order(other, "sign")
    results = await client.execute(dispatch, huge, nobody, no_id, bad_code, early, sign, to_mediation(other)[0], begin)
    said = [result.refusal.code or "done" for result in results]
    assert said == [
        "done",
        "command_too_large",
        "unknown_dispute",
        "bad_id",
        "unknown_code",
        "wrong_state",
        "done",
        "done",
        "done",
    ]
    assert results[4].refusal.field == "fail.reason_code"
    assert (await client.state(dispute_id), await client.state(other)) == ("mediating", "dispatched")


async def test_a_stale_sequence_is_told(client: IntakeClient, dispute_id: str) -> None:
    dispatch = to_mediation(dispute_id)[0]
    dispatch.expected_sequence = 2
    refusal = await client.refusal("Execute", intake_pb2.ExecuteRequest(command=dispatch))
    assert (refusal.code, refusal.kind) == ("stale_sequence", Kind.STALE)


async def test_two_people_at_once_one_wins(client: IntakeClient, dispute_id: str) -> None:
    commands = []
    for number in range(20):
        dispatch = order(
            dispute_id, "dispatch", lead_department=f"dep_{number}", level="county", dispatch_mode="assigned"
        )
        dispatch.command_id, dispatch.expected_sequence = str(uuid4()), 3
        commands.append(dispatch)
    calls = [client.call("Execute", intake_pb2.ExecuteRequest(command=command)) for command in commands]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert {o.code for o in outcomes if isinstance(o, Rejected)} == {"stale_sequence"}


async def test_limits_of_a_batch(client: IntakeClient) -> None:
    request = intake_pb2.ExecuteBatchRequest(commands=[command_pb2.Command()] * 1001)
    assert (await client.refusal("ExecuteBatch", request)).code == "too_many_items"
    assert await client.execute() == []


async def test_pages_of_disputes(rig: Rig, client: IntakeClient) -> None:
    refs = [f"A-{number}" for number in range(5)]
    rig.bridge.send(*(rig.bridge.handoff(ref) for ref in refs))
    rig.bridge.send(rig.bridge.handoff("X", case_received=case_facts(facts_clarity="unclear")))
    await client.applied(rig.bridge)
    seen: list[str] = []
    token = ""
    while True:
        request = intake_pb2.ListDisputesRequest(state="accepted", channel="court", page_size=2, page_token=token)
        page = await client.call("ListDisputes", request)
        seen += [dispute.dispute_id for dispute in page.disputes]
        token = page.next_page_token
        if not token:
            break
    assert seen == sorted(rig.bridge.dispute_id(ref) for ref in refs)
    for wrong, field in (
        (intake_pb2.ListDisputesRequest(state="nowhere"), "state"),
        (intake_pb2.ListDisputesRequest(channel="nobody"), "channel"),
        (intake_pb2.ListDisputesRequest(page_size=1001), "page_size"),
        (intake_pb2.ListDisputesRequest(page_token="x"), "page_token"),
    ):
        refusal = await client.refusal("ListDisputes", wrong)
        assert refusal.field == field


async def test_unknown_disputes_are_not_found(client: IntakeClient) -> None:
    for name, request in (
        ("GetDispute", intake_pb2.GetDisputeRequest(dispute_id="x\0y")),
        ("GetHistory", intake_pb2.GetHistoryRequest(dispute_id=str(uuid4()))),
    ):
        assert (await client.refusal(name, request)).kind is Kind.NOT_FOUND


async def test_waiting_ends_with_the_callers_time(client: IntakeClient) -> None:
    vector = vector_to_wire({StreamName("court_bridge", 3, "e0000001"): 7})
    with pytest.raises(Retryable) as caught:
        await client.call("AwaitApplied", intake_pb2.AwaitAppliedRequest(handoffs=vector), timeout_s=0.5)
    assert caught.value.kind is Kind.TOO_LATE


async def test_a_window_submits(client: IntakeClient) -> None:
    first = await client.call("Submit", submission())
    assert first.receipt.dispute_id == dispute_id_of("window-620725", "2024-17")
    assert await client.types(first.receipt.dispute_id) == ["registered", "screening_begun", "accepted"]
    assert (await client.dispute(first.receipt.dispute_id)).cohort.received_on == "2024-03-05"
    again = await client.call("Submit", submission())
    assert again.receipt.repeated
    again.receipt.repeated = False
    assert again == first
    assert await client.rows(confidential) == 1


async def test_a_window_may_not_say_two_things_under_one_reference(client: IntakeClient) -> None:
    await client.call("Submit", submission())
    changed = submission()
    changed.facts.category = "07"
    assert (await client.refusal("Submit", changed)).code == "key_reused"
    changed.idempotency_key = "another"
    refusal = await client.refusal("Submit", changed)
    assert (refusal.code, refusal.kind) == ("already_registered", Kind.KEY_REUSED)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "court"}, "channel"),
        ({"source_organ": "court-620725"}, "source_organ"),
        ({"source_ref": ""}, "source_ref"),
        ({"idempotency_key": "k" * 201}, "idempotency_key"),
    ],
)
async def test_bad_submissions_name_the_field(client: IntakeClient, change: dict[str, str], field: str) -> None:
    refusal = await client.refusal("Submit", submission(**change))
    assert (refusal.field, refusal.kind) == (field, Kind.MALFORMED)


async def test_bad_people_are_refused_without_showing_them(client: IntakeClient) -> None:
    request = submission()
    request.confidential.parties.add(role="respondent", name="乙", id_type="citizen_id", id_number="110105194912310021")
    refusal = await client.refusal("Submit", request)
    assert (refusal.code, refusal.field) == ("id_checksum", "confidential.parties.1.id_number")
    assert "110105194912310021" not in refusal.detail


async def test_nothing_is_stored_of_a_refused_submission(client: IntakeClient) -> None:
    request = submission()
    request.facts.county_code = "62"
    assert (await client.refusal("Submit", request)).code == "division_mismatch"
    books = await client.books()
    assert books["journal", "received"] == 0
    assert await client.rows(confidential) == 0


async def test_watchers_see_events_as_they_are_written(client: IntakeClient, dispute_id: str) -> None:
    heads = (await client.call("AwaitApplied", intake_pb2.AwaitAppliedRequest())).journal
    stream = await client.watch(intake_pb2.WatchEventsRequest(after=heads, types=["signed", "agreed"]))
    await client.execute(*to_mediation(dispute_id), agree(dispute_id, HANDED_OVER + DAY))
    seen: list[str] = []
    while len(seen) < 2:
        response = await stream.read()
        seen += [event.type for event in response.events]
    assert seen == ["signed", "agreed"]
    assert response.position.position == 7
    stream.cancel()
    everything = vector_to_wire({StreamName.parse(response.position.stream): 0})
    stream = await client.watch(intake_pb2.WatchEventsRequest(after=everything))
    assert [event.sequence for event in (await stream.read()).events] == [1, 2, 3, 4, 5, 6, 7]
    stream.cancel()


async def test_the_future_is_refused_on_the_wall_clock(rig: Rig) -> None:
    rig.clock_kind = "wall"
    client = await rig.start()
    rig.bridge.send(rig.bridge.handoff("A-1"))
    await client.applied(rig.bridge)
    late = to_mediation(rig.bridge.dispute_id("A-1"), WALL + DAY)[0]
    assert (await client.execute(late))[0].refusal.code == "date_in_future"
