"""A small county's evidence without any process: the product's own lifecycle, envelope and fold, the oracle's inputs.

Only tests of the oracle use it; the oracle itself never does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from dispute.contracts.codec import event_to_wire
from dispute.contracts.topics import HANDOFFS, JOURNAL
from dispute.lifecycle import (
    Channel,
    DateName,
    Instruction,
    ProvisionalDate,
    Reclassify,
    Reopen,
    ReopenReason,
    SettledDate,
    SettleDueDates,
    State,
    dispute_id_of,
)
from dispute.wire.handoff.v1 import handoff_pb2
from hub.streams.envelope import GENESIS, BatchPlace, StreamName, extend_all, pack
from hub.streams.topics import Topic, partition_of, shard_of
from services.stats.facts.fold import DIMENSIONS, Fold, cohort_days
from services.stats.figures.definitions import METRICS
from services.stats.figures.rates import rate_of
from tests.faults.evidence import CHANNELS, Answer, Evidence, Raw
from tests.faults.results import due_results
from tests.faults.rows import (
    Applied,
    Cell,
    Fact,
    Folded,
    Head,
    Interned,
    Receipt,
    Registered,
    Seat,
    StoreRows,
    Tally,
    Total,
)
from tests.support.lifecycle import LINKED, PATHS, START, TODAY, Walk, command, mark_of, registration

EPOCH: Final = "5f0c9a17"
PARTITIONS: Final = 6
BRIDGES: Final = {"court": "court_bridge", "police": "police_bridge", "petition": "petition_bridge"}
MOVED: Final = Reclassify(town_code="620725102", reason_code="clerk_error")
STATUTORY: Final = TODAY + timedelta(days=60)
CORRECTED: Final = SettleDueDates((SettledDate(DateName.STATUTORY_DUE_ON, STATUTORY, STATUTORY + timedelta(days=2)),))
RELAPSE: Final = Reopen(ReopenReason.NEW_SUIT)
LIVES: Final[Mapping[str, tuple[Channel, tuple[Instruction, ...]]]] = {
    "open": (Channel.COURT, PATHS[State.MEDIATING]),
    "agreed": (Channel.POLICE, PATHS[State.CLOSED]),
    "failed": (Channel.PETITION, PATHS[State.FAILED]),
    "refused": (Channel.COURT, PATHS[State.NOT_MEDIABLE]),
    "linked": (Channel.POLICE, LINKED),
    "moved": (Channel.COURT, (*PATHS[State.AGREED], MOVED)),
    "corrected": (Channel.PETITION, (*PATHS[State.AGREED], CORRECTED)),
    "relapsed": (Channel.COURT, (*PATHS[State.CLOSED], RELAPSE)),
    "window": (Channel.WINDOW, PATHS[State.ACCEPTED]),
}
"""Name -> channel and what happened."""

Rows = dict[str, Sequence[tuple[Any, ...]]]


@dataclass
class Writer:
    """One service's streams to one topic, in batches of three."""

    topic: Topic
    producer: str
    records: dict[int, list[bytes]] = field(default_factory=dict)

    def append(self, dispute: str, record: bytes) -> tuple[str, int]:
        """Return the place that the record gets."""
        shard = shard_of(dispute)
        known = self.records.setdefault(shard, [])
        known.append(record)
        return f"{self.producer}/{shard}/{EPOCH}", len(known)

    def raw(self, shard: int, first: int, last: int) -> Raw:
        """Return positions first..last as a Kafka record without an offset."""
        known = self.records[shard]
        before = extend_all(GENESIS, known[: first - 1])
        records = known[first - 1 : last]
        place = BatchPlace(
            StreamName(self.producer, shard, EPOCH), first, len(records), before, extend_all(before, records)
        )
        partition = partition_of(shard, PARTITIONS)
        message = pack(self.topic, place, records, partition=partition, written_at=datetime(2024, 3, 1, tzinfo=UTC))
        return Raw(self.topic.name, partition, -1, dict(message.headers), message.value)

    def all(self) -> list[Raw]:
        """Return everything, in batches of three."""
        return [
            self.raw(shard, first, min(first + 2, len(known)))
            for shard, known in sorted(self.records.items())
            for first in range(1, len(known) + 1, 3)
        ]

    def heads(self) -> list[Head]:
        """Return the rows of `stream_head`."""
        return [
            Head(shard, EPOCH, len(known), extend_all(GENESIS, known), len(known))
            for shard, known in sorted(self.records.items())
        ]


