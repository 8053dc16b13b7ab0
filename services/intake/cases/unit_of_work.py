"""Carries out tasks on disputes.

The order makes them safe: lock, look up, decide, write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import Command, Dispute, Event, business_day
from dispute.lifecycle.rewinding import UNFINISHED
from dispute.refusals.interfaces import KEY_REUSED
from hub.errors import Bug, Kind, Refusal, Refused
from services.intake.cases.ports import Case, DisputeRegister, Done, DoneTable, EventPlace, Secret, UnitChanges
from services.intake.law import timers as timing
from services.intake.law.facts import Facts
from services.intake.law.reports import SourceReport, facts_from_bytes, with_further
from services.intake.law.rulebook import Rulebook
from services.intake.law.steps import Step, steps_of
from services.intake.law.timer_changes import Limits, SetTimers, nothing_set, set_by, settled
from services.intake.law.timers import Timer

KEPT_REFUSALS: Final = frozenset({Kind.WRONG_STATE, Kind.STALE})
"""Refusals that depend on a dispute's state: the same command id gets the same refusal for ever."""


class Planned(Struct, frozen=True):
    """Commands to carry out.

    Attributes:
        commands: All of them, or none.
        facts: What the source recorded from now on; None when it reported nothing new.
        report: What of it is kept.
    """

    commands: Sequence[Command] = ()
    facts: Facts | None = None
    report: SourceReport | None = None


Plan = Callable[[Case | None, str, Rulebook], Planned | Refusal]
"""Maps the current dispute, the master of its matter (empty: none) and the unit's rules to the commands."""


class Task(Struct, frozen=True):
    """One thing to do to one dispute.

    Attributes:
        task_id: Key of repetition within its ledger.
        dispute_id: Dispute.
        digest: SHA-256 of the content.
        ledger: Where it is remembered.
        plan: Returns commands; all of them are carried out, or none.
        matter: Match token of a new case; empty when unknown.
        own: Source organ whose other cases are never the same matter as this one: two suits at a court stay two
            suits, also between the same people (a bank and its debtor). Empty: no exemption.
        recorded: What the source recorded of a new case.
        secret: Confidential part of a new case.
        source_ref: The source's own reference of a new case.
    """

    task_id: str
    dispute_id: str
    digest: bytes
    ledger: DoneTable
    plan: Plan
    matter: str = ""
    own: str = ""
    recorded: bytes = b""
    secret: Secret | None = None
    source_ref: str = ""


class TaskResult(Struct, frozen=True):
    """What a task did.

    Attributes:
        dispute: State after it; as it stands now when `repeated`.
        place: Journal place of its last event; None when it wrote none.
        recorded_at: When it was first carried out.
        events: What it wrote now; empty when `repeated`.
        repeated: It had been carried out before.
    """

    dispute: Dispute
    place: EventPlace | None
    recorded_at: datetime
    events: tuple[Event, ...] = ()
    repeated: bool = False


Outcome = TaskResult | Refusal | Bug


@dataclass(slots=True)
class _Unit:
    """A unit whose tasks are being decided in memory."""

    before: dict[str, Case]
    cases: dict[str, Case]
    owners: dict[str, str]
    holders: Mapping[str, Case]
    touched: frozenset[str]
    at: datetime
    set_timers: dict[str, SetTimers] = field(default_factory=dict)
    changes: UnitChanges = field(default_factory=UnitChanges)
    records: list[tuple[str, bytes]] = field(default_factory=list)


class _Decided(Struct, frozen=True):
    """A task that was carried out.

    `last` is the index of its last record, -1 when it wrote none.
    """

    events: tuple[Event, ...]
    last: int
    after: Dispute | None
    repeated: bool = False


_Result = _Decided | Done | Refusal | Bug


def carry_out(
    register: DisputeRegister,
    tasks: Sequence[Task],
    book: Rulebook,
    now: datetime,
    fired: Sequence[Timer] = (),
) -> list[Outcome]:
    """Carry out tasks in order, as one unit.

    A task that is refused does not change the others.

    Args:
        register: Bound to the transaction.
        tasks: In order; several may concern one dispute.
        book: Rules of this unit; they may change between two units.
        now: Wall clock.
        fired: Timers that this unit fires.

    Raises:
        Retryable: `outbox_full`: nothing was written.
    """
    touched = frozenset(task.dispute_id for task in tasks)
    register.lock(touched)
    known = _known(register, tasks)
    cases = register.cases(touched)
    owners = _claim(register, tasks, cases, known)
    # Read without their locks: only the holder's source organ is needed, and that never changes.
    holders = register.cases(set(owners.values()) - touched) if owners else {}
    unit = _Unit(dict(cases), cases, owners, holders, touched, register.business_now())
    unit.changes.cleared.update((timer.dispute_id, timer.limit) for timer in fired)
    results: list[_Result] = []
    first: dict[tuple[DoneTable, str], int] = {}
    for number, task in enumerate(tasks):
        key = (task.ledger, task.task_id)
        if task.ledger is not DoneTable.NONE and key in first:
            results.append(_again(task, tasks[first[key]], results[first[key]]))
            continue
        first[key] = number
        done = known.get(key)
        results.append(_recall(task, done, unit) if done is not None else _attempt(register, task, unit, book))
    places = register.append(unit.records)
    outcomes = [_outcome(task, result, unit, places, now) for task, result in zip(tasks, results, strict=True)]
    fresh = [number for key, number in first.items() if key[0] is not DoneTable.NONE and key not in known]
    _remember(unit, [(tasks[n], results[n], outcomes[n]) for n in fresh], now)
    _settle_matters(unit)
    _settle_timers(unit, fired, book)
    note_missing_years(unit.changes, unit.before)
    register.write(unit.changes)
    return outcomes


