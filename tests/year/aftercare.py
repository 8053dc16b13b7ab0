"""What follows an ending: confirmation, performance, the way back, follow-up, relapse."""

from __future__ import annotations

from datetime import datetime

from dispute.calendar.days import business_day
from tests.year import shares
from tests.year.pen import Pen
from tests.year.season import later


def confirmed(pen: Pen) -> bool:
    """Apply for judicial confirmation; tells whether the court refuses it."""
    dice = pen.dice
    at = later(pen.written, pen.hours(3, 200))
    severed = dice.random() < 0.02
    pen.command("apply_for_confirmation", at, "reviewer" if severed else "clerk", jointly=True, severed_part=severed)
    refused = dice.random() < shares.CONFIRMATION_REFUSED
    ruled = later(at, pen.hours(48, 24 * 16))
    reason = "content_unclear" if refused else ""
    if pen.plot.channel == "court":
        pen.report(ruled, ruling={"confirmed": not refused, "reason_code": reason})
    else:
        pen.command("record_ruling", ruled, "court", confirmed=not refused, reason_code=reason)
    return refused


def begun_again(pen: Pen, at: datetime) -> None:
    """Begin another mediation."""
    plot = pen.plot
    pen.command(
        "begin_mediation",
        at,
        "mediator",
        mediator_id=f"mediator-{plot.town}-{(plot.number + 1) % 12}",
        mediation_kind="people",
        parties_accepted_mediator=True,
        no_conflict_of_interest=True,
        rights_notice_given=True,
    )


def cared_for(pen: Pen) -> None:
    """Perform the agreement, or not, and follow it up."""
    plot, dice = pen.plot, pen.dice
    at = later(pen.written, pen.hours(20, 24 * 25))
    performed = dice.random() < shares.PERFORMED
    if plot.docked and dice.random() < 0.5:
        pen.report(at, pen.late(at), later_fact={"kind": "performed" if performed else "not_performed"})
    elif performed:
        asked = dice.random() < 0.5
        evidence = pen.digest("performance")
        pen.command(
            "record_performance", at, "clerk", evidence_sha256=evidence, written_request=asked, police_approved=asked
        )
    else:
        remedy = "penalty_procedure" if plot.channel == "police" else "suit"
        pen.command("record_non_performance", at, "clerk", target=remedy)
    if performed and dice.random() < shares.SUED_ELSEWHERE / 5:
        _sued(pen, later(at, pen.hours(20, 200)))
    elif dice.random() < shares.FOLLOWED_UP:
        _followed_up(pen, later(pen.written, pen.hours(20, 24 * 8)))


def given_back(pen: Pen, at: datetime) -> None:
    """Return a dispute to its source, push it to the court, or refer it; a few lie about."""
    plot, dice = pen.plot, pen.dice
    chance = dice.random()
    if chance < 0.06:
        return
    if plot.docked and chance < 0.85:
        pen.command("return_to_source", at, "handler", target=plot.channel, packet_sha256=pen.digest("packet"))
    elif plot.channel != "court" and dice.random() < 0.4:
        _sued(pen, at)
    else:
        pen.command("refer", at, "handler", target="arbitration", told_in_writing=True)
    if dice.random() < 0.15:
        _followed_up(pen, later(at, pen.hours(20, 24 * 8)))


def _sued(pen: Pen, at: datetime) -> None:
    packet = pen.digest("packet")
    pen.command("return_to_source", at, "clerk", target="court", packet_sha256=packet, party_elected_suit=True)


def _followed_up(pen: Pen, at: datetime) -> None:
    dice = pen.dice
    pen.command("begin_follow_up", at, "clerk", visit_on=business_day(later(at, 48)).isoformat())
    at = later(at, pen.hours(20, 80))
    clean = dice.random() < 0.9
    pen.command("record_visit", at, "clerk", clean=clean)
    if dice.random() < 0.7:
        pen.command("rate", at, "clerk", satisfaction=dice.choice((0, 0, 0, 1, 1, 3, -1)))
    tracked = dice.random() < 0.12 or not clean
    if tracked:
        at = later(at, pen.hours(2, 40))
        pen.command("track", at, "reviewer", reason_code=dice.choice(("resentful", "may_blow_up")))
        for _ in range(dice.randrange(2, 5)):
            at = later(at, pen.hours(24 * 7, 24 * 20))
            pen.command("record_visit", at, "clerk", clean=True)
    at = later(at, pen.hours(2, 40))
    pen.command(
        "close",
        at,
        "reviewer" if tracked else "clerk",
        reviewer_id="leader-1" if tracked else "reviewer-1",
        result_reported=True,
        satisfied_or_explained=True,
        relapse_sign=False,
    )
