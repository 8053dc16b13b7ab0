"""Secret keys in files.

A key is made at the first start, and only its owner may read it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hub.errors import Fault

_ID_LABEL: Final = b"santiao.hub/key-id/v1"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_OTHERS: Final = 0o077


@dataclass(frozen=True, slots=True)
class Key:
    """One secret.

    Attributes:
        id: First 8 hex digits of HMAC-SHA256(secret, fixed label): names the key without revealing it.
        secret: The key itself; never printed.
    """

    id: str
    secret: bytes = field(repr=False)


def load_or_create(directory: Path, name: str, size: int = 32) -> Key:
    """Return the key of that name, made if missing.

    Several processes may start at once and ask for the same key: all get the same one.

    Args:
        directory: Made with mode 0700 when missing.
        name: File name, for example `transport`.
        size: Bytes of a new key; an existing one must have as many.

    Raises:
        Fault: `key_exposed` when others may read the file, `key_damaged` when its size is wrong.
        ValueError: `name` is no plain file name.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError("a key's name is lower case letters, digits, - and _")
    path = directory / name
    if not path.exists():
        _create(path, size)
    mode = path.stat().st_mode & 0o777
    if mode & _OTHERS:
        raise Fault("key_exposed", f"key file {name} has mode {mode:04o}; only its owner may read it (0600)")
    secret = path.read_bytes()
    if len(secret) != size:
        raise Fault("key_damaged", f"key file {name} has {len(secret)} bytes, {size} expected")
    return Key(hmac.new(secret, _ID_LABEL, hashlib.sha256).hexdigest()[:8], secret)


def _create(path: Path, size: int) -> None:
    """Write a new key to a temporary file, then link it.

    Nobody ever reads half a key, and of several writers the first one wins.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(size))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