def _known(register: DisputeRegister, tasks: Sequence[Task]) -> dict[tuple[DoneTable, str], Done]:
    known: dict[tuple[DoneTable, str], Done] = {}
    for ledger in (DoneTable.COMMAND, DoneTable.HANDOFF):
        ids = {task.task_id for task in tasks if task.ledger is ledger}
        if ids:
            known.update({(ledger, task_id): done for task_id, done in register.done(ledger, ids).items()})
    return known


def _claim(
    register: DisputeRegister, tasks: Sequence[Task], cases: dict[str, Case], known: dict[tuple[DoneTable, str], Done]
) -> dict[str, str]:
    """Claim the matters of really new cases.

    The first claim on any worker makes the master. A case that a recovery brought back claims its matter again when its
    hand-off comes again: its token is in no event.
    """
    wanted: dict[str, str] = {}
    for task in tasks:
        case, done = cases.get(task.dispute_id), known.get((task.ledger, task.task_id))
        new = case is None and done is None
        back = case is not None and done is not None and not done.digest and _holds(case.dispute)
        if task.matter and (new or back):
            wanted.setdefault(task.matter, task.dispute_id)
    return dict(register.claim(wanted)) if wanted else {}


def _recall(task: Task, done: Done, unit: _Unit) -> _Result:
    if done.dispute_id != task.dispute_id or (done.digest and done.digest != task.digest):
        return KEY_REUSED.refusal()
    if not done.digest:
        _note_resent(task, done, unit)
    return done if done.refusal is None else done.refusal


def _note_resent(task: Task, done: Done, unit: _Unit) -> None:
    """Keep what no event carries.

    The task was known only from its events, and its content was sent again.
    """
    unit.changes.resent.setdefault(task.ledger, []).append(replace(done, digest=task.digest))
    case = unit.cases[task.dispute_id]
    if task.secret is not None:
        unit.changes.secrets.append(task.secret)
    if task.source_ref and not case.dispute.source_ref:
        restored = Case(replace(case.dispute, source_ref=task.source_ref), task.recorded)
        unit.changes.facts[task.dispute_id] = task.recorded
        unit.cases[task.dispute_id] = unit.changes.changed[task.dispute_id] = restored


def _again(task: Task, earlier: Task, result: _Result) -> _Result:
    """Answer a task that is twice in one unit."""
    if (earlier.digest, earlier.dispute_id) != (task.digest, task.dispute_id):
        return KEY_REUSED.refusal()
    return replace(result, events=(), repeated=True) if isinstance(result, _Decided) else result


def _attempt(register: DisputeRegister, task: Task, unit: _Unit, book: Rulebook) -> _Decided | Refusal | Bug:
    """Decide one task in memory: all of its events, or none."""
    case = unit.cases.get(task.dispute_id)
    recorded = case.recorded if case is not None else task.recorded
    try:
        planned = task.plan(case, _master(task, unit), book)
        if isinstance(planned, Refusal):
            return planned
        facts = planned.facts or facts_from_bytes(recorded)
        dispute = case.dispute if case is not None else None
        steps = steps_of(planned.commands, dispute, facts, book=book, today=business_day(unit.at))
        if isinstance(steps, Refusal):
            return steps
        records = [(task.dispute_id, register.record_of(event)) for event, _ in steps]
    except Refused as refused:
        return refused.refusal
    except Exception as error:  # noqa: BLE001 - goes to the giver of the task: a caller, or a reader that stops
        return Bug(error)
    if planned.report is not None and case is not None:
        report = replace(planned.report, after=case.dispute.sequence, wrote=len(steps), written=unit.at)
        recorded = unit.changes.facts[task.dispute_id] = with_further(recorded, report)
        unit.cases[task.dispute_id] = Case(case.dispute, recorded)
    if not steps:
        return _Decided((), -1, case.dispute if case is not None else None)
    after = Case(steps[-1][1], recorded)
    unit.cases[task.dispute_id] = after
    if task.dispute_id in unit.before:
        unit.changes.changed[task.dispute_id] = after
    else:
        unit.changes.added[task.dispute_id] = after
    if case is None and task.secret is not None:
        unit.changes.secrets.append(task.secret)
    unit.records += records
    _set_timers(unit, case.dispute if case is not None else None, steps, book)
    return _Decided(tuple(event for event, _ in steps), len(unit.records) - 1, after.dispute)


