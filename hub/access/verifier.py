"""Verifies tokens from memory.

The answer to an unknown, an expired and a revoked token is the same: nobody learns which it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Final, Protocol

from msgspec import Struct
from typing_extensions import override

from hub.access.credential import Credential, digest_of, openid_digest
from hub.access.credential_set import CredentialSet
from hub.refusals import UNAUTHENTICATED

STALE_S: Final = 60.0
"""After so long without a beat a revocation might wait behind: people's commands are refused."""


class Caller(Struct, frozen=True):
    """Who calls.

    Attributes:
        credential_id: Of the credential that was shown.
        holder: Pseudonym of the person, or name of the system.
        role: Its role.
        scopes: What of the role it is for; empty is all of it.
        area: Division code; empty is every county.
    """

    credential_id: str
    holder: str
    role: str
    scopes: frozenset[str]
    area: str


class TokenVerifier(Protocol):
    """Finds the caller of a token: of our own set, of an identity provider, or of a certificate."""

    def caller_of(self, token: str, at: datetime) -> Caller:
        """Return the caller.

        Raises:
            Rejected: `unauthenticated`.
        """

    def known(self, token: str, at: datetime) -> Caller | None:
        """Return the caller; None for a token that is not valid."""


class SetVerifier(TokenVerifier):
    """Verifies by a set of credentials, which is replaced as a whole."""

    def __init__(self) -> None:
        self._version = -1
        self._by_digest: Mapping[str, Credential] = {}

    @property
    def version(self) -> int:
        """Version of the set; -1 before the first one."""
        return self._version

    def take(self, newer: CredentialSet) -> None:
        """Verify by this set from now on, unless a newer one is known."""
        if newer.version > self._version:
            self._by_digest = {each.token_sha256: each for each in newer.credentials}
            self._version = newer.version

    @override
    def caller_of(self, token: str, at: datetime) -> Caller:
        """Return the caller of a token; errors as of the port.

        A digest that was looked up tells nothing by its time: nobody can choose its beginning.
        """
        caller = self.known(token, at)
        if caller is None:
            raise UNAUTHENTICATED.error()
        return caller

    @override
    def known(self, token: str, at: datetime) -> Caller | None:
        """Return the caller of a token; None for one that is not valid."""
        # No header holds NUL. Here it would let anybody send the text of whose digest a person's row is made.
        if not token or "\x00" in token:
            return None
        its = self._by_digest.get(digest_of(token))
        return None if its is None else _valid(its, at)

    def person(self, issuer: str, subject: str, at: datetime) -> Caller | None:
        """Return the caller whom an identity provider names; None for one who has no valid credential.

        Of several that are valid the first one counts: it is looked at number by number, up to one that was never made.
        """
        for number in count(1):
            its = self._by_digest.get(openid_digest(issuer, subject, number))
            if its is None:
                return None
            if (caller := _valid(its, at)) is not None:
                return caller
        return None


def _valid(its: Credential, at: datetime) -> Caller | None:
    if not its.is_valid(at):
        return None
    return Caller(its.credential_id, its.holder, its.role, its.scopes, its.area)
