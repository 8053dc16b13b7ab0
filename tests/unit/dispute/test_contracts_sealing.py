"""Text and each party are sealed apart: one can be forgotten, the others are opened as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispute.contracts.sealing import RING, TRANSPORT, Sealer, parts_of, sealer_of, whole_of
from dispute.lifecycle import key_owner_of
from dispute.wire.handoff.v1 import handoff_pb2
from hub.errors import Rejected
from hub.runtime.key_ring import KeyRing
from hub.runtime.keys import load_or_create

ONE, OTHER = (handoff_pb2.Party(role="plaintiff", name="甲"), handoff_pb2.Party(role="defendant", name="乙"))
GONE = handoff_pb2.Party()
CONTENT = handoff_pb2.Confidential(
    parties=[ONE, OTHER], brief="案情", place="某处", content_sha256=b"d" * 32, subject_ref="JK-1", accusation="检举"
)
ONE_DISPUTE, ANOTHER = key_owner_of("dispute-1"), key_owner_of("dispute-2")
IDS = ("handoff-1", ONE_DISPUTE)


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a ring look at its file at each use, so that no test waits."""
    monkeypatch.setattr("hub.runtime.key_ring.LOOK_S", 0.0)


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_opens_what_it_sealed_and_shows_nothing_of_it(keys_dir: Path) -> None:
    sealed = sealer_of(keys_dir, opens=True).seal(CONTENT, *IDS)
    assert len(sealed.parts) == 3
    assert not any(text.encode() in sealed.SerializeToString() for text in ("甲", "乙", "案情", "JK-1"))
    assert sealer_of(keys_dir).open(sealed, *IDS) == CONTENT


@pytest.mark.parametrize(
    "content",
    [
        handoff_pb2.Confidential(),
        handoff_pb2.Confidential(content_sha256=b"d" * 32),
        handoff_pb2.Confidential(brief="案情"),
        handoff_pb2.Confidential(parties=[ONE]),
        handoff_pb2.Confidential(parties=[handoff_pb2.Party(), OTHER]),
    ],
)
def test_whatever_is_there_comes_back(keys_dir: Path, content: handoff_pb2.Confidential) -> None:
    sealer = sealer_of(keys_dir, opens=True)
    assert sealer.open(sealer.seal(content, *IDS), *IDS) == content
    assert (
        whole_of(parts_of(handoff_pb2.Confidential(parties=content.parties, brief=content.brief))).parties
        == content.parties
    )


def test_of_a_forgotten_party_and_the_text_nothing_is_left(keys_dir: Path) -> None:
    sealer = sealer_of(keys_dir, opens=True)
    sealed, second = sealer.seal(CONTENT, *IDS), sealer.seal(CONTENT, "handoff-2", ONE_DISPUTE)
    other = sealer.seal(CONTENT, "handoff-1", ANOTHER)
    KeyRing(keys_dir, RING).destroy(ONE_DISPUTE, {"handoff-1": {2}})
    left = handoff_pb2.Confidential(parties=[GONE, OTHER], forgotten=[1], content_sha256=CONTENT.content_sha256)
    assert sealer.open(sealed, *IDS) == left
    left.parties[1].CopyFrom(GONE)
    left.forgotten.append(2)
    assert sealer.open(second, "handoff-2", ONE_DISPUTE) == left
    assert sealer.open(other, "handoff-1", ANOTHER) == CONTENT


def test_what_is_sealed_after_it_was_forgotten_is_not_there(keys_dir: Path) -> None:
    sealer = sealer_of(keys_dir, opens=True)
    KeyRing(keys_dir, RING).destroy(ONE_DISPUTE, {"handoff-1": {2}})
    sealed = sealer.seal(CONTENT, *IDS)
    assert [bool(part) for part in sealed.parts] == [False, False, True]
    assert list(sealer.open(sealed, *IDS).parties) == [GONE, OTHER]


def test_a_forgotten_party_is_never_sealed_anew() -> None:
    parts = parts_of(handoff_pb2.Confidential(parties=[GONE, OTHER], forgotten=[1]))
    assert [bool(part) for part in parts] == [False, False, True]
    assert list(whole_of(parts).forgotten) == [1]


def test_a_bridge_seals_as_before_until_intake_made_the_ring(keys_dir: Path) -> None:
    """An intake of an earlier release could open nothing else."""
    load_or_create(keys_dir, TRANSPORT)
    bridge = sealer_of(keys_dir)
    before = bridge.seal(CONTENT, *IDS)
    assert (len(before.parts), "+" in before.key_id) == (0, False)
    intake = sealer_of(keys_dir, opens=True)
    after = bridge.seal(CONTENT, *IDS)
    assert (len(after.parts), "+" in after.key_id) == (3, True)
    assert intake.open(before, *IDS) == intake.open(after, *IDS) == CONTENT


def test_where_everything_is_new_a_bridge_makes_the_ring(keys_dir: Path) -> None:
    assert len(sealer_of(keys_dir).seal(CONTENT, *IDS).parts) == 3


def test_a_part_stands_only_where_it_was_sealed(keys_dir: Path) -> None:
    sealer = sealer_of(keys_dir, opens=True)
    sealed = sealer.seal(CONTENT, *IDS)
    swapped, moved, cut, taken = (handoff_pb2.Sealed.FromString(sealed.SerializeToString()) for _ in range(4))
    swapped.parts[1], swapped.parts[2] = sealed.parts[2], sealed.parts[1]
    moved.parts[1] = sealer.seal(CONTENT, "handoff-2", ONE_DISPUTE).parts[1]
    cut.parts[1] = cut.parts[1][:-1]
    del taken.parts[:]
    for changed in (swapped, moved, cut, taken):
        with pytest.raises(Rejected, match="cannot_open"):
            sealer.open(changed, *IDS)
    with pytest.raises(Rejected, match="cannot_open"):
        sealer.open(sealed, "handoff-1", ANOTHER)


def test_another_ring_does_not_open(keys_dir: Path, tmp_path: Path) -> None:
    sealed = sealer_of(keys_dir, opens=True).seal(CONTENT, *IDS)
    key = load_or_create(keys_dir, TRANSPORT)
    other = KeyRing(tmp_path, "other")
    for ring in (other, KeyRing(tmp_path, "none")):
        with pytest.raises(Rejected, match="cannot_open"):
            Sealer({key.id: key.secret}, key.id, ring).open(sealed, *IDS)
        other.create()


def test_a_field_that_is_added_is_sealed_too(keys_dir: Path) -> None:
    """Whatever `Confidential` has comes back, and stands in a part that can be destroyed."""
    fields = {
        field.name: "text" for field in handoff_pb2.Confidential.DESCRIPTOR.fields if field.type == field.TYPE_STRING
    }
    content = handoff_pb2.Confidential(parties=[ONE, handoff_pb2.Party()])
    for name, text in fields.items():
        setattr(content, name, text)
    sealer = sealer_of(keys_dir, opens=True)
    sealed = sealer.seal(content, *IDS)
    assert sealer.open(sealed, *IDS) == content
    KeyRing(keys_dir, RING).destroy(ONE_DISPUTE, {})
    assert sealer.open(sealed, *IDS) == handoff_pb2.Confidential(parties=[GONE, GONE], forgotten=[1, 2])
