"""The table of the control: which promise each guard keeps, and what drives into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.faults import drives
from tests.faults.drives import Drive
from tests.faults.script import SCENARIO, WALL


@dataclass(frozen=True)
class Row:
    """One guard and how it is proved.

    Attributes:
        guard: Name in `GUARDS`.
        promise: What must hold with it, for people.
        drive: Leads into it.
        store: Where.
        seen_by: `lost` or `double_counted`: only the oracle's own figure counts as red.
        behind: What stands behind the guard, so that the red is a broken promise and no wrong figure.
        clock: By which deadlines run.
    """

    guard: str
    promise: str
    drive: Drive
    store: str = "sqlite"
    seen_by: str = ""
    behind: str = ""
    clock: str = SCENARIO


ROWS: Final = (
    Row("dropped_record", "a hand-off with a receipt is in the register", drives.plain, seen_by="lost"),
    Row("applied_twice", "each event is counted once", drives.plain, seen_by="double_counted"),
    Row(
        "own_place",
        "a restart with foreign group offsets costs no repeat and no fetched message",
        drives.foreign_offsets,
        behind="gap fetch and slicing keep the figures exact",
    ),
    Row(
        "gap_fetch",
        "a dropped record is applied before what follows it",
        drives.one_dropped,
        behind="on a quiet partition the idle check brings it two seconds later; else stats stops at the hole",
    ),
    Row("idle_check", "a dropped last record is applied", drives.tail_dropped),
    Row(
        "slicing",
        "a batch that comes again, with other borders, counts once",
        drives.killed_before_mark,
        behind="the key of the facts refuses the second row: stats stops instead of counting twice",
    ),
    Row(
        "own_question",
        "whoever asks the log gets an answer, whoever else asks meanwhile",
        drives.asked_together,
        clock=WALL,
    ),
    Row(
        "provisional_dates",
        "what was accepted is registered, whatever the calendar knows",
        drives.old_backlog,
    ),
    Row(
        "sqlstates",
        "a database that can't write stops nobody",
        drives.of_kind("store-read-only", "Turn PostgreSQL read-only for a while, and back."),
        store="postgres",
    ),
    Row(
        "bounded_waits",
        "whoever asks while a table is locked is answered in time",
        drives.of_kind("table-locked", "Hold tables that callers and a reader need."),
        store="postgres",
    ),
    Row(
        "broker_stamps",
        "a service whose clock is ahead does its work",
        drives.of_kind("clock-ahead", "Start one service again with its clock an hour ahead."),
        clock=WALL,
    ),
    Row(
        "source_hold",
        "one agency's flood holds its own records, the others go on",
        drives.of_kind("flood-of-one-source", "Let every record of one agency die, cure it, release what was held."),
    ),
    Row("producer_watchdog", "a producer that never resolves anything is replaced", drives.wedged),
    Row("parking", "a bug at one record holds up one dispute", drives.bug_at_one),
    Row(
        "compare_and_swap",
        "a worker that was overtaken writes nothing and goes on",
        drives.zombie,
        store="postgres",
        behind="the key of the facts refuses the second row: stats stops instead of counting twice",
    ),
)
