"""From the acceptance to the mediation's beginning, with the accidents of a county."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tests.year import shares
from tests.year.endings import ended
from tests.year.pen import Pen
from tests.year.plots import pick
from tests.year.season import later

LEADS: Final = ("justice_bureau", "township_judicial_office", "village_committee", "petition_bureau")
MILESTONES: Final = (("met", 40), ("investigated", 90), ("fed_back", 140), ("concluded", 600))
KINDS: Final = {"petition": "petition"}
MODES: Final = ("passed_on", "assigned")


def handled(pen: Pen, accepted: datetime) -> None:
    """Dispatch, sign, mediate and end a dispute that was accepted."""
    how = pick(shares.MISLAID, pen.dice)
    level = pen.dice.choice(("village", "township", "township", "county"))
    at = later(accepted, pen.hours(24 * 5, 24 * 9) if how == "late_dispatch" else pen.hours(1, 30))
    _dispatched(pen, at, level)
    if how == "bounced":
        bounced = later(at, pen.hours(2, 20))
        pen.command("bounce", bounced, "handler", reason_code="not_our_duty")
        at = later(bounced, pen.hours(1, 20))
        _dispatched(pen, at, level)
    if how == "unsigned":  # nobody signs: the hub bounces it
        at = later(at, pen.hours(24 * 11, 24 * 15))
        _dispatched(pen, at, level)
    signed = later(at, pen.hours(1, 20))
    late = later(signed, pen.hours(24 * 4, 24 * 10)) if how == "late_signature" else None
    pen.command("sign", signed, "handler", late)
    begun = _begun(pen, later(signed, pen.hours(1, 40)))
    _beside(pen, accepted, begun)
    ended(pen, _meanwhile(pen, begun))


def _dispatched(pen: Pen, at: datetime, level: str) -> None:
    lead, other = pen.dice.sample(LEADS, 2)
    pen.command(
        "dispatch",
        at,
        "dispatcher",
        lead_department=lead,
        co_departments=[other] if pen.dice.random() < 0.2 else [],
        level=level,
        dispatch_mode=pen.dice.choice(MODES),
    )


def _begun(pen: Pen, at: datetime) -> datetime:
    """Begin the mediation; the police do it themselves at times."""
    plot = pen.plot
    kind = KINDS.get(plot.channel, "people")
    if plot.channel == "police" and pen.dice.random() < 0.3:
        kind = "administrative"
    pen.command(
        "begin_mediation",
        at,
        "mediator",
        mediator_id=f"mediator-{plot.town}-{plot.number % 12}",
        mediation_kind=kind,
        parties_accepted_mediator=True,
        no_conflict_of_interest=True,
        rights_notice_given=True,
    )
    return at


def _beside(pen: Pen, accepted: datetime, begun: datetime) -> None:
    """Write milestones, colours and corrections."""
    plot, dice = pen.plot, pen.dice
    if plot.channel == "petition":
        for name, hours in MILESTONES[:3]:
            if dice.random() < 0.8:
                pen.command(
                    "reach_milestone", later(accepted, pen.hours(hours / 2, hours * 1.5)), "handler", milestone=name
                )
    if dice.random() < shares.COLOURED:
        colour = dice.choice(("blue", "yellow", "red"))
        pen.command("change_colour", later(begun, pen.hours(1, 30)), "clerk", colour=colour, reason_code="tense")
    if dice.random() < shares.CORRECTED:
        at = later(begun, pen.hours(2, 60))
        if plot.docked:
            pen.report(at, later_fact={"kind": "reclassified", "category": dice.choice(("0601", "0201", "0902"))})
        else:
            town = dice.choice([town for town in shares.TOWNS if not plot.town.endswith(town)])
            pen.command("reclassify", at, "clerk", town_code=plot.town[:6] + town, reason_code="wrong_town")


def _meanwhile(pen: Pen, begun: datetime) -> datetime:
    """Suspend a mediation, or take it one level up; returns since when it goes on."""
    dice = pen.dice
    if dice.random() < shares.PAUSED:
        at = later(begun, pen.hours(5, 40))
        stops = pen.plot.before_filing and dice.random() < 0.6
        pen.command("suspend", at, "mediator", reason_code="appraisal_before_filing" if stops else "appraisal")
        begun = later(at, pen.hours(24 * 2, 24 * 9))
        pen.command("resume", begun, "mediator", pen.late(begun))
    if dice.random() < shares.ESCALATED:
        at = later(begun, pen.hours(5, 60))
        pen.command("escalate_level", at, "mediator", lead_department="county_centre", reason_code="too_hard")
        signed = later(at, pen.hours(1, 20))
        pen.command("sign", signed, "handler")
        begun = _begun(pen, later(signed, pen.hours(1, 20)))
    return begun