def numbered(records: Iterable[Raw]) -> tuple[Raw, ...]:
    """Give records their offsets, in the order in which they come."""
    ends: Counter[int] = Counter()
    given = []
    for record in records:
        given.append(record._replace(offset=ends[record.partition]))
        ends[record.partition] += 1
    return tuple(given)


class _Ids:
    def __init__(self) -> None:
        self.known: dict[tuple[int, str], int] = {}

    def one(self, kind: int, value: str) -> int:
        return self.known.setdefault((kind, value), len(self.known) + 1) if value else 0

    def of(self, dimensions: Any) -> tuple[int, ...]:  # noqa: ANN401 - any message with the fields
        return tuple(self.one(kind, getattr(dimensions, name)) for kind, name in enumerate(DIMENSIONS, start=1))


def lived(name: str, channel: Channel, instructions: Sequence[Instruction]) -> Walk:
    """Return a dispute of that channel that went that way."""
    organ = f"{channel.value}-620725"
    begun = registration(channel)
    begun = replace(begun, dimensions=replace(begun.dimensions, source_organ=organ), source_ref=name)
    walk = Walk()
    counted: tuple[ProvisionalDate, ...] = ()
    if channel is Channel.PETITION:
        # Its limit reaches a year without a holiday table.
        begun, counted = replace(begun, statutory_due_on=STATUTORY), (mark_of(DateName.STATUTORY_DUE_ON, STATUTORY),)
    walk.carry_out(replace(command(begun, ref=name, organ=organ), counted=counted))
    for instruction in instructions[1:]:
        walk.carry_out(command(instruction, ref=name, organ=organ))
    return walk


def county(lives: Mapping[str, tuple[Channel, tuple[Instruction, ...]]] = LIVES) -> Evidence:
    """Return the evidence of a run in which everything went right."""
    journal = Writer(JOURNAL, "intake")
    bridges = {bridge: Writer(HANDOFFS, bridge) for bridge in BRIDGES.values()}
    ledger: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    commands: list[dict[str, Any]] = []
    receipts: dict[str, list[Receipt]] = {bridge: [] for bridge in bridges}
    register: list[Registered] = []
    ids, fold, folded = _Ids(), None, Counter[int]()
    fold = Fold(ids.of, cohort_days)
    for name, (channel, instructions) in lives.items():
        walk = lived(name, channel, instructions)
        agency, dispute = f"{channel.value}-620725", dispute_id_of(f"{channel.value}-620725", name)
        place = ("", 0)
        for event in walk.events:
            wire = event_to_wire(event, START)
            place = journal.append(dispute, wire.SerializeToString())
            stream = ids.one(0, place[0])
            fold.add(wire, stream, shard_of(dispute), place[1])
            folded[stream] += 1
            told = {"command_id": wire.causation_id, "dispute_id": dispute}
            commands.append({**told, "stream": place[0], "position": place[1]})
        register.append(Registered(dispute, walk.state.sequence, walk.state.state.value))
        if channel.value in BRIDGES:
            wires = [event_to_wire(event, START) for event in walk.events]
            for event_id, due in due_results(wires, {dispute: (agency, name)}).items():
                results.append({**due._asdict(), "event_id": event_id, "cursor": len(results) + 1})
            bridge = BRIDGES[channel.value]
            handoff = handoff_pb2.Handoff(handoff_id=f"receipt-{name}", dispute_id=dispute, agency_id=agency)
            place = bridges[bridge].append(dispute, handoff.SerializeToString())
            receipts[bridge].append(Receipt(f"receipt-{name}", agency, name, dispute, dispute, *place))
        ledger.append(
            {
                "agency": agency,
                "source_ref": name,
                "receipt_id": f"receipt-{name}",
                "dispute_id": dispute,
                "stream": place[0],
                "position": place[1],
            }
        )
    handoffs = numbered(raw for writer in bridges.values() for raw in writer.all())
    events = numbered(journal.all())
    stores = {
        "intake": StoreRows(
            "intake",
            {
                "stream_head": journal.heads(),
                "inbox_stream": _seats(HANDOFFS, bridges.values()),
                "inbox_partition": _tallies(HANDOFFS),
                "dispute": register,
                "handoff_applied": [Applied(r.receipt_id, r.dispute_id) for rows in receipts.values() for r in rows],
            },
        ),
        "stats": StoreRows("stats", {**_read(journal), **_figures(fold, ids, folded)}),
    }
    for bridge, writer in bridges.items():
        own: Rows = {"stream_head": writer.heads(), "receipt": receipts[bridge]}
        stores[bridge] = StoreRows(bridge, {**_read(journal), **own})
    return Evidence(
        ledger=tuple(ledger),
        results=tuple(results),
        raw={HANDOFFS.name: handoffs, JOURNAL.name: events},
        partitions={HANDOFFS.name: PARTITIONS, JOURNAL.name: PARTITIONS},
        stores=stores,
        answers=_answers(fold, ids),
        books={
            "intake": {("handoff", "applied"): len(handoffs_of(receipts)), **_none("handoff")},
            "stats": {("journal", "applied"): folded.total(), **_none("journal")},
            **{bridge: {("handoff", "received"): len(rows)} for bridge, rows in receipts.items()},
        },
        expected_dead={},
        commands=tuple(commands),
    )


