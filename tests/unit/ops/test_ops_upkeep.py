"""Repairs refuse to begin while something is on its way or at work."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from dispute.contracts.topics import CATALOGUE, HANDOFFS, JOURNAL
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.store.tables import inbox_stream, stream_lease
from hub.streams.outbox import Entry, Outbox
from hub.streams.topics import Topic
from ops.cli.main import app
from ops.repair.stores_and_topics import undrained

SERVICES = sorted({name for topic in CATALOGUE for name in (*topic.producers, *topic.readers)})


@pytest.fixture
def stores(tmp_path: Path) -> dict[str, str]:
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in SERVICES}
    for name, url in urls.items():
        store = Store(url)
        migrate(store)
        for topic in CATALOGUE:
            if name in topic.producers:
                store.write_blocking(Outbox(topic, name).open)
        store.close()
    return urls


@pytest.fixture
def run(stores: dict[str, str], tmp_path: Path) -> Path:
    told = {"folder": str(tmp_path), "pid": 1, "kafka": "127.0.0.1:9", "grpc": {}, "http": {}, "stores": stores}
    (tmp_path / "run.json").write_text(json.dumps(told))
    return tmp_path


def write(url: str, topic: Topic, service: str, *, sent: bool) -> None:
    store = Store(url)
    outbox = Outbox(topic, service)
    store.write_blocking(lambda tx: outbox.append(tx, [Entry("a", b"1")]))
    if sent:
        store.write_blocking(lambda tx: tx.execute(sa.update(stream_lease).values(sent_upto=1)))
    store.close()


def test_nothing_written_is_drained(stores: dict[str, str]) -> None:
    assert undrained(stores) == []


def test_what_waits_is_named(stores: dict[str, str]) -> None:
    write(stores["court_bridge"], HANDOFFS, "court_bridge", sent=False)
    said = undrained(stores)
    assert len(said) == 2
    assert said[0].startswith("court_bridge: 1 ")
    assert said[1].startswith("intake: 1 ")


def test_a_reader_that_is_at_the_end_does_not_wait(stores: dict[str, str]) -> None:
    write(stores["intake"], JOURNAL, "intake", sent=True)
    assert [line.partition(":")[0] for line in undrained(stores)] == list(JOURNAL.readers)
    producer = Store(stores["intake"])
    (name,) = [n for n, head in producer.read_blocking(Outbox(JOURNAL, "intake").heads).items() if head]
    producer.close()
    store = Store(stores["stats"])
    place = {"topic": JOURNAL.name, "producer": name.producer, "shard": name.shard, "epoch": name.epoch}
    store.write_blocking(
        lambda tx: tx.execute(sa.insert(inbox_stream).values(**place, position=1, hash=bytes(32), closed=False))
    )
    store.close()
    assert "stats" not in [line.partition(":")[0] for line in undrained(stores)]


@pytest.mark.parametrize("partitions", ["0", "5", "7", "48"])
def test_partitions_divide_the_shards(run: Path, partitions: str) -> None:
    done = CliRunner().invoke(app, ["topics", "grow", "--partitions", partitions, "--run", str(run)])
    assert done.exit_code == 2


def test_a_running_service_keeps_its_store(run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = json.loads((run / "run.json").read_text())
        told["grpc"] = {"intake-2": f"127.0.0.1:{server.getsockname()[1]}"}
        (run / "run.json").write_text(json.dumps(told))
        for command in (["store", "restore", "intake", "x"], ["topics", "grow", "--partitions", "12"]):
            done = CliRunner().invoke(app, [*command, "--run", str(run)])
            assert done.exit_code == 1


def test_backup_new_epoch_and_republish_are_commands(run: Path, stores: dict[str, str], tmp_path: Path) -> None:
    write(stores["intake"], JOURNAL, "intake", sent=True)
    for command in (["backup", "intake", str(tmp_path / "copy")], ["republish", "intake"], ["new-epoch", "intake"]):
        done = CliRunner().invoke(app, ["store", *command, "--run", str(run)])
        assert done.exit_code == 0, done.output
    store = Store(stores["intake"])
    outbox = Outbox(JOURNAL, "intake")
    try:
        assert store.read_blocking(outbox.unsent) == 1
        (epoch,) = {name.epoch for name in store.read_blocking(outbox.heads)}
        follows = store.read_blocking(lambda tx: outbox.continues_from(tx, 0, epoch))
        assert follows is not None
    finally:
        store.close()
    assert CliRunner().invoke(app, ["store", "republish", "stats", "--run", str(run)]).exit_code == 1
    assert CliRunner().invoke(app, ["store", "republish", "nobody", "--run", str(run)]).exit_code == 2
