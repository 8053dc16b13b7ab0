"""Assigns days, reasons and endings to records.

The sums of a channel are exactly those of the file.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from ops.play.scenarios.days import DaySpan, spans
from ops.play.scenarios.model import EXPIRY_MARGIN, ChannelPlan, NotAccepted, Outcomes, ScenarioWindow
from ops.play.scenarios.record import Ending, RecordFacts
from ops.play.scenarios.terms import CONFIRMED_UNTIL
from ops.play.scenarios.vocabulary import EXCLUDED_PROCEDURES, EXCLUDED_PURPOSES, SIDES, Docking, Fate

OPEN_DAYS: Final = 21
"""Records of the window's last three weeks are the ones that stay open."""

SATURDAY: Final = 5
DECLINED: Final = Ending(Fate.OPEN)


@dataclass(frozen=True, slots=True)
class Draft:
    """A record without people, place and hour yet."""

    channel: Docking
    received_on: date
    facts: RecordFacts
    ending: Ending
    aftercare: frozenset[str] = frozenset()


def drafts(channel: Docking, plan: ChannelPlan, window: ScenarioWindow, dice: random.Random) -> list[Draft]:
    """Return one draft for each record of a channel.

    They are in order of the day of receipt.
    """
    received = spans(plan.received, window.start, window.end)
    days = sorted(day for span in received for day in _days(channel, span, window, dice))
    free = list(range(len(days)))
    found: dict[int, tuple[RecordFacts, Ending]] = {}

    def deal(indices: Sequence[int], what: Sequence[tuple[RecordFacts, Ending]]) -> None:
        for index, (facts, ending) in zip(dice.sample(indices, len(what)), what, strict=True):
            found[index] = (facts, ending)
            free.remove(index)

    clear = _clear(channel, dice)
    recent = sum(day >= window.end - timedelta(days=OPEN_DAYS) for day in days)
    open_ = [(next(clear), Ending(Fate.OPEN)) for _ in range(plan.outcomes.open)]
    deal(free[-max(plan.outcomes.open, recent) :] if open_ else [], open_)
    expired = [(next(clear), Ending(Fate.EXPIRED)) for _ in range(plan.outcomes.expired)]
    # Four spare days cover hand-over and signature.
    deal([index for index in free if days[index] + EXPIRY_MARGIN <= window.end], expired)
    rest = [(next(clear), ending) for ending in _endings(plan.outcomes, channel, dice)]
    rest += [(facts, DECLINED) for facts in _declined(plan.not_accepted, channel, dice)]
    deal(tuple(free), rest)
    made = [Draft(channel, day, *found[index]) for index, day in enumerate(days)]
    return _cared_for(made, plan, dice)


def _days(channel: Docking, span: DaySpan, window: ScenarioWindow, dice: random.Random) -> list[date]:
    first, end = max(span.first, window.start), min(span.end, window.end)
    days = [first + timedelta(days=offset) for offset in range((end - first).days)]
    if channel is not Docking.POLICE:
        days = [day for day in days if day.weekday() < SATURDAY] or days
    return dice.choices(days, k=span.count)


def _clear(channel: Docking, dice: random.Random) -> Iterator[RecordFacts]:
    consents = tuple((role, "given") for role in SIDES[channel])
    procedures = ("ordinary", "summary", "small_claims") if channel is Docking.COURT else ("ordinary",)
    while True:
        clarity = ("clear", "clear", "fairly_clear")
        yield RecordFacts(dice.choice(clarity), dice.choice(clarity), consents, dice.choice(procedures))


def _endings(outcomes: Outcomes, channel: Docking, dice: random.Random) -> Iterator[Ending]:
    longest = 5.0 if channel is Docking.POLICE else 20.0
    for form, number in outcomes.settled.items():
        yield from (Ending(Fate.SETTLED, form=form, after_days=dice.uniform(0.5, longest)) for _ in range(number))
    for reason, number in outcomes.failed.items():
        yield from (Ending(Fate.FAILED, reason=reason, after_days=dice.uniform(2, longest)) for _ in range(number))
    for reason, number in outcomes.withdrawn.items():
        yield from (Ending(Fate.WITHDRAWN, reason=reason, after_days=dice.uniform(1, longest)) for _ in range(number))


def _declined(why: NotAccepted, channel: Docking, dice: random.Random) -> Iterator[RecordFacts]:
    clear = _clear(channel, dice)
    for answer, number in (("refused", why.refused), ("unreachable", why.unreachable), ("not_asked", why.not_asked)):
        for _ in range(number):
            # Mostly the other side declines; sometimes the side that brought the matter does.
            first, second = SIDES[channel]
            who = second if answer != "refused" or dice.random() < 0.8 else first  # noqa: PLR2004 - a share of a simulation
            yield replace(next(clear), consents=tuple((r, answer if r == who else "given") for r in (first, second)))
    yield from (replace(next(clear), relation="unclear") for _ in range(why.unclear_relation))
    yield from (replace(next(clear), facts="unclear") for _ in range(why.unclear_facts))
    for name, number in why.excluded.items():
        yield from (_excluded(next(clear), name) for _ in range(number))


def _excluded(facts: RecordFacts, name: str) -> RecordFacts:
    if name in EXCLUDED_PROCEDURES:
        return replace(facts, procedure=name)
    if name in EXCLUDED_PURPOSES:
        return replace(facts, purpose=name)
    return replace(facts, circumstances=(name,))


def _cared_for(made: list[Draft], plan: ChannelPlan, dice: random.Random) -> list[Draft]:
    settled = [i for i, d in enumerate(made) if d.ending.fate is Fate.SETTLED]
    # Confirmation is for written agreements (民诉法 205); the others go straight to performance.
    written = [i for i in settled if made[i].ending.form == "agreement" and made[i].received_on < CONFIRMED_UNTIL]
    confirmed = set(dice.sample(written, min(plan.aftercare.confirmed, len(written))))
    performed = set(dice.sample(settled, plan.aftercare.performed))
    # An agreement that a court confirmed is followed up only after it is performed.
    closable = [i for i in settled if i in performed or i not in confirmed]
    closed = set(dice.sample(closable, min(plan.aftercare.closed, len(closable))))
    chosen = {"confirmed": confirmed, "performed": performed, "closed": closed}
    return [
        replace(draft, aftercare=frozenset(name for name, members in chosen.items() if index in members))
        for index, draft in enumerate(made)
    ]
