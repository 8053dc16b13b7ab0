"""Ports of intake: what the handlers need of a store, a reader and a clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from dispute.lifecycle import Dispute, Event
from hub.errors import Rejected
from services.intake.law.timers import Timer, TimerKind

T = TypeVar("T")


class DoneTable(StrEnum):
    """Where it is remembered that a task was done."""

    COMMAND = "command"
    HANDOFF = "handoff"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute with what rules need of it and the journal does not carry.

    Attributes:
        dispute: State.
        procedure: Procedure of the suit; decides the mediation term of regime B.
    """

    dispute: Dispute
    procedure: str = ""


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where an event stands in the journal; `stream` is written `<producer>/<shard>/<epoch>`."""

    stream: str
    position: int


@dataclass(frozen=True, slots=True)
class Done:
    """What a task with this id came to.

    Attributes:
        task_id: Key of repetition.
        dispute_id: Dispute.
        digest: Of the content; the same id with another digest is another task. Empty when the task is only known from
            its events, after a recovery: then nothing can be compared, and its content is told once more.
        place: Of the last event; None when it wrote none.
        refusal: Why it was refused; None when carried out.
        recorded_at: When.
    """

    task_id: str
    dispute_id: str
    digest: bytes
    place: EventPlace | None
    refusal: Rejected | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Secret:
    """Confidential part of a new dispute, still in clear; sealed by whoever stores it."""

    dispute_id: str
    agency: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class UnitChanges:
    """Everything one unit changes beside the events; written at once, in this order.

    Attributes:
        added: Disputes registered in this unit.
        changed: Disputes that existed before.
        secrets: Confidential parts of disputes that have none yet.
        cleared: Timers that are gone.
        timers: Timers that are set or moved; after `cleared`.
        taken: Matters that pass to another dispute.
        released: Disputes that hold no matter any more; after `taken`.
        done: Tasks of the command ledger and of the hand-off ledger.
        recalled: Tasks that a recovery knows from their events alone.
        retold: Recalled tasks whose content came again: from now on they are known in full.
        missing_years: Disputes that wait for other holiday tables than before -> all the years of which they wait.
    """

    added: dict[str, Case] = field(default_factory=dict)
    changed: dict[str, Case] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    cleared: set[tuple[str, TimerKind]] = field(default_factory=set)
    timers: dict[tuple[str, TimerKind], Timer] = field(default_factory=dict)
    taken: dict[str, str] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)
    done: dict[DoneTable, list[Done]] = field(default_factory=dict)
    recalled: list[Done] = field(default_factory=list)
    retold: dict[DoneTable, list[Done]] = field(default_factory=dict)
    missing_years: dict[str, frozenset[int]] = field(default_factory=dict)

    def note_missing_years(self, before: Mapping[str, Case]) -> None:
        """Fill in `missing_years` once every dispute stands as it will be written.

        Args:
            before: The changed disputes as they were.
        """
        for dispute_id, case in (*self.added.items(), *self.changed.items()):
            was = before.get(dispute_id)
            years = case.dispute.missing_years
            if years != (frozenset() if was is None else was.dispute.missing_years):
                self.missing_years[dispute_id] = years


class DisputeRegister(Protocol):
    """The register of disputes inside one transaction."""

    def lock(self, dispute_ids: Collection[str]) -> None:
        """Keep every other writer off these disputes until the transaction ends; call it before reading them."""

    def done(self, ledger: DoneTable, task_ids: Collection[str]) -> Mapping[str, Done]:
        """Return what is known of tasks with these ids."""

    def cases(self, dispute_ids: Collection[str]) -> dict[str, Case]:
        """Return the disputes that exist."""

    def claim(self, matters: Mapping[str, str]) -> Mapping[str, str]:
        """Let each dispute hold its matter unless another one does; returns matter -> holder.

        Args:
            matters: Match token -> dispute.
        """

    def record_of(self, event: Event) -> bytes:
        """Return the event as the journal will carry it.

        Raises:
            Rejected: `record_too_large`.
        """

    def append(self, records: Sequence[tuple[str, bytes]]) -> Sequence[EventPlace]:
        """Write (dispute id, record) pairs to the journal, in order.

        Raises:
            Retryable: `outbox_full`.
        """

    def write(self, changes: UnitChanges) -> None:
        """Write the rest of the unit."""

    def due(self, now: datetime, shards: Collection[int], limit: int) -> Sequence[Timer]:
        """Return the earliest timers of these shards that are due, locked for this transaction.

        A dispute with a parked hand-off is left out: what it is waiting for may already be here.
        """

    def missing_years(self) -> frozenset[int]:
        """Return the years whose holiday tables provisional dates wait for."""

    def waiting_for(self, years: Collection[int], after: str, limit: int) -> Sequence[str]:
        """Return disputes that wait for the tables of these years, in ascending order of id.

        Args:
            years: At least one.
            after: Only ids above it; empty is all.
            limit: At most so many.
        """

    def now(self) -> datetime:
        """Return the scenario clock; the epoch's beginning before it was moved for the first time."""

    def move_clock(self, to: datetime) -> datetime:
        """Move the scenario clock forward; an earlier time changes nothing. Returns the clock."""


class Units(Protocol):
    """Runs units of work on the register."""

    async def write(self, unit: Callable[[DisputeRegister], T]) -> T:
        """Run `unit` in one transaction; returns after the durable commit. It may be run again when it failed.

        Raises:
            Retryable: `store_unavailable`, `store_full`, `outbox_full`.
        """


class HandoffProgress(Protocol):
    """How far this worker's reader is."""

    async def caught_up(self) -> frozenset[int]:
        """Return the shards of which every hand-off that Kafka had at the time of the call is applied."""


class Counters(Protocol):
    """Counts what the handlers saw; a metric register in production."""

    def events(self, written: Iterable[Event]) -> None:
        """Count events written to the journal."""

    def timers(self, fired: int, obsolete: int) -> None:
        """Count timers."""
