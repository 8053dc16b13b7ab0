"""The file of credentials that a service is given at its start."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.access.credential import NEVER, digest_of, id_of
from hub.access.credential_file import as_row, read_file
from hub.errors import Fault
from ops.run.credentials import make, token_path

DIGEST = digest_of("a token")
ROW = {"token_sha256": DIGEST, "holder": "clerk-1", "role": "clerk", "expires_at": "2027-01-01T00:00:00+08:00"}


def given(folder: Path, *rows: object) -> Path:
    path = folder / "credentials.json"
    path.write_text(json.dumps(rows))
    return path


def test_a_row_is_read_and_written_back(tmp_path: Path) -> None:
    (its,) = read_file(given(tmp_path, ROW | {"scopes": ["read"], "area": "620725"}))
    assert (its.credential_id, its.holder, its.role, its.area) == (id_of(DIGEST), "clerk-1", "clerk", "620725")
    assert its.scopes == {"read"}
    assert its.expires_at == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert read_file(given(tmp_path, as_row(its))) == (its,)


def test_a_key_of_an_earlier_release_is_an_agencys_credential_for_ever(tmp_path: Path) -> None:
    (its,) = read_file(given(tmp_path, {"agency": "court-620725", "county": "620725", "key_sha256": DIGEST}))
    assert (its.holder, its.role, its.area, its.expires_at) == ("court-620725", "agency", "620725", NEVER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        json.dumps([{"agency": "court-620725"}]),
        json.dumps([{"agency": "court-620725", "county": "620725", "key_sha256": "ab"}]),
        json.dumps([ROW | {"kay": 1}]),
        json.dumps([ROW | {"expires_at": "2027-01-01T00:00:00"}]),
        json.dumps([ROW | {"area": "62072"}]),
        json.dumps([ROW | {"holder": "张三"}]),
    ],
)
def test_a_bad_file_stops_the_start_and_shows_nothing_of_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(text)
    with pytest.raises(Fault) as fault:
        read_file(path)
    assert fault.value.code == "credentials_unreadable"
    assert DIGEST[:8] not in str(fault.value)


def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="credentials_unreadable"):
        read_file(tmp_path / "none.json")


def test_a_run_keeps_its_credentials_and_adds_what_is_new(tmp_path: Path) -> None:
    first = make(tmp_path, [("court-620725", "620725")])
    again = make(tmp_path, [("court-620725", "620725"), ("police-620725", "620725")], ("operator", "clerk"))
    assert again.keys["court-620725"] == first.keys["court-620725"]
    assert again.tokens["operator"] == first.tokens["operator"]
    assert {its.holder for its in read_file(again.file)} == {"court-620725", "police-620725", "operator-1", "clerk-1"}
    for path in (again.file, again.keys_file, token_path(tmp_path, "clerk")):
        assert path.stat().st_mode & 0o777 == 0o600
    digests = again.file.read_text()
    assert all(secret not in digests for secret in (*again.keys.values(), *again.tokens.values()))
