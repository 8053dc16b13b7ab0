"""Commands whose dates or answers rest on a row of a rule file, made from the row itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import NamedTuple

from msgspec.structs import replace

from dispute.lifecycle import (
    Channel,
    Command,
    DateName,
    Dispute,
    EventKind,
    Extend,
    Instruction,
    Limit,
    MadeBy,
    MediationKind,
    Milestone,
    ReachMilestone,
    RecordPerformance,
    Recurrence,
    Regime,
    RequestInformation,
    Role,
    Sign,
    Stage,
    State,
    Supervise,
    Supervision,
)
from dispute.lifecycle.dispute import CountedFacts
from services.intake.law.facts import Facts
from services.intake.law.timers import STATE
from tests.support.intake import suit
from tests.support.lifecycle import AGREE, BEGIN, DIGEST, DISPATCH, PATHS, REGISTER, START, TODAY, Walk, command, reach
from tests.support.rule_rows import THE_FILE, Change, Row

WEEK = [timedelta(days=n) for n in range(7)]


@cache
def standing(channel: Channel, regime: Regime, state: State) -> Dispute:
    """Return a dispute in a state; a dispatched one has no last day yet."""
    if state is State.DISPATCHED:
        plain = Walk(REGISTER, *PATHS[State.ACCEPTED][1:], replace(DISPATCH, due_on=None)).state
    else:
        plain = reach(state).state
    dimensions = replace(plain.dimensions, channel=channel, regime=regime, recurrence=Recurrence.FIRST)
    return replace(plain, dimensions=dimensions, counted=CountedFacts())


def asked(order: Instruction, at: datetime, role: Role = Role.CLERK) -> Command:
    return replace(command(order, at=at, role=role), limit=Limit())


class Probe(NamedTuple):
    """A command that may rest on a rule."""

    order: Command
    dispute: Dispute | None
    facts: Facts | None = None
    written_on: date | None = None


Standing = Callable[[State], Dispute]


def probes(change: Change) -> Iterator[Probe]:
    """Return commands whose dates rest on the row that is changed, before it or after it."""
    make = PROBES[change.row.partition("[")[0]]
    channels = [*change.values("channel"), *change.values("channels")]
    for channel in map(Channel, [each for each in channels if each] if all(channels) and channels else Channel):
        for regime in (Regime.A, Regime.B) if channel is Channel.COURT else (Regime.NONE,):
            for received_on in change.days(TODAY):
                for delay in WEEK:
                    yield from make(change, partial(standing, channel, regime), received_on, START + delay)


def on_terms(change: Change, at: Standing, received_on: date, now: datetime) -> Iterator[Probe]:
    for its in conditions(change):
        for state, order in ((State.DISPATCHED, Sign()), (State.SCREENING, RequestInformation(("consent_missing",)))):
            yield Probe(asked(order, now), of_conditions(at(state), its, received_on))
        waiting = replace(of_conditions(at(State.SCREENING), its, received_on), screen_by=TODAY)
        yield Probe(asked(Supervise(Supervision.OVERDUE, DateName.SCREEN_BY), now), waiting)
    for its in conditions(change):
        known = of_conditions(at(State.REGISTERED), its, received_on)
        told = replace(REGISTER, dimensions=known.dimensions, received_on=received_on + (now - START))
        yield Probe(asked(replace(told, procedure=known.procedure, stage=known.stage), now), None)


def conditions(change: Change) -> Iterator[Row]:
    """Return what matters have that fit a term before or after a change, and what differs from that in one thing."""
    seen: set[tuple[str, ...]] = set()
    for row in (row for row in (change.before, change.after) if row):
        fits = {each: row[each] or PLAIN[each] for each in PLAIN}
        for name, usual in PLAIN.items():
            for other in (fits[name], *change.values(name), usual):
                its = {**fits, name: other}
                # Both rows fit nearly the same matters, and nobody asks one of them twice.
                if (key := tuple(its.values())) not in seen:
                    seen.add(key)
                    yield its


PLAIN = {"procedure": "ordinary", "stage": "", "category": "08", "cause": "", "mediation_kind": ""}
"""Conditions of a term that most matters have."""


def of_conditions(dispute: Dispute, its: Row, received_on: date) -> Dispute:
    dimensions = replace(
        dispute.dimensions,
        category=its["category"],
        case_cause=its["cause"],
        mediation_kind=MediationKind(its["mediation_kind"]),
    )
    return replace(
        dispute,
        dimensions=dimensions,
        procedure=its["procedure"],
        stage=Stage(its["stage"]),
        cohort=replace(dispute.cohort, received_on=received_on),
    )


def on_extensions(change: Change, at: Standing, received_on: date, now: datetime) -> Iterator[Probe]:
    dispute = at(State.MEDIATING)
    moved = TODAY + (now - START)
    # The statutory limit is far away, so that it does not cut what is extended.
    cohort = replace(dispute.cohort, received_on=received_on, due_on=moved, statutory_due_on=moved + timedelta(280))
    first = replace(dispute, cohort=cohort)
    again = replace(first, ordinals=(*first.ordinals, (EventKind.EXTENDED, 1)), statutory_extended=True)
    for standing_now in (first, again):
        for days in [*change.values("days"), 5, 40]:
            for role in (Role.MEDIATOR, Role.LEADER):
                yield Probe(asked(Extend(consent_of_all=True, days=days), START, role), standing_now)


def on_sign_off(_: Change, at: Standing, __: date, now: datetime) -> Iterator[Probe]:
    yield Probe(asked(replace(DISPATCH, due_on=None), now), at(State.ACCEPTED))


def on_states(change: Change, at: Standing, __: date, now: datetime) -> Iterator[Probe]:
    for state in change.values("state"):
        yield Probe(asked(Supervise(Supervision.OVERDUE, STATE), now), replace(at(State(state)), since=now))


def on_milestones(change: Change, at: Standing, _: date, now: datetime) -> Iterator[Probe]:
    known = at(State.MEDIATING)
    known = replace(known, cohort=replace(known.cohort, received_on=TODAY + (now - START)))
    for milestone in map(Milestone, change.values("milestone") or ["concluded"]):
        before = tuple(each for each in Milestone if each is not milestone)
        for late in (timedelta(), timedelta(60)):
            yield Probe(asked(ReachMilestone(milestone), now + late), replace(known, milestones=before))
        yield Probe(asked(ReachMilestone(milestone), now), known)


def on_second_attempts(change: Change, at: Standing, _: date, now: datetime) -> Iterator[Probe]:
    failed = replace(at(State.FAILED), failed_on=TODAY)
    for cause in dict.fromkeys([*change.values("cause"), ""]):
        known = replace(failed, dimensions=replace(failed.dimensions, case_cause=cause))
        for kind in dict.fromkeys([*change.values("mediation_kind"), MediationKind.PEOPLE]):
            order = replace(BEGIN, mediation_kind=MediationKind(kind or MediationKind.PEOPLE))
            yield Probe(asked(order, now), known)
            yield Probe(asked(order, now + timedelta(5)), known)


def on_the_file(change: Change, at: Standing, _: date, now: datetime) -> Iterator[Probe]:
    yield Probe(asked(Sign(), now), at(State.DISPATCHED))
    yield Probe(asked(RecordPerformance(DIGEST), now), at(State.AGREED))
    yield from on_milestones(change, at, TODAY, now)
    # An alarm, and a paper of before it that is written down days later.
    alarmed = Walk(*PATHS[State.ACCEPTED]).do(Supervise(Supervision.OVERDUE, STATE), at=START + timedelta(5)).state
    order = asked(replace(DISPATCH, due_on=None), START + timedelta(hours=1))
    yield from (Probe(order, alarmed, written_on=TODAY + timedelta(days)) for days in change.values("paper_days"))


def on_bars(change: Change, at: Standing, _: date, now: datetime) -> Iterator[Probe]:
    order = replace(AGREE, confirm_by=None)
    for fact in change.values("fact"):
        for value in change.values("values"):
            known, facts = at(State.MEDIATING), suit()
            if fact == "subject":
                for subjects in ((value,), (value, "debt")):
                    yield Probe(asked(replace(order, subjects=subjects), now), known)
            elif fact == "circumstances":
                yield Probe(asked(order, now), known, replace(facts, circumstances=frozenset({value})))
            elif fact == "procedure":
                yield Probe(asked(order, now), replace(known, procedure=value))
            else:
                yield Probe(asked(order, now), replace(known, dimensions=replace(known.dimensions, category=value)))


def on_penalties(change: Change, at: Standing, received_on: date, now: datetime) -> Iterator[Probe]:
    known = at(State.AGREED)
    known = replace(known, cohort=replace(known.cohort, received_on=received_on))
    for maker in dict.fromkeys([*change.values("made_by"), MadeBy.PEOPLE_COMMITTEE]):
        for asked_for in (False, True):
            for approved in (False, True):
                order = RecordPerformance(DIGEST, written_request=asked_for, police_approved=approved)
                yield Probe(asked(order, now), replace(known, made_by=MadeBy(maker)))


PROBES: dict[str, Callable[[Change, Standing, date, datetime], Iterator[Probe]]] = {
    "terms": on_terms,
    "extensions": on_extensions,
    "sign_off": on_sign_off,
    "states": on_states,
    "milestones": on_milestones,
    "second_attempts": on_second_attempts,
    "confirmation_bars": on_bars,
    "penalties": on_penalties,
    THE_FILE: on_the_file,
}
