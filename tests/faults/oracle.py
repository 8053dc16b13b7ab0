"""Judges evidence: nothing acknowledged is lost, nothing is counted twice, everything equals a recount. Pure.

Shares no code with the product but `hub.wire`. Each check has a test that makes it fire (test_faults_oracle.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from zlib import crc32

from google.protobuf.message import DecodeError

from dispute.wire.handoff.v1 import handoff_pb2
from dispute.wire.journal.v1 import journal_pb2
from tests.faults.evidence import HANDOFFS, JOURNAL, Evidence
from tests.faults.figures import compare_figures
from tests.faults.letters import compare_letters
from tests.faults.recount import Recount, recount
from tests.faults.results import compare_results, due_results
from tests.faults.rows import Applied, Dead, Folded, Head, Receipt, Registered, Seat, StoreRows, Tally, Waiting
from tests.faults.streams import SHARDS, Followed, follow

INTAKE: Final = "intake"
STATS: Final = "stats"


@dataclass(frozen=True)
class Verdict:
    """What the oracle found.

    Attributes:
        acknowledged: Distinct receipts in the ledger.
        registered: Disputes in the register.
        events: Events in the journal, each once.
        lost: Acknowledged records and commands that are missing somewhere on the way, by id; `problems` says where.
        double_counted: Facts that the journal does not have, and what cells hold above the recount.
        problems: One line for each broken promise, lost and double counts included.
    """

    acknowledged: int
    registered: int
    events: int
    lost: tuple[str, ...]
    double_counted: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems and not self.lost and self.double_counted == 0


@dataclass
class Case:
    """Evidence in the course of being judged: what is looked at by several checks is worked out once."""

    evidence: Evidence
    lost: set[str] = field(default_factory=set)
    double_counted: int = 0
    problems: list[str] = field(default_factory=list)

    @cached_property
    def handoffs(self) -> Followed:
        """The hand-off topic."""
        return self._followed(HANDOFFS)

    @cached_property
    def journal(self) -> Followed:
        """The journal."""
        return self._followed(JOURNAL)

    def _followed(self, topic: str) -> Followed:
        evidence = self.evidence
        return follow(topic, evidence.raw.get(topic, ()), evidence.partitions.get(topic, 0))

    @cached_property
    def events(self) -> dict[tuple[str, int], journal_pb2.JournalEvent]:
        """Events by (stream, position), in the order of each stream."""
        found = {}
        for stream, position, record in self.journal.numbered():
            try:
                found[stream, position] = journal_pb2.JournalEvent.FromString(record)
            except DecodeError:
                self.problems.append(f"journal: {stream}@{position} is no event")
        return found

    @cached_property
    def told(self) -> dict[tuple[str, int], handoff_pb2.Handoff]:
        """Hand-offs by (stream, position); what is no hand-off is left to the dead letters."""
        found = {}
        for stream, position, record in self.handoffs.numbered():
            try:
                found[stream, position] = handoff_pb2.Handoff.FromString(record)
            except DecodeError:
                continue
        return found

    @cached_property
    def count(self) -> Recount:
        """The journal, counted again."""
        return recount((stream, position, event) for (stream, position), event in self.events.items())

    @cached_property
    def bridges(self) -> list[StoreRows]:
        """Stores of the bridges."""
        return [store for name, store in sorted(self.evidence.stores.items()) if name not in {INTAKE, STATS}]

    @cached_property
    def owners(self) -> dict[str, tuple[str, str]]:
        """Dispute -> (agency, its reference), of what came in through bridges."""
        rows = (row for store in self.bridges for row in store.of(Receipt))
        return {row.case_of: (row.agency, row.source_ref) for row in rows if row.case_of is not None}

    @cached_property
    def holders(self) -> dict[str, list[str]]:
        """Dispute -> its receipts in the ledger."""
        found: dict[str, list[str]] = {}
        for receipt_id, dispute in sorted({(line["receipt_id"], line["dispute_id"]) for line in self.evidence.ledger}):
            found.setdefault(dispute, []).append(receipt_id)
        return found

    @cached_property
    def aside(self) -> set[tuple[str, int]]:
        """Hand-offs (stream, position) that intake put aside: dead or parked."""
        intake = self.evidence.stores[INTAKE]
        dead = {
            (letter.stream, letter.position + index)
            for letter in intake.of(Dead)
            if letter.topic == HANDOFFS
            for index in range(letter.records)
        }
        return dead | {(row.stream, row.position) for row in intake.of(Waiting) if row.topic == HANDOFFS}

    def lose(self, what: str, where: str) -> None:
        """Note an acknowledged id that is missing."""
        self.lost.add(what)
        self.problems.append(f"lost: {what} {where}")

    def lose_all(self, dispute: str, where: str) -> None:
        """Note everything acknowledged of a dispute as missing."""
        for receipt_id in self.holders.get(dispute, ()):
            self.lose(receipt_id, where)


def judge(evidence: Evidence) -> Verdict:
    """Judge evidence; pure, may be called again and again as a run goes on."""
    case = Case(evidence)
    for check in CHECKS:
        case.problems.extend(check(case))
    case.problems.extend(case.count.problems)
    return Verdict(
        acknowledged=len({line["receipt_id"] for line in evidence.ledger}),
        registered=len(evidence.stores[INTAKE].of(Registered)),
        events=len(case.events),
        lost=tuple(sorted(case.lost)),
        double_counted=case.double_counted,
        problems=tuple(case.problems),
    )


def readers_did(evidence: Evidence, before: Evidence | None) -> dict[str, int]:
    """Return what readers counted since `before`: records dropped as repeats, records fetched past their consumer.

    A count that is lower than it was began anew meanwhile: a rebuild drops it with the rest.
    """
    known = {} if before is None else _tallies(before)
    done = dict.fromkeys(("repeats_dropped", "gaps_fetched"), 0)
    for place, tally in _tallies(evidence).items():
        for name in done:
            now, then = getattr(tally, name), getattr(known.get(place), name, 0)
            done[name] += now - then if now >= then else now
    return done


def _tallies(evidence: Evidence) -> dict[tuple[str, str, int], Tally]:
    return {
        (service, row.topic, row.partition): row
        for service, store in evidence.stores.items()
        for row in store.of(Tally)
    }


def _acknowledged(case: Case) -> Iterator[str]:
    """1. What somebody holds a receipt for is in its sender's store, the topics and the register."""
    register = {row.dispute_id for row in case.evidence.stores[INTAKE].of(Registered)}
    began = {event.dispute_id for event in case.events.values() if event.type == "registered"}
    ours = {row.receipt_id: row for store in case.bridges for row in store.of(Receipt)}
    done = {row.handoff_id for row in case.evidence.stores[INTAKE].of(Applied)}
    receipts = {line["receipt_id"]: line for line in case.evidence.ledger}
    for receipt_id, line in sorted(receipts.items()):
        dispute, place = line["dispute_id"], (line["stream"], line["position"])
        if place[0].startswith(f"{INTAKE}/"):
            event = case.events.get(place)
            if event is None or event.dispute_id != dispute:
                case.lose(receipt_id, f"is not in the journal at {place}")
        else:
            row, sent = ours.get(receipt_id), case.told.get(place)
            if row is None or (row.dispute_id, row.stream, row.position) != (dispute, *place):
                case.lose(receipt_id, "is not in the store of its bridge as the receipt says")
            if sent is None or sent.handoff_id != receipt_id:
                case.lose(receipt_id, f"is not in the hand-offs at {place}")
            if place in case.aside:
                continue
            if receipt_id not in done:
                case.lose(receipt_id, "was not applied by intake")
        if dispute not in register:
            case.lose(receipt_id, f"has no dispute {dispute} in the register")
        if dispute not in began:
            case.lose(receipt_id, f"has no registration of {dispute} in the journal")
    yield from ()


