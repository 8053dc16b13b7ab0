"""The one transaction of a reader.

It moves the place, applies the records, stores the dead letters, and parks the records that can't be applied now.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol, TypeGuard

from hub.errors import Fault, Kind, Refusal, Rejected
from hub.refusals import BEHIND_PARKED, BUG, SOURCE_HELD
from hub.store.failures import translate
from hub.store.store import Transaction
from hub.streams.envelope import StreamName
from hub.streams.flood import FloodTrial, FloodWatch
from hub.streams.holds import covers
from hub.streams.inbox import Inbox, Places
from hub.streams.judge import Dead, Numbered
from hub.streams.plan import Plan
from hub.streams.ports import FeedRecord

Answer = Refusal | None
LATE: Final = frozenset({Kind.WRONG_STATE, Kind.STALE})
"""Refusals that depend on the dispute's present state: the record is sound, but the dispute has moved on."""


class Applier(Protocol):
    """Applies the records of one service."""

    def key_of(self, record: bytes) -> str:
        """Return the dispute id of a record.

        Records are parked by it.

        Raises:
            Rejected: `undecodable`.
        """

    def source_of(self, record: bytes) -> str:
        """Return the agency that a record names.

        Empty when only the producer is known. By it a flood of dead letters is held (`hub.streams.holds`): a code
        within its producer, at most 64 characters, no personal data.
        """

    def apply(self, tx: Transaction, records: Sequence[Numbered]) -> Sequence[Answer]:
        """Write the records' effects, one answer for each.

        The effects are written in the reader's transaction.

        A final refusal becomes a dead letter, a temporary one parks the dispute; any exception that is *raised* is a
        bug of ours. May be called again after a roll-back.
        """


class Poisoned(Exception):  # noqa: N818 - a verdict on one record; its cause is the bug
    """The applier crashed at one record.

    `attempts` says how often it has crashed there.
    """

    def __init__(self, item: Numbered, attempts: int) -> None:
        super().__init__(f"{item.stream}@{item.position}: the applier died, attempt {attempts}")
        self.item = item
        self.attempts = attempts


