"""Nobody is served without a valid credential of a role that may call; nothing is read before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped] # no stubs

from hub.access.credential import Credential, digest_of, new_token
from hub.access.credential_set import CredentialSet
from hub.access.gate import Gate, current_caller
from hub.access.rates import CallRates
from hub.access.verifier import Caller, SetVerifier
from hub.errors import Kind, Refusal
from hub.runtime.clock import FixedClock
from tests.support.echo import NAME, Item, MakeStand, Stand
from tests.unit.grpc.test_grpc_server import refusal

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
TOKENS = {role: new_token() for role in ("clerk", "court", "party")}
HEALTH = health_pb2.HealthCheckRequest()


class Table:
    """A clerk and a court may call One, a clerk may call Down."""

    def may_call(self, role: str, _scopes: frozenset[str], call: str) -> bool:
        return call in {"clerk": {f"{NAME}/One", f"{NAME}/Down"}, "court": {f"{NAME}/One"}}.get(role, set())

    def is_person(self, role: str) -> bool:
        return role != "court"

    def goes_on(self, role: str) -> bool:
        return role == "court"


class Door:
    """A gate, and what it noted."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, str, str]] = []
        self.used: list[tuple[str, datetime]] = []
        self.stale = False
        self.clock = FixedClock(NOW)
        verifier = SetVerifier()
        made = [
            Credential(role, digest_of(token), f"{role}-1", role, frozenset(), "", NOW + timedelta(hours=1))
            for role, token in TOKENS.items()
        ]
        verifier.take(CredentialSet(1, tuple(made)))
        self._verifier = verifier
        self.limit(None)

    def limit(self, rates: CallRates | None) -> None:
        """Count calls from now on."""
        self.gate = Gate(
            self._verifier,
            Table(),
            self.clock,
            is_stale=lambda: self.stale,
            rates=rates,
            note=self._note,
            used=lambda credential_id, at: self.used.append((credential_id, at)),
        )

    def _note(self, call: str, caller: Caller | None, address: str, refused: Refusal) -> None:
        assert address.startswith(("ipv4:127.0.0.1", "ipv6:"))
        self.noted.append((call.rpartition("/")[2], "" if caller is None else caller.holder, refused.code))


@pytest.fixture
def door() -> Door:
    return Door()


def bearer(role: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {TOKENS[role]}"),)


async def test_a_caller_of_the_right_role_is_known_to_the_servicer(make_stand: MakeStand, door: Door) -> None:
    stand = await make_stand(gate=door.gate)
    seen: list[Caller] = []

    async def look(_request: Any, _context: Any) -> None:  # noqa: ANN401 - of any method
        seen.append(current_caller())

    stand.echo.behaviour = look
    assert await stand.one(Item(position=3), metadata=bearer("clerk")) == Item(position=3)
    assert await stand.one(Item(position=4), metadata=(("x-api-key", TOKENS["court"]),)) == Item(position=4)
    stream = stand.down(Item(position=1), metadata=bearer("clerk"))
    assert [item async for item in stream] == [Item(position=0)]
    assert [(caller.holder, caller.role) for caller in seen] == [
        ("clerk-1", "clerk"),
        ("court-1", "court"),
        ("clerk-1", "clerk"),
    ]
    assert door.noted == []
    assert door.used == [("clerk", NOW), ("court", NOW), ("clerk", NOW)]


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer "),),
        (("authorization", f"Bearer {new_token()}"),),
        (("authorization", f"Basic {TOKENS['clerk']}"),),
        (("authorization", TOKENS["clerk"]),),
        (("x-api-key", ""),),
        (("x-api-key-bin", TOKENS["clerk"].encode()),),
    ],
)
async def test_nobody_else_is_served_and_the_answer_is_one(
    make_stand: MakeStand, door: Door, metadata: tuple[tuple[str, str], ...]
) -> None:
    stand = await make_stand(gate=door.gate)
    await denied(stand, metadata, "unauthenticated", Kind.UNAUTHENTICATED)
    assert door.noted == [("One", "", "unauthenticated")]


async def denied(stand: Stand, metadata: Any, code: str, kind: Kind) -> Refusal:  # noqa: ANN401 - pairs
    before = len(stand.echo.seen)
    verdict = await refusal(stand.one(Item(position=3), metadata=metadata))
    assert (verdict.code, verdict.kind) == (code, kind)
    assert len(stand.echo.seen) == before, "the servicer was not asked"
    return verdict


