from __future__ import annotations

import pytest

from hub.errors import Rejected
from services.intake.cases.vault import Vault

ROOT = bytes(range(32))
CONTENT = b"parties"


def test_opens_what_it_sealed() -> None:
    sealed = Vault(ROOT).seal("d-1", "court-620725", CONTENT)
    assert CONTENT not in sealed.ciphertext
    assert Vault(ROOT).open("d-1", "court-620725", sealed) == CONTENT


@pytest.mark.parametrize(
    ("root", "dispute_id", "agency"),
    [(bytes(32), "d-1", "court-1"), (ROOT, "d-2", "court-1"), (ROOT, "d-1", "police-1")],
)
def test_another_key_dispute_or_agency_does_not_open(root: bytes, dispute_id: str, agency: str) -> None:
    sealed = Vault(ROOT).seal("d-1", "court-1", CONTENT)
    with pytest.raises(Rejected, match="cannot_open"):
        Vault(root).open(dispute_id, agency, sealed)


def test_each_dispute_has_its_own_data_key() -> None:
    vault = Vault(ROOT)
    first, second = (vault.seal("d-1", "court-1", CONTENT) for _ in range(2))
    assert first.ciphertext != second.ciphertext
    assert first.wrapped_key != second.wrapped_key
