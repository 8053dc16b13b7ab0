"""What intake's rules and calendar say of a last day binds the machine, which counts none itself."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import (
    ApplyForConfirmation,
    Channel,
    EventKind,
    Extend,
    Instruction,
    Limit,
    Milestone,
    ReachMilestone,
    RecordNonPerformance,
    Remedy,
    Role,
    State,
)
from dispute.refusals.commands import BARRED_BY_RULE, CONFIRMATION_BARRED, MILESTONE_ORDER
from hub.errors import Code, Rejected
from tests.support.lifecycle import (
    AGREE,
    BEGIN,
    DUE,
    EXTENSION,
    START,
    TODAY,
    agreeing,
    command,
    decided,
    payload_of,
    reach,
    refused,
    registration,
)

DAY = timedelta(days=1)
GO_ON = Extend(consent_of_all=True, days=30, due_on=DUE + 30 * DAY)


def test_petition_limit_is_extended_once_where_the_rule_says_so() -> None:
    walk = reach(State.MEDIATING, replace(registration(Channel.PETITION), statutory_due_on=DUE))
    again = replace(GO_ON, consent_of_all=False)
    walk.do(again, role=Role.LEADER)
    with pytest.raises(Rejected, match="extended_already"):
        walk.do(again, role=Role.LEADER, limit=agreeing(again, replace(EXTENSION, once=True)))
    assert walk.do(again, role=Role.LEADER).last.ordinal == 2


def test_a_statutory_limit_moves_to_the_calendars_day_and_no_other() -> None:
    walk = reach(State.MEDIATING, replace(registration(Channel.PETITION), statutory_due_on=DUE))
    for named in (DUE + 29 * DAY, DUE + 31 * DAY):
        with pytest.raises(Rejected, match="due_date_inconsistent"):
            walk.do(replace(GO_ON, due_on=named), role=Role.LEADER, limit=agreeing(GO_ON))
    assert walk.do(GO_ON, role=Role.LEADER).state.cohort.statutory_due_on == GO_ON.due_on


def test_a_refused_extension_names_the_rule_that_bounds_it() -> None:
    with pytest.raises(Rejected, match=re.escape(": T13a Extend, 1–30: 特邀调解规定 27")):
        reach(State.MEDIATING).do(replace(GO_ON, days=31))


def test_an_agreement_that_names_no_day_is_confirmed_within_the_calendars() -> None:
    agreed = reach(State.MEDIATING).do(replace(AGREE, confirm_by=None))
    asked = replace(command(ApplyForConfirmation(jointly=True), at=START + 40 * DAY), limit=Limit(TODAY + 40 * DAY))
    assert decided(agreed.state, asked)[0].to_state is State.JC_PENDING
    for limit in (Limit(TODAY + 39 * DAY), Limit()):
        assert refused(agreed.state, replace(asked, limit=limit)).code == "confirmation_late"


# what rules forbid
@pytest.mark.parametrize(
    ("state", "order", "bar"),
    [
        (State.MEDIATING, AGREE, CONFIRMATION_BARRED),
        (State.AGREED, ApplyForConfirmation(jointly=True), CONFIRMATION_BARRED),
        (State.AGREED, RecordNonPerformance(Remedy.PENALTY_PROCEDURE), BARRED_BY_RULE),
        (State.ACCEPTED, ReachMilestone(Milestone.FED_BACK), MILESTONE_ORDER),
    ],
    ids=lambda item: getattr(item, "name", None) or type(item).__name__,
)
def test_what_a_rule_forbids_is_refused_and_the_clause_is_named(state: State, order: Instruction, bar: Code) -> None:
    channel = Channel.PETITION if bar is MILESTONE_ORDER else Channel.POLICE
    told = command(order)
    barred = replace(told, limit=replace(told.limit, bar=bar, clause="民诉解释 355"))
    dispute = reach(state, registration(channel)).state
    refusal = refused(dispute, barred)
    assert (refusal.code, refusal.kind) == (bar.name, bar.kind)
    assert refusal.detail.endswith("民诉解释 355")
    assert decided(dispute, told)[0].type in EventKind


# an agreement of which only a part may be confirmed
SEVERABLE = replace(AGREE, confirmable=False, confirm_by=None, severable=True)
PART = ApplyForConfirmation(jointly=True, severed_part=True)


def test_only_a_reviewer_applies_for_the_part_that_may_be_confirmed() -> None:
    walk = reach(State.MEDIATING).do(SEVERABLE)
    assert (payload_of(walk.last).severable, walk.state.severable, walk.state.confirmable) == (True, True, False)
    for role in sorted(set(Role) - {Role.REVIEWER}):
        assert refused(walk.state, command(PART, role=role)).code == "not_confirmable"
    whole = command(ApplyForConfirmation(jointly=True), role=Role.REVIEWER)
    assert refused(walk.state, whole).code == "not_confirmable"
    walk.do(PART, role=Role.REVIEWER, limit=Limit(TODAY + 30 * DAY))
    assert walk.state.state is State.JC_PENDING


def test_the_part_is_applied_for_within_thirty_days_too() -> None:
    agreed = reach(State.MEDIATING).do(SEVERABLE).state
    late = replace(command(PART, role=Role.REVIEWER, at=START + 31 * DAY), limit=Limit(TODAY + 30 * DAY))
    assert refused(agreed, late).code == "confirmation_late"


def test_nothing_is_severed_from_an_agreement_that_is_barred_as_a_whole() -> None:
    agreed = reach(State.MEDIATING).do(replace(AGREE, confirmable=False)).state
    assert refused(agreed, command(PART, role=Role.REVIEWER)).code == "not_confirmable"


# milestones
@pytest.mark.parametrize(("after", "late"), [(3, False), (4, True)])
def test_a_milestone_after_its_last_day_is_marked_late_and_recorded(after: int, *, late: bool) -> None:
    limit = Limit(TODAY + 3 * DAY, "三五七三十")
    walk = reach(State.ACCEPTED, registration(Channel.PETITION))
    walk.do(ReachMilestone(Milestone.MET), at=START + after * DAY, limit=limit)
    told = payload_of(walk.last)
    assert (told.due_on, told.late, told.clause) == (limit.last_day, late, limit.clause)


def test_a_milestone_without_a_limit_is_never_late() -> None:
    walk = reach(State.ACCEPTED, registration(Channel.PETITION)).do(ReachMilestone(Milestone.MET), at=START + 99 * DAY)
    assert (payload_of(walk.last).due_on, payload_of(walk.last).late) == (None, False)


def test_the_rules_that_decided_are_named_on_what_rests_on_them() -> None:
    walk = reach(State.SIGNED)
    told = command(BEGIN)
    walk.carry_out(replace(told, limit=replace(told.limit, rule_version="shandan-2024.2")))
    assert walk.last.dimensions.rule_version == walk.state.dimensions.rule_version == "shandan-2024.2"
