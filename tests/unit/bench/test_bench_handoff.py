"""Stamped requests are real records, each its own; lost receipts are seen; the callers' HTTP client reads answers."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from itertools import islice
from pathlib import Path

import pytest

from bench import handoff
from bench.handoff_callers import receipts_of
from bench.handoff_http import Connection
from bench.handoff_stamps import Stamp, batches, read_patterns, records, write_patterns
from bench.lands import COUNTY
from bench.measure import Sample
from bench.options import Options
from dispute.wire.court.v1 import court_pb2
from dispute.wire.exchange.v1 import exchange_pb2


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patterns")
    write_patterns(folder)
    return folder


def test_each_stamp_is_a_record_of_its_own(patterns: Path) -> None:
    made = [court_pb2.SubmitRequest.FromString(one) for one in islice(records(read_patterns(patterns, "grpc"), 5), 600)]
    assert len({one.court_case.case_number for one in made}) == len(made)
    assert all(one.court_case.parties and one.court_case.county_code == COUNTY for one in made)


def test_json_and_protobuf_tell_the_same(patterns: Path) -> None:
    plain = json.loads(next(records(read_patterns(patterns, "http"), 9)))
    case = court_pb2.SubmitRequest.FromString(next(records(read_patterns(patterns, "grpc"), 9))).court_case
    assert (plain["case_number"], plain["amount_fen"]) == (case.case_number, case.amount_fen)


def test_a_batch_holds_consecutive_stamps(patterns: Path) -> None:
    stamps = read_patterns(patterns, "grpc")
    batch = court_pb2.SubmitBatchRequest.FromString(next(batches(stamps, 40, 300)))
    assert [one.SerializeToString() for one in batch.items] == list(islice(records(stamps, 40), 300))


def test_a_pattern_has_one_mark() -> None:
    with pytest.raises(ValueError, match="0 marks"):
        Stamp.of(b"no mark in it")


def test_a_refused_item_is_no_receipt() -> None:
    answer = court_pb2.SubmitBatchResponse(
        results=[court_pb2.ItemResult(refusal=exchange_pb2.Refusal(code="outbox_full"))]
    )
    with pytest.raises(ValueError, match="outbox_full"):
        receipts_of("batch", answer.SerializeToString())


def test_a_receipt_without_its_row_or_its_outbox_record_is_lost(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    with sqlite3.connect(store) as opened:
        opened.execute("CREATE TABLE receipt (receipt_id TEXT, dispute_id TEXT)")
        opened.execute("CREATE TABLE outbox (key TEXT)")
        opened.executemany("INSERT INTO receipt VALUES (?, ?)", [("a", "1"), ("b", "2")])
        opened.execute("INSERT INTO outbox VALUES ('1')")
    assert handoff.checked(store, ["a", "a"]) == {"acknowledged": 2, "distinct": 1, "stored": 2, "lost": 0}
    assert handoff.checked(store, ["a", "b", "c"])["lost"] == 2


def test_ratios_are_ours_over_the_bare_server(tmp_path: Path) -> None:
    figures = {"records_s": 1000.0, "server_cpu_us": 500.0}
    bare = {"records_s": 2000.0, "server_cpu_us": 200.0}
    samples: dict[str, list[Sample]] = {
        "unary_echo": [bare],
        "unary": [figures],
        "rest_echo": [bare],
        "rest": [figures],
        "batch": [figures],
    }
    options = Options(rounds=1, quick=True, save=False, json=True, folder=None)
    document = handoff.document_of(samples, {"lost": 0}, options, tmp_path)
    assert document["ratios"] == {"unary": 0.5, "rest": 0.5, "unary_cpu": 0.4, "rest_cpu": 0.4}
    assert document["targets"] == {
        "unary": {"target": 0.7, "reached": 0.5, "met": False},
        "batch": {"target": 8000.0, "reached": 1000.0, "met": False},
        "lost": {"target": 0, "reached": 0, "met": True},
    }


async def _answered_with(*parts: bytes) -> bytes:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        connection = await Connection.open("127.0.0.1", server.sockets[0].getsockname()[1], "POST / HTTP/1.1\r\n")
        try:
            return await asyncio.wait_for(connection.send(b"{}"), 10)
        finally:
            connection.close()


async def test_an_answer_in_pieces_is_read_whole() -> None:
    parts = (b"HTTP/1.1 201 Created\r\nContent-Le", b"ngth: 5\r\n\r\nab", b"cde")
    assert await _answered_with(*parts) == b"abcde"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\n"])
async def test_no_success_is_an_error(answer: bytes) -> None:
    with pytest.raises(ConnectionError):
        await _answered_with(answer)
