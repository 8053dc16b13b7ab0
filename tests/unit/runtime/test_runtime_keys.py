"""Key files: one key however many ask at once, and none that others could read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from hub.errors import Fault
from hub.runtime.keys import Key, load_or_create


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "keys"
    first = load_or_create(folder, "transport")
    assert load_or_create(folder, "transport") == first
    assert len(first.secret) == 32
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "transport").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["transport"]


def test_names_and_folders_have_different_keys(tmp_path: Path) -> None:
    one, two = load_or_create(tmp_path / "a", "transport"), load_or_create(tmp_path / "b", "transport")
    assert one.secret != two.secret
    assert one.id != two.id
    assert load_or_create(tmp_path / "a", "match", size=64).secret[:32] != one.secret


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    at_once = Barrier(8)

    def ask(_: int) -> Key:
        at_once.wait(timeout=10)
        return load_or_create(tmp_path, "transport")

    for number in range(5):
        (tmp_path / "transport").unlink(missing_ok=True)
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(ask, range(8)))
        assert len(keys) == 1, number
    assert [path.name for path in tmp_path.iterdir()] == ["transport"]


def test_the_id_tells_the_key_apart_and_nothing_more(tmp_path: Path) -> None:
    key = load_or_create(tmp_path, "transport")
    assert len(key.id) == 8
    assert key.id not in key.secret.hex()
    assert key.secret.hex() not in repr(key)
    assert str(key.secret) not in repr(key)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_or_create(tmp_path, "transport")
    (tmp_path / "transport").chmod(0o640)
    with pytest.raises(Fault, match="key_exposed"):
        load_or_create(tmp_path, "transport")


def test_a_key_of_the_wrong_size_is_refused_and_not_replaced(tmp_path: Path) -> None:
    load_or_create(tmp_path, "transport")
    (tmp_path / "transport").write_bytes(b"short")
    with pytest.raises(Fault, match="key_damaged"):
        load_or_create(tmp_path, "transport")
    assert (tmp_path / "transport").read_bytes() == b"short"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "A", "x" * 65])
def test_a_name_that_is_no_plain_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        load_or_create(tmp_path, name)
    assert list(tmp_path.iterdir()) == []
