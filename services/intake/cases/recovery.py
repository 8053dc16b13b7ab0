"""Rebuilds the register from later published events.

They were published after the backup; their effects are written as if they were decided now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from dispute.lifecycle import Actor, Event, evolve
from services.intake.cases.case_numbers import last_of
from services.intake.cases.membership import Membership
from services.intake.cases.ports import Case, DisputeRegister, Done, EventPlace, UnitChanges
from services.intake.cases.recalled_timers import RecalledTimers
from services.intake.cases.tasks import OWN
from services.intake.cases.unit import note_differences
from services.intake.law.rulebook import Rulebook
from services.intake.law.shared_results import effect_of, listeners_of, result_of


class Recalled(Struct, frozen=True):
    """An event of the journal that the register lacks."""

    event: Event
    place: EventPlace
    recorded_at: datetime


def take_back(register: DisputeRegister, recalled: Sequence[Recalled], book: Rulebook) -> None:
    """Write the effects of recalled events.

    The events themselves are in the outbox already. What no event carries (parties, source reference, facts, marks)
    comes back when the hand-off is read again: until then its task is known by id alone. What an outcome means for the
    other disputes of its matter is made again too; what they heard already is known by its id.

    Args:
        register: Bound to the transaction.
        recalled: In stream order.
        book: Rules in force.

    Raises:
        Fault: `history_broken`: an event does not continue the register's history.
    """
    ids = {each.event.dispute_id for each in recalled}
    register.lock(ids)
    before = register.cases(ids)
    cases, changes = dict(before), UnitChanges()
    done: dict[tuple[str, str], Done] = {}
    links = Membership(register, cases)
    timers = RecalledTimers(register, before, book)
    for each in recalled:
        event, case = each.event, cases.get(each.event.dispute_id)
        state = evolve(case.dispute if case is not None else None, event)
        cases[event.dispute_id] = Case(state) if case is None else replace(case, dispute=state)
        changes.positions.setdefault(event.dispute_id, []).append(each.place.position)
        if state.master_dispute_id:
            links.add(event.dispute_id, state.master_dispute_id)
        result = result_of(event)
        if result is not None:
            links.load(cases.keys())
            others = listeners_of(event, links.others_of)
            changes.effects += [effect_of(event, result, other, each.recorded_at) for other in others]
        timers.take(event, state, each.recorded_at)
        if Actor(event.actor_role, event.actor_id) not in OWN:
            known = Done(event.causation_id, event.dispute_id, b"", each.place, None, each.recorded_at)
            done[event.causation_id, event.dispute_id] = known
    changes.recalled = list(done.values())
    changes.added = {dispute_id: case for dispute_id, case in cases.items() if dispute_id not in before}
    changes.changed = {dispute_id: case for dispute_id, case in cases.items() if dispute_id in before}
    # A later number is given after those of every code that stands on paper.
    changes.numbers = last_of(case.dispute for case in changes.added.values())
    timers.note(changes)
    note_differences(changes, before)
    register.write(changes)
