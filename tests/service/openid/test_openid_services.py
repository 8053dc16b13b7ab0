"""A person with a token of the identity provider calls what the role allows, and is in the audit by the pseudonym."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from dispute.wire.intake.v1 import intake_pb2, intake_pb2_grpc
from dispute.wire.stats.v1 import stats_pb2, stats_pb2_grpc
from hub.access.credential import Credential, id_of, openid_digest
from hub.access.credential_set import CredentialSet
from hub.audit.chain import AuditEntry, entries
from hub.grpc.client import bearer, channel, refusal_of
from hub.service.bus import memory
from hub.store.store import Store
from hub.wire.access.v1 import access_pb2, access_pb2_grpc
from services.stats.wiring import build as build_stats
from tests.support.access import LATER
from tests.support.bridges import NOW, Workshop, eventually
from tests.support.intake_rig import Rig, submission
from tests.support.issuer import ISSUER, LocalIssuer
from tests.support.stats import settings_for

SUBJECT = "8d1c7c1e-4f0a"


@pytest.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    async with LocalIssuer("rsa-1", "ec-1").serving() as issuer:
        yield issuer


async def code_of(call: Any) -> str:  # noqa: ANN401 - a call of gRPC
    """Return the code of a call's refusal; empty when it is served."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error).code
    return ""


async def audited(store: Store) -> list[AuditEntry]:
    return await store.read(lambda tx: [entry for _, entry in entries(tx)])


async def test_a_person_is_issued_served_audited_and_revoked(rig: Rig, issuer: LocalIssuer, tmp_path: Path) -> None:
    rig.provider = issuer.settings
    client = await rig.start()
    stats = build_stats(
        settings_for(f"sqlite:///{tmp_path}/stats.db", tmp_path).model_copy(update=issuer.settings),
        memory(rig.bus),
        rig.clock,
    )
    for part in stats.parts:
        await part.start()
        rig.stack.push_async_callback(part.stop)
    line = await rig.stack.enter_async_context(channel(f"127.0.0.1:{client.intake.grpc.port}"))
    other = await rig.stack.enter_async_context(channel(f"127.0.0.1:{stats.grpc.port}"))
    intake, access = intake_pb2_grpc.IntakeServiceStub(line), access_pb2_grpc.AccessServiceStub(line)
    figures = stats_pb2_grpc.StatsServiceStub(other)
    operator = await client.credentials.of("operator", "operator-1")
    person = bearer(issuer.token(SUBJECT, rig.clock.now()))
    clock, rates = intake_pb2.GetClockRequest(), stats_pb2.GetRatesRequest()
    assert await code_of(intake.GetClock(clock, metadata=person, timeout=10)) == "unauthenticated"

    wanted = access_pb2.IssueCredentialRequest(
        holder="clerk-7", role="clerk", token_sha256=openid_digest(ISSUER, SUBJECT, 1)
    )
    wanted.expires_at.FromDatetime(rig.clock.now() + timedelta(days=90))
    made = await access.IssueCredential(wanted, metadata=operator, timeout=10)
    assert made.token == ""

    async def served() -> bool:
        return {
            await code_of(intake.GetClock(clock, metadata=person, timeout=10)),
            await code_of(figures.GetRates(rates, metadata=person, timeout=10)),
        } == {""}

    await eventually(served)
    given = submission()
    given.ClearField("actor")
    taken = await intake.Submit(given, metadata=person, timeout=10)
    assert taken.receipt.receipt_id
    assert await code_of(access.IssueCredential(wanted, metadata=person, timeout=10)) == "not_for_role"

    revoking = access_pb2.RevokeCredentialRequest(credential_id=made.credential.credential_id)
    await access.RevokeCredential(revoking, metadata=operator, timeout=10)

    async def refused() -> bool:
        return {
            await code_of(intake.GetClock(clock, metadata=person, timeout=10)),
            await code_of(figures.GetRates(rates, metadata=person, timeout=10)),
        } <= {"unauthenticated", "too_many_guesses"}  # this test asks more often than a guesser may

    await eventually(refused)

    async def is_audited() -> bool:
        found = await audited(client.intake.store)
        acts = {(one.call.rpartition("/")[2], one.holder, one.role, one.denied) for one in found}
        return acts >= {("Submit", "clerk-7", "clerk", ""), ("IssueCredential", "clerk-7", "clerk", "not_for_role")}

    await eventually(is_audited)
    everything = repr([await audited(store) for store in (client.intake.store, stats.store)])
    assert SUBJECT not in everything
    assert ISSUER not in everything


async def test_over_rest_too(sqlite_workshop: Workshop, issuer: LocalIssuer) -> None:
    async with sqlite_workshop.running("court", **dict[str, Any](issuer.settings)) as running:
        rows = []
        for subject, holder, role in (("a-1", "clerk-7", "clerk"), ("b-1", "court-620725", "agency")):
            digest = openid_digest(ISSUER, subject, 1)
            rows.append(Credential(id_of(digest), digest, holder, role, frozenset(), "620725", LATER))
        running.bridge.verifier.take(CredentialSet(99, tuple(rows)))
        tokens = {subject: issuer.token(subject, NOW, kid="ec-1") for subject in ("a-1", "b-1", "c-1")}

        async def answers() -> dict[str, int]:
            return {
                subject: (
                    await running.client.get("/v1/results", headers={"authorization": f"Bearer {token}"})
                ).status_code
                for subject, token in tokens.items()
            }

        async def keys_are_there() -> bool:
            return (await answers())["b-1"] == 200

        await eventually(keys_are_there)
        assert await answers() == {"a-1": 403, "b-1": 200, "c-1": 401}

        async def is_audited() -> bool:
            found = await audited(running.bridge.store)
            return ("clerk-7", "clerk", "not_for_role") in {(one.holder, one.role, one.denied) for one in found}

        await eventually(is_audited)
