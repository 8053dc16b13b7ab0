"""What intake's rules and calendar say of a last day binds the machine, which counts none itself."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from dispute.lifecycle import ApplyForConfirmation, Channel, Extend, Limit, Role, State
from hub.errors import Rejected
from tests.support.lifecycle import (
    AGREE,
    DUE,
    EXTENSION,
    START,
    TODAY,
    agreeing,
    command,
    decided,
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
