"""Rows of the stores that the oracle looks at: plain columns, by the names that the tables give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar, cast


class Head(NamedTuple):
    """A row of `stream_head`."""

    shard: int
    epoch: str
    position: int
    hash: bytes
    rows: int


class Seat(NamedTuple):
    """A row of `inbox_stream`: a reader's place in one stream."""

    topic: str
    producer: str
    shard: int
    epoch: str
    position: int
    closed: bool


class Tally(NamedTuple):
    """A row of `inbox_partition`."""

    topic: str
    partition: int
    next_offset: int
    applied: int
    repeats_dropped: int
    gaps_fetched: int


class Dead(NamedTuple):
    """A row of `dead_letter`."""

    topic: str
    partition: int
    offset: int
    stream: str
    position: int
    records: int
    reason: str


class Waiting(NamedTuple):
    """A row of `parked`."""

    topic: str
    stream: str
    position: int
    key: str
    reason: str


class Registered(NamedTuple):
    """A row of intake's `dispute`."""

    dispute_id: str
    sequence: int
    state: str


class Applied(NamedTuple):
    """A row of intake's `handoff_applied`."""

    handoff_id: str
    dispute_id: str


class Receipt(NamedTuple):
    """A row of a bridge's `receipt`; `case_of` is None for a later fact."""

    receipt_id: str
    agency: str
    source_ref: str
    dispute_id: str
    case_of: str | None
    stream: str
    position: int


class Interned(NamedTuple):
    """A row of stats' `interned`: kind 0 is a stream, 1 a channel, 2 a county, 3 a town."""

    id: int
    kind: int
    value: str


class Fact(NamedTuple):
    """A row of stats' `fact`, the columns that are recounted."""

    stream_id: int
    position: int
    line: int
    type: int
    sign: int
    day: int
    first: int
    concluding: int
    dispute: bytes
    channel: int
    county_code: int
    town_code: int
    due_on: int | None
    local_due_on: int | None
    statutory_due_on: int | None


class Cell(NamedTuple):
    """A row of stats' `cell`; a tuple has a method `count` already."""

    day: int
    shard: int
    measure: int
    channel: int
    county: int
    town: int
    count_: int


class Total(NamedTuple):
    """A row of stats' `total`."""

    county: int
    channel: int
    measure: int
    shard: int
    count_: int


class Folded(NamedTuple):
    """A row of stats' `folded`."""

    stream_id: int
    events: int


TABLES: Final[Mapping[str, type[tuple[Any, ...]]]] = {
    "stream_head": Head,
    "inbox_stream": Seat,
    "inbox_partition": Tally,
    "dead_letter": Dead,
    "parked": Waiting,
    "dispute": Registered,
    "handoff_applied": Applied,
    "receipt": Receipt,
    "interned": Interned,
    "fact": Fact,
    "cell": Cell,
    "total": Total,
    "folded": Folded,
}
KERNEL: Final = ("stream_head", "inbox_stream", "inbox_partition", "dead_letter", "parked")
ROWS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "intake": (*KERNEL, "dispute", "handoff_applied"),
    "stats": (*KERNEL, "interned", "fact", "cell", "total", "folded"),
    "bridge": (*KERNEL, "receipt"),
}

R = TypeVar("R", bound=tuple[Any, ...])


@dataclass(frozen=True)
class StoreRows:
    """Rows of one service's store, read in one snapshot."""

    service: str
    tables: Mapping[str, Sequence[tuple[Any, ...]]]

    def of(self, row: type[R]) -> Sequence[R]:
        """Return the rows of one kind; none when this service keeps no such table."""
        name = next(table for table, kind in TABLES.items() if kind is row)
        return cast("Sequence[R]", self.tables.get(name, ()))
