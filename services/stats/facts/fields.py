"""Fields of journal events that counting reads.

They are protocols with the same fields as the wire messages, so that nothing is copied on the hot path and the fold
knows no transport.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol


class CohortLike(Protocol):
    """Cohort dates, ISO or empty; fields as in `hub.dispute.v1.CohortDates`."""

    received_on: str
    registered_on: str
    accepted_on: str
    due_on: str
    agreed_on: str
    concluded_on: str
    closed_on: str
    local_due_on: str
    statutory_due_on: str


class DimensionsLike(Protocol):
    """Dimensions of a dispute; fields as in `hub.dispute.v1.Dimensions`."""

    channel: str
    county_code: str
    town_code: str
    source_organ: str
    village_code: str
    grid_code: str
    category: str
    case_cause: str
    regime: str
    level: str
    lead_department: str
    organisation: str
    mediation_kind: str
    dispatch_mode: str
    mediator_id: str
    colour: str
    recurrence: str
    scale: str
    outcome_form: str
    outcome_code: str
    rule_version: str


class InstantLike(Protocol):
    """Seconds and nanoseconds since 1970."""

    seconds: int
    nanos: int


class RetractionLike(Protocol):
    """A retraction; fields as in `hub.journal.v1.Retraction`."""

    type: str
    business_day: str
    restated: bool
    ordinal: int
    conclusion_ordinal: int
    reopen_seq: int

    @property
    def cohort(self) -> CohortLike:
        """Cohort dates it was counted with."""

    @property
    def dimensions(self) -> DimensionsLike:
        """Dimensions it was counted under."""

    @property
    def restated_as(self) -> DimensionsLike:
        """Dimensions from now on, when it is restated."""

    @property
    def restated_cohort(self) -> CohortLike:
        """Cohort dates from now on, where set."""

    def HasField(self, name: Literal["restated_cohort"]) -> bool:  # noqa: N802 - protobuf's own spelling
        """Tell whether the restatement changes cohort dates too."""


class EventLike(Protocol):
    """Fields of `hub.journal.v1.JournalEvent` that counting needs."""

    dispute_id: str
    type: str
    business_day: str
    from_state: str
    reopen_seq: int
    ordinal: int
    conclusion_ordinal: int

    @property
    def recorded_at(self) -> InstantLike:
        """When the hub recorded it."""

    @property
    def cohort(self) -> CohortLike:
        """Cohort dates after the event."""

    @property
    def dimensions(self) -> DimensionsLike:
        """Dimensions after the event."""

    @property
    def retracts(self) -> Sequence[RetractionLike]:
        """Counted facts that no longer hold."""
