"""Ports of intake.

What the handlers need of a store, a reader and a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from dispute.lifecycle import Dispute, Event, Supervision
from hub.errors import Refusal
from services.intake.cases.rights import Approval
from services.intake.law.facts import Facts
from services.intake.law.marks import Marks
from services.intake.law.reports import facts_from_bytes
from services.intake.law.shared_results import SharedEffect
from services.intake.law.timers import Timer

T = TypeVar("T")

NO_TIMERS: Final[Mapping[str, Timer]] = MappingProxyType({})


class DoneTable(StrEnum):
    """The ledger that remembers a finished task."""

    COMMAND = "command"
    HANDOFF = "handoff"
    NONE = "none"


class Series(NamedTuple):
    """Cases that are numbered one after the other: those of one county, registered in one year."""

    county: str
    year: int


class Case(Struct, frozen=True):
    """A dispute, and its data outside the journal.

    The rules need this data, and no event carries it.

    Attributes:
        dispute: State.
        recorded: What its source reported, in order, as JSON; empty for a dispute of an earlier release.
        timers: What it waits for, by limit.
        approval: What another person approved of it.
    """

    dispute: Dispute
    recorded: bytes = b""
    timers: Mapping[str, Timer] = NO_TIMERS
    approval: Approval | None = None

    @property
    def facts(self) -> Facts | None:
        """What its source reported, as it stands now; None where that is not known."""
        return facts_from_bytes(self.recorded)


class EventPlace(Struct, frozen=True):
    """Position of an event in the journal.

    `stream` is written `<producer>/<shard>/<epoch>`.
    """

    stream: str
    position: int


class Done(Struct, frozen=True):
    """Result of a task that was done before.

    Attributes:
        task_id: Key of repetition.
        dispute_id: Dispute.
        digest: Of the content; the same id with another digest is another task. Empty when a
            recovery knows the task only from its events: then nothing is compared until its content is sent again.
        place: Of the last event; None when it wrote none.
        refusal: Why it was refused; None when carried out.
        recorded_at: When.
    """

    task_id: str
    dispute_id: str
    digest: bytes
    place: EventPlace | None
    refusal: Refusal | None
    recorded_at: datetime


# Dataclasses, because a struct would show the content in its repr.
@dataclass(frozen=True, slots=True)
class Secret:
    """Confidential part of a new dispute, not encrypted.

    The code that stores it seals it.

    Attributes:
        parts: Text and parties (`dispute.contracts.sealing.parts_of`).
    """

    dispute_id: str
    agency: str
    parts: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accusation:
    """Whistle-blowing on its way to a sealed exit, not encrypted.

    Attributes:
        handoff_id: What it was told with; the exit's id is made of it, with a key.
        organ: Who took it up.
        content: Serialised `hub.handoff.v1.Accusation`.
    """

    handoff_id: str
    organ: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class UnitChanges:
    """Everything a unit changes except its events.

    Written at once, in this order.

    Attributes:
        added: Disputes registered in this unit.
        changed: Disputes that existed before.
        positions: Where new events of disputes stand in the journal, ascending.
        facts: What the sources of disputes reported up to now, where they reported more.
        secrets: Confidential parts of disputes that have none yet.
        accusations: What leaves by a sealed exit.
        numbers: Last numbers of the series from which cases took one.
        marks: Marks of disputes, by which others of their matter are found.
        members: Disputes that were linked -> to which; empty: unlinked.
        effects: Results that other disputes of a matter hear.
        carried_out: Effects that are gone.
        done: Tasks of the command ledger and of the hand-off ledger.
        recalled: Tasks that a recovery knows only from their events.
        resent: Recalled tasks whose content was sent again: from now on they are known in full.
        supervision: Disputes that existed before and reached another level of supervision.
        missing_years: Disputes that wait for other holiday tables than before -> all the years of which they wait.
    """

    added: dict[str, Case] = field(default_factory=dict)
    changed: dict[str, Case] = field(default_factory=dict)
    positions: dict[str, list[int]] = field(default_factory=dict)
    facts: dict[str, bytes] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    accusations: list[Accusation] = field(default_factory=list)
    numbers: Mapping[Series, int] = field(default_factory=dict)
    marks: dict[str, Marks] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    effects: list[SharedEffect] = field(default_factory=list)
    carried_out: list[str] = field(default_factory=list)
    done: dict[DoneTable, list[Done]] = field(default_factory=dict)
    recalled: list[Done] = field(default_factory=list)
    resent: dict[DoneTable, list[Done]] = field(default_factory=dict)
    supervision: dict[str, Supervision] = field(default_factory=dict)
    missing_years: dict[str, frozenset[int]] = field(default_factory=dict)


class StoredLinks(Protocol):
    """Links between disputes in one transaction."""

    def masters_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        """Return to which dispute each of these is linked; only of those that are."""

    def members_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        """Return which disputes are linked to these, and to which of them."""


class DisputeRegister(StoredLinks, Protocol):
    """The register of disputes in one transaction."""

    def lock(self, dispute_ids: Collection[str]) -> None:
        """Lock these disputes until the transaction ends.

        No other writer can change them. Call it before reading them.
        """

    def done(self, ledger: DoneTable, task_ids: Collection[str]) -> Mapping[str, Done]:
        """Return what is known of tasks with these ids."""

    def cases(self, dispute_ids: Collection[str]) -> dict[str, Case]:
        """Return the disputes that exist."""

    def lock_pairs(self, tokens: Collection[str]) -> None:
        """Take turns with other workers at these pairs of people, until the transaction ends.

        Call it once, after `lock`.
        """

    def last_numbers(self, wanted: Collection[Series]) -> Mapping[Series, int]:
        """Return the last number that was given in each series; 0 in a new one.

        No other worker can give one until the transaction ends. Call it once, after `lock_pairs`.
        """

    def candidates(self, tokens: Collection[str]) -> Mapping[str, Marks]:
        """Return the disputes that share a pair with these tokens."""

    def effects(self, limit: int) -> Sequence[SharedEffect]:
        """Return the earliest effects that were not carried out.

        Their disputes are locked for this transaction.
        """

    def record_of(self, event: Event) -> bytes:
        """Return the event as a journal record.

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

    def approve(self, approvals: Mapping[str, Approval]) -> None:
        """Keep approvals by dispute, in the place of earlier ones."""

    def due(self, now: datetime, shards: Collection[int], limit: int) -> Sequence[Timer]:
        """Return timers of these shards that are due: of each dispute those that ring next, in order.

        The later ones of a dispute come when these have fired. At most `limit` disputes, those with the earliest
        timers; they are locked for this transaction. A dispute with a parked hand-off is left out: the event that it
        waits for may already be here.
        """

    def missing_years(self) -> frozenset[int]:
        """Return the missing years of all provisional dates.

        The dates wait for the holiday tables of these years.
        """

    def waiting_for(self, years: Collection[int], after: str, limit: int) -> Sequence[str]:
        """Return disputes that wait for these years' tables, by id.

        Args:
            years: At least one.
            after: Only ids above it; empty is all.
            limit: At most so many.
        """

    def business_now(self) -> datetime:
        """Return the time by which limits pass: the wall clock's, or the scenario's."""

    def scenario_now(self) -> datetime | None:
        """Return the scenario clock; None when limits pass by the wall clock."""

    def now(self) -> datetime:
        """Return the scenario clock.

        The beginning of 1970 before it was moved for the first time.
        """

    def move_clock(self, to: datetime) -> datetime:
        """Move the scenario clock forward.

        An earlier time changes nothing. Returns the clock.
        """


class Units(Protocol):
    """Runs units of work on the register."""

    async def write(self, unit: Callable[[DisputeRegister], T]) -> T:
        """Run `unit` in one transaction.

        Returns after the durable commit. It may be run again when it failed.

        Raises:
            Retryable: `store_unavailable`, `store_full`, `outbox_full`.
        """


class HandoffProgress(Protocol):
    """Progress of this worker's reader."""

    async def caught_up(self) -> frozenset[int]:
        """Return the shards without a backlog.

        Every hand-off that Kafka had at the time of the call is applied in these shards.
        """


class Counters(Protocol):
    """Counts what the handlers did.

    A metric register in production.
    """

    def events(self, written: Iterable[Event]) -> None:
        """Count events written to the journal."""

    def timers(self, fired: int, obsolete: int) -> None:
        """Count timers."""
