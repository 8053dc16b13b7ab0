"""Seals parties on the wire.

AES-256-GCM. What a party can be forgotten by, the text and each party, has keys of its own, which can be destroyed
(ADR-0019); the rest is under the transport key that bridges and intake share.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from dispute.refusals.interfaces import CANNOT_OPEN
from dispute.wire.handoff.v1 import handoff_pb2
from hub.runtime.key_ring import KeyRing
from hub.runtime.keys import load_or_create

NONCE_BYTES: Final = 12
NONCES_DRAWN: Final = 256
"""Nonces drawn at once: each draw is a system call that also lets other threads take the interpreter."""
PURPOSE: Final = "hub.handoff.v1"
DIGEST_PURPOSE: Final = "hub.content.v1"
TRANSPORT: Final = "transport"
RING: Final = "handoff-ring"
TEXT: Final = 0
"""Number of the part with the free text; the first party's is the next one."""
_TEXTS: Final = tuple(
    field.name
    for field in handoff_pb2.Confidential.DESCRIPTOR.fields
    if field.name not in {"parties", "forgotten", "content_sha256"}
)
BLANK: Final = b"\n\0"
"""A party of whom nothing was said, as the wire has an empty role: an empty part stands for a forgotten one."""


def parts_of(confidential: handoff_pb2.Confidential) -> tuple[bytes, ...]:
    """Return the text, a serialised `Confidential`, and each `Party`, serialised; nothing where there is neither.

    A forgotten party's part is empty. The digest is in no part.
    """
    text = handoff_pb2.Confidential(**{name: getattr(confidential, name) for name in _TEXTS}).SerializeToString()
    parties = [party.SerializeToString() or BLANK for party in confidential.parties]
    for number in confidential.forgotten:
        parties[number - 1] = b""
    return (text, *parties) if text or parties else ()


def whole_of(parts: Sequence[bytes | None]) -> handoff_pb2.Confidential:
    """Return what parts say together; a party whose part is empty or None is a forgotten one."""
    text, *parties = parts or (b"",)
    whole = handoff_pb2.Confidential.FromString(text or b"")
    for number, party in enumerate(parties, start=1):
        whole.parties.add().MergeFromString(party or b"")
        if not party:
            whole.forgotten.append(number)
    return whole


