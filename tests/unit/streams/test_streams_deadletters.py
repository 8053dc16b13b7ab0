"""Dead letters keep the original untouched and say why (conventions 1)."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from dispute.contracts.topics import HANDOFFS
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.store.tables import dead_letter
from hub.streams.dead_letters import PREFIX, message_of
from hub.streams.inbox import Inbox
from hub.streams.judge import Dead
from hub.streams.ports import FeedRecord

OURS = {
    "dlq_reason": b"undecodable",
    "dlq_detail": b"value is not a Batch",
    "dlq_topic": HANDOFFS.name.encode(),
    "dlq_partition": b"4",
    "dlq_offset": b"77",
    "dlq_stream": b"court_bridge/16/e1",
    "dlq_position": b"12",
    "dlq_attempts": b"1",
    "dlq_service_version": b"intake 0.1.0",
}


@pytest.mark.parametrize("came", [(("ce_id", b"x"), ("ce_id", b"y")), (("ce_id", b"x"), ("dlq_reason", b"old"))])
def test_the_original_stays_and_each_reason_stands_once(tmp_path: Path, came: tuple[tuple[str, bytes], ...]) -> None:
    record = FeedRecord(HANDOFFS.name, 4, 77, b"16", b"\xff\x00", came, 1)
    dead = Dead(record, "undecodable", "value is not a Batch", "court_bridge/16/e1", 12, 3)
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    try:
        migrate(store)
        store.write_blocking(lambda tx: Inbox(HANDOFFS.name).bury(tx, [dead]))
        row = store.read_blocking(lambda tx: tx.execute(sa.select(dead_letter)).one())
    finally:
        store.close()
    letter = message_of(row, "intake 0.1.0")
    assert (letter.topic, letter.partition, letter.key, letter.value) == (HANDOFFS.dead_letters, 0, b"16", b"\xff\x00")
    kept = [header for header in came if not header[0].startswith(PREFIX)]
    assert list(letter.headers)[: len(kept)] == kept
    told = [(name, value) for name, value in letter.headers if name.startswith(PREFIX)]
    assert len(told) == len(dict(told))
    assert dict(told).items() >= OURS.items()
    assert dict(told)["dlq_first_failed_time"].startswith(b"20")
