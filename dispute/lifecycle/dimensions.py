"""Dimensions and cohort dates of a dispute.

A dispute is counted by them. The same fields as the wire's messages.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from dispute.lifecycle.vocabulary import (
    Channel,
    Colour,
    DispatchMode,
    Level,
    MediationKind,
    OutcomeForm,
    Recurrence,
    Regime,
    Scale,
)


class Dimensions(Struct, frozen=True, omit_defaults=True):
    """Codes that a dispute is counted by.

    Never names of people; empty means not known or not yet set. Meanings: dimensions.proto.
    """

    channel: Channel
    source_organ: str
    county_code: str = ""
    town_code: str = ""
    village_code: str = ""
    grid_code: str = ""
    category: str = ""
    case_cause: str = ""
    regime: Regime = Regime.NONE
    level: Level = Level.NONE
    lead_department: str = ""
    organisation: str = ""
    mediation_kind: MediationKind = MediationKind.NONE
    dispatch_mode: DispatchMode = DispatchMode.NONE
    mediator_id: str = ""
    colour: Colour = Colour.NONE
    recurrence: Recurrence = Recurrence.NONE
    scale: Scale = Scale.NONE
    outcome_form: OutcomeForm = OutcomeForm.NONE
    outcome_code: str = ""
    rule_version: str = ""


class CohortDates(Struct, frozen=True, omit_defaults=True):
    """Business days in Asia/Shanghai that form cohorts.

    None until reached. Meanings: dimensions.proto. `due_on` (mediation term), `local_due_on` and `statutory_due_on`
    (petitions) are three dates: no transition writes one of them over another.
    """

    received_on: date | None = None
    registered_on: date | None = None
    accepted_on: date | None = None
    due_on: date | None = None
    agreed_on: date | None = None
    concluded_on: date | None = None
    closed_on: date | None = None
    local_due_on: date | None = None
    statutory_due_on: date | None = None
