"""Carries out tasks on disputes.

The order makes them safe: lock, look up, decide, write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import Command, Dispute, Event, Link, business_day
from dispute.refusals.commands import BAD_MASTER
from dispute.refusals.interfaces import KEY_REUSED
from hub.errors import Bug, Kind, Refusal, Refused
from services.intake.cases.case_numbers import CaseNumbers
from services.intake.cases.membership import Membership
from services.intake.cases.ports import (
    NO_TIMERS,
    Accusation,
    Case,
    DisputeRegister,
    Done,
    DoneTable,
    EventPlace,
    Secret,
    Series,
)
from services.intake.cases.rights import Act, Giver, refusal_to_cause
from services.intake.cases.search import CandidateSearch
from services.intake.cases.unit import Unit, note_differences, settle_timers
from services.intake.law.candidates import Candidate
from services.intake.law.facts import Facts
from services.intake.law.marks import Marks
from services.intake.law.registration import with_earlier_reports
from services.intake.law.reports import SourceReport, facts_from_bytes, first_report, reports_from_bytes, with_further
from services.intake.law.rulebook import Rulebook
from services.intake.law.shared_results import effect_of, listeners_of, result_of
from services.intake.law.steps import Step, steps_of, with_values
from services.intake.law.timers import Timer

KEPT_REFUSALS: Final = frozenset({Kind.WRONG_STATE, Kind.STALE})
"""Refusals that depend on a dispute's state: the same command id gets the same refusal for ever."""


class Planned(Struct, frozen=True):
    """Commands to carry out.

    Attributes:
        commands: All of them, or none.
        facts: What the source recorded from now on; None when it reported nothing new.
        report: What of it is kept.
        giver: Whose right to each transition is looked at; None where the hub itself acts or a source reports.
    """

    commands: Sequence[Command] = ()
    facts: Facts | None = None
    report: SourceReport | None = None
    giver: Giver | None = None


Plan = Callable[[Case | None, Sequence[Candidate], Rulebook], Planned | Refusal]
"""Maps the current dispute, the candidates for the matter of a new one, and the unit's rules to the commands."""


class Task(Struct, frozen=True):
    """One thing to do to one dispute.

    Attributes:
        task_id: Key of repetition within its ledger.
        dispute_id: Dispute.
        digest: SHA-256 of the content.
        ledger: Where it is remembered.
        plan: Returns commands; all of them are carried out, or none.
        marks: By which records of one matter are found, of a new case; None when nothing can be compared.
        names: Dispute that it names besides its own; empty for none. It is locked too.
        recorded: What the source recorded of a new case.
        secret: Confidential part of a new case.
        accusation: What of a case leaves by a sealed exit.
        source_ref: The source's own reference of a new case.
        series: From which a new case gets its number; None where its county is not known.
        act: Who does it; None where the hub itself acts or a source reports.
    """

    task_id: str
    dispute_id: str
    digest: bytes
    ledger: DoneTable
    plan: Plan
    marks: Marks | None = None
    names: str = ""
    recorded: bytes = b""
    secret: Secret | None = None
    accusation: Accusation | None = None
    source_ref: str = ""
    series: Series | None = None
    act: Act | None = None


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
_NOT_DONE: Final = (Refusal, Bug)


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
    register.lock(touched | {task.names for task in tasks if task.names})
    known = _known(register, tasks)
    unit = _begun(register, tasks, _wanted(tasks, known), book, now)
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
    for (dispute_id, _), place in zip(unit.records, places, strict=True):
        unit.changes.positions.setdefault(dispute_id, []).append(place.position)
    outcomes = [_outcome(task, result, unit, places, now) for task, result in zip(tasks, results, strict=True)]
    fresh = [number for key, number in first.items() if key[0] is not DoneTable.NONE and key not in known]
    _remember(unit, [(tasks[n], results[n], outcomes[n]) for n in fresh], now)
    settle_timers(unit, fired, book)
    unit.changes.numbers = unit.numbers.taken
    note_differences(unit.changes, unit.before)
    register.write(unit.changes)
    return outcomes


