"""Bytes of every message that was ever written are decoded for ever, to the same content."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from google.protobuf import json_format

from tests.support import golden

FILES = sorted(golden.FOLDER.glob("*.bin"))
BY_NAME = {descriptor.full_name: descriptor for descriptor in golden.messages()}


def message_name(path: Path) -> str:
    """The message a file belongs to: the longest known name that the file's name begins with."""
    return max((name for name in BY_NAME if re.match(rf"{re.escape(name)}(\.|$)", path.stem)), key=len)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_bytes_decode_to_the_same_content(path: Path) -> None:
    kind = golden.class_of(BY_NAME[message_name(path)])
    told = json_format.Parse(path.with_suffix(".json").read_text(encoding="utf-8"), kind())
    decoded = kind.FromString(path.read_bytes())
    assert decoded == told
    assert decoded.SerializeToString(deterministic=True) == path.read_bytes()


def test_every_message_and_every_choice_has_golden_bytes() -> None:
    missing = [sample.name for sample in golden.samples() if not (golden.FOLDER / f"{sample.name}.bin").exists()]
    assert not missing, "python -m tests.support.golden writes them"


def test_every_field_that_exists_today_is_in_some_golden_sample() -> None:
    for sample in golden.samples():
        kinds = [
            type(sample.message).FromString(path.read_bytes())
            for path in FILES
            if path.stem == sample.name or re.fullmatch(rf"{re.escape(sample.name)}\.\d+", path.stem)
        ]
        pinned = {field.name for message in kinds for field, _ in message.ListFields()}
        today = {field.name for field, _ in sample.message.ListFields()}
        assert today <= pinned, f"{sample.name}: python -m tests.support.golden 2"


def test_nothing_that_exists_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    names = golden.write_missing()
    assert len(names) == len(list(tmp_path.glob("*.bin"))) == len(list(golden.samples()))
    victim = tmp_path / f"{names[0]}.bin"
    victim.write_bytes(b"kept")
    (tmp_path / f"{names[1]}.bin").unlink()
    assert golden.write_missing() == [names[1]]
    assert victim.read_bytes() == b"kept"


def test_a_gained_field_gets_a_sample_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    golden.write_missing()
    assert golden.write_missing("2") == []
    (tmp_path / "hub.books.v1.Entry.bin").write_bytes(b"")  # as if the first release had no field yet
    assert golden.write_missing("2") == ["hub.books.v1.Entry.2"]


def test_no_golden_file_is_left_without_its_text() -> None:
    texts = {path.stem for path in golden.FOLDER.glob("*.json")}
    assert texts == {path.stem for path in FILES}
