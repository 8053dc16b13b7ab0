"""One transaction of a reader: move the place, apply the records, bury the dead, park the troubled (design D7)."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol

from hub.contracts.stream import StreamName
from hub.errors import Fault, Kind, Rejected, Retryable
from hub.journal.inbox import Inbox, Places
from hub.journal.judge import Dead, Numbered
from hub.journal.plan import Plan
from hub.journal.ports import FeedRecord
from hub.store.engines import translate
from hub.store.store import Transaction

Answer = Rejected | Retryable | None
LATE: Final = frozenset({Kind.WRONG_STATE, Kind.STALE})
"""Refusals judged against the dispute as it stands: the record is sound, only the dispute has moved on."""
RETRY_LIMIT: Final = 20
"""Tries of a parked record before it is left to an operator."""
RETRY_MAX_S: Final = 300.0


class Applier(Protocol):
    """What a record means to one service."""

    def key_of(self, record: bytes) -> str:
        """Return the dispute id, by which trouble is parked.

        Raises:
            Rejected: `undecodable`.
        """

    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        """Write the records' effects in the reader's transaction; one answer for each.

        A `Rejected` becomes a dead letter, a `Retryable` parks the dispute; any exception that is *raised* is a bug
        of ours. May be called again after a roll-back.
        """


class Poisoned(Exception):  # noqa: N818 - a verdict on one record; its cause is the bug
    """The applier died at one record, for the `attempts`-th time."""

    def __init__(self, item: Numbered, attempts: int) -> None:
        super().__init__(f"{item.stream}@{item.position}: the applier died, attempt {attempts}")
        self.item = item
        self.attempts = attempts


@dataclass(slots=True)
class Outcome:
    """What a transaction came to.

    Attributes:
        applied: Records whose effect was written.
        dead: Dead letters.
        late: How many of the dead are sound records that came too late for their dispute (`LATE`).
        parked: Disputes that were parked.
    """

    applied: int = 0
    dead: list[Dead] = field(default_factory=list)
    late: int = 0
    parked: set[str] = field(default_factory=set)


class _Troubled(Exception):  # noqa: N818 - rolls the savepoint back, then one by one
    pass


def apply_plan(
    tx: Transaction,
    inbox: Inbox,
    applier: Applier,
    plan: Plan,
    places: Places,
    *,
    gaps: Mapping[int, int],
    on_bug: Literal["park", "stop"],
    crash_limit: int,
) -> Outcome:
    """Apply a plan in one transaction.

    Raises:
        Swapped: Another worker moved the place.
        Poisoned: The applier died at one record; nothing was written.
        Fault: The applier met something that must stop the process.
    """
    outcome = Outcome(dead=list(plan.dead))
    # First the swap: a zombie worker must lose before it does any work, and hold nothing.
    inbox.swap(tx, {p: replace(move, gaps=gaps.get(p, 0)) for p, move in plan.moves.items()})
    stepper = _Stepper(tx, inbox, applier, places, on_bug=on_bug, crash_limit=crash_limit)
    free = [item for item in plan.items if not stepper.blocked(item)] if places.parked else plan.items
    answers = _apply_together(tx, applier, free)
    if answers is None:
        answers = [stepper.step(item) for item in plan.items]
    elif len(free) < len(plan.items):
        known = dict(zip(map(id, free), answers, strict=True))
        answers = [known[id(item)] if id(item) in known else stepper.step(item) for item in plan.items]
    outcome.parked = stepper.parked
    applied = plan.items
    if any(answers):
        answered = list(zip(plan.items, answers, strict=True))
        outcome.dead += [_dead_of(item, answer) for item, answer in answered if isinstance(answer, Rejected)]
        outcome.late = sum(isinstance(answer, Rejected) and answer.kind in LATE for answer in answers)
        applied = [item for item, answer in answered if answer is None]
    outcome.applied = len(applied)
    inbox.count_applied(tx, applied)
    inbox.advance(tx, [*plan.before.values()], [*plan.streams.values()], [*plan.closed.values()])
    inbox.bury(tx, outcome.dead)
    return outcome


def _apply_together(tx: Transaction, applier: Applier, items: Sequence[Numbered]) -> list[Answer] | None:
    """Return the answers, or None when one of them needs the records to be taken one by one."""
    if not items:
        return []
    try:
        with tx.begin_nested():
            answers = list(applier.apply(tx, items))
            if any(answers) and any(isinstance(answer, Retryable) for answer in answers):
                raise _Troubled  # noqa: TRY301 - only an exception rolls the savepoint back
    except Exception as error:
        if isinstance(error, Fault) or isinstance(translate(error), Retryable):
            raise
        return None
    if len(answers) != len(items):
        message = f"the applier answered {len(answers)} of {len(items)} records"
        raise AssertionError(message)
    return answers


class _Stepper:
    """Takes records one by one, each in its own savepoint, so that trouble stays with its dispute."""

    def __init__(
        self,
        tx: Transaction,
        inbox: Inbox,
        applier: Applier,
        places: Places,
        *,
        on_bug: Literal["park", "stop"],
        crash_limit: int,
    ) -> None:
        self._tx = tx
        self._inbox = inbox
        self._applier = applier
        self._places = places
        self._on_bug = on_bug
        self._crash_limit = crash_limit
        self.parked: set[str] = set()

    def blocked(self, item: Numbered) -> bool:
        """Tell whether the record waits behind a parked one of its dispute, or can't tell its dispute."""
        try:
            return self._applier.key_of(item.record) in self._places.parked
        except Rejected:
            return True

    def step(self, item: Numbered) -> Answer:
        """Apply, bury or park one record; a parked one answers `Retryable`."""
        try:
            key = self._applier.key_of(item.record)
        except Rejected as error:
            return error
        if key in self._places.parked or key in self.parked:
            return self._park(item, key, Retryable("behind_parked", "an earlier record of the dispute is parked"))
        try:
            with self._tx.begin_nested():
                (answer,) = self._applier.apply(self._tx, [item])
                if isinstance(answer, Retryable):
                    raise answer  # noqa: TRY301 - only an exception rolls the savepoint back
                return answer
        except Retryable as error:
            return self._park(item, key, error)
        except Exception as error:
            if isinstance(error, Fault) or isinstance(translate(error), Retryable):
                raise
            attempts = self._places.crashes.get((str(item.stream), item.position), 0) + 1
            if self._on_bug == "stop" or attempts < self._crash_limit:
                raise Poisoned(item, attempts) from error
            return self._park(item, key, Retryable("bug", type(error).__name__), operator=True)

    def _park(self, item: Numbered, key: str, why: Retryable, *, operator: bool = False) -> Retryable:
        retry_at = None if operator else time.time() + why.after_s
        self._inbox.park(self._tx, item, key, why.code, retry_at)
        self.parked.add(key)
        return why


