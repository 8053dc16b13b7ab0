"""A destroyed key is gone for good, in every process, and every other key is what it was."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from msgspec import msgpack

from hub.errors import Fault
from hub.runtime.key_ring import KeyRing

MANY = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 301)]
"""Owners whose paths part at the first branch, and later."""
OWNER = MANY[6]


@pytest.fixture(autouse=True)
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a ring look at its file at each use, so that no test waits."""
    monkeypatch.setattr("hub.runtime.key_ring.LOOK_S", 0.0)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    made = KeyRing(tmp_path, "ring")
    made.create()
    return made


def test_each_owner_group_and_number_has_a_key_of_its_own(ring: KeyRing) -> None:
    keys = [
        key
        for owner in MANY
        for group in ("", "a", "b", "a/1")
        for key in ring.keys(owner, group, 5)
        if key is not None
    ]
    assert len(set(keys)) == len(keys) == len(MANY) * 4 * 5
    assert {len(key) for key in keys} == {32}


def test_keys_are_the_same_in_every_process(ring: KeyRing, tmp_path: Path) -> None:
    other = KeyRing(tmp_path, "ring")
    other.create()
    assert (other.id, other.keys(OWNER, "g", 3)) == (ring.id, ring.keys(OWNER, "g", 3))
    assert ring.version == 0


def test_two_rings_have_nothing_in_common(ring: KeyRing, tmp_path: Path) -> None:
    other = KeyRing(tmp_path, "other")
    other.create()
    assert other.id != ring.id
    assert other.keys(OWNER, "g", 1) != ring.keys(OWNER, "g", 1)


def test_a_destroyed_key_is_gone_and_all_others_stay(ring: KeyRing) -> None:
    before = {owner: ring.keys(owner, "g", 4) for owner in MANY}
    ring.destroy(OWNER, {"g": {1, 3}})
    first, second, third, fourth = before[OWNER]
    assert ring.keys(OWNER, "g", 4) == [None, second, None, fourth]
    assert ring.keys(OWNER, "h", 2) == [None, None]
    assert all(ring.keys(owner, "g", 4) == keys for owner, keys in before.items() if owner != OWNER)
    assert (first is not None, third is not None) == (True, True)


def test_nothing_on_the_disk_leads_to_a_destroyed_key(ring: KeyRing, tmp_path: Path) -> None:
    """Whoever has the file walks down from every node in it and meets the destroyed one nowhere."""
    (gone,) = ring.keys(OWNER, "g", 1)
    path = next(iter(_paths(tmp_path, OWNER)))
    ring.destroy(OWNER, {})
    nodes = msgpack.decode((tmp_path / "ring").read_bytes())["nodes"]
    assert gone not in nodes.values()
    assert not any(path.startswith(each) for each in nodes)
    assert len(nodes) == len(OWNER) * 15
    assert "" not in nodes


def _paths(folder: Path, owner: str) -> list[str]:
    """Return the path of an owner, as a second ring shows it that loses the owner."""
    copy = folder / "copy"
    copy.mkdir(mode=0o700)
    (copy / "ring").write_bytes((folder / "ring").read_bytes())
    (copy / "ring").chmod(0o600)
    KeyRing(copy, "ring").destroy(owner, {"": {0}})
    return [each.partition("/")[0] for each in msgpack.decode((copy / "ring").read_bytes())["nodes"] if "/" in each]


def test_what_was_kept_can_be_destroyed_later_and_never_comes_back(ring: KeyRing) -> None:
    kept = ring.keys(OWNER, "g", 3)
    ring.destroy(OWNER, {"g": {1, 2}})
    ring.destroy(OWNER, {"g": {2}})
    ring.destroy(OWNER, {"g": {0, 1, 2}})
    assert ring.keys(OWNER, "g", 3) == [None, None, kept[2]]


def test_a_repeated_destruction_writes_nothing(ring: KeyRing, tmp_path: Path) -> None:
    ring.destroy(OWNER, {"g": {1}})
    stamp, version = (tmp_path / "ring").stat().st_mtime_ns, ring.version
    ring.destroy(OWNER, {"g": {1}})
    assert ((tmp_path / "ring").stat().st_mtime_ns, ring.version) == (stamp, version)


def test_hundreds_can_be_destroyed(ring: KeyRing) -> None:
    keys = {owner: ring.keys(owner, "g", 2) for owner in MANY}
    gone = set(random.Random(7).sample(MANY, 100))  # noqa: S311 - a choice of examples
    for owner in sorted(gone):
        ring.destroy(owner, {"g": {1}})
    for owner, (first, second) in keys.items():
        assert ring.keys(owner, "g", 2) == ([None, second] if owner in gone else [first, second])


def test_a_running_process_sees_what_another_destroyed(ring: KeyRing, tmp_path: Path) -> None:
    assert ring.keys(OWNER, "g", 1) != [None]
    KeyRing(tmp_path, "ring").destroy(OWNER, {})
    assert ring.keys(OWNER, "g", 1) == [None]
    assert ring.version == 1


def test_a_ring_looks_at_its_file_now_and_then(ring: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("hub.runtime.key_ring.time.monotonic", lambda: now)
    monkeypatch.setattr("hub.runtime.key_ring.LOOK_S", 0.5)
    before = ring.keys(OWNER, "g", 1)
    other = KeyRing(tmp_path, "ring")
    other.destroy(OWNER, {})
    assert other.keys(OWNER, "g", 1) == [None], "who destroys sees it at once"
    now = 100.4
    assert ring.keys(OWNER, "g", 1) == before
    now = 100.6
    assert ring.keys(OWNER, "g", 1) == [None]


def test_processes_that_destroy_at_once_lose_nothing(ring: KeyRing, tmp_path: Path) -> None:
    def destroy(of: list[str]) -> None:
        mine = KeyRing(tmp_path, "ring")
        for owner in of:
            mine.destroy(owner, {})

    threads = [threading.Thread(target=destroy, args=(MANY[start:60:3],)) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ring.keys(owner, "g", 1) for owner in MANY[:60]] == [[None]] * 60
    assert ring.version == 60


def test_one_that_cannot_be_written_keeps_its_keys(
    ring: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ring.keys(OWNER, "g", 1)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hub.runtime.keys.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        ring.destroy(OWNER, {})
    monkeypatch.undo()
    assert ring.keys(OWNER, "g", 1) == before
    assert [path.name for path in tmp_path.iterdir()] == ["ring"]


def test_without_a_file_there_is_no_ring(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path, "ring")
    assert (ring.id, ring.version) == ("", -1)
    KeyRing(tmp_path, "ring").create()
    assert (len(ring.id), ring.version) == (8, 0)


def test_a_ring_that_was_taken_away_goes_on_until_the_restart(ring: KeyRing, tmp_path: Path) -> None:
    before = ring.keys(OWNER, "g", 1)
    (tmp_path / "ring").unlink()
    assert ring.keys(OWNER, "g", 1) == before


@pytest.mark.parametrize("content", [b"", b"no ring", bytes(32)])
def test_a_damaged_file_is_a_fault(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ring").write_bytes(content)
    (tmp_path / "ring").chmod(0o600)
    with pytest.raises(Fault, match="key_damaged"):
        KeyRing(tmp_path, "ring").keys(OWNER, "g", 1)


def test_a_file_that_others_may_read_is_a_fault(tmp_path: Path) -> None:
    KeyRing(tmp_path, "ring").create()
    (tmp_path / "ring").chmod(0o640)
    with pytest.raises(Fault, match="key_exposed"):
        KeyRing(tmp_path, "ring").keys(OWNER, "g", 1)