@dataclass(slots=True)
class Outcome:
    """The result of one transaction.

    Attributes:
        applied: Records whose effect was written.
        dead: Dead letters.
        parked: Disputes that were parked.
        bugs: Whether one of them was parked because we crashed at its record again and again.
        trial: What the flood guard is to remember.
    """

    trial: FloodTrial
    applied: int = 0
    dead: list[Dead] = field(default_factory=list)
    parked: set[str] = field(default_factory=set)
    bugs: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on how a reader handles failing records.

    Attributes:
        on_bug: `park` sets a dispute aside after `crashes` crashes at one record, `stop` never goes past it.
        crashes: Crashes of the process at one record; while one such record waits for an operator, the next is parked
            at once, because another stop would give no new information.
        held_rows: Records of held sources that the store keeps.
    """

    on_bug: Literal["park", "stop"]
    crashes: int
    held_rows: int


def apply_plan(
    tx: Transaction,
    inbox: Inbox,
    applier: Applier,
    plan: Plan,
    places: Places,
    *,
    gaps: Mapping[int, int],
    limits: Limits,
    watch: FloodWatch,
) -> Outcome:
    """Apply a plan in one transaction.

    Raises:
        Swapped: Another worker moved the place, or the held sources are others.
        Flooded: Too many of a source's records became dead letters: nothing was written, it has to be held first.
        Poisoned: The applier crashed at one record; nothing was written.
        Fault: The applier met something that must stop the process.
    """
    outcome = Outcome(watch.trial(places.held), dead=list(plan.dead))
    # First the swap: a worker that has lost the partition must fail before it does any work, and hold nothing.
    inbox.swap(tx, {p: replace(move, gaps=gaps.get(p, 0)) for p, move in plan.moves.items()})
    stepper = _Stepper(tx, inbox, applier, places, limits)
    items: Sequence[Numbered] = plan.items
    overflow: list[Dead] = []
    if places.held:
        items, overflow = _hold(tx, inbox, applier, items, held=places.held, limit=limits.held_rows)
    free = [item for item in items if not stepper.blocked(item)] if places.parked else items
    answers = apply_together(tx, applier, free)
    if answers is None:
        answers = [stepper.step(item) for item in items]
    elif len(free) < len(items):
        known = dict(zip(map(id, free), answers, strict=True))
        answers = [known[id(item)] if id(item) in known else stepper.step(item) for item in items]
    outcome.parked, outcome.bugs = stepper.parked, stepper.bugs
    for letter in plan.dead:
        producer = StreamName.parse(letter.stream).producer if letter.stream else letter.source.topic
        outcome.trial.note(producer, letter.reason)
    applied = items
    if any(answers) or outcome.trial.watching:
        answered = list(zip(items, answers, strict=True))
        for item, answer in answered:
            note(outcome.trial, applier, item, answer)
        outcome.dead += [dead_of(item, answer) for item, answer in answered if answer and answer.is_final]
        applied = [item for item, answer in answered if answer is None]
    outcome.dead += overflow
    outcome.applied = len(applied)
    inbox.count_applied(tx, (item.partition for item in applied))
    inbox.advance(tx, [*plan.before.values()], [*plan.streams.values()], [*plan.closed.values()])
    inbox.bury(tx, outcome.dead)
    return outcome


def source_of(applier: Applier, item: Numbered) -> str:
    """Return the source of a record.

    `hub.streams.holds` describes its form.
    """
    producer, named = item.stream.producer, applier.source_of(item.record)
    return f"{producer}/{named}" if named else producer


def note(trial: FloodTrial, applier: Applier, item: Numbered, answer: Answer) -> None:
    """Report the outcome of a record to the flood guard.

    A record that waits behind another has no outcome yet. Many facts that came too late for their disputes are no
    flood: nothing is wrong with them, with their source or with us.

    Raises:
        Flooded: Its source has to be held.
    """
    if waits(answer) and answer.code != BUG.name:
        return
    sound = answer is None or answer.kind in LATE
    trial.note(source_of(applier, item), "" if sound or answer is None else answer.code)


def _hold(
    tx: Transaction, inbox: Inbox, applier: Applier, items: Sequence[Numbered], *, held: Mapping[str, str], limit: int
) -> tuple[list[Numbered], list[Dead]]:
    """Store the records of held sources without trying them.

    Returns the other records, and dead letters for those without room.
    """
    room = limit - inbox.agree(tx, held)
    others: list[Numbered] = []
    waiting: list[tuple[Numbered, str, str]] = []
    for item in items:
        source = source_of(applier, item)
        try:
            key = applier.key_of(item.record) if covers(held, source) else ""
        except Rejected:
            key = ""  # it can't be decoded: it becomes a dead letter as usual, and cannot wait
        if key:
            waiting.append((item, key, source))
        else:
            others.append(item)
    now = time.time()
    inbox.park(tx, waiting[: max(room, 0)], SOURCE_HELD.name, now)
    refusal = SOURCE_HELD.refusal(limit=limit)
    letters = [
        replace(dead, source=dead.source._replace(key=key.encode()), held_source=source)
        for item, key, source in waiting[max(room, 0) :]
        for dead in (dead_of(item, refusal),)
    ]
    return others, letters


def apply_together(tx: Transaction, applier: Applier, items: Sequence[Numbered]) -> list[Answer] | None:
    """Apply records together and return the answers.

    None when one of them requires that the records are applied one by one.
    """
    if not items:
        return []
    try:
        with tx.begin_nested() as savepoint:
            answers = list(applier.apply(tx, items))
            if any(answers) and any(map(waits, answers)):
                savepoint.rollback()
                return None
    except Exception as error:
        if stops(error):
            raise
        return None
    if len(answers) != len(items):
        message = f"the applier answered {len(answers)} of {len(items)} records"
        raise AssertionError(message)
    return answers


def apply_one(tx: Transaction, applier: Applier, item: Numbered) -> Answer:
    """Apply one record in its own savepoint."""
    with tx.begin_nested() as savepoint:
        (answer,) = applier.apply(tx, [item])
        if waits(answer):
            savepoint.rollback()
    return answer


def waits(answer: Answer) -> TypeGuard[Refusal]:
    """Return whether a record is to be tried again."""
    return answer is not None and not answer.is_final


def stops(error: Exception) -> bool:
    """Return whether an error is none of a record's.

    That is a fault, and a store that can't serve now.
    """
    found = translate(error)
    return isinstance(error, Fault) or (isinstance(found, Refusal) and not found.is_final)


class _Stepper:
    """Applies records one by one, each in its own savepoint.

    So a failing record affects only its dispute.
    """

    def __init__(
        self,
        tx: Transaction,
        inbox: Inbox,
        applier: Applier,
        places: Places,
        limits: Limits,
    ) -> None:
        self._tx = tx
        self._inbox = inbox
        self._applier = applier
        self._places = places
        self._limits = limits
        self.parked: set[str] = set()
        self.bugs = places.bugs

    def blocked(self, item: Numbered) -> bool:
        """Return whether a record can't be applied with the others.

        It waits behind a parked record of its dispute, or its dispute can't be read.
        """
        try:
            return self._applier.key_of(item.record) in self._places.parked
        except Rejected:
            return True

    def step(self, item: Numbered) -> Answer:
        """Apply one record, or park it, or refuse it.

        A parked record answers a temporary refusal.
        """
        try:
            key = self._applier.key_of(item.record)
        except Rejected as error:
            return error.refusal
        if key in self._places.parked or key in self.parked:
            return self._park(item, key, BEHIND_PARKED.refusal())
        try:
            answer = apply_one(self._tx, self._applier, item)
        except Exception as error:
            if stops(error):
                raise
            attempts = self._places.crashes.get((str(item.stream), item.position), 0) + 1
            known = self.bugs or attempts >= self._limits.crashes
            if self._limits.on_bug == "stop" or not known:
                raise Poisoned(item, attempts) from error
            self.bugs = True
            return self._park(item, key, BUG.refusal(why=type(error).__name__), operator=True)
        return self._park(item, key, answer) if waits(answer) else answer

    def _park(self, item: Numbered, key: str, refusal: Refusal, *, operator: bool = False) -> Refusal:
        retry_at = None if operator else time.time() + refusal.after_s
        self._inbox.park(self._tx, [(item, key, source_of(self._applier, item))], refusal.code, retry_at)
        self.parked.add(key)
        return refusal


def dead_of(item: Numbered, refusal: Refusal) -> Dead:
    """Return the dead letter of one refused record."""
    source = FeedRecord(item.topic, item.partition, item.offset, None, None, (), 0)
    return Dead(source, refusal.code, refusal.detail, str(item.stream), item.position, 1, item.record)
