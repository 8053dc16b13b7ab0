"""Seals what is kept as one, with a data key of its own that an agency's key wraps.

Accusations, and the people of disputes of earlier releases.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from dispute.refusals.interfaces import CANNOT_OPEN

NONCE_BYTES: Final = 12
DATA_KEY_BYTES: Final = 32
PURPOSE: Final = b"santiao.hub/intake/agency-key/v1|"


class SealedSecret(Struct, frozen=True):
    """The stored form of the confidential part.

    Attributes:
        wrapped_key: Nonce and data key under the agency's key.
        nonce: Of the ciphertext.
        ciphertext: The content under the data key.
    """

    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes


class Vault:
    """Seals and opens with keys derived from one root; thread-safe."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._agencies: dict[str, AESGCM] = {}

    def seal(self, dispute_id: str, agency: str, content: bytes) -> SealedSecret:
        """Encrypt under a fresh data key.

        The dispute's id is authenticated with the text.
        """
        bound = dispute_id.encode()
        data_key, nonce, wrap_nonce = os.urandom(DATA_KEY_BYTES), os.urandom(NONCE_BYTES), os.urandom(NONCE_BYTES)
        return SealedSecret(
            wrapped_key=wrap_nonce + self._agency(agency).encrypt(wrap_nonce, data_key, bound),
            nonce=nonce,
            ciphertext=AESGCM(data_key).encrypt(nonce, content, bound),
        )

    def open(self, dispute_id: str, agency: str, sealed: SealedSecret) -> bytes:
        """Decrypt.

        Raises:
            Rejected: `cannot_open` when key or text do not fit.
        """
        bound = dispute_id.encode()
        wrap_nonce, wrapped = sealed.wrapped_key[:NONCE_BYTES], sealed.wrapped_key[NONCE_BYTES:]
        try:
            data_key = self._agency(agency).decrypt(wrap_nonce, wrapped, bound)
            return AESGCM(data_key).decrypt(sealed.nonce, sealed.ciphertext, bound)
        except (InvalidTag, ValueError) as error:
            raise CANNOT_OPEN.error() from error

    def _agency(self, agency: str) -> AESGCM:
        cipher = self._agencies.get(agency)
        if cipher is None:
            derived = HKDF(hashes.SHA256(), DATA_KEY_BYTES, salt=None, info=PURPOSE + agency.encode()).derive(
                self._root
            )
            cipher = self._agencies[agency] = AESGCM(derived)
        return cipher