def _known(register: DisputeRegister, tasks: Sequence[Task]) -> dict[tuple[DoneTable, str], Done]:
    known: dict[tuple[DoneTable, str], Done] = {}
    for ledger in (DoneTable.COMMAND, DoneTable.HANDOFF):
        ids = {task.task_id for task in tasks if task.ledger is ledger}
        if ids:
            known.update({(ledger, task_id): done for task_id, done in register.done(ledger, ids).items()})
    return known


def _begun(
    register: DisputeRegister, tasks: Sequence[Task], wanted: Mapping[str, Marks], book: Rulebook, now: datetime
) -> Unit:
    """Return the unit before its first task."""
    before = register.cases({task.dispute_id for task in tasks})
    cases = dict(before)
    links = Membership(register, cases)
    names = {task.names for task in tasks if task.names} - before.keys()
    named = frozenset(register.cases(names) if names else names)
    links.follow(named)
    search = CandidateSearch(register, wanted, cases, links, book.matching) if wanted else None
    numbers = CaseNumbers(register, {task.series for task in tasks if task.series and task.dispute_id not in before})
    at = register.business_now()
    return Unit(before, cases, named, at, business_day(at), now, links, search, numbers)


def _wanted(tasks: Sequence[Task], known: Mapping[tuple[DoneTable, str], Done]) -> dict[str, Marks]:
    """Return the marks of cases that are to be compared.

    New ones, and those that a recovery brought back, because their marks are in no event.
    """
    wanted: dict[str, Marks] = {}
    for task in tasks:
        done = known.get((task.ledger, task.task_id))
        if task.marks is not None and (done is None or not done.digest):
            wanted.setdefault(task.dispute_id, task.marks)
    return wanted


def _recall(task: Task, done: Done, unit: Unit) -> _Result:
    if done.dispute_id != task.dispute_id or (done.digest and done.digest != task.digest):
        return KEY_REUSED.refusal()
    if not done.digest:
        _note_resent(task, done, unit)
    return done if done.refusal is None else done.refusal


def _note_resent(task: Task, done: Done, unit: Unit) -> None:
    """Keep what no event carries.

    The task was known only from its events, and its content was sent again.
    """
    unit.changes.resent.setdefault(task.ledger, []).append(replace(done, digest=task.digest))
    case = unit.cases[task.dispute_id]
    if task.secret is not None:
        unit.changes.secrets.append(task.secret)
    if task.accusation is not None:
        unit.changes.accusations.append(task.accusation)
    if task.source_ref and not case.dispute.source_ref:
        recorded = _recorded_again(task, unit)
        named = replace(case.dispute, source_ref=task.source_ref)
        restored = replace(case, dispute=named, recorded=recorded)
        unit.changes.facts[task.dispute_id] = recorded
        unit.keep(task.dispute_id, restored)
    _keep_marks(task, unit)


def _recorded_again(task: Task, unit: Unit) -> bytes:
    """Return what a source recorded, with what only the register knows of it."""
    facts = facts_from_bytes(task.recorded)
    if facts is None or unit.search is None:
        return task.recorded
    known = with_earlier_reports(facts, unit.search.candidates_of(task.dispute_id))
    if known is facts:
        return task.recorded
    return first_report(reports_from_bytes(task.recorded).reports[0].at, known)


def _again(task: Task, earlier: Task, result: _Result) -> _Result:
    """Answer a task that is twice in one unit."""
    if (earlier.digest, earlier.dispute_id) != (task.digest, task.dispute_id):
        return KEY_REUSED.refusal()
    return replace(result, events=(), repeated=True) if isinstance(result, _Decided) else result


