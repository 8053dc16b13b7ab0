"""The people of a hub under test: a credential for each role, and clients that show it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

ROLES: Final = (
    "clerk",
    "dispatcher",
    "handler",
    "mediator",
    "reviewer",
    "leader",
    "auditor",
    "operator",
    "court",
    "party",
    "public",
)
CALLERS: Final[Mapping[str, str]] = {"Submit": "clerk", "GetMatter": "auditor", "ListSealedExits": "auditor"}
"""Who makes a call; all others the operator does."""


class Staff:
    """Tokens by role, and the file of their digests.

    Args:
        folder: Of the hub's credentials; `hub up` writes its own there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tokens = {role: secrets.token_urlsafe(32) for role in ROLES}

    def who(self, role: str) -> tuple[tuple[str, str], ...]:
        """Return the metadata of somebody who has a role."""
        return (("authorization", f"Bearer {self._tokens[role]}"),)

    def stub(self, of: Any) -> StaffStub:  # noqa: ANN401 - stubs are untyped
        """Return a stub whose calls are made by whoever may make them."""
        return StaffStub(of, self)

    def file(self) -> Path:
        """Write the digests, beside those that `hub up` made; returns the file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        made = self._folder / "credentials.json"
        rows: list[dict[str, str]] = json.loads(made.read_text(encoding="utf-8")) if made.is_file() else []
        expires_at = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        for role, token in self._tokens.items():
            digest = hashlib.sha256(token.encode()).hexdigest()
            rows.append({"token_sha256": digest, "holder": f"{role}-1", "role": role, "expires_at": expires_at})
            path = self._folder / f"{role}.token"
            if not path.exists():
                path.write_text(token, encoding="utf-8")
        path = self._folder / "all.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        return path


class StaffStub:
    """A stub whose calls show a credential."""

    def __init__(self, stub: Any, staff: Staff) -> None:  # noqa: ANN401 - stubs are untyped
        self._stub = stub
        self._staff = staff

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return partial(getattr(self._stub, name), metadata=self._staff.who(CALLERS.get(name, "operator")))
