"""From a record's hand-over to its acceptance: what is completed, refused, handed over anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from dispute.calendar.days import business_day
from tests.year import shares
from tests.year.handling import handled
from tests.year.pen import Pen
from tests.year.plots import pick
from tests.year.season import later

WAIT_HOURS: Final = {"court": 150, "police": 60, "petition": 330}
"""Until a side is asked, at most: what the screening waits, nearly."""


def lived(pen: Pen) -> None:
    """Write everything that happens to a record."""
    plot, dice = pen.plot, pen.dice
    pen.arrive()
    if plot.entry == "accepted":
        handled(pen, plot.at)
    elif plot.entry == "waits" and plot.docked:
        _completed(pen)
    elif plot.docked:
        if plot.entry != "noise" and plot.circumstance != "whistle_blowing" and dice.random() < shares.ROUND_AGAIN:
            again(pen)
    elif plot.entry not in {"accepted", "waits"} and plot.circumstance != "whistle_blowing":
        _shown_out(pen)
    if dice.random() < shares.RESENT:
        pen.arrive_again()


def again(pen: Pen) -> None:
    """Hand a record that came back over anew, and handle it."""
    plot = pen.plot
    at = later(pen.written, pen.hours(24 * 8, 24 * 30))
    first, second = plot.roles
    changes: dict[str, object] = {
        "consents": [{"role": first, "answer": "given"}, {"role": second, "answer": "given"}],
        "circumstances": [],
        "relation_clarity": "clear",
        "facts_clarity": "clear",
    }
    day = business_day(at).isoformat()
    if plot.channel == "court":
        changes |= {"court_received_on": day, "suit_kind": "civil", "procedure": plot.procedure, "filed_on": day}
    if plot.channel == "police":
        changes |= {"called_at": (at - timedelta(minutes=5)).isoformat(), "class_as_found": "dispute"}
    if plot.channel == "petition":
        changes |= {"registered_on": day, "purpose": "request"}
    pen.arrive(at, **changes)
    handled(pen, at)


def _completed(pen: Pen) -> None:
    """Write what a waiting record lacked: in time, late, refused, or never."""
    plot, dice = pen.plot, pen.dice
    what = pick(shares.WAITS, dice)
    if what == "silent":
        if dice.random() < shares.ROUND_AGAIN:
            again(pen)
        return
    at = later(plot.at, pen.hours(2, WAIT_HOURS[plot.channel] / 2))
    answer = "refused" if what == "refused" else "given"
    written = later(at, pen.hours(24 * 4, 24 * 20)) if what == "late" else None
    consent = {"role": plot.roles[1], "answer": answer, "answered_on": business_day(at).isoformat()}
    pen.report(at, written, later_fact={"kind": f"consent_{answer}", "consent": consent})
    if answer == "given":
        handled(pen, pen.written)


def _shown_out(pen: Pen) -> None:
    """Refer a case of the centre's own channels elsewhere; some are never shown the way."""
    if pen.dice.random() < 0.8:
        at = later(pen.plot.at, pen.hours(2, 90))
        pen.command("refer", at, "clerk", target="arbitration", told_in_writing=True)
