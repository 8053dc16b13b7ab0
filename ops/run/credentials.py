"""Credentials of a run: the first ones, which nobody could be asked for.

The services get digests only (`HUB_CREDENTIALS_FILE`). A run that goes on keeps its credentials.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TextIO

from hub.access.credential import digest_of, new_token
from hub.grpc.client import Metadata, bearer
from ops.console.exits import CommandError, Exit

FOLDER: Final = "credentials"
FILE: Final = "credentials.json"
TOKEN_FILE: Final = "HUB_TOKEN_FILE"  # noqa: S105 - the name of a variable
OPERATOR: Final = "operator"
AUDITOR: Final = "auditor"
PEOPLE: Final = ("clerk", "dispatcher", "handler", "mediator", "reviewer", "leader", AUDITOR, OPERATOR)
"""Who works in a centre; simulators and demos have a token of each."""
VALID: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials of one run.

    Attributes:
        file: What the services read: digest, holder, role and area of each.
        keys: Agency to its key, in clear.
        keys_file: The keys in clear, for people who want to act as a partner by hand; mode 0600.
        tokens: Role to the token of somebody who has it, in clear; each also in `ROLE.token`, mode 0600.
    """

    file: Path
    keys: Mapping[str, str] = field(repr=False)
    keys_file: Path
    tokens: Mapping[str, str] = field(repr=False)


def make(folder: Path, agencies: Iterable[tuple[str, str]] = (), roles: Sequence[str] = (OPERATOR,)) -> Credentials:
    """Make the credentials that the folder does not have yet, and write the files.

    Args:
        folder: Where they go; `credentials` of a run folder.
        agencies: (agency, county code) of each key.
        roles: Of people; one token each.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file, keys_file = folder / FILE, folder / "api-keys.json"
    keys: dict[str, str] = json.loads(keys_file.read_text(encoding="utf-8")) if keys_file.is_file() else {}
    rows: list[dict[str, str]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    expires_at = (datetime.now(UTC) + VALID).isoformat()

    def added(holder: str, role: str, area: str) -> str:
        token = new_token()
        of = {"holder": holder, "role": role, "area": area, "expires_at": expires_at}
        rows.append({"token_sha256": digest_of(token), **of})
        return token

    for agency, county in agencies:
        if agency not in keys:
            keys[agency] = added(agency, "agency", county)
    tokens: dict[str, str] = {}
    for role in roles:
        path = token_path(folder, role)
        if not path.is_file():
            write_private(path, added(f"{role}-1", role, "") + "\n")
        tokens[role] = path.read_text(encoding="utf-8").strip()
    write_private(file, json.dumps(rows, indent=1))
    write_private(keys_file, json.dumps(keys, indent=1))
    return Credentials(file, keys, keys_file, tokens)


def token_path(folder: Path, role: str) -> Path:
    """Return the file of a role's token in a folder of credentials."""
    return folder / f"{role}.token"


def shown(run_folder: Path | str, role: str = OPERATOR) -> Metadata:
    """Return what a command shows as its credential.

    The token is that of the file which `HUB_TOKEN_FILE` names, else that of the run folder.

    Args:
        run_folder: Of the run.
        role: Whose token is taken from the run folder.

    Raises:
        CommandError: There is no such file.
    """
    named = os.environ.get(TOKEN_FILE)
    path = Path(named) if named else token_path(Path(run_folder) / FOLDER, role)
    try:
        return bearer(path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise CommandError(
            Exit.USAGE,
            f"没有凭证文件 no token file: {path} ({error.strerror})\n"
            f"签发 make one: hub credentials issue --role {role} …；然后 then {TOKEN_FILE}=FILE",
        ) from error


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, as `private_file`."""
    with private_file(path) as file:
        file.write(text)


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """Open a file for writing that only its owner may read, from its first byte on.

    It has its name once everything is on the disk, instead of whatever had it before. Until then it is `.NAME.…` in the
    same folder, and is removed when the writing fails; only a process that was killed leaves it there.

    Raises:
        OSError: It can't be made or written.
    """
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600, whatever the umask
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