def handoffs_of(receipts: Mapping[str, Sequence[Receipt]]) -> list[Receipt]:
    """Return the receipts of all bridges."""
    return [row for rows in receipts.values() for row in rows]


def _none(stage: str) -> dict[tuple[str, str], int]:
    return {(stage, "dead"): 0, (stage, "parked"): 0}


def _seats(topic: Topic, writers: Iterable[Writer]) -> list[Seat]:
    return [
        Seat(topic.name, writer.producer, shard, EPOCH, len(known), closed=False)
        for writer in writers
        for shard, known in sorted(writer.records.items())
    ]


def _tallies(topic: Topic) -> list[Tally]:
    return [Tally(topic.name, partition, 0, 0, 0, 0) for partition in range(PARTITIONS)]


def _read(journal: Writer) -> Rows:
    return {"inbox_stream": _seats(JOURNAL, [journal]), "inbox_partition": _tallies(JOURNAL)}


def _figures(fold: Fold, ids: _Ids, folded: Counter[int]) -> Rows:
    facts: list[Any] = list(fold.facts)
    totals: Counter[tuple[int, int, int, int]] = Counter()
    for (_, shard, measure, channel, place, _), count in fold.cells.items():
        totals[place, channel, measure, shard] += count
    # stream, position, line, type, sign, day, first, concluding, opening, recorded_ms, dispute, 9 dates, dimensions
    return {
        "interned": [Interned(number, kind, value) for (kind, value), number in ids.known.items()],
        "fact": [Fact._make((*row[:8], row[10], *row[20:23], row[14], *row[18:20])) for row in facts],
        "cell": [Cell(*key, count) for key, count in fold.cells.items()],
        "total": [Total(*key, count) for key, count in totals.items()],
        "folded": [Folded(*pair) for pair in folded.items()],
    }


def _answers(fold: Fold, ids: _Ids) -> tuple[Answer, ...]:
    channels = {number: value for (kind, value), number in ids.known.items() if kind == 1}
    counts: Counter[tuple[str, int]] = Counter()
    for (_, _, measure, channel, _, _), number in fold.cells.items():
        counts[channels[channel], measure] += number
    rates = [rate_of(counts, metric, channel) for channel in CHANNELS for metric in METRICS]
    return tuple(Answer("", "", r.channel, r.metric, r.numerator, r.denominator, r.open) for r in rates)
