"""Credentials are issued, listed and ended over gRPC; bad input is named by field, and a token is shown once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from hub.access.credential import Credential, digest_of, new_token
from hub.access.credential_set import CredentialSet, stored_set
from hub.access.gate import Gate
from hub.access.verifier import SetVerifier
from hub.audit.chain import begin, entries
from hub.errors import Refused
from hub.grpc.access import AccessServicer
from hub.grpc.client import channel, refusal_of
from hub.grpc.server import GrpcServer
from hub.runtime.clock import FixedClock
from hub.runtime.metrics import Metrics
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.wire.access.v1 import access_pb2, access_pb2_grpc
from tests.support.access import ShownStub

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
SERVICE = access_pb2.DESCRIPTOR.services_by_name["AccessService"].full_name


class Names:
    def may_hold(self, role: str, holder: str, _area: str) -> bool:
        return role in {"clerk", "court"} and holder != "court-nobody"

    def may_call(self, role: str, _scopes: frozenset[str], _call: str) -> bool:
        return role == "operator"

    def is_person(self, role: str) -> bool:
        return role != "court"

    def goes_on(self, _role: str) -> bool:
        return True


class Desk:
    """An access service, its store and a client."""

    def __init__(self, store: Store, stub: Any) -> None:  # noqa: ANN401 - a generated stub
        self.store = store
        self.stub = stub

    async def issue(self, **changes: Any) -> access_pb2.IssueCredentialResponse:  # noqa: ANN401 - any field
        request = access_pb2.IssueCredentialRequest(
            **{"holder": "clerk-1", "role": "clerk", "area": "620725", **changes}
        )
        if "expires_at" not in changes:
            request.expires_at.FromDatetime(NOW + timedelta(days=90))
        return await self.stub.IssueCredential(request, timeout=10)  # type: ignore[no-any-return]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = Store(f"sqlite:///{tmp_path}/a.db")
    migrate(store, tmp_path)
    store.write_blocking(begin)
    verifier, token = SetVerifier(), new_token()
    operator = Credential("c-1", digest_of(token), "operator-1", "operator", frozenset(), "", NOW + timedelta(days=1))
    verifier.take(CredentialSet(0, (operator,)))
    servicer = AccessServicer(store, Names(), FixedClock(NOW), lambda: None)
    server = GrpcServer(
        "127.0.0.1:0",
        [(access_pb2_grpc.add_AccessServiceServicer_to_server, servicer, SERVICE)],
        Metrics(),
        gate=Gate(verifier, Names(), FixedClock(NOW)),
    )
    await server.start()
    line = channel(f"127.0.0.1:{server.port}")
    yield Desk(store, ShownStub(access_pb2_grpc.AccessServiceStub(line), token))
    await line.close()
    await server.stop()
    store.close()


async def test_a_token_is_in_its_own_answer_alone(desk: Desk) -> None:
    made = await desk.issue(scopes=["submit", "read"])
    assert (made.credential.holder, made.credential.role, list(made.credential.scopes)) == (
        "clerk-1",
        "clerk",
        ["read", "submit"],
    )
    listed = await desk.stub.ListCredentials(access_pb2.ListCredentialsRequest(), timeout=10)
    assert list(listed.credentials) == [made.credential]
    assert made.token not in str(listed)
    assert digest_of(made.token) not in str(listed) + str(made.credential)
    verifier = SetVerifier()
    verifier.take(await desk.store.read(stored_set))
    assert verifier.caller_of(made.token, NOW).holder == "clerk-1"


async def test_a_token_is_rotated_without_a_gap(desk: Desk) -> None:
    old, new = await desk.issue(), await desk.issue()
    request = access_pb2.RevokeCredentialRequest(credential_id=old.credential.credential_id)
    request.at.FromDatetime(NOW + timedelta(hours=1))
    ended = await desk.stub.RevokeCredential(request, timeout=10)
    assert ended.credential.revoked_at == request.at
    verifier = SetVerifier()
    verifier.take(await desk.store.read(stored_set))
    for at, valid in ((NOW, {old.token, new.token}), (NOW + timedelta(hours=1), {new.token})):
        assert {token for token in (old.token, new.token) if passes(verifier, token, at)} == valid


def passes(verifier: SetVerifier, token: str, at: datetime) -> bool:
    try:
        verifier.caller_of(token, at)
    except Refused:
        return False
    return True


async def test_only_one_holder_is_listed(desk: Desk) -> None:
    await desk.issue()
    mine = await desk.issue(holder="court-620725", role="court", area="")
    listed = await desk.stub.ListCredentials(access_pb2.ListCredentialsRequest(holder="court-620725"), timeout=10)
    assert list(listed.credentials) == [mine.credential]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"holder": ""}, "bad_holder", "holder"),
        ({"holder": "张三"}, "bad_holder", "holder"),
        ({"holder": "x" * 65}, "bad_holder", "holder"),
        ({"role": "chief"}, "unknown_role", "role"),
        ({"role": ""}, "unknown_role", "role"),
        ({"scopes": ["Read"]}, "bad_scope", "scopes"),
        ({"scopes": ["read"] * 17}, "bad_scope", "scopes"),
        ({"area": "62072"}, "bad_area", "area"),
        ({"area": "county"}, "bad_area", "area"),
        ({"expires_at": None}, "bad_expiry", "expires_at"),
        ({"expires_at": NOW}, "bad_expiry", "expires_at"),
        ({"expires_at": NOW + timedelta(days=367)}, "bad_expiry", "expires_at"),
    ],
)
async def test_bad_input_is_named(desk: Desk, changes: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await desk.issue(**changes)
    refused = refusal_of(error.value)
    assert (refused.code, refused.field) == (code, field)
    assert (await desk.store.read(stored_set)).version == 0


async def test_what_is_not_there_is_not_ended(desk: Desk) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await desk.stub.RevokeCredential(access_pb2.RevokeCredentialRequest(credential_id="x"), timeout=10)
    assert refusal_of(error.value).code == "unknown_credential"


async def test_who_issued_and_ended_what_is_in_the_audit(desk: Desk) -> None:
    made = (await desk.issue()).credential.credential_id
    await desk.stub.RevokeCredential(access_pb2.RevokeCredentialRequest(credential_id=made), timeout=10)
    found = await desk.store.read(lambda tx: [each for _, each in entries(tx)])
    assert [(each.holder, each.role, each.call.rpartition("/")[2], each.about) for each in found] == [
        ("operator-1", "operator", "IssueCredential", (made,)),
        ("operator-1", "operator", "RevokeCredential", (made,)),
    ]
    assert all(each.correlation_id for each in found)
