"""Seals parties on the wire.

AES-256-GCM with the transport key that bridges and intake share.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from dispute.refusals.interfaces import CANNOT_OPEN
from dispute.wire.handoff.v1 import handoff_pb2

NONCE_BYTES: Final = 12
NONCES_DRAWN: Final = 256
"""Nonces drawn at once: each draw is a system call that also lets other threads take the interpreter."""
PURPOSE: Final = "hub.handoff.v1"
DIGEST_PURPOSE: Final = "hub.content.v1"


class Sealer:
    """Seals and opens `Confidential`.

    It has every key that may still be on the wire, and seals with the current one.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self._ciphers = {key_id: AESGCM(secret) for key_id, secret in keys.items()}
        self._current = current
        self._nonces: list[bytes] = []
        # Keyed once and copied for each digest, because keying costs more than the digest.
        self._mac = hmac.new(keys[current], f"{DIGEST_PURPOSE}|".encode(), "sha256")

    def seal(self, confidential: handoff_pb2.Confidential, handoff_id: str) -> handoff_pb2.Sealed:
        """Encrypt the confidential part.

        The hand-off's id is authenticated with it, so that a sealed part can't be moved to another hand-off.
        """
        nonce = self._nonce()
        cipher = self._ciphers[self._current]
        text = cipher.encrypt(nonce, confidential.SerializeToString(deterministic=True), _bound(handoff_id))
        return handoff_pb2.Sealed(key_id=self._current, nonce=nonce, ciphertext=text)

    def _nonce(self) -> bytes:
        """Return random bytes that were never used.

        Taking one from the list is atomic, also with several threads.
        """
        while True:
            try:
                return self._nonces.pop()
            except IndexError:
                drawn = os.urandom(NONCE_BYTES * NONCES_DRAWN)
                self._nonces.extend(drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES))

    def mac(self, digest: bytes) -> bytes:
        """Return the keyed digest of a digest.

        HMAC-SHA-256, 32 bytes. It may be sent in clear where the digest itself may not.
        """
        mac = self._mac.copy()
        mac.update(digest)
        return mac.digest()

    def open(self, sealed: handoff_pb2.Sealed, handoff_id: str) -> handoff_pb2.Confidential:
        """Decrypt.

        Raises:
            Rejected: `cannot_open`: unknown key, another hand-off's seal, or a changed text.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise CANNOT_OPEN.error(field="confidential")
        try:
            text = cipher.decrypt(sealed.nonce, sealed.ciphertext, _bound(handoff_id))
            return handoff_pb2.Confidential.FromString(text)
        except (InvalidTag, ValueError, DecodeError) as error:
            raise CANNOT_OPEN.error(field="confidential") from error


def _bound(handoff_id: str) -> bytes:
    return f"{PURPOSE}|{handoff_id}".encode()
