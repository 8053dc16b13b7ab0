"""Black-box tests speak the protos of the tree under test, whatever this tree's generated code says in the process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blackbox import stubs
from tests.support.tree import ROOT

BOOKS = Path("hub/books/v1/books.proto")
SCRIPT = """
import json
from datetime import UTC, datetime
from hub.wire.books.v1 import books_pb2 as ours
from dispute.wire.dispute.v1 import command_pb2
from stubs.books.v1 import books_pb2, books_pb2_grpc
from stubs.journal.v1 import journal_pb2

event = journal_pb2.JournalEvent()
event.occurred_at.FromDatetime(datetime(2024, 3, 1, tzinfo=UTC))
calls = []

class Channel:
    def unary_unary(self, path, **_):
        calls.append(path)
    unary_stream = stream_unary = stream_stream = unary_unary

books_pb2_grpc.BooksServiceStub(Channel())
fields = [set(pb2.GetBooksRequest.DESCRIPTOR.fields_by_name) for pb2 in (books_pb2, ours)]
print(json.dumps([sorted(fields[0] - fields[1]), event.occurred_at.seconds, calls]))
"""


def test_stubs_are_of_the_tree_under_test_beside_our_own(tmp_path: Path) -> None:
    protos, folder = tmp_path / "protos", tmp_path / "compiled"
    shutil.copytree(ROOT / "protos" / "hub", protos / "hub")
    text = (protos / BOOKS).read_text(encoding="utf-8")
    (protos / BOOKS).write_text(
        text.replace("message GetBooksRequest {", "message GetBooksRequest {\n  string later = 1000;"), encoding="utf-8"
    )
    folder.mkdir()
    stubs.compile_into(folder, protos)
    env = {**os.environ, "PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["later"], 1709251200, ["/hub.books.v1.BooksService/GetBooks"]]
    declared = stubs.declared_in(folder)
    assert {"hub.books.v1.GetBooksRequest.later", "hub.books.v1.BooksService.GetBooks"} <= declared
    assert "hub.books.v1.GetBooksRequest.never" not in declared


def test_protos_that_do_not_compile_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "protos" / "hub").mkdir(parents=True)
    (tmp_path / "protos" / "hub" / "bad.proto").write_text("nonsense", encoding="utf-8")
    (tmp_path / "compiled").mkdir()
    with pytest.raises(RuntimeError, match="protoc refuses"):
        stubs.compile_into(tmp_path / "compiled", tmp_path / "protos")
    assert "bad.proto" in capfd.readouterr().err
