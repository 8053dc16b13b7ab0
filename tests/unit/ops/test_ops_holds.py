"""`hub dlq held` and `hub dlq release` on the stores of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from dispute.contracts.topics import HANDOFFS, JOURNAL
from hub.store.migrate import migrate
from hub.store.store import Store
from hub.store.tables import parked
from hub.streams.envelope import StreamName
from hub.streams.holds import hold, holds
from hub.streams.inbox import Inbox
from hub.streams.judge import Numbered
from ops.cli.main import app
from ops.run.run_folder import Running, write

COURT, POLICE = "court_bridge/court-620725", "police_bridge/police-620725"
READERS = (*HANDOFFS.readers, *JOURNAL.readers)


def item(position: int, producer: str = "court_bridge") -> Numbered:
    return Numbered(HANDOFFS.name, 0, position, StreamName(producer, 0, "e1"), position, b"record")


@pytest.fixture
def run(tmp_path: Path) -> tuple[str, ...]:
    """A run whose intake holds the court with two records, and has one of the police parked by a bug."""
    urls = {name: f"sqlite:///{tmp_path / name}.db" for name in READERS}
    write(Running(str(tmp_path), 1, "127.0.0.1:1", {}, {}, urls))
    for name, url in urls.items():
        store = Store(url)
        migrate(store)
        if name == "intake":
            inbox = Inbox(HANDOFFS.name)
            store.write_blocking(lambda tx: hold(tx, HANDOFFS.name, COURT, "unknown_code × 20"))
            store.write_blocking(
                lambda tx: inbox.park(tx, [(item(n), f"d{n}", COURT) for n in (1, 2)], "source_held", 1.0)  # noqa: B023 - run at once
            )
            store.write_blocking(lambda tx: inbox.park(tx, [(item(3, "police_bridge"), "d3", POLICE)], "bug", None))  # noqa: B023 - as above
        store.close()
    return ("--run", str(tmp_path))


def told(*words: str) -> object:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def states(run: tuple[str, ...]) -> list[tuple[str, str, int, str]]:
    lines = told("dlq", "held", *run)
    assert isinstance(lines, list)
    return [(line["source"], line["state"], line["records"], line["reasons"]) for line in lines]


def test_what_is_held_and_what_is_parked_is_listed_by_source(run: tuple[str, ...]) -> None:
    assert states(run) == [(COURT, "held", 2, "unknown_code × 20"), (POLICE, "parked", 1, "bug × 1")]
    shown = CliRunner().invoke(app, ["dlq", "held", *run])
    assert shown.exit_code == 0
    assert COURT in shown.stdout


def test_a_release_takes_the_hold_away_and_makes_its_records_due(run: tuple[str, ...]) -> None:
    assert told("dlq", "release", COURT, *run) == {"source": COURT, "records": 2, "services": ["intake"]}
    assert states(run) == [(COURT, "parked", 2, "source_held × 2"), (POLICE, "parked", 1, "bug × 1")]
    assert told("dlq", "release", POLICE, *run) == {"source": POLICE, "records": 1, "services": ["intake"]}
    store = Store(f"sqlite:///{Path(run[1]) / 'intake'}.db")
    try:
        assert store.read_blocking(lambda tx: holds(tx, HANDOFFS.name)) == {}
        waits = store.read_blocking(lambda tx: list(tx.scalars(sa.select(parked.c.retry_at))))
    finally:
        store.close()
    assert len(waits) == 3
    assert None not in waits


def test_a_source_that_nobody_knows_is_refused(run: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, ["dlq", "release", "court_bridge/court-620726", *run])
    assert done.exit_code == 1
    assert states(run)[0][1] == "held"


def test_an_agency_of_a_held_producer_is_not_released_by_itself(run: tuple[str, ...]) -> None:
    store = Store(f"sqlite:///{Path(run[1]) / 'intake'}.db")
    try:
        store.write_blocking(lambda tx: hold(tx, HANDOFFS.name, "police_bridge", "undecodable × 20"))
    finally:
        store.close()
    done = CliRunner().invoke(app, ["dlq", "release", POLICE, *run])
    assert done.exit_code == 1
    assert "hub dlq release police_bridge" in done.stderr
    assert told("dlq", "release", "police_bridge", *run) == {
        "source": "police_bridge",
        "records": 1,
        "services": ["intake"],
    }
