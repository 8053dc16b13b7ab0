"""Credentials of whoever a test has act."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from dispute.access.roles import role_table
from hub.access.beats import TOPIC
from hub.access.credential import Credential
from hub.access.credential_set import issue, stored_set
from hub.access.verifier import Caller, SetVerifier
from hub.grpc.client import Metadata, bearer
from hub.store.store import Store
from hub.streams.envelope import Message
from hub.streams.memory import MemoryBus, MemoryPublisher
from hub.wire.access.v1 import access_pb2

CLERK = Caller("", "clerk-1", "clerk", frozenset(), "")
HANDLER = Caller("", "handler-1", "handler", frozenset(), "")
DISPATCHER = Caller("", "dispatcher-1", "dispatcher", frozenset(), "")
LATER = datetime(2100, 1, 1, tzinfo=UTC)


class Served(Protocol):
    """A built service."""

    @property
    def store(self) -> Store: ...

    @property
    def verifier(self) -> SetVerifier: ...


async def token_of(served: Served, holder: str, role: str, area: str = "", *scopes: str) -> str:
    """Issue a credential in the store of a service, which knows it at once."""
    wanted = Credential("", "", holder, role, frozenset(scopes), area, LATER)
    token = (await served.store.write(lambda tx: issue(tx, wanted))).token
    served.verifier.take(await served.store.read(stored_set))
    return token


class Credentials:
    """Credentials of everybody whom a test has act, made when they first do."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._tokens: dict[tuple[str, str], str] = {}

    async def of(self, role: str, holder: str) -> Metadata:
        """Return the metadata of a holder's credential."""
        return bearer(await self.token(role, holder))

    async def token(self, role: str, holder: str) -> str:
        """Return the token of a holder's credential."""
        token = self._tokens.get((role, holder))
        if token is None:
            token = await token_of(self._served, holder, role)
            self._tokens[role, holder] = token
        return token

    async def of_request(self, name: str, request: Any) -> Metadata:  # noqa: ANN401 - any method
        """Return the metadata of the actor whom a request names, else of somebody who may make the call."""
        actor = getattr(request, "actor", None) or getattr(getattr(request, "command", None), "actor", None)
        if name == "ExecuteBatch" and request.commands:
            actor = request.commands[0].actor
        if actor is not None and actor.role:
            return await self.of(actor.role, actor.actor_id)
        able = role_table().calls[f"hub.intake.v1.IntakeService/{name}"].by
        role = next(role for role in ("operator", "auditor", "clerk") if role in able)
        return await self.of(role, f"{role}-1")


class ShownStub:
    """A stub whose calls show a credential."""

    def __init__(self, stub: Any, token: str) -> None:  # noqa: ANN401 - stubs are untyped
        self._stub = stub
        self._who = bearer(token)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return partial(getattr(self._stub, name), metadata=self._who)


def beat(bus: MemoryBus) -> None:
    """Tell whoever reads the bus, once and for all, that no credential was revoked."""
    message = access_pb2.CredentialBeat()
    message.sent_at.FromDatetime(LATER)
    MemoryPublisher(bus).send(Message(TOPIC, 0, b"credentials", message.SerializeToString(), ()))
