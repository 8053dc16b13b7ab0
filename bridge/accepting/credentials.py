"""API keys of agencies.

A key is issued once, kept as a digest, and valid for one agency and one county. A key is 32 random bytes, so its
SHA-256 can't be searched for: a slow hash (argon2) protects guessable passwords and would only cost 50 ms a request
here. Digests are compared in constant time; the table is small and held in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bridge.record.facts import Sender
from bridge.tables import credential
from dispute.lifecycle.vocabulary import DOCKED
from dispute.refusals.interfaces import AGENCY_FORMAT, COUNTY_FORMAT
from hub.errors import Fault
from hub.refusals import UNAUTHENTICATED
from hub.runtime.clock import Clock
from hub.store.instants import to_micros
from hub.store.store import Store, Transaction

KEY_BYTES: Final = 32
REFRESH_S: Final = 5.0
"""A key revoked in the store stops working after this long at the latest."""
MISS_REFRESH_S: Final = 0.5
"""A key added in the store works after this long; also bounds the cost of wrong keys."""

_AGENCY: Final = rf"^({'|'.join(DOCKED)})-[a-z0-9][a-z0-9-]{{0,50}}$"
_COUNTY: Final = r"^[0-9]{2}([0-9]{2}([0-9]{2})?)?$"
_SHA256: Final = r"^[0-9a-f]{64}$"


@dataclass(frozen=True, slots=True)
class Credential:
    """Digest of one key, and its scope."""

    sender: Sender
    key_sha256: str = field(repr=False)


class _FileEntry(BaseModel):
    """One row of the credentials file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    agency: str = Field(pattern=_AGENCY)
    county: str = Field(pattern=_COUNTY)
    key_sha256: str = Field(pattern=_SHA256)


def digest(key: str) -> str:
    """Return a key's stored form: SHA-256, lower-case hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def read_file(path: Path, channel: str) -> list[Credential]:
    """Return the credentials of a file.

    A JSON list of `{agency, county, key_sha256}`; only those of this bridge are returned.

    Raises:
        Fault: `credentials_unreadable`: start-up stops, because the bridge can't serve its agencies.
    """
    try:
        entries = TypeAdapter(list[_FileEntry]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error) if isinstance(error, OSError) else f"{error.error_count()} faults in its entries"
        raise Fault("credentials_unreadable", f"{path}: {reason}") from None
    return [
        Credential(Sender(entry.agency, entry.county), entry.key_sha256)
        for entry in entries
        if _channel_of(entry.agency) == channel
    ]


def issue(tx: Transaction, channel: str, agency: str, county: str, clock: Clock) -> str:
    """Store a new credential and return its key.

    The key is shown only this once.

    Raises:
        Rejected: `agency_format`, `county_format`.
    """
    if not re.fullmatch(_AGENCY, agency) or _channel_of(agency) != channel:
        raise AGENCY_FORMAT.error(channel=channel)
    if not re.fullmatch(_COUNTY, county):
        raise COUNTY_FORMAT.error()
    key = secrets.token_urlsafe(KEY_BYTES)
    row = {"key_sha256": digest(key), "agency": agency, "county": county, "revoked": False}
    tx.execute(sa.insert(credential).values(**row, added_at=to_micros(clock.now())))
    return key


def revoke(tx: Transaction, agency: str) -> int:
    """Revoke every stored key of an agency; returns how many."""
    c = credential.c
    where = (c.agency == agency, c.revoked == sa.false())
    return tx.execute(sa.update(credential).where(*where).values(revoked=True)).rowcount


def listed(tx: Transaction) -> list[Credential]:
    """Return the stored credentials still valid, by agency."""
    c = credential.c
    query = sa.select(c.agency, c.county, c.key_sha256).where(c.revoked == sa.false()).order_by(c.agency, c.added_at)
    return [Credential(Sender(row.agency, row.county), row.key_sha256) for row in tx.execute(query)]


class KeyRing:
    """Finds the sender of a key.

    Keys come from the store, and from the file that was given at start.

    Args:
        store: The bridge's; read again every few seconds, so that adding and revoking need no restart.
        fixed: Credentials of the file.
        elapsed: Monotonic seconds.
    """

    def __init__(
        self, store: Store, fixed: Sequence[Credential] = (), *, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._fixed = fixed
        self._elapsed = elapsed
        self._loaded_at: float | None = None
        self._loading = asyncio.Lock()
        self._by_prefix: Mapping[str, Sequence[Credential]] = {}

    async def sender_of(self, key: str | None) -> Sender:
        """Return the sender of a key.

        Raises:
            Rejected: `unauthenticated`: no key, an unknown or a revoked one; the answer is the same.
        """
        if key:
            shown = digest(key)
            await self._reload(REFRESH_S)
            sender = self._find(shown)
            if sender is None and await self._reload(MISS_REFRESH_S):
                sender = self._find(shown)
            if sender is not None:
                return sender
        raise UNAUTHENTICATED.error()

    def known(self, key: str | None) -> str | None:
        """Return the agency of a key without reading the store.

        It is as of the last reading, so it is only for counting, not for authentication.
        """
        sender = self._find(digest(key)) if key else None
        return sender.agency if sender is not None else None

    def agencies(self) -> frozenset[str]:
        """Return the agencies known at the last reading."""
        return frozenset(one.sender.agency for some in self._by_prefix.values() for one in some)

    def _find(self, shown: str) -> Sender | None:
        # The bucket depends on a prefix of a digest, which nobody can choose; within it the time is constant.
        found = None
        for one in self._by_prefix.get(shown[:4], ()):
            if hmac.compare_digest(one.key_sha256, shown):
                found = one.sender
        return found

    async def _reload(self, older_than_s: float) -> bool:
        if not self._older(older_than_s):
            return False
        async with self._loading:  # a request that comes meanwhile waits for this reading and doesn't use the old one
            if self._older(older_than_s):
                began = self._elapsed()
                by_prefix: dict[str, list[Credential]] = defaultdict(list)
                for one in [*self._fixed, *await self._store.read(listed)]:
                    by_prefix[one.key_sha256[:4]].append(one)
                self._by_prefix, self._loaded_at = by_prefix, began
        return True

    def _older(self, than_s: float) -> bool:
        return self._loaded_at is None or self._elapsed() - self._loaded_at >= than_s


def _channel_of(agency: str) -> str:
    return agency.partition("-")[0]