def retry_parked(tx: Transaction, inbox: Inbox, applier: Applier, partitions: Collection[int], now: float) -> int:
    """Try due parked records again, per dispute in order; returns how many left the queue."""
    gone: list[int] = []
    applied: list[Numbered] = []
    stuck: set[str] = set()
    for row in inbox.due(tx, partitions, now):
        if row.key in stuck:
            continue
        item = Numbered(
            row.topic, row.partition, row.offset, StreamName.parse(row.stream), row.position, bytes(row.record)
        )
        try:
            with tx.begin_nested():
                (answer,) = applier.apply(tx, [item])
                if isinstance(answer, Retryable):
                    raise answer  # noqa: TRY301 - only an exception rolls the savepoint back
        except Retryable:
            stuck.add(row.key)
            later = None if row.attempts >= RETRY_LIMIT else now + min(2.0**row.attempts, RETRY_MAX_S)
            inbox.defer(tx, row.id, later)
            continue
        except Exception as error:
            if isinstance(error, Fault) or isinstance(translate(error), Retryable):
                raise
            stuck.add(row.key)
            inbox.defer(tx, row.id, None)
            continue
        gone.append(row.id)
        if isinstance(answer, Rejected):
            inbox.bury(tx, [_dead_of(item, answer)], attempts=row.attempts + 1)
        else:
            applied.append(item)
    inbox.unpark(tx, gone)
    inbox.count_applied(tx, applied)
    return len(gone)


def _dead_of(item: Numbered, why: Rejected) -> Dead:
    source = FeedRecord(item.topic, item.partition, item.offset, None, None, (), 0)
    return Dead(source, why.code, why.detail, str(item.stream), item.position, 1, item.record)
