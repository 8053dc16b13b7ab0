"""The books of a run: received = applied + rejected + dead + parked + held + in flight, each from its own place."""

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
    """What one service says about itself, read in one snapshot.

    Attributes:
        entries: (stage, what) to number of records.
        written: Head of each stream that it writes.
        sent: What of each own stream Kafka has confirmed.
        read: Place in each stream that it reads.
    """

    service: str
    entries: Mapping[tuple[str, str], int]
    written: Vector
    sent: Vector
    read: Vector

    @property
    def outbox_rows(self) -> int:
        """Records that it wrote and Kafka has not confirmed."""
        return sum(head - self.sent.get(stream, 0) for stream, head in self.written.items())

    def count(self, stage: str, what: str) -> int:
        """Return one entry; 0 when the service has none of it."""
        return self.entries.get((stage, what), 0)

    def total(self, what: str) -> int:
        """Return the sum of one kind of entry over the stages."""
        return sum(count for (_, kind), count in self.entries.items() if kind == what)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the way: who wrote the records, and what became of them."""

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
        """Nothing is missing and nothing is too much."""
        return all(stage.difference == 0 for stage in self.stages)

    def as_json(self) -> dict[str, object]:
        """Return the form of `--json`."""
        return {"balanced": self.balanced, "stages": [asdict(stage) for stage in self.stages]}


def sheet_of(answer: books_pb2.GetBooksResponse) -> Sheet:
    """Read a service's answer."""
    return Sheet(
        service=answer.service,
        entries={(entry.stage, entry.what): entry.count for entry in answer.entries},
        written=vector_from_wire(answer.written),
        sent=vector_from_wire(answer.sent),
        read=vector_from_wire(answer.read),
    )


def in_flight(senders: Iterable[Sheet], reader: Sheet) -> int:
    """Return the records between two places: confirmed by Kafka, not yet applied by the reader.

    Taken stream by stream from the sender's and the reader's own positions, never as what is left over.
    """
    return sum(position - reader.read.get(stream, 0) for sender in senders for stream, position in sender.sent.items())


def unread(senders: Iterable[Sheet], reader: Sheet) -> int:
    """Return how many records wait for a reader now; a sheet that is older than another counts as none waiting."""
    return sum(
        max(0, position - reader.read.get(stream, 0)) for sender in senders for stream, position in sender.sent.items()
    )


def on_its_way(sheets: Mapping[str, Sheet], bridges: Sequence[str]) -> dict[str, int]:
    """Return what has not arrived, as `stats unread` to the number of records; empty when the hub is at rest.

    Bridges read the journal too, and follow stats by a moment. A parked or held record has arrived.

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
    # Rows that wait in the outbox, counted as rows where they are written, beside the positions.
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