def _master(task: Task, unit: _Unit) -> str:
    """Return the holder of the task's matter.

    Empty when it is the task's own dispute, or when no open dispute holds it.
    """
    owner = unit.owners.get(task.matter, "")
    if owner in {"", task.dispute_id}:
        return ""
    if owner in unit.touched:
        held = unit.cases.get(owner)
        if held is None or not _open(held.dispute):
            unit.owners[task.matter] = unit.changes.taken[task.matter] = task.dispute_id
            return ""
    holder = unit.cases.get(owner) or unit.holders.get(owner)
    if task.own and holder is not None and holder.dispute.dimensions.source_organ == task.own:
        return ""
    return owner


def _open(dispute: Dispute) -> bool:
    return dispute.state in UNFINISHED


def _holds(dispute: Dispute) -> bool:
    return _open(dispute) and not dispute.master_dispute_id


def _outcome(task: Task, result: _Result, unit: _Unit, places: Sequence[EventPlace], now: datetime) -> Outcome:
    if isinstance(result, Refusal | Bug):
        return result
    if isinstance(result, Done):
        dispute = unit.cases[task.dispute_id].dispute
        return TaskResult(dispute, result.place, result.recorded_at, repeated=True)
    if result.after is None:
        return Bug(AssertionError(f"task {task.task_id} was done to a dispute that does not exist"))
    place = places[result.last] if result.last >= 0 else None
    return TaskResult(result.after, place, now, result.events, result.repeated)


def _remember(unit: _Unit, fresh: Iterable[tuple[Task, _Result, Outcome]], now: datetime) -> None:
    """Keep tasks that were decided first now.

    A refused hand-off is not kept, so it can be redriven as a dead letter.
    """
    for task, result, outcome in fresh:
        refusal = result if isinstance(result, Refusal) else None
        kept = refusal is not None and refusal.kind in KEPT_REFUSALS and task.ledger is DoneTable.COMMAND
        if isinstance(result, Refusal | Bug) and not kept:
            continue
        place = outcome.place if isinstance(outcome, TaskResult) else None
        row = Done(task.task_id, task.dispute_id, task.digest, place, refusal, now)
        unit.changes.done.setdefault(task.ledger, []).append(row)


def note_missing_years(changes: UnitChanges, before: Mapping[str, Case]) -> None:
    """Fill in the years whose holiday tables the changed disputes wait for, after their last change.

    Args:
        changes: Of the unit.
        before: The changed disputes as they were.
    """
    for dispute_id, case in (*changes.added.items(), *changes.changed.items()):
        was = before.get(dispute_id)
        years = case.dispute.missing_years
        if years != (frozenset() if was is None else was.dispute.missing_years):
            changes.missing_years[dispute_id] = years


def _settle_matters(unit: _Unit) -> None:
    holders = set(unit.owners.values()) & unit.touched
    for dispute_id in sorted(unit.touched):
        before, after = unit.before.get(dispute_id), unit.cases.get(dispute_id)
        held = dispute_id in holders or (before is not None and _open(before.dispute))
        if held and (after is None or not _open(after.dispute)):
            unit.changes.released.append(dispute_id)


def _set_timers(unit: _Unit, before: Dispute | None, steps: Sequence[Step], book: Rulebook) -> None:
    """Note the timers that the steps of a task set."""
    dispute_id = steps[-1][1].dispute_id
    known = unit.set_timers.get(dispute_id)
    ran = known.running if known is not None else _running(before, book)
    new = set_by(ran, steps, book, unit.at)
    unit.set_timers[dispute_id] = new if known is None else known.then(new)


def _settle_timers(unit: _Unit, fired: Sequence[Timer], book: Rulebook) -> None:
    """Settle the timers of every dispute that a step or an alarm touched."""
    of_dispute: dict[str, list[Timer]] = {dispute_id: [] for dispute_id in unit.set_timers}
    for timer in fired:
        if timer.dispute_id in unit.cases:
            of_dispute.setdefault(timer.dispute_id, []).append(timer)
    for dispute_id, its in of_dispute.items():
        was = unit.before.get(dispute_id)
        ran = _running(None if was is None else was.dispute, book)
        done = unit.set_timers.get(dispute_id) or nothing_set(ran)
        changes = settled(done, its, ran, unit.cases[dispute_id].dispute, book=book, at=unit.at)
        unit.changes.cleared.update((dispute_id, limit) for limit in changes.cleared)
        unit.changes.timers.update({(dispute_id, limit): timer for limit, timer in changes.timers.items()})


def _running(dispute: Dispute | None, book: Rulebook) -> Limits:
    return {} if dispute is None else timing.running(dispute, book)
