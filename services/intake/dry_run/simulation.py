"""Lives a case through its recorded inputs under a rulebook, in memory.

It stands on the same functions as the unit of work: what is registered, screened, decided and timed by them here would
be so there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import (
    Actor,
    ChangeColour,
    Command,
    DateName,
    Dispute,
    Event,
    Instruction,
    NoteUndocked,
    RecordRuling,
    Regime,
    Register,
    Role,
    business_day,
)
from dispute.lifecycle.decide import Completion, as_given
from hub.errors import Refusal
from hub.store.instants import EPOCH
from services.intake.cases.tasks import CLOCK, part_that_gives
from services.intake.dry_run.inputs import Input, Inputs
from services.intake.dry_run.recording import Chronology
from services.intake.law.facts import Facts
from services.intake.law.handoff import Arrival
from services.intake.law.later_facts import Situation, react
from services.intake.law.registration import enter, enter_again
from services.intake.law.reports import with_report
from services.intake.law.ringing import next_to_ring
from services.intake.law.rulebook import Rulebook
from services.intake.law.shared_results import instruction_of
from services.intake.law.steps import Follow, Step, follow, steps_of, with_values
from services.intake.law.timer_changes import Limits, SetTimers, nothing_set, set_by, timers_after
from services.intake.law.timers import Timer, instructions_at


class SimulatedCase(Struct, frozen=True):
    """A case after all of its inputs.

    Attributes:
        dispute: As it stands; None when it was not even registered.
        events: What happened, in order.
    """

    dispute: Dispute | None
    events: tuple[Event, ...]


class Simulation:
    """Lets one case live again and again, under one rulebook after the other.

    What a command causes is remembered: as long as two rulebooks ask for the same, the second life costs no decision.

    Args:
        its: Inputs of the case.
        chronology: Of the store.
    """

    def __init__(self, its: Inputs, chronology: Chronology) -> None:
        self._its = its
        self._chronology = chronology
        self._known: dict[int, list[tuple[Dispute | None, Command, Sequence[Step] | Refusal]]] = {}

    def under_recorded(self, book: Rulebook) -> SimulatedCase:
        """Return the case under the rules in force; first of all, because it tells which dates callers had set."""
        life = _Life(self._its, book, self._chronology, self._follow, compare=True)
        self._its = replace(self._its, inputs=tuple(life.take(each) for each in self._its.inputs))
        return life.ended()

    def under(self, book: Rulebook, unheard: Collection[str] = ()) -> SimulatedCase:
        """Return the case under other rules; `unheard` are inputs that it would not get."""
        life = _Life(self._its, book, self._chronology, self._follow, compare=False)
        for each in self._its.inputs:
            if each.command_id not in unheard:
                life.take(each)
        return life.ended()

    def _follow(self, dispute: Dispute | None, given: Command, completed: Completion) -> Sequence[Step] | Refusal:
        if dispute is not None and dispute.checkpoints:
            # Late paper asks the rules at several states.
            return follow(dispute, given, completed)
        command = completed(dispute, given)
        # What is remembered keeps its dispute, so that no other one has its id.
        known = self._known.setdefault(id(dispute), [])
        for _, asked, caused in known:
            if asked == command:
                return caused
        caused = follow(dispute, command, as_given)
        known.append((dispute, command, caused))
        return caused


class _Life:
    """One case as it lives."""

    def __init__(self, its: Inputs, book: Rulebook, chronology: Chronology, by: Follow, *, compare: bool) -> None:
        self._its = its
        self._book = book
        self._chronology = chronology
        self._by = by
        self._compare = compare
        self._facts: Facts | None = None
        self._timers: dict[str, Timer] = {}
        self._running: Limits = {}
        self._at = EPOCH
        self._dispute: Dispute | None = None
        self._events: list[Event] = []

    def ended(self) -> SimulatedCase:
        """Return the case as it stands now."""
        self._ring_until(self._chronology.now)
        return SimulatedCase(self._dispute, tuple(self._events))

    def take(self, each: Input) -> Input:
        """Carry an input out; returns it as it was taken."""
        self._ring_until(each.written)
        self._at = each.written
        steps = self._reported(each) if each.about is not None else self._heard(each)
        if steps is None and each.open is not None and each.about is None:
            steps = self._steps((self._command(each, each.open),))
            if each.event is not None and self._compare:
                was_open = not isinstance(steps, Refusal) and _agree(steps[-1][0], each.event)
                each = replace(each, open=each.open if was_open else each.given, event=None)
                steps = steps if was_open else self._steps((self._command(each, each.open),))
        if steps is None or isinstance(steps, Refusal) or not steps:
            return each
        ran = self._running
        self._settle(self._keep(steps), (), ran)
        return each

    def _ring_until(self, end: datetime) -> None:
        """Ring what is due up to a business time."""
        while self._timers and self._dispute is not None:
            rings_at = min(timer.rings_at for timer in self._timers.values())
            at = self._chronology.ring(rings_at, self._at)
            if at is None or at > end:
                return
            self._at, until = at, at - self._chronology.grace
            # A step whose time has passed too follows in its turn; what an input sets waits for the next ring.
            while due := next_to_ring(timer for timer in self._timers.values() if timer.rings_at <= until):
                self._ring(due)

    def _ring(self, due: Sequence[Timer]) -> None:
        ran = self._running
        done = nothing_set(ran)
        for timer in due:
            if self._dispute is None:
                continue
            at = max(timer.due_at, self._dispute.registered_at)
            orders = instructions_at(timer, self._dispute, self._book)
            steps = self._steps([Command("timer", self._its.dispute_id, CLOCK, at, order) for order in orders])
            if not isinstance(steps, Refusal) and steps:
                done = done.then(self._keep(steps))
        self._settle(done, due, ran)

    def _reported(self, each: Input) -> list[Step] | Refusal:
        """Carry out what a source reported; its facts stand unless it is refused."""
        dispute, about = self._dispute, each.about
        if isinstance(about, Facts):
            commands = self._entered(each, about)
        elif dispute is None or about is None:
            return []
        else:
            reaction = react(Situation(dispute, self._facts, each.at), about, self._book)
            if isinstance(reaction, Refusal):
                return reaction
            commands = [self._command(each, order) for order in reaction.orders]
        facts = self._facts if about is None else with_report(self._facts, about)
        steps = self._steps(commands, facts)
        if not isinstance(steps, Refusal):
            self._facts = facts
        return steps

    def _heard(self, each: Input) -> list[Step] | Refusal | None:
        """Carry out what the dispute heard from its matter; None when it heard nothing."""
        if each.heard is None or self._dispute is None:
            return None
        order = instruction_of(each.heard, self._dispute, self._facts)
        return [] if order is None else self._steps([self._command(each, order)])

    def _entered(self, each: Input, facts: Facts) -> list[Command]:
        its = self._its.registration
        arrival = Arrival(
            facts,
            replace(its.dimensions, regime=Regime.NONE, rule_version=""),
            its.source_ref,
            its.amount_fen,
            round=each.round,
        )
        if self._dispute is None:
            orders = _with_found(enter(arrival, its.agency, (), self._book)[0], each.found)
        else:
            orders = enter_again(arrival, self._book)
        commands = with_values([self._command(each, order) for order in orders], Register, case_code=its.case_code)
        return [commands[0], *(replace(each, actor=part_that_gives(each.instruction)) for each in commands[1:])]

    def _command(self, each: Input, order: Instruction | None) -> Command:
        if order is None:
            raise TypeError("an input without an instruction")
        actor = Actor(Role.COURT, each.actor.actor_id) if isinstance(order, RecordRuling) else each.actor
        at = each.at if self._dispute is None else max(each.at, self._dispute.registered_at)
        return Command(each.command_id, self._its.dispute_id, actor, at, order)

    def _steps(self, commands: Sequence[Command], facts: Facts | None = None) -> list[Step] | Refusal:
        today = business_day(self._at)
        known = facts or self._facts
        return steps_of(commands, self._dispute, known, book=self._book, today=today, by=self._by)

    def _keep(self, steps: Sequence[Step]) -> SetTimers:
        """Keep what happened; returns the timers that it sets."""
        done = set_by(self._running, steps, self._book, self._at)
        self._running = done.running
        self._dispute = steps[-1][1]
        self._events += [event for event, _ in steps]
        return done

    def _settle(self, done: SetTimers, fired: Iterable[Timer], ran: Limits) -> None:
        if self._dispute is None:
            return
        changes = timers_after(done, fired, ran, self._dispute, book=self._book, at=self._at)
        self._timers = changes.applied(self._timers, fired)


def _with_found(orders: Sequence[Instruction], found: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """Return the instructions of a new case with those that were recorded of its links and its colour."""
    own = tuple(order for order in orders if not isinstance(order, ChangeColour))
    links = tuple(order for order in found if not isinstance(order, ChangeColour))
    # What is no matter for docking has no colour.
    undocked = any(isinstance(order, NoteUndocked) for order in own)
    colours = () if undocked else tuple(order for order in found if isinstance(order, ChangeColour))
    return (own[0], *links, *own[1:], *colours)


def _agree(lived: Event, recorded: Event) -> bool:
    """Tell whether the rules count the dates of a recorded event; a provisional one was counted by them too."""
    marked = {mark.name for mark in recorded.provisional}
    mine = dates_of(lived)
    return all(day == mine.get(name) or name in marked for name, day in dates_of(recorded).items())


def dates_of(event: Event) -> dict[DateName, date | datetime | None]:
    """Return the limits that an event tells."""
    of, cohort = event.payload, event.cohort
    return {
        DateName.DUE_ON: cohort.due_on,
        DateName.STATUTORY_DUE_ON: cohort.statutory_due_on,
        DateName.SIGN_BY: getattr(of, "sign_by", None),
        DateName.CONFIRM_BY: getattr(of, "confirm_by", None),
    }
