"""Serves AccessService: who has credentials."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Protocol, TypeAlias

import grpc
from msgspec.structs import replace
from typing_extensions import override

from hub.access.beats import credential_to_wire, instant_of
from hub.access.credential import Credential
from hub.access.credential_set import IssuedCredential, issue, revoke, stored_set
from hub.access.gate import current_caller
from hub.audit.chain import append
from hub.audit.recorder import entry_of
from hub.refusals import BAD_AREA, BAD_DIGEST, BAD_EXPIRY, BAD_HOLDER, BAD_SCOPE, UNKNOWN_ROLE
from hub.runtime.clock import Clock
from hub.store.store import Store, Transaction
from hub.wire.access.v1 import access_pb2, access_pb2_grpc

SERVICE: Final = access_pb2.DESCRIPTOR.services_by_name["AccessService"].full_name
LONGEST: Final = timedelta(days=366)
SCOPES_MOST: Final = 16
_AREA: Final = re.compile(r"(?:[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9})?")
_HOLDER: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_SHA256: Final = re.compile(r"(?:[0-9a-f]{64})?")
_SCOPE: Final = re.compile(r"[a-z][a-z0-9_]{0,15}")

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class RoleNames(Protocol):
    """The roles that a credential can have, as the product's table has them."""

    def may_hold(self, role: str, holder: str, area: str) -> bool:
        """Tell whether a holder can have this role in an area."""


class AccessServicer(access_pb2_grpc.AccessServiceServicer):
    """Issues and ends credentials in the store of this service.

    Args:
        store: Of the service.
        roles: Which roles there are.
        clock: Wall clock.
        changed: Called after each change, so that the others hear of it at once.
    """

    def __init__(self, store: Store, roles: RoleNames, clock: Clock, changed: Callable[[], None]) -> None:
        self._store = store
        self._roles = roles
        self._clock = clock
        self._changed = changed

    @override
    async def IssueCredential(
        self, request: access_pb2.IssueCredentialRequest, context: Context
    ) -> access_pb2.IssueCredentialResponse:
        """Make a credential; its token is in this answer and nowhere else."""
        wanted = self._wanted(request)
        entry = entry_of(self._clock.now(), f"{SERVICE}/IssueCredential", current_caller())

        def issued(tx: Transaction) -> IssuedCredential:
            made = issue(tx, wanted)
            append(tx, [replace(entry, about=(made.credential.credential_id,))])
            return made

        made = await self._store.write(issued)
        self._changed()
        return access_pb2.IssueCredentialResponse(credential=_shown(made.credential), token=made.token)

    @override
    async def RevokeCredential(
        self, request: access_pb2.RevokeCredentialRequest, context: Context
    ) -> access_pb2.RevokeCredentialResponse:
        """End a credential, now or at a time to come."""
        now = self._clock.now()
        entry = entry_of(now, f"{SERVICE}/RevokeCredential", current_caller())
        at = instant_of(request.at) if request.HasField("at") else now

        def revoked(tx: Transaction) -> Credential:
            ended = revoke(tx, request.credential_id, at)
            append(tx, [replace(entry, about=(ended.credential_id,))])
            return ended

        ended = await self._store.write(revoked)
        self._changed()
        return access_pb2.RevokeCredentialResponse(credential=_shown(ended))

    @override
    async def ListCredentials(
        self, request: access_pb2.ListCredentialsRequest, context: Context
    ) -> access_pb2.ListCredentialsResponse:
        """Return all credentials, by holder."""
        found = (await self._store.read(stored_set)).credentials
        mine = [each for each in found if request.holder in {"", each.holder}]
        mine.sort(key=lambda each: (each.holder, each.role, each.expires_at, each.credential_id))
        return access_pb2.ListCredentialsResponse(credentials=map(_shown, mine))

    def _wanted(self, request: access_pb2.IssueCredentialRequest) -> Credential:
        now = self._clock.now()
        expires_at = instant_of(request.expires_at)
        checks = (
            (_HOLDER.fullmatch(request.holder) is not None, BAD_HOLDER),
            (self._roles.may_hold(request.role, request.holder, request.area), UNKNOWN_ROLE),
            (_SHA256.fullmatch(request.token_sha256) is not None, BAD_DIGEST),
            (len(request.scopes) <= SCOPES_MOST and all(map(_SCOPE.fullmatch, request.scopes)), BAD_SCOPE),
            (_AREA.fullmatch(request.area) is not None, BAD_AREA),
            (request.HasField("expires_at") and now < expires_at <= now + LONGEST, BAD_EXPIRY),
        )
        for holds, code in checks:
            if not holds:
                raise code.error()
        return Credential(
            "", request.token_sha256, request.holder, request.role, frozenset(request.scopes), request.area, expires_at
        )


def _shown(its: Credential) -> access_pb2.Credential:
    return credential_to_wire(replace(its, token_sha256=""))
