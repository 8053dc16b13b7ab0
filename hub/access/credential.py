"""Credentials of people and systems, as every service keeps them.

A token is 32 random bytes, so that its SHA-256 can't be searched for; a slow hash protects guessable passwords and
would only cost 50 ms a call here.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from msgspec import Struct

PREFIX: Final = "hub_"
"""Begins each token, so that people and scanners of secrets know one where it doesn't belong."""
TOKEN_BYTES: Final = 32
SUBJECT_CHARS: Final = 255
"""Longest subject of an identity provider (OpenID Connect Core 1.0, section 2, `sub`)."""
NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""End of keys from before credentials had one."""

_NAMESPACE: Final = UUID("5a5f6f3e-5a0e-5d5b-9d5c-3a3c5f0a8e19")


class Credential(Struct, frozen=True):
    """One credential; the token is known only to its holder.

    Attributes:
        credential_id: UUIDv5 of the digest, so that a key is one credential wherever it is written down.
        token_sha256: SHA-256 of the token, lower-case hex.
        holder: Pseudonym of the person, or name of the system.
        role: One role.
        scopes: What of its role it is for; empty is all of it.
        area: Division code of the county or town whose disputes it reaches; empty is every county.
        expires_at: From when on it is not valid.
        revoked_at: When it was revoked; None while it was not.
    """

    credential_id: str
    token_sha256: str
    holder: str
    role: str
    scopes: frozenset[str]
    area: str
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_valid(self, at: datetime) -> bool:
        """Tell whether it is valid at an instant."""
        return at < self.expires_at and (self.revoked_at is None or at < self.revoked_at)


def new_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """Return the stored form of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_subject(text: str) -> bool:
    """Tell whether an identity provider can name a person so: without controls, line breaks and lone surrogates."""
    return 0 < len(text) <= SUBJECT_CHARS and text.isprintable()


def openid_digest(issuer: str, subject: str, number: int) -> str:
    """Return what the set keeps, in place of a token's digest, for a person whom an identity provider names.

    Nobody can send a token with this digest: the text has NUL, which no header can hold and `SetVerifier` refuses.

    Args:
        issuer: Of the provider, without NUL, as its tokens have it.
        subject: `is_subject`.
        number: Which credential of this person it is, from 1: a new one after an end, a revocation or a change of role.
    """
    return digest_of(f"\x00openid\x00{issuer}\x00{subject}\x00{number}")


def id_of(token_sha256: str) -> str:
    """Return the id of the credential whose token has this digest."""
    return str(uuid5(_NAMESPACE, token_sha256))


def reaches(area: str, division: str) -> bool:
    """Tell whether a dispute of this division is in an area; one of no known division is in every area."""
    return division.startswith(area) or area.startswith(division)
