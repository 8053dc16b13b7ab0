from __future__ import annotations

import base64
import hashlib

import pytest

from ops.play.privacy import search
from ops.play.scenarios.people import InventedPerson

SOMEBODY = InventedPerson("王璟瑜", "11010519491231002X", "13800138000")
HIDDEN = [SOMEBODY.name, SOMEBODY.id_number, SOMEBODY.phone]


@pytest.mark.parametrize("text", HIDDEN)
@pytest.mark.parametrize(
    "write",
    [
        str.encode,
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: base64.b64encode(text.encode()),
        lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
        lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
        lambda text: base64.urlsafe_b64encode(text.encode()),
        lambda text: hashlib.sha256(text.encode()).hexdigest().encode(),
        lambda text: hashlib.sha256(text.encode()).digest(),
        lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().encode(),
        lambda text: text.encode("unicode_escape"),
    ],
)
def test_every_way_of_writing_somebody_down_is_found(text: str, write: object) -> None:
    assert callable(write)
    written = write(text)
    hits = search({"logs/intake.log": b"\x00\xff {before} " + written + b" after"}, [SOMEBODY])
    assert hits
    assert {hit.place for hit in hits} == {"logs/intake.log"}
    assert all(text not in hit.kind for hit in hits)


def test_a_keyed_hash_and_other_people_are_no_trace() -> None:
    keyed = hashlib.sha256(b"secret" + SOMEBODY.phone.encode()).hexdigest().encode()
    other = "李四光13900139000".encode()
    assert search({"topic": keyed + other, "empty": b"", "short": b"abc"}, [SOMEBODY]) == []


def test_every_occurrence_counts() -> None:
    assert len(search({"a": SOMEBODY.phone.encode() * 3}, [SOMEBODY])) == 3