async def test_an_expired_token_is_like_an_unknown_one(make_stand: MakeStand, door: Door) -> None:
    stand = await make_stand(gate=door.gate)
    door.clock.move_to(NOW + timedelta(hours=1))
    await denied(stand, bearer("clerk"), "unauthenticated", Kind.UNAUTHENTICATED)


async def test_another_role_is_denied_and_named_to_the_audit(make_stand: MakeStand, door: Door) -> None:
    stand = await make_stand(gate=door.gate)
    await denied(stand, bearer("party"), "not_for_role", Kind.DENIED)
    verdict = await refusal(stand.plain(Item(position=1), metadata=bearer("clerk")))
    assert verdict.code == "not_for_role", "a call that the table does not have is nobody's"
    assert door.noted == [("One", "party-1", "not_for_role"), ("Plain", "clerk-1", "not_for_role")]


async def test_a_denied_call_of_a_known_credential_is_no_use(make_stand: MakeStand, door: Door) -> None:
    door.limit(CallRates(staff=2, systems=2, guesses=2, elapsed=lambda: 7.0))
    stand = await make_stand(gate=door.gate)
    await denied(stand, bearer("party"), "not_for_role", Kind.DENIED)
    door.stale = True
    await denied(stand, bearer("clerk"), "credentials_stale", Kind.UNAVAILABLE)
    assert door.used == []
    door.stale = False
    await stand.one(Item(position=1), metadata=bearer("clerk"))
    await denied(stand, bearer("clerk"), "too_many_calls", Kind.EXHAUSTED)
    door.clock.move_to(NOW + timedelta(hours=1))
    await denied(stand, bearer("court"), "unauthenticated", Kind.UNAUTHENTICATED)
    assert door.used == [("clerk", NOW)]


async def test_while_a_revocation_might_wait_people_are_refused_and_systems_served(
    make_stand: MakeStand, door: Door
) -> None:
    stand = await make_stand(gate=door.gate)
    door.stale = True
    await denied(stand, bearer("clerk"), "credentials_stale", Kind.UNAVAILABLE)
    assert await stand.one(Item(position=4), metadata=bearer("court")) == Item(position=4)
    door.stale = False
    assert await stand.one(Item(position=5), metadata=bearer("clerk")) == Item(position=5)


async def test_a_credential_makes_so_many_calls_a_minute_and_waits_then(make_stand: MakeStand, door: Door) -> None:
    door.limit(CallRates(staff=3, systems=5, guesses=2, elapsed=lambda: 7.0))
    stand = await make_stand(gate=door.gate)
    for role, most in (("clerk", 3), ("court", 5)):
        for position in range(most):
            assert await stand.one(Item(position=position), metadata=bearer(role)) == Item(position=position)
        refused = await denied(stand, bearer(role), "too_many_calls", Kind.EXHAUSTED)
        assert 1.0 <= refused.after_s <= 60.0


async def test_guesses_are_slowed_down_and_shut_nobody_out(make_stand: MakeStand, door: Door) -> None:
    door.limit(CallRates(staff=10, systems=10, guesses=2, elapsed=lambda: 7.0))
    stand = await make_stand(gate=door.gate)
    wrong = (("authorization", f"Bearer {new_token()}"),)
    for _ in range(2):
        await denied(stand, wrong, "unauthenticated", Kind.UNAUTHENTICATED)
    refused = await denied(stand, wrong, "too_many_guesses", Kind.EXHAUSTED)
    assert 1.0 <= refused.after_s <= 60.0
    assert await stand.one(Item(position=1), metadata=bearer("clerk")) == Item(position=1)
    assert [code for *_, code in door.noted] == ["unauthenticated", "unauthenticated", "too_many_guesses"]


async def test_health_is_open(make_stand: MakeStand, door: Door) -> None:
    stand = await make_stand(gate=door.gate)
    assert (await health_pb2_grpc.HealthStub(stand.client).Check(HEALTH)).status == 1
    assert door.noted == []


async def test_a_request_that_cannot_be_read_is_not_read_for_a_stranger(make_stand: MakeStand, door: Door) -> None:
    stand = await make_stand(gate=door.gate)
    raw = stand.client.unary_unary(f"/{NAME}/One")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await raw(b"\xff\xff")
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
