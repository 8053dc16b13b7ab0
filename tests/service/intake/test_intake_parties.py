"""Who sees whom: by role, for a purpose, and each look is in the audit."""

from __future__ import annotations

import grpc
import pytest

from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.intake.v1 import intake_pb2
from hub.audit.chain import AuditEntry, ChainEnd, entries, verify
from hub.errors import Refusal
from hub.grpc.client import bearer, refusal_of
from tests.support.access import token_of
from tests.support.intake_rig import IntakeClient, submission
from tests.support.journals import until

ADULT = handoff_pb2.Party(
    role="applicant",
    name="欧阳测试",
    id_type="citizen_id",
    id_number="11010519491231002X",
    phone="13912345678",
    address="山丹县清泉镇测试路九十九号",
)
CHILD = handoff_pb2.Party(role="respondent", name="测童", id_type="citizen_id", id_number="110105201501010017")
FIRM = handoff_pb2.Party(role="respondent", name="测试公司", id_type="uscc", id_number="91350100M000100Y43")
DENIED = ("auditor", "operator", "party", "public", "court")


async def registered(client: IntakeClient, *parties: handoff_pb2.Party) -> str:
    request = submission()
    del request.confidential.parties[:]
    request.confidential.parties.extend(parties)
    return str((await client.call("Submit", request)).receipt.dispute_id)


async def look(
    client: IntakeClient, role: str, dispute_id: str, purpose: str = "handling"
) -> intake_pb2.GetPartiesResponse:
    request = intake_pb2.GetPartiesRequest(dispute_id=dispute_id, purpose=purpose)
    who = await client.credentials.of(role, f"{role}-1")
    return await client.stub.GetParties(request, timeout=20, metadata=who)  # type: ignore[no-any-return]


async def refused(client: IntakeClient, role: str, dispute_id: str, purpose: str = "handling") -> Refusal:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await look(client, role, dispute_id, purpose)
    return refusal_of(error.value)


async def looks(client: IntakeClient) -> list[AuditEntry]:
    def read(tx) -> list[AuditEntry]:  # type: ignore[no-untyped-def] # noqa: ANN001 - a transaction
        return [entry for _, entry in entries(tx) if entry.call.endswith("/GetParties")]

    return await client.intake.store.read(read)


async def test_who_works_on_a_case_sees_its_people(client: IntakeClient) -> None:
    dispute_id = await registered(client, ADULT, FIRM)
    for role in ("clerk", "handler", "mediator"):
        found = await look(client, role, dispute_id)
        assert (list(found.parties), found.masked) == ([ADULT, FIRM], False)


async def test_others_see_them_masked_and_minors_not_at_all(client: IntakeClient) -> None:
    dispute_id = await registered(client, ADULT, CHILD)
    for role in ("dispatcher", "reviewer", "leader"):
        found = await look(client, role, dispute_id, "oversight")
        assert found.masked
        assert [(one.name, one.id_number, one.phone, one.address) for one in found.parties] == [
            ("欧阳**", "110***********002X", "139****5678", "山丹县清泉镇"),
            ("未成年人", "", "", ""),
        ]


async def test_nobody_looks_without_a_purpose(client: IntakeClient) -> None:
    dispute_id = await registered(client, ADULT)
    for purpose in ("", "curiosity"):
        its = await refused(client, "clerk", dispute_id, purpose)
        assert (its.code, its.field) == ("purpose_missing", "purpose")


async def test_each_look_is_in_the_audit_allowed_or_denied(client: IntakeClient) -> None:
    dispute_id = await registered(client, ADULT)
    await look(client, "mediator", dispute_id, "visit")
    for role in DENIED:
        assert (await refused(client, role, dispute_id)).code == "not_for_role"
    there = bearer(await token_of(client.intake, "clerk-9", "clerk", "431230"))
    request = intake_pb2.GetPartiesRequest(dispute_id=dispute_id, purpose="handling")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await client.stub.GetParties(request, timeout=20, metadata=there)
    assert refusal_of(error.value).code == "unknown_dispute"

    async def all_written() -> bool:
        return len(await looks(client)) == len(DENIED) + 2

    await until(all_written)
    found = await looks(client)
    assert [
        (each.role, each.purpose, each.about, each.denied) for each in found if each.role in {"mediator", "clerk"}
    ] == [
        ("mediator", "visit", (dispute_id,), ""),
        ("clerk", "handling", (), "unknown_dispute"),
    ]
    assert {each.role for each in found if each.denied == "not_for_role"} == set(DENIED)
    assert isinstance(await client.intake.store.read(verify), ChainEnd)
    assert not any(text in str(found) for text in ("欧阳", "110105", "139123"))