def _carried_out(case: Case) -> Iterator[str]:
    """A command that was answered stands in the journal where the answer said, under its own id."""
    for line in case.evidence.commands:
        if not line["stream"]:
            continue  # it changed nothing
        event = case.events.get((line["stream"], line["position"]))
        if event is None or (event.dispute_id, event.causation_id) != (line["dispute_id"], line["command_id"]):
            case.lose(line["command_id"], f"was carried out, and is not in the journal at {line['stream']}")
    yield from ()


def _numbering(case: Case) -> Iterator[str]:
    """2. Each position once, with one hash chain, up to the head that its writer's store has."""
    for name, store in sorted(case.evidence.stores.items()):
        followed = case.journal if name == INTAKE else case.handoffs
        for head in store.of(Head):
            chain = followed.chains.get((name, head.shard))
            last, running = (chain.last, chain.hashes[-1]) if chain else (0, bytes(32))
            if last != head.position:
                yield f"numbering: {name}/{head.shard} wrote {head.position}, the topic has {last}"
            elif running != head.hash:
                yield f"numbering: {name}/{head.shard} has another hash than the topic at {last}"
    for followed in (case.handoffs, case.journal):
        yield from (f"numbering: {problem}" for problem in followed.problems)
    keyed = {place: event.dispute_id for place, event in case.events.items()}
    keyed |= {place: handoff.dispute_id for place, handoff in case.told.items()}
    for (stream, position), dispute in keyed.items():
        if crc32(dispute.encode()) % SHARDS != int(stream.split("/")[1]) and dispute:
            yield f"numbering: {stream}@{position} belongs to another shard"


def _places(case: Case) -> Iterator[str]:
    """Every reader stands at the end of every stream: else the run was not drained, or something stands still."""
    for name, store in sorted(case.evidence.stores.items()):
        followed = case.handoffs if name == INTAKE else case.journal
        seats = {(seat.producer, seat.shard): seat for seat in store.of(Seat) if not seat.closed}
        for (producer, shard), chain in sorted(followed.chains.items()):
            seat = seats.get((producer, shard))
            if seat is None or (f"{producer}/{shard}/{seat.epoch}", seat.position) != (chain.stream, chain.last):
                where = "nowhere" if seat is None else f"at {seat.epoch}@{seat.position}"
                yield f"place: {name} stands {where} in {chain.stream}, which ends at {chain.last}"


