"""Vaults of tests that write no people, or open what intake sealed."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from services.intake.cases.party_vault import PartyVault


@cache
def party_vault() -> PartyVault:
    """Return a vault with keys of its own."""
    return PartyVault(Path(tempfile.mkdtemp()))
