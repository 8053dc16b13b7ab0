"""Keeps the people of disputes sealed, each with a key of their own that can be destroyed (ADR-0019)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from dispute.contracts.sealing import RING as HANDOFF_RING
from dispute.contracts.sealing import PartSealer, parts_of
from dispute.lifecycle import key_owner_of
from dispute.refusals.interfaces import CANNOT_OPEN
from dispute.wire.handoff.v1 import handoff_pb2
from hub.runtime.key_ring import KeyRing
from hub.runtime.keys import load_or_create
from services.intake.cases.vault import SealedSecret, Vault

RING: Final = "party-ring"


class PartyVault:
    """Seals and opens the people and the text of disputes.

    Args:
        keys_dir: Folder of the keys; missing ones are made.

    Raises:
        Fault: `key_exposed`, `key_damaged`.
    """

    def __init__(self, keys_dir: Path) -> None:
        ring = KeyRing(keys_dir, RING)
        ring.create()
        self._sealer = PartSealer(ring)
        self._handoffs = KeyRing(keys_dir, HANDOFF_RING)
        self._earlier = Vault(load_or_create(keys_dir, "intake-store").secret)

    def seal(self, dispute_id: str, agency: str, parts: Sequence[bytes]) -> tuple[object, ...]:
        """Return the row of `confidential` with these parts; those that are empty stay so."""
        ring_id, sealed = self._sealer.ring.id, self._sealer.seal(key_owner_of(dispute_id), agency, parts)
        stored = handoff_pb2.Sealed(key_id=ring_id, parts=sealed).SerializeToString()
        return dispute_id, agency, b"", b"", stored

    def open(self, row: sa.Row[Any]) -> Sequence[bytes | None]:
        """Return the parts of a row of `confidential`: text and parties; None for what is not there any more.

        Raises:
            Rejected: `cannot_open`: another key, or a changed text.
        """
        if row.wrapped_key:
            # An earlier release sealed all of a dispute as one.
            its = SealedSecret(bytes(row.wrapped_key), bytes(row.nonce), bytes(row.ciphertext))
            content = self._earlier.open(row.dispute_id, row.agency, its)
            return parts_of(handoff_pb2.Confidential.FromString(content))
        try:
            sealed = handoff_pb2.Sealed.FromString(bytes(row.ciphertext))
        except DecodeError as error:
            raise CANNOT_OPEN.error() from error
        if sealed.key_id != self._sealer.ring.id:
            raise CANNOT_OPEN.error()
        return self._sealer.open(key_owner_of(row.dispute_id), row.agency, sealed.parts)

    def destroy(self, dispute_id: str, agency: str, handoff_id: str, kept: Sequence[int]) -> None:
        """Destroy the keys of a dispute's text and parties but those of some parties, here and of its hand-offs.

        Args:
            dispute_id: Dispute.
            agency: Whose record it is.
            handoff_id: What registered it; of other hand-offs nothing stays.
            kept: Numbers of the parties that stay, from 1.

        Raises:
            OSError: The files can't be written; then everything is as before, or in one of them.
        """
        owner = key_owner_of(dispute_id)
        self._handoffs.destroy(owner, {handoff_id: kept})
        self._sealer.ring.destroy(owner, {agency: kept})
