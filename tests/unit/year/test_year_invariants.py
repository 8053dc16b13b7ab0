"""Each check of a county's year sees the one thing that it is for: a violation is planted in a history made by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from dispute.wire.exchange.v1 import exchange_pb2
from dispute.wire.journal.v1 import journal_pb2
from tests.year import invariants, told
from tests.year.figures import Figure, counted, differing, figures, months

DAY = date(2024, 11, 1)
DISPUTE = str(uuid5(NAMESPACE_URL, "year"))
STEPS = (
    ("registered", "", "registered", "2024-11-01"),
    ("screening_begun", "registered", "screening", "2024-11-01"),
    ("accepted", "screening", "accepted", "2024-11-01"),
    ("dispatched", "accepted", "dispatched", "2024-11-04"),
    ("signed", "dispatched", "signed", "2024-11-05"),
    ("mediation_begun", "signed", "mediating", "2024-11-06"),
    ("failed", "mediating", "failed", "2024-11-20"),
    ("returned", "failed", "returned", "2024-11-21"),
)
SIGNED, FAILED, RETURNED = 4, 6, 7
Change = Callable[[list[journal_pb2.JournalEvent]], None]


def history() -> list[journal_pb2.JournalEvent]:
    """A suit before filing that was handed over, mediated without success, and returned."""
    found = []
    for number, (kind, before, after, day) in enumerate(STEPS, start=1):
        event = journal_pb2.JournalEvent(
            dispute_id=DISPUTE,
            sequence=number,
            event_id=f"event-{number}",
            type=kind,
            from_state=before,
            to_state=after,
            business_day=day,
            actor_role="clerk",
            actor_id="clerk-1",
            ordinal=1,
            conclusion_ordinal=int(kind == "failed"),
            reason_code="deadlock" if kind == "failed" else "",
        )
        event.occurred_at.seconds = event.recorded_at.seconds = 1_730_000_000 + number
        event.dimensions.channel, event.dimensions.regime = "court", "A"
        event.cohort.received_on = "2024-11-01"
        if number > 3:
            event.dimensions.lead_department = "justice_bureau"
        if number > 4:
            event.cohort.due_on = "2024-12-05"
        found.append(event)
    found[0].particulars.procedure, found[0].particulars.stage = "ordinary", "before_filing"
    return found


def results(*, opening: int = 1) -> list[exchange_pb2.Result]:
    kinds = ((3, "accepted"), (4, "dispatched"), (7, "failed"), (8, "returned"))
    return [
        exchange_pb2.Result(
            cursor=number,
            event_id=f"event-{number}",
            dispute_id=DISPUTE,
            status=kind,
            final=kind == "returned",
            opening=opening,
        )
        for number, kind in kinds
    ]


def changed(number: int, **values: Any) -> Change:  # noqa: ANN401 - any field of an event
    """Return what sets fields of one event, by `name` or `part__name`."""

    def change(of: list[journal_pb2.JournalEvent]) -> None:
        for path, value in values.items():
            part, _, name = path.rpartition("__")
            setattr(getattr(of[number], part) if part else of[number], name, value)

    return change


@pytest.mark.parametrize(
    ("check", "plant"),
    [
        pytest.param(invariants.told_wrong, changed(SIGNED, actor_id=""), id="nobody acted"),
        pytest.param(invariants.told_wrong, changed(FAILED, reason_code=""), id="no reason"),
        pytest.param(invariants.told_wrong, changed(SIGNED, business_day=""), id="no day"),
        pytest.param(invariants.told_wrong, lambda of: of[SIGNED].ClearField("occurred_at"), id="no time"),
        pytest.param(invariants.told_wrong, lambda of: of.pop(2), id="an event is missing"),
        pytest.param(invariants.told_wrong, changed(SIGNED, from_state="accepted"), id="a step from another state"),
        pytest.param(invariants.told_wrong, changed(SIGNED, rewinds_to=9), id="takes back what comes later"),
        pytest.param(invariants.ill_led, changed(SIGNED, dimensions__lead_department=""), id="nobody leads"),
        pytest.param(
            invariants.ill_led,
            lambda of: of[SIGNED].particulars.co_departments.append("justice_bureau"),
            id="the lead helps too",
        ),
        pytest.param(invariants.ill_dated, changed(SIGNED, cohort__due_on="2024-12-06"), id="a day too many"),
        pytest.param(
            invariants.ill_dated,
            changed(SIGNED, cohort__due_on="2024-12-05", cohort__statutory_due_on="2024-12-04"),
            id="after the statute",
        ),
    ],
)
def test_a_planted_violation_is_seen(check: Callable[[list[journal_pb2.JournalEvent]], Any], plant: Change) -> None:
    assert [*check(history())] == []
    broken = history()
    plant(broken)
    assert [*check(broken)] != []


@pytest.mark.parametrize(
    ("state", "supervision", "limit", "expected"),
    [
        ("returned", "normal", "", False),
        ("failed", "normal", "state", False),
        ("failed", "overdue", "", False),
        ("failed", "normal", "", True),
        ("mediating", "reminded", "", True),
    ],
)
def test_what_is_open_has_a_limit_or_an_alarm(state: str, supervision: str, limit: str, *, expected: bool) -> None:
    assert invariants.unfinished(state, supervision, limit) is expected


def test_an_opening_that_is_over_has_one_final_result_that_stands() -> None:
    assert [*told.ill_ended(results(), history(), "returned")] == []
    assert [*told.ill_ended(results()[:-1], history(), "returned")] != [], "none"
    twice = [*results(), exchange_pb2.Result(event_id="event-9", final=True, opening=1)]
    assert [*told.ill_ended(twice, history(), "returned")] != [], "two"
    assert [*told.ill_ended(results()[:-1], history()[:-1], "failed")] == [], "it is not over"
    again = [*history(), journal_pb2.JournalEvent(dispute_id=DISPUTE, type="resubmitted", reopen_seq=1)]
    assert [*told.ill_ended(results()[:-1], again, "screening")] != [], "a round began before the one before was over"


def test_every_chain_of_corrections_ends_at_what_stands() -> None:
    right = results()
    right[2].superseded = True
    right.append(exchange_pb2.Result(event_id="event-9", status="agreed", supersedes=["event-7"]))
    assert [*told.ill_chained(right)] == []
    right[2].superseded = False
    assert [*told.ill_chained(right)] != [], "what was taken back stands"
    assert [*told.ill_chained([exchange_pb2.Result(event_id="a", supersedes=["never told"])])] != []
    assert [*told.ill_chained([exchange_pb2.Result(event_id="a", superseded=True)])] != [], "nobody took it back"


def test_a_retraction_of_what_was_not_counted_is_seen() -> None:
    right = history()
    assert counted([right]).problems == []
    right[RETURNED].retracts.add(type="failed", sequence=FAILED + 1, business_day="2024-11-19")
    assert counted([right]).problems != []


def test_a_figure_that_stats_tells_otherwise_is_seen() -> None:
    window, *_ = months(DAY, DAY)
    ours = figures(counted([history()]), window, ["court"])
    assert ours["court", "diversion"] == Figure(1, 1, 0)
    assert ours["all", "success"] == Figure(0, 1, 0)
    assert ours["court", "success_on_concluded"] == Figure(0, 1, 0)
    assert [*differing(ours, ours, window)] == []
    other = {**ours, ("court", "success"): Figure(1, 1, 0)}
    assert [*differing(other, ours, window)] != []
    assert [*differing({}, ours, window)] != []
