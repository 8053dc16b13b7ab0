"""Corrections restate every counted fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec.structs import replace

from dispute.lifecycle.commands import Reclassify
from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.effects import Change, retraction
from dispute.lifecycle.event_types import DueDatesSettled
from dispute.lifecycle.provisional import COHORT_DATES, DateName, SettleDueDates
from dispute.lifecycle.situation import Situation
from dispute.lifecycle.vocabulary import CORRECTABLE


def reclassed(before: Dimensions, order: Reclassify) -> Dimensions:
    """Return the corrected dimensions.

    A village, and with it the grid, outside the new town is dropped.
    """
    town = order.town_code or before.town_code
    strays = not order.village_code and not before.village_code.startswith(town)
    return replace(
        before,
        category=order.category or before.category,
        case_cause=order.case_cause or before.case_cause,
        town_code=town,
        village_code="" if strays else order.village_code or before.village_code,
        grid_code=order.grid_code or ("" if strays else before.grid_code),
    )


def reclassify(at: Situation, order: Reclassify) -> Change:
    """Restate every counted fact.

    Who mediated it and how it ended then is history and stays.
    """
    dispute = at.known
    after = reclassed(dispute.dimensions, order)
    corrected = {name: getattr(after, name) for name in CORRECTABLE}
    restated = tuple(retraction(fact, replace(fact.dimensions, **corrected)) for fact in dispute.counted)
    return Change(
        after,
        dispute.cohort,
        reason_code=order.reason_code,
        retracts=restated,
    )


def due_dates(at: Situation, order: SettleDueDates) -> Change:
    """Correct the dates in the dispute and in its facts."""
    dispute = at.known
    after = {(date.name, date.before): date.after for date in order.dates if date.before != date.after}
    restated = tuple(
        retraction(fact, fact.dimensions, cohort)
        for fact in (dispute.counted if after else ())
        if (cohort := _settled(fact.cohort, after)) is not fact.cohort
    )
    return Change(
        dispute.dimensions,
        _settled(dispute.cohort, after),
        DueDatesSettled(settled=order.dates),
        retracts=restated,
    )


def _settled(cohort: CohortDates, after: Mapping[tuple[DateName, date], date]) -> CohortDates:
    """Return the corrected cohort dates.

    The same object when none of them changes.
    """
    days = {name: getattr(cohort, name.value) for name in COHORT_DATES}
    moved = {name.value: after[name, day] for name, day in days.items() if (name, day) in after}
    return replace(cohort, **moved) if moved else cohort