def _attempt(register: DisputeRegister, task: Task, unit: Unit, book: Rulebook) -> _Decided | Refusal | Bug:
    """Decide one task in memory: all of its events, or none."""
    case = unit.cases.get(task.dispute_id)
    recorded = case.recorded if case is not None else task.recorded
    try:
        planned = _planned(task, case, unit, book)
        if isinstance(planned, Refusal):
            return planned
        facts = planned.facts or facts_from_bytes(recorded)
        dispute = case.dispute if case is not None else None
        commands = planned.commands if case is not None else unit.numbers.put_on(planned.commands, task.series)
        steps = steps_of(commands, dispute, facts, book=book, today=unit.today)
        if planned.giver is not None and not isinstance(steps, Refusal):
            steps = refusal_to_cause(planned.giver, dispute, steps) or steps
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
        unit.cases[task.dispute_id] = replace(case, recorded=recorded)
    elif planned.facts is not None and planned.commands:
        # The register knew more of a new case than its source.
        recorded = first_report(planned.commands[0].occurred_at, planned.facts)
    if not steps:
        return _Decided((), -1, case.dispute if case is not None else None)
    after = Case(steps[-1][1], recorded, NO_TIMERS if case is None else case.timers)
    unit.records += records
    _note(unit, task, case, after)
    _share(unit, steps)
    unit.steps.setdefault(task.dispute_id, []).extend(steps)
    return _Decided(tuple(event for event, _ in steps), len(unit.records) - 1, after.dispute)


def _planned(task: Task, case: Case | None, unit: Unit, book: Rulebook) -> Planned | Refusal:
    candidates: Sequence[Candidate] = ()
    if case is None and unit.search is not None:
        candidates = unit.search.candidates_of(task.dispute_id)
    planned = task.plan(case, candidates, book)
    if not task.names or isinstance(planned, Refusal):
        return planned
    if task.names not in unit.cases and task.names not in unit.named:
        return BAD_MASTER.refusal()
    # A link leads to the first dispute of the matter.
    first = unit.links.first_of(task.names)
    return replace(planned, commands=with_values(planned.commands, Link, master_dispute_id=first))


def _note(unit: Unit, task: Task, case: Case | None, after: Case) -> None:
    """Note the dispute after a task."""
    unit.keep(task.dispute_id, after)
    if case is None:
        unit.numbers.take(task.series)
    _keep_marks(task, unit)
    if case is None and task.secret is not None:
        unit.changes.secrets.append(task.secret)
    if task.accusation is not None:
        unit.changes.accusations.append(task.accusation)
    master = after.dispute.master_dispute_id
    if master and (case is None or case.dispute.master_dispute_id != master):
        unit.links.add(task.dispute_id, master)


def _keep_marks(task: Task, unit: Unit) -> None:
    marks = unit.search.add(task.dispute_id) if unit.search is not None else None
    if marks is not None:
        unit.changes.marks[task.dispute_id] = marks


def _share(unit: Unit, steps: Sequence[Step]) -> None:
    """Note what the other disputes of the matter hear; who is linked later does not hear it."""
    for event, _ in steps:
        result = result_of(event)
        if result is not None:
            unit.links.load_all()
            for other in listeners_of(event, unit.links.others_of):
                unit.changes.effects.append(effect_of(event, result, other, unit.now))


def _outcome(task: Task, result: _Result, unit: Unit, places: Sequence[EventPlace], now: datetime) -> Outcome:
    if isinstance(result, _NOT_DONE):
        return result
    if isinstance(result, Done):
        dispute = unit.cases[task.dispute_id].dispute
        return TaskResult(dispute, result.place, result.recorded_at, repeated=True)
    if result.after is None:
        return Bug(AssertionError(f"task {task.task_id} was done to a dispute that does not exist"))
    place = places[result.last] if result.last >= 0 else None
    return TaskResult(result.after, place, now, result.events, result.repeated)


def _remember(unit: Unit, fresh: Iterable[tuple[Task, _Result, Outcome]], now: datetime) -> None:
    """Keep tasks that were decided first now.

    A refused hand-off is not kept, so it can be redriven as a dead letter.
    """
    for task, result, outcome in fresh:
        refusal = result if isinstance(result, Refusal) else None
        kept = refusal is not None and refusal.kind in KEPT_REFUSALS and task.ledger is DoneTable.COMMAND
        if isinstance(result, _NOT_DONE) and not kept:
            continue
        place = outcome.place if isinstance(outcome, TaskResult) else None
        row = Done(task.task_id, task.dispute_id, task.digest, place, refusal, now)
        unit.changes.done.setdefault(task.ledger, []).append(row)
