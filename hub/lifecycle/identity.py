"""Deterministic ids: the same matter or fact has the same id in every process and at every repeat (design D6)."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("6f0d2b1e-8f5c-5d0e-9a6b-3c1f7e2a4d58")
"""Fixed for ever: every id hangs on it."""


def dispute_id_of(source_organ: str, source_ref: str) -> str:
    """Return the dispute's id: UUIDv5 of the organ that sent it and that organ's own reference.

    Both are taken as they are, case and all; the unit separator keeps `a|bc` and `ab|c` apart.
    """
    return str(uuid5(NAMESPACE, f"dispute\x1f{source_organ}\x1f{source_ref}"))


def event_id_of(dispute_id: str, sequence: int) -> str:
    """Return the event's id: UUIDv5 of the dispute and the event's number within it."""
    return str(uuid5(NAMESPACE, f"event\x1f{dispute_id}\x1f{sequence}"))


def is_dispute_id(text: str) -> bool:
    """Tell whether `text` is a UUID of version 5 in canonical form."""
    try:
        parsed = UUID(text)
    except ValueError:
        return False
    return parsed.version == 5 and str(parsed) == text  # noqa: PLR2004 - the UUID version
