"""How a mediation ends: agreed, failed, expired, withdrawn, refused; some of it written down late."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tests.year import aftercare, shares
from tests.year.pen import Pen
from tests.year.plots import AFTER_REGISTRATION, pick
from tests.year.season import later

LONGEST: Final = {"petition": 48, "court": 26}
"""Days of a mediation, nearly as long as its term."""
REASONS: Final = ("deadlock", "deadlock", "unreachable", "refused", "unsigned", "sham")
EXTENSION_DAYS: Final = 10


def longest(pen: Pen) -> int:
    """Return how many days a mediation lasts at most."""
    plot = pen.plot
    if plot.channel == "court" and plot.received_on >= AFTER_REGISTRATION:
        return 12 if plot.procedure == "ordinary" else 5
    if plot.category == "07" and plot.channel != "police":
        return 12
    return LONGEST.get(plot.channel, 26)


def ended(pen: Pen, begun: datetime, *, again: bool = False) -> None:
    """End a mediation.

    Args:
        pen: Of the dispute.
        begun: Since when it is mediated.
        again: It was mediated before; what ends now is not tried once more.
    """
    dice, most = pen.dice, longest(pen)
    fate = "agreed" if dice.random() < pen.plot.success else pick(shares.FATES, dice)
    end = later(begun, pen.hours(3, 24 * most * 0.8))
    if dice.random() < shares.EXTENDED:
        _extended(pen, end)
        end = later(end, pen.hours(24, 24 * EXTENSION_DAYS * 0.7))
    match fate:
        case "agreed":
            _agreed(pen, end, pen.late(end), again=again)
        case "late_agreement":  # in time, but its paper comes after the alarm
            _agreed(pen, end, later(begun, pen.hours(24 * (most + 6), 24 * (most + 30))), again=again)
        case "expired":
            if dice.random() < 0.7:
                aftercare.given_back(pen, later(begun, pen.hours(24 * (most + 12), 24 * (most + 25))))
        case "withdrawn":
            _withdrawn(pen, end)
        case "refused" if pen.plot.docked:
            consent = {"role": pen.plot.roles[1], "answer": "refused"}
            pen.report(end, pen.late(end), later_fact={"kind": "consent_refused", "consent": consent})
            aftercare.given_back(pen, later(pen.written, pen.hours(2, 60)))
        case _:
            _failed(pen, end, again=again)


def _extended(pen: Pen, end: datetime) -> None:
    channel, leader = pen.plot.channel, pen.dice.random() < 0.3
    if channel == "police" or (channel == "petition" and leader):
        pen.command("extend", end, "leader", consent_of_all=True, days=30)
    else:
        pen.command("extend", end, "mediator", pen.late(end), consent_of_all=True, days=EXTENSION_DAYS)


def _agreed(pen: Pen, at: datetime, written: datetime | None, *, again: bool) -> None:
    plot, dice = pen.plot, pen.dice
    form = pick(shares.FORMS, dice)
    filed = plot.channel == "court" and not plot.before_filing
    if filed and dice.random() < 0.5:
        form = "mediation_statement"
    by_police = plot.channel == "police" and dice.random() < 0.3
    made_by = "court" if form == "mediation_statement" else "police" if by_police else "people_committee"
    confirmable = form == "agreement" and not filed and made_by == "people_committee"
    partial = dice.random() < 0.05
    pen.command(
        "agree",
        at,
        "mediator",
        written,
        outcome_form="agreement" if form == "oral" else form,
        signed_by_all=form != "oral",
        oral_recorded=form == "oral",
        made_by=made_by,
        amount_fen=plot.amount_fen // 2,
        document_sha256=pen.digest(f"agreement-{len(pen.entries)}"),
        confirmable=confirmable,
        partial=partial,
        subjects=["title", "debt"] if dice.random() < 0.03 and confirmable else [],
    )
    refused = aftercare.confirmed(pen) if confirmable and dice.random() < shares.CONFIRMED else False
    if refused and not again:
        begun = later(pen.written, pen.hours(2, 60))
        aftercare.begun_again(pen, begun)
        ended(pen, begun, again=True)
    elif refused:
        aftercare.given_back(pen, later(pen.written, pen.hours(2, 60)))
    else:
        aftercare.cared_for(pen)


def _failed(pen: Pen, at: datetime, *, again: bool) -> None:
    pen.command("fail", at, "mediator", pen.late(at), reason_code=pen.dice.choice(REASONS))
    if pen.plot.channel == "police" and not again and pen.dice.random() < shares.SECOND_ATTEMPT:
        begun = later(at, pen.hours(10, 80))
        aftercare.begun_again(pen, begun)
        ended(pen, begun, again=True)
        return
    aftercare.given_back(pen, later(pen.written, pen.hours(2, 60)))


def _withdrawn(pen: Pen, at: datetime) -> None:
    dice = pen.dice
    reason = dice.choice(("withdrawn", "withdrawn", "withdrawn_after_settlement", "self_settled"))
    if pen.plot.docked and dice.random() < 0.6:
        pen.report(at, pen.late(at), withdrawn={"reason_code": reason})
        if reason != "withdrawn":
            aftercare.cared_for(pen)
            return
    else:
        pen.command("withdraw", at, "clerk", pen.late(at), reason_code="applicant_withdrew")
    aftercare.given_back(pen, later(pen.written, pen.hours(2, 60)))
