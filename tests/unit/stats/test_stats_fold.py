"""The fold: one row per counted fact, what a retraction takes back, and nothing kept per dispute."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispute.lifecycle import EventKind
from dispute.wire.dispute.v1 import dimensions_pb2
from dispute.wire.journal.v1 import journal_pb2
from hub.errors import Fault, Rejected
from services.stats.facts.fold import COHORTS, DIMENSIONS, FACT_COLUMNS, Fold, cohort_days
from services.stats.facts.measures import COUNTED, SUMMED, UNCOUNTED, CohortCount, FactType, base_count
from services.stats.facts.windows import day_number
from tests.support.stats import Ids, dims, dispute_of, event, retraction

OLD = dims()
NEW = dims(town_code="620725101")


def fold(*events: journal_pb2.JournalEvent) -> Fold:
    folded = Fold(Ids().of, cohort_days)
    for position, one in enumerate(events, start=1):
        folded.add(one, 7, 3, position)
    return folded


def rows(folded: Fold) -> list[dict[str, Any]]:
    return [dict(zip(FACT_COLUMNS, row, strict=True)) for row in folded.facts]


def test_columns_are_the_messages_own_fields() -> None:
    assert set(DIMENSIONS) == {field.name for field in dimensions_pb2.Dimensions.DESCRIPTOR.fields}
    assert set(COHORTS) == {field.name for field in dimensions_pb2.CohortDates.DESCRIPTOR.fields}


def test_every_kind_of_the_lifecycle_is_counted_or_known_not_to_be() -> None:
    assert COUNTED.keys() | UNCOUNTED == {kind.value for kind in EventKind}
    assert COUNTED.keys() <= {kind.value for kind in EventKind if kind.is_counted}, (
        "what is counted is moved by a correction"
    )


@pytest.mark.parametrize("kind", sorted(COUNTED))
def test_a_counted_event_is_one_row_in_one_cell_of_its_own_day(kind: str) -> None:
    folded = fold(event(kind, day="2024-03-05"))
    (row,) = rows(folded)
    fact = COUNTED[kind]
    assert (row["stream_id"], row["position"], row["line"], row["type"], row["sign"]) == (7, 1, 0, fact, 1)
    assert (row["day"], row["dispute"].hex()) == (day_number("2024-03-05"), dispute_of(1).replace("-", ""))
    concluding = int(kind in {"agreed", "failed", "withdrawn"})
    assert (row["first"], row["concluding"]) == (concluding, concluding)
    base = base_count(fact, first=bool(concluding), concluding=bool(concluding))
    expected = [(day_number("2024-03-05"), 3, base)] if fact in SUMMED else []
    assert [key[:3] for key in folded.cells] == expected


@pytest.mark.parametrize("kind", sorted(UNCOUNTED))
def test_an_uncounted_event_folds_to_nothing(kind: str) -> None:
    assert (fold(event(kind)).facts, fold(event(kind)).cells) == ([], {})


def test_an_unknown_type_stops_also_inside_a_retraction() -> None:
    for one in (event("split"), event("reclassified", retracts=[retraction(event("split"))])):
        with pytest.raises(Fault, match="unknown_event_type"):
            fold(one)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (event("accepted", day=""), "bad_date"),
        (event("accepted", day="2024-13-01"), "bad_date"),
        (event("accepted", cohort={"due_on": "soon"}), "bad_date"),
        (event("accepted", dispute="x"), "bad_dispute_id"),
        (event("accepted", dispute=""), "bad_dispute_id"),
        (event("reclassified", retracts=[retraction(event("accepted", day=""))]), "bad_date"),
        (event("reclassified", retracts=[retraction(event("accepted", cohort={"due_on": "?"}))]), "bad_date"),
    ],
)
def test_a_refused_event_counts_nothing(broken: journal_pb2.JournalEvent, code: str) -> None:
    folded = Fold(Ids().of, cohort_days)
    with pytest.raises(Rejected, match=code):
        folded.add(broken, 1, 1, 1)
    assert (folded.facts, folded.cells) == ([], {})


def test_only_the_first_agreement_of_an_opening_is_in_the_rate() -> None:
    folded = fold(
        event("agreed"),
        event("agreed", ordinal=2, concluding=2),
        event("failed", concluding=2),
        event("agreed", opening=1),
    )
    assert [(row["type"], row["first"], row["concluding"], row["opening"]) for row in rows(folded)] == [
        (FactType.AGREED, 1, 1, 0),
        (FactType.AGREED, 0, 0, 0),
        (FactType.FAILED, 1, 0, 0),
        (FactType.AGREED, 1, 1, 1),
    ]


def test_a_restated_fact_moves_with_all_that_it_was_to_its_new_dimensions() -> None:
    """Not to those of the correcting event, which knows a mediator and an outcome that the fact did not have."""
    accepted = event("accepted", day="2024-03-02", cohort={"accepted_on": "2024-03-02"})
    later = dims(town_code="620725101", mediator_id="m-1", outcome_form="agreement")
    dates = {"accepted_on": "2024-03-02", "due_on": "2024-04-01", "agreed_on": "2024-03-07"}
    told = [retraction(accepted, NEW)]
    folded = fold(accepted, event("reclassified", day="2024-03-09", dimensions=later, cohort=dates, retracts=told))
    assert [(row["mediator_id"], row["outcome_form"]) for row in rows(folded)] == [(0, 0)] * 3
    assert [(row["accepted_on"], row["due_on"]) for row in rows(folded)] == [(day_number("2024-03-02"), None)] * 3
    assert [(row["position"], row["line"], row["sign"], row["day"]) for row in rows(folded)] == [
        (1, 0, 1, day_number("2024-03-02")),
        (2, 0, -1, day_number("2024-03-02")),
        (2, 1, 1, day_number("2024-03-02")),
    ]
    assert sorted(folded.cells.values()) == [0, 1]


def test_a_duplicate_that_an_earlier_release_linked_is_no_longer_registered() -> None:
    folded = fold(event("registered"), event("duplicate_linked", retracts=[retraction(event("registered"))]))
    registered = base_count(FactType.REGISTERED, first=False, concluding=False)
    assert [count for key, count in folded.cells.items() if key[2] == registered] == [0]


def test_a_link_is_a_row_of_the_day_on_which_its_record_was_received() -> None:
    """Not of the day on which it was made: in every window, records less links are matters."""
    days = {"received_on": "2024-03-01", "registered_on": "2024-03-04"}
    linked = event("linked", day="2024-05-20", cohort=days)
    folded = fold(linked, event("unlinked", day="2024-06-01", cohort=days, retracts=[retraction(linked)]))
    assert [(row["day"], row["sign"]) for row in rows(folded)] == [(day_number("2024-03-01"), sign) for sign in (1, -1)]
    assert list(folded.cells.values()) == [0]


def test_a_link_of_a_record_without_a_day_of_receipt_counts_on_that_of_registration() -> None:
    (row,) = rows(fold(event("linked", day="2024-05-20", cohort={"registered_on": "2024-03-04"})))
    assert row["day"] == day_number("2024-03-04")


def test_a_refusal_that_is_taken_back_leaves_the_withdrawal_its_outcome() -> None:
    """It came late: what stands is that it was withdrawn before anybody refused it."""
    entered = {"received_on": "2024-03-01"}
    refused = event("mediation_refused", cohort=entered)
    late = event("withdrawn", cohort=entered, from_state="not_mediable", retracts=[retraction(refused)])
    assert sum(echoes(fold(event("registered", cohort=entered), refused, late)).values()) == 1


def test_a_settled_due_date_moves_the_fact_and_leaves_every_figure() -> None:
    days = {"received_on": "2026-12-18", "registered_on": "2026-12-18", "statutory_due_on": "2027-02-16"}
    told = event("registered", day="2026-12-18", cohort=days)
    taken = retraction(told, told.dimensions)
    taken.restated_cohort.CopyFrom(told.cohort)
    taken.restated_cohort.statutory_due_on = "2027-02-18"
    folded = fold(told, event("due_dates_settled", day="2027-01-05", retracts=[taken]))
    net: Counter[int] = Counter()
    for row in rows(folded):
        net[row["statutory_due_on"]] += row["sign"]
    assert +net == {day_number("2027-02-18"): 1}
    assert [(row["sign"], row["statutory_due_on"]) for row in rows(folded)][1:] == [
        (-1, day_number("2027-02-16")),
        (1, day_number("2027-02-18")),
    ]
    # A correction of a day is no registration, neither less nor more.
    assert sum(count for key, count in folded.cells.items() if key[2] == 4) == 1


def test_a_restatement_without_other_dates_keeps_those_it_had() -> None:
    told = event("registered", cohort={"statutory_due_on": "2024-05-06"})
    folded = fold(told, event("reclassified", retracts=[retraction(told, dims(town_code="620725102"))]))
    assert {row["statutory_due_on"] for row in rows(folded)} == {day_number("2024-05-06")}


def test_an_uncounted_type_that_is_retracted_takes_nothing_back() -> None:
    assert fold(event("reclassified", retracts=[retraction(event("signed"), NEW)])).facts == []


def echoes(folded: Fold) -> dict[tuple[int, int, int], int]:
    """(day, echo, town) -> count."""
    return {
        (day, measure, town): count
        for (day, _, measure, _, _, town), count in folded.cells.items()
        if measure in set(CohortCount) and count
    }


def test_outcomes_stand_under_the_day_of_what_they_answer() -> None:
    entered = {"received_on": "2024-03-01", "registered_on": "2024-03-02"}
    accepted = {**entered, "accepted_on": "2024-03-05"}
    day, start = day_number("2024-03-01"), day_number("2024-03-05")
    town = Ids().of(OLD)[2]
    cases = [
        (event("accepted", day="2024-03-05", cohort=accepted), {(day, CohortCount.DECIDED, town): 1}),
        (event("mediation_refused", cohort=entered), {(day, CohortCount.DECIDED, town): 1}),
        (event("mediation_refused", cohort={"registered_on": "2024-03-01"}), {(day, CohortCount.DECIDED, town): 1}),
        (event("withdrawn", cohort=entered, from_state="screening"), {(day, CohortCount.DECIDED, town): 1}),
        (event("withdrawn", cohort=entered, from_state="not_mediable"), {}),
        (event("withdrawn", cohort=accepted), {(start, CohortCount.CONCLUDED, town): 1}),
        (event("agreed", cohort=accepted), {(start, CohortCount.CONCLUDED, town): 1}),
        (event("failed", cohort=accepted, concluding=2), {}),
        (event("agreed", cohort=accepted, opening=1), {(start, CohortCount.CONCLUDED, town): 1}),
        (event("closed", cohort=accepted), {}),
    ]
    for one, expected in cases:
        assert echoes(fold(one)) == expected, one.type


def test_a_move_takes_the_outcome_of_a_refused_dispute_along() -> None:
    entered = {"received_on": "2024-03-01"}
    events = [
        event("registered", cohort=entered),
        event("mediation_refused", cohort=entered),
        event("withdrawn", cohort=entered, from_state="not_mediable"),
    ]
    folded = fold(*events, event("reclassified", cohort=entered, retracts=[retraction(one, NEW) for one in events]))
    town = rows(folded)[-1]["town_code"]
    assert echoes(folded) == {(day_number("2024-03-01"), CohortCount.DECIDED, town): 1}


def test_a_move_after_a_relapse_takes_the_outcome_of_every_opening_along() -> None:
    entered = {"received_on": "2024-03-01"}
    events = [
        event("registered", day="2024-03-01", cohort=entered),
        event("accepted", day="2024-03-02", cohort={**entered, "accepted_on": "2024-03-02"}),
        event("agreed", day="2024-03-09", cohort={**entered, "accepted_on": "2024-03-02"}),
        event("reopened", day="2024-05-01", cohort={**entered, "accepted_on": "2024-05-01"}, opening=1),
        event("agreed", day="2024-05-09", cohort={**entered, "accepted_on": "2024-05-01"}, opening=1),
    ]
    told = [retraction(one, NEW) for one in events]
    moved = event(
        "reclassified",
        day="2024-06-01",
        dimensions=NEW,
        cohort={"accepted_on": "2024-05-01", **entered},
        opening=1,
        retracts=told,
    )
    folded = fold(*events, moved)
    town = rows(folded)[-1]["town_code"]
    assert echoes(folded) == {
        (day_number("2024-03-01"), CohortCount.DECIDED, town): 1,
        (day_number("2024-03-02"), CohortCount.CONCLUDED, town): 1,
        (day_number("2024-05-01"), CohortCount.CONCLUDED, town): 1,
    }
    assert {key[5] for key, count in folded.cells.items() if count} == {town}
    assert [row["opening"] for row in rows(folded)[5::2]] == [0, 0, 0, 1, 1]


KINDS = sorted(COUNTED.keys() | UNCOUNTED)
DIMS = st.builds(
    lambda channel, town: dims(channel=channel, town_code=town, county_code=town[:6]),
    st.sampled_from(["court", "police", "petition", ""]),
    st.sampled_from(["620725100", "620725101", "152722100", ""]),
)
DAYS = st.sampled_from(["2024-01-31", "2024-02-29", "2024-03-01"])
RETRACTIONS = st.builds(
    lambda kind, day, dimensions, ordinal, concluding, restated_as: retraction(
        event(kind, day=day, dimensions=dimensions, ordinal=ordinal, concluding=concluding), restated_as
    ),
    st.sampled_from(KINDS),
    DAYS,
    DIMS,
    st.integers(1, 2),
    st.integers(0, 2),
    st.one_of(st.none(), DIMS),
)
EVENTS = st.builds(
    lambda kind, day, dimensions, ordinal, concluding, retracts: event(
        kind, day=day, dimensions=dimensions, ordinal=ordinal, concluding=concluding, retracts=retracts
    ),
    st.sampled_from(KINDS),
    DAYS,
    DIMS,
    st.integers(1, 2),
    st.integers(0, 2),
    st.lists(RETRACTIONS, max_size=3),
)


def recount(events: list[journal_pb2.JournalEvent]) -> Counter[tuple[str, str, str, str, str]]:
    """Count with words and no shared code: (what, day, channel, county, town)."""
    counts: Counter[tuple[str, str, str, str, str]] = Counter()

    def note(kind: str, flags: str, day: str, where: dimensions_pb2.Dimensions, sign: int) -> None:
        counts[kind + flags, day, where.channel, where.county_code, where.town_code] += sign

    def flags_of(told: journal_pb2.JournalEvent | journal_pb2.Retraction) -> str:
        return f"/{told.ordinal == 1}/{told.conclusion_ordinal == 1}" if told.type in ends else ""

    summed = {kind for kind, fact in COUNTED.items() if fact in SUMMED}
    ends = ("agreed", "failed", "withdrawn")
    for one in events:
        if one.type in summed:
            note(one.type, flags_of(one), one.business_day, one.dimensions, 1)
        for taken in one.retracts:
            if taken.type in summed:
                note(taken.type, flags_of(taken), taken.business_day, taken.dimensions, -1)
                if taken.restated:
                    note(taken.type, flags_of(taken), taken.business_day, taken.restated_as, 1)
    return Counter({key: count for key, count in counts.items() if count})


@given(st.lists(EVENTS, max_size=30), st.integers(0, 30))
def test_fold_equals_an_independent_recount_however_it_is_cut(events: list[journal_pb2.JournalEvent], cut: int) -> None:
    ids = Ids()
    cells: Counter[tuple[int, ...]] = Counter()
    for part in (events[:cut], events[cut:]):
        folded = Fold(ids.of, cohort_days)
        for position, one in enumerate(part, start=1):
            folded.add(one, 1, 0, position)
        for key, count in folded.cells.items():
            cells[key] += count
        by_hand: Counter[tuple[int, ...]] = Counter()
        for row in rows(folded):
            code = row["type"] * 4 + row["first"] + 2 * row["concluding"]
            if row["type"] not in SUMMED:
                continue
            by_hand[row["day"], 0, code, row["channel"], row["county_code"], row["town_code"]] += row["sign"]
        assert by_hand == {key: count for key, count in folded.cells.items() if key[2] not in set(CohortCount)}
    names = {number: value for (_, value), number in ids.known.items()}
    told = {
        (_word(measure), day, *(names.get(number, "") for number in place)): count
        for (day, _, measure, *place), count in cells.items()
        if count and measure not in set(CohortCount)
    }
    assert told == {(what, day_number(day), *where): n for (what, day, *where), n in recount(events).items()}


def _word(measure: int) -> str:
    kind = FactType(measure // 4)
    flags = f"/{bool(measure & 1)}/{bool(measure & 2)}" if kind.name in {"AGREED", "FAILED", "WITHDRAWN"} else ""
    return kind.name.lower() + flags


@given(st.lists(EVENTS, max_size=30))
def test_towns_sum_to_counties_and_counties_to_all(events: list[journal_pb2.JournalEvent]) -> None:
    cells = fold(*events).cells
    by_county: Counter[tuple[int, int]] = Counter()
    by_town: Counter[tuple[int, int]] = Counter()
    everything: Counter[int] = Counter()
    for (_, _, measure, _, county, town), count in cells.items():
        by_county[measure, county] += count
        by_town[measure, town] += count
        everything[measure] += count
    for measure, count in everything.items():
        assert sum(n for (m, _), n in by_county.items() if m == measure) == count
        assert sum(n for (m, _), n in by_town.items() if m == measure) == count
