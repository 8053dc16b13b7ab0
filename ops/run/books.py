"""The books of a run.

Received = applied + rejected + dead + parked + held + in flight. Each term is counted where it arises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from hub.grpc.vectors import vector_from_wire
from hub.streams.envelope import StreamName
from hub.wire.books.v1 import books_pb2

Vector = Mapping[StreamName, int]
HANDOFF: Final = "handoff"
JOURNAL: Final = "journal"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The counts and positions of one service.

    They are read in one snapshot.

    Attributes:
        entries: (stage, what) to number of records.
        written: Head of each stream that it writes.
        sent: Last position of each own stream that Kafka has confirmed.
        read: Position in each stream that it reads.
    """

    service: str
    entries: Mapping[tuple[str, str], int]
    written: Vector
    sent: Vector
    read: Vector

    @property
    def outbox_rows(self) -> int:
        """Records that Kafka has not confirmed yet."""
        return sum(head - self.sent.get(stream, 0) for stream, head in self.written.items())

    def count(self, stage: str, what: str) -> int:
        """Return one entry; 0 when it is missing."""
        return self.entries.get((stage, what), 0)

    def total(self, what: str) -> int:
        """Sum one kind of entry over all stages."""
        return sum(count for (_, kind), count in self.entries.items() if kind == what)


@dataclass(frozen=True, slots=True)
class Stage:
    """Counts of one stage.

    A stage leads from the services that wrote the records to the service that reads them.
    """

    stage: str
    received: int
    applied: int
    rejected: int
    dead: int
    parked: int
    held: int
    unsent: int
    in_flight: int
    difference: int


@dataclass(frozen=True, slots=True)
class Books:
    """All stages of a run."""

    stages: tuple[Stage, ...]
    repeats_dropped: int
    gaps_fetched: int

    @property
    def balanced(self) -> bool:
        """True when no stage has a difference."""
        return all(stage.difference == 0 for stage in self.stages)

    def as_json(self) -> dict[str, object]:
        """Return the JSON form for `--json`."""
        return {"balanced": self.balanced, "stages": [asdict(stage) for stage in self.stages]}


def sheet_of(answer: books_pb2.GetBooksResponse) -> Sheet:
    """Convert a service's answer into a `Sheet`."""
    return Sheet(
        service=answer.service,
        entries={(entry.stage, entry.what): entry.count for entry in answer.entries},
        written=vector_from_wire(answer.written),
        sent=vector_from_wire(answer.sent),
        read=vector_from_wire(answer.read),
    )


def in_flight(senders: Iterable[Sheet], reader: Sheet) -> int:
    """Count the records between senders and reader.

    Kafka has confirmed them, and the reader has not applied them yet. The number is computed stream by stream from the
    positions of the senders and the reader, never as the remainder of the other counts.
    """
    return sum(position - reader.read.get(stream, 0) for sender in senders for stream, position in sender.sent.items())


def unread(senders: Iterable[Sheet], reader: Sheet) -> int:
    """Count the records that wait for a reader.

    A stream counts as 0 when the sender's sheet is older than the reader's.
    """
    return sum(
        max(0, position - reader.read.get(stream, 0)) for sender in senders for stream, position in sender.sent.items()
    )


def on_its_way(sheets: Mapping[str, Sheet], bridges: Sequence[str]) -> dict[str, int]:
    """Return the records that have not arrived.

    The keys are texts such as `stats unread`, the values numbers of records; empty when the hub is at rest. Bridges
    read the journal too, a moment after stats. A parked or held record has arrived.

    Args:
        sheets: By service: the bridges, `intake` and `stats`.
        bridges: Names of the bridges.
    """
    intake = sheets["intake"]
    found = {f"{name} unsent": sheet.outbox_rows for name, sheet in sheets.items()}
    found["intake unread"] = unread([sheets[name] for name in bridges], intake)
    found |= {f"{name} unread": unread([intake], sheets[name]) for name in ("stats", *bridges)}
    return {what: count for what, count in found.items() if count}


def balance(sheets: Mapping[str, Sheet], bridges: Sequence[str]) -> Books:
    """Add up the books of all five services.

    Args:
        sheets: By service: the bridges, `intake` and `stats`.
        bridges: Names of the bridges.
    """
    senders = [sheets[name] for name in bridges]
    intake, stats = sheets["intake"], sheets["stats"]
    stages = (_stage(HANDOFF, senders, intake), _stage(JOURNAL, [intake], stats))
    return Books(
        stages,
        repeats_dropped=sum(sheet.total("repeats_dropped") for sheet in sheets.values()),
        gaps_fetched=sum(sheet.total("gaps_fetched") for sheet in sheets.values()),
    )


def _stage(name: str, senders: Sequence[Sheet], reader: Sheet) -> Stage:
    received = sum(sender.count(name, "received") for sender in senders)
    # Rows that wait in the outbox: the service that writes them counts the rows; positions are not used.
    unsent = sum(sender.count(name, "unsent") for sender in senders)
    counted = {what: reader.count(name, what) for what in ("applied", "rejected", "dead", "parked", "held")}
    between = in_flight(senders, reader) + unsent
    return Stage(
        stage=name,
        received=received,
        unsent=unsent,
        in_flight=between,
        difference=received - sum(counted.values()) - between,
        **counted,
    )
