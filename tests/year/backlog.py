"""A week of records and papers that is entered at once, on the wall clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Final

from tests.year.county import County
from tests.year.doors import Doors
from tests.year.invariants import History
from tests.year.plan import Kind, Plan
from tests.year.playing import Played, give

WEEK: Final = 7
ALARMS: Final = frozenset({"overdue", "supervised", "escalated"})
ENDINGS: Final = frozenset({"bounced", "failed", "mediation_refused"})


def week_before(today: date, seed: int, count: int) -> Plan:
    """Return the plan of the week that ended the day before yesterday: whoever enters it comes back today."""
    first = today - timedelta(days=WEEK + 1)
    return County(seed, count, first, WEEK).plan().within(first, first + timedelta(days=WEEK - 1))


async def enter(doors: Doors, plan: Plan, between: Callable[[], Awaitable[None]]) -> Played:
    """Give a week's inputs as fast as the hub takes them.

    Agencies send their records first, in batches; then people write down what they did, day by day.

    Args:
        doors: The hub, on the wall clock.
        plan: The week.
        between: Called while it is entered, to let alarms ring.
    """
    played = Played()
    arrivals = [each for each in plan.entries if each.kind in {Kind.RECORD, Kind.SUBMISSION}]
    await give(doors, played, arrivals)
    await between()
    papers = [each for each in plan.entries if each.kind not in {Kind.RECORD, Kind.SUBMISSION}]
    for day in sorted({each.written_at.date() for each in papers}):
        await give(doors, played, [each for each in papers if each.written_at.date() == day])
        await between()
    return played


def alarmed(history: History) -> Iterator[str]:
    """Yield the alarms that a backlog may not set off: nobody was late, the papers were only not there yet."""
    for event in history:
        overdue = event.type == "supervised" and event.particulars.supervision in ALARMS
        if event.limit and (overdue or event.type in ENDINGS):
            yield f"{event.dispute_id}/{event.sequence} {event.type} {event.limit}"