def _figures(case: Case) -> Iterator[str]:
    """3. Facts and cells of stats, and its rates, equal the recount."""
    difference = compare_figures(case.evidence, case.count)
    case.double_counted += difference.too_many
    missing = {line.dispute for line in difference.missing}
    if missing:
        by_bytes = {dispute.replace("-", ""): dispute for dispute in case.count.shards}
        for dispute in missing:
            case.lose_all(by_bytes[dispute.hex()], "lacks facts in stats")
    yield from difference.problems


def _states(case: Case) -> Iterator[str]:
    """4. State and number of events of each dispute equal the replay of its history."""
    histories: dict[str, list[journal_pb2.JournalEvent]] = {}
    ids = Counter(event.event_id for event in case.events.values())
    for event_id, times in ids.items():
        if times > 1 or not event_id:
            yield f"history: event id {event_id!r} stands {times} times in the journal"
    for event in case.events.values():
        histories.setdefault(event.dispute_id, []).append(event)
    ends: dict[str, tuple[int, str]] = {}
    for dispute, events in histories.items():
        state = ""
        for number, event in enumerate(events, start=1):
            if event.sequence != number or event.from_state != state:
                yield (
                    f"history: {dispute} event {number} is told as {event.sequence}, "
                    f"from {event.from_state!r} where {state!r} was"
                )
            state = event.to_state
        ends[dispute] = (len(events), state)
    register = {row.dispute_id: (row.sequence, row.state) for row in case.evidence.stores[INTAKE].of(Registered)}
    for dispute in sorted(register.keys() | ends.keys()):
        if register.get(dispute) != ends.get(dispute):
            if register.get(dispute, (0, ""))[0] > ends.get(dispute, (0, ""))[0]:
                case.lose_all(dispute, "lacks events in the journal")
            yield f"state: {dispute} is {register.get(dispute)} in the register, {ends.get(dispute)} by its history"


def _results(case: Case) -> Iterator[str]:
    """5. What concerns an agency's record reached it at least once, under one event id with one content."""
    due = due_results(case.events.values(), case.owners)
    missing, problems = compare_results(case.evidence.results, due)
    for event_id in missing:
        case.lose_all(due[event_id].dispute_id, f"has no result of event {event_id}")
    yield from problems


def _letters(case: Case) -> Iterator[str]:
    """6. No dead letter and nothing parked that the driver did not provoke; what is no batch is a dead letter."""
    foreign = {HANDOFFS: case.handoffs.foreign, JOURNAL: case.journal.foreign}
    done = {row.handoff_id for row in case.evidence.stores[INTAKE].of(Applied)}
    applied = {place for place, handoff in case.told.items() if handoff.handoff_id in done}
    yield from compare_letters(case.evidence, foreign, applied)


def _balance(case: Case) -> Iterator[str]:
    """7. Received = applied + rejected + dead + parked + in flight, each from its own rows, and over gRPC the same."""
    stores, books = case.evidence.stores, case.evidence.books
    receipts = {store.service: len(store.of(Receipt)) for store in case.bridges}
    strangers = sum(chain.last for (name, _), chain in case.handoffs.chains.items() if name not in receipts)
    counted = {
        "handoff": (sum(receipts.values()) + strangers, INTAKE, len(stores[INTAKE].of(Applied)), HANDOFFS),
        "journal": (
            sum(head.rows for head in stores[INTAKE].of(Head)),
            STATS,
            sum(row.events for row in stores[STATS].of(Folded)),
            JOURNAL,
        ),
    }
    for stage, (received, reader, applied, topic) in counted.items():
        dead = sum(row.records for row in stores[reader].of(Dead) if row.topic == topic)
        parked = sum(row.topic == topic for row in stores[reader].of(Waiting))
        ends = sum(chain.last for chain in (case.handoffs if topic == HANDOFFS else case.journal).chains.values())
        flying = ends - sum(
            seat.position for seat in stores[reader].of(Seat) if seat.topic == topic and not seat.closed
        )
        if received != applied + dead + parked + flying:
            yield f"balance: {stage}: {received} received, {applied=} {dead=} {parked=} {flying=}"
        told = {what: books[reader].get((stage, what)) for what in ("applied", "dead", "parked")}
        if told != {"applied": applied, "dead": dead, "parked": parked}:
            yield f"balance: {reader} tells {told} of {stage}, its rows say {applied=} {dead=} {parked=}"
    for name, number in receipts.items():
        if books[name].get(("handoff", "received")) != number:
            yield f"balance: {name} tells another number of receipts than its {number} rows"


CHECKS: Final[tuple[Callable[[Case], Iterator[str]], ...]] = (
    _acknowledged,
    _carried_out,
    _numbering,
    _places,
    _figures,
    _states,
    _results,
    _letters,
    _balance,
)
