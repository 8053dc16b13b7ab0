"""Makes API keys of the simulated agencies.

They are new in every run; the bridges get digests only.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of one run.

    Attributes:
        file: What the bridges read (`HUB_CREDENTIALS_FILE`): agency, county and digest of each key.
        keys: Agency to its key, in clear.
        keys_file: The keys in clear, for people who want to act as a partner by hand; mode 0600.
    """

    file: Path
    keys: Mapping[str, str] = field(repr=False)
    keys_file: Path


def make(folder: Path, agencies: Iterable[tuple[str, str]]) -> Credentials:
    """Make the keys and write both files.

    There is one key for each (agency, county code).
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for agency, county in agencies:
        keys[agency] = secrets.token_urlsafe(KEY_BYTES)
        rows.append({"agency": agency, "county": county, "key_sha256": digest(keys[agency])})
    file, keys_file = folder / "credentials.json", folder / "api-keys.json"
    write_private(file, json.dumps(rows, indent=1))
    write_private(keys_file, json.dumps(keys, indent=1))
    return Credentials(file, keys, keys_file)


def digest(key: str) -> str:
    """Return a key's digest, which the bridge keeps.

    It is SHA-256 in lower-case hex.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read.

    At no moment can others read it.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
