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

ID_LABEL: Final = b"santiao.hub/key-id/v1"
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
        write_new(path, secrets.token_bytes(size))
    secret = read_private(path)
    if len(secret) != size:
        raise Fault("key_damaged", f"key file {name} has {len(secret)} bytes, {size} expected")
    return Key(hmac.new(secret, ID_LABEL, hashlib.sha256).hexdigest()[:8], secret)


def read_private(path: Path) -> bytes:
    """Return the content of a file that only its owner may read.

    Raises:
        Fault: `key_exposed` when others may read it.
    """
    mode = path.stat().st_mode & 0o777
    if mode & _OTHERS:
        raise Fault("key_exposed", f"key file {path.name} has mode {mode:04o}; only its owner may read it (0600)")
    return path.read_bytes()


def write_new(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a key file that is not there yet, whole and for its owner alone; it is on the disk when this returns.

    Nobody ever reads half of it: it is written to a temporary file, which then gets the name.

    Args:
        path: Its folder is made with mode 0700 when missing.
        content: Of the file.
        replace: Whether it takes the place of one that is there; else, of several writers, the first one wins.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            try:
                os.link(draft, path)
            except FileExistsError:
                return
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
