"""Limits of milestones: the alarm and the event of a milestone tell the same, and only first petitions have any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from dispute.lifecycle import Channel, CohortDates, Dimensions, Dispute, Milestone, Recurrence, State, end_of
from services.intake.law.clauses import milestone_limit
from services.intake.law.state_limits import milestone_ends
from tests.support.intake import BOOK, TONGDAO_BOOK

AT = datetime(2024, 3, 4, 2, tzinfo=UTC)
PETITION = Dispute(
    state=State.ACCEPTED,
    dimensions=Dimensions(Channel.PETITION, "petition-431230", recurrence=Recurrence.FIRST),
    cohort=CohortDates(received_on=date(2024, 3, 4)),
    dispute_id="d-1",
    sequence=3,
    registered_at=AT,
)


@dataclass(frozen=True)
class Other:
    """What has no milestone, and why."""

    name: str
    dispute: Dispute


OTHERS = (
    Other("another channel", replace(PETITION, dimensions=replace(PETITION.dimensions, channel=Channel.COURT))),
    Other("repeated", replace(PETITION, dimensions=replace(PETITION.dimensions, recurrence=Recurrence.REPEAT))),
    Other("relapsed", replace(PETITION, reopen_seq=1)),
    Other("day unknown", replace(PETITION, cohort=CohortDates())),
)


def test_what_reaches_a_milestone_is_told_the_end_that_its_alarm_has() -> None:
    ends = {name: end for name, end, certain in milestone_ends(PETITION, TONGDAO_BOOK) if certain}
    assert set(ends) == set(Milestone)
    for milestone in Milestone:
        limit = milestone_limit(milestone, PETITION, TONGDAO_BOOK)
        assert limit is not None
        assert (end_of(limit.last_day), limit.clause) == (ends[milestone], "三五七三十 (local rule of S3)")


def test_a_milestone_that_is_reached_has_no_alarm_any_more() -> None:
    met = replace(PETITION, milestones=(Milestone.MET,))
    assert [name for name, _, _ in milestone_ends(met, TONGDAO_BOOK)] == ["investigated", "fed_back", "concluded"]


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: other.name)
def test_only_a_first_petition_has_milestones(other: Other) -> None:
    assert list(milestone_ends(other.dispute, TONGDAO_BOOK)) == []
    assert {milestone_limit(each, other.dispute, TONGDAO_BOOK) for each in Milestone} == {None}


def test_a_county_without_the_rule_has_none() -> None:
    assert list(milestone_ends(PETITION, BOOK)) == []
    assert milestone_limit(Milestone.MET, PETITION, BOOK) is None