class PartSealer:
    """Seals and opens parts, each with a key of a ring that is for this part alone: it opens in no other place."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._nonces: list[bytes] = []

    def seal(self, owner: str, group: str, parts: Sequence[bytes]) -> list[bytes]:
        """Encrypt parts; one that is empty, or whose key was destroyed, is empty.

        Args:
            owner: Name of the dispute in key rings (`dispute.lifecycle.key_owner_of`).
            group: Of keys of the dispute.
            parts: In order.
        """
        keys = self.ring.keys(owner, group, len(parts)) if parts else ()
        return [
            b"" if not part or key is None else self._sealed(key, part) for part, key in zip(parts, keys, strict=True)
        ]

    def open(self, owner: str, group: str, sealed: Sequence[bytes]) -> list[bytes | None]:
        """Decrypt parts; None for one that is empty, or whose key was destroyed.

        Raises:
            Rejected: `cannot_open`: another ring, another place's part, or a changed text.
        """
        keys = self.ring.keys(owner, group, len(sealed)) if sealed else ()
        try:
            return [
                None if not part or key is None else AESGCM(key).decrypt(part[:NONCE_BYTES], part[NONCE_BYTES:], None)
                for part, key in zip(sealed, keys, strict=True)
            ]
        except (InvalidTag, ValueError) as error:
            raise CANNOT_OPEN.error(field="confidential") from error

    def _sealed(self, key: bytes, part: bytes) -> bytes:
        nonce = nonce_of(self._nonces)
        return nonce + AESGCM(key).encrypt(nonce, part, None)


class Sealer:
    """Seals and opens `Confidential`.

    It has every key that may still be on the wire, and seals with the current one.

    Args:
        keys: By their ids.
        current: Id of the one to seal with.
        ring: Keys of text and parties. While its file is missing everything is sealed with the current key: intake
            makes the file, so that no bridge seals what no intake can open yet.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str, ring: KeyRing) -> None:
        self._ciphers = {key_id: AESGCM(secret) for key_id, secret in keys.items()}
        self._current = current
        self._ring = ring
        self._parts = PartSealer(ring)
        self._nonces: list[bytes] = []
        # Keyed once and copied for each digest, because keying costs more than the digest.
        self._mac = hmac.new(keys[current], f"{DIGEST_PURPOSE}|".encode(), "sha256")

    def seal(self, confidential: handoff_pb2.Confidential, handoff_id: str, owner: str) -> handoff_pb2.Sealed:
        """Encrypt the confidential part.

        The hand-off's id is authenticated with it, so that a sealed part can't be moved to another hand-off.

        Args:
            confidential: Digest, text and parties.
            handoff_id: What it travels with.
            owner: Name of the dispute in key rings (`dispute.lifecycle.key_owner_of`).
        """
        ring_id, parts = self._ring.id, parts_of(confidential)
        if not ring_id or not parts:
            return self._sealed(self._current, confidential, handoff_id)
        rest = handoff_pb2.Confidential(content_sha256=confidential.content_sha256)
        sealed = self._sealed(f"{self._current}+{ring_id}", rest, handoff_id)
        sealed.parts.extend(self._parts.seal(owner, handoff_id, parts))
        return sealed

    def mac(self, digest: bytes) -> bytes:
        """Return the keyed digest of a digest.

        HMAC-SHA-256, 32 bytes. It may be sent in clear where the digest itself may not.
        """
        mac = self._mac.copy()
        mac.update(digest)
        return mac.digest()

    def open(self, sealed: handoff_pb2.Sealed, handoff_id: str, owner: str) -> handoff_pb2.Confidential:
        """Decrypt; who was forgotten is there as a forgotten party, and then there is no text.

        Raises:
            Rejected: `cannot_open`: unknown key, another hand-off's seal, or a changed text.
        """
        key_id, _, ring_id = sealed.key_id.partition("+")
        cipher = self._ciphers.get(key_id)
        if cipher is None or ring_id not in {"", self._ring.id} or bool(ring_id) is not bool(sealed.parts):
            raise CANNOT_OPEN.error(field="confidential")
        try:
            rest = handoff_pb2.Confidential.FromString(
                cipher.decrypt(sealed.nonce, sealed.ciphertext, _bound(handoff_id))
            )
            if sealed.parts:
                rest.MergeFrom(whole_of(self._parts.open(owner, handoff_id, sealed.parts)))
        except (InvalidTag, ValueError, DecodeError) as error:
            raise CANNOT_OPEN.error(field="confidential") from error
        return rest

    def _sealed(self, key_id: str, confidential: handoff_pb2.Confidential, handoff_id: str) -> handoff_pb2.Sealed:
        nonce = nonce_of(self._nonces)
        text = confidential.SerializeToString(deterministic=True)
        ciphertext = self._ciphers[self._current].encrypt(nonce, text, _bound(handoff_id))
        return handoff_pb2.Sealed(key_id=key_id, nonce=nonce, ciphertext=ciphertext)


def sealer_of(keys_dir: Path, *, opens: bool = False) -> Sealer:
    """Return the sealer of a service, with the keys in its folder.

    Args:
        keys_dir: Folder of the keys; missing ones are made.
        opens: Whether this service opens hand-offs. It then makes the ring, which bridges seal with from that moment
            on; a bridge makes it only where everything is new.

    Raises:
        Fault: `key_exposed`, `key_damaged`.
    """
    ring = KeyRing(keys_dir, RING)
    if opens or not (keys_dir / TRANSPORT).exists():
        ring.create()
    key = load_or_create(keys_dir, TRANSPORT)
    return Sealer({key.id: key.secret}, key.id, ring)


def nonce_of(nonces: list[bytes]) -> bytes:
    """Return random bytes that were never used, from a list that is filled when it is empty.

    Taking one from the list is atomic, also with several threads.
    """
    while True:
        try:
            return nonces.pop()
        except IndexError:
            drawn = os.urandom(NONCE_BYTES * NONCES_DRAWN)
            nonces.extend(drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES))


def _bound(handoff_id: str) -> bytes:
    return f"{PURPOSE}|{handoff_id}".encode()
