"""Compares what was decided with what changed rules would have decided."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from dispute.lifecycle import Channel, Dispute, business_day
from hub.store.store import Transaction
from services.intake.cases.ports import Case
from services.intake.dry_run.inputs import Inputs, UnknownInput, inputs_of
from services.intake.dry_run.outcome import counts_of, differences, first_difference, outcome_of
from services.intake.dry_run.recording import Chronology, RecordedCase, Window, pages, pages_of, refused_in
from services.intake.dry_run.simulation import SimulatedCase, Simulation
from services.intake.dry_run.unheard import UnheardResults
from services.intake.law.rule_changes import RuleChange, changes, with_one
from services.intake.law.rulebook import Rulebook

SINGLY_MOST: Final = 20
"""Rule changes that are tried one by one on each case that differs; of more, no cause is named."""
TOGETHER: Final = "together"
"""Cause of a case that several changes change only together, or where they are too many to try."""
ALL: Final = "all"


class CaseDifference(Struct, frozen=True):
    """A case that would be decided differently.

    Attributes:
        dispute_id: Case.
        channel: How it came.
        day: Of its registration.
        what: Name of each value -> before, after.
        causes: Rules that alone change it, as file.section.id.
    """

    dispute_id: str
    channel: str
    day: str
    what: Mapping[str, tuple[str, str]]
    causes: tuple[str, ...]


class Mismatch(Struct, frozen=True):
    """A case that does not live to its recorded state under the rules in force.

    Attributes:
        dispute_id: Case.
        field: First field that differs, or the kind of input that is not known.
        recorded: Its recorded value.
        lived: Its value by the dry run.
    """

    dispute_id: str
    field: str
    recorded: str
    lived: str


class Rates(Struct, frozen=True):
    """Counts of cases that were registered in the window, and their rates in percent.

    Attributes:
        diversion: Accepted ÷ registered.
        success: Agreed ÷ (accepted + reopened).
    """

    registered: int
    accepted: int
    reopened: int
    agreed: int
    failed: int
    diversion: float | None
    success: float | None


class ChannelRates(Struct, frozen=True):
    """Rates of a channel, or of all, under both rulebooks."""

    channel: str
    before: Rates
    after: Rates


class Totals(Struct, frozen=True):
    """How much was looked at.

    Attributes:
        disputes: Cases of the window.
        events: Their recorded events.
        changed: Cases that would be decided differently.
        seconds: Time of the run.
        events_per_s: Speed.
        not_reproduced: Cases that nothing is said about.
        refused: Commands that were refused; their content is not kept, so that nobody knows whether they would be.
    """

    disputes: int
    events: int
    changed: int
    seconds: float
    events_per_s: float
    not_reproduced: int
    refused: int


class Comparison(Struct, frozen=True):
    """What changed rules would have changed.

    Attributes:
        before: Version of the rules in force.
        after: Version of the changed ones.
        first: First day of registration.
        until: Day after the last.
        changes: Differences of the rules.
        totals: How much was looked at.
        differing: Cases that would be decided differently.
        causes: Rule -> cases that it changes.
        rates: By channel.
        not_reproduced: Cases that nothing is said about.
    """

    before: str
    after: str
    first: str
    until: str
    changes: Sequence[RuleChange]
    totals: Totals
    differing: Sequence[CaseDifference]
    causes: Mapping[str, int]
    rates: Sequence[ChannelRates]
    not_reproduced: Sequence[Mismatch]


class _Gathered(Struct):
    """What is known of the cases so far."""

    disputes: int = 0
    events: int = 0
    refused: int = 0
    differing: list[CaseDifference] = field(default_factory=list)
    not_reproduced: list[Mismatch] = field(default_factory=list)
    before: dict[str, Counter[str]] = field(default_factory=dict)
    after: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, others: _Gathered) -> None:
        """Add what is known of other cases."""
        self.disputes += others.disputes
        self.events += others.events
        self.differing = sorted([*self.differing, *others.differing], key=lambda each: each.dispute_id)
        self.not_reproduced += others.not_reproduced
        for mine, theirs in ((self.before, others.before), (self.after, others.after)):
            for name, counts in theirs.items():
                mine.setdefault(name, Counter()).update(counts)

    def leave(self, case: Case, why: Mismatch) -> None:
        """Note a case that nothing is said about; it counts as it stands."""
        self.not_reproduced.append(why)
        self.count(case, case.dispute, case.dispute)

    def count(self, case: Case, before: Dispute, after: Dispute | None) -> None:
        """Add what a case counts for under both rulebooks."""
        for name in (case.dispute.dimensions.channel.value, ALL):
            self.before.setdefault(name, Counter()).update(counts_of(before))
            self.after.setdefault(name, Counter()).update(counts_of(after) if after is not None else {})


def dry_run(
    tx: Transaction,
    books: tuple[Rulebook, Rulebook],
    chronology: Chronology,
    window: Window,
    progress: Callable[[int, int], None],
) -> Comparison:
    """Return what other rules would have changed.

    Args:
        tx: Snapshot of the store.
        books: Rules in force, and the changed ones.
        chronology: Of the store.
        window: Days of registration.
        progress: Gets the cases looked at, and their number.
    """
    started, (before, after) = time.monotonic(), books
    found = tuple(changes(before, after))
    singles = [] if len(found) > SINGLY_MOST else [(_name(each), with_one(before, after, each)) for each in found]
    # The version stands on events and decides nothing: with one name, both lives of a case can share what is the same.
    looking = _Looking(before, replace(after, version=before.version), singles, chronology)
    gathered, refused = _Gathered(), refused_in(tx)
    hearing: list[str] = []
    for page in pages(tx, window, progress):
        for recorded in page:
            dispute_id = recorded.case.dispute.dispute_id
            gathered.refused += refused.get(dispute_id, 0)
            inputs = inputs_of(recorded, chronology)
            if not isinstance(inputs, UnknownInput) and any(each.heard is not None for each in inputs.inputs):
                hearing.append(dispute_id)
            else:
                looking.look(recorded, inputs, gathered)
    gathered.add(_together(tx, hearing, looking, chronology))
    causes = Counter(cause for each in gathered.differing for cause in each.causes)
    return Comparison(
        before.version,
        after.version,
        window.first.isoformat(),
        window.until.isoformat(),
        found,
        _totals(gathered, time.monotonic() - started),
        gathered.differing,
        dict(causes.most_common()),
        [
            ChannelRates(name, _rates(gathered.before[name]), _rates(gathered.after[name]))
            for name in (*(each.value for each in Channel), ALL)
            if name in gathered.before
        ],
        gathered.not_reproduced,
    )


def _together(tx: Transaction, hearing: Sequence[str], looking: _Looking, chronology: Chronology) -> _Gathered:
    """Live the cases that heard of others, until it is known what each of them would hear.

    What one of them would not share any more, the next one would not hear.
    """
    while True:
        gathered, more = _Gathered(), False
        for page in pages_of(tx, hearing):
            for recorded in page:
                more |= looking.look(recorded, inputs_of(recorded, chronology), gathered)
        if not more:
            return gathered


class _Looking:
    """Lives cases under both rulebooks and compares.

    Args:
        before: Rules in force.
        after: The changed ones.
        singles: Name of each change -> the rules in force with it alone.
        chronology: Of the store.
    """

    def __init__(
        self, before: Rulebook, after: Rulebook, singles: Sequence[tuple[str, Rulebook]], chronology: Chronology
    ) -> None:
        self._before = before
        self._after = (after, UnheardResults())
        self._singles = [(name, book, UnheardResults()) for name, book in singles]
        self._chronology = chronology

    def look(self, recorded: RecordedCase, inputs: Inputs | UnknownInput, gathered: _Gathered) -> bool:
        """Look at one case; returns whether others would not hear something of it that was not known yet."""
        case, dispute_id = recorded.case, recorded.case.dispute.dispute_id
        gathered.disputes += 1
        gathered.events += len(recorded.events)
        if isinstance(inputs, UnknownInput):
            gathered.leave(case, Mismatch(dispute_id, inputs.what, str(inputs.sequence or ""), ""))
            return False
        simulation = Simulation(inputs, self._chronology)
        was = simulation.under_recorded(self._before)
        wrong = first_difference(case.dispute, was.dispute)
        if wrong is not None or was.dispute is None:
            gathered.leave(case, Mismatch(dispute_id, *(wrong or ("state", "", ""))))
            return False
        book, unheard = self._after
        now = simulation.under(book, unheard.of(inputs))
        gathered.count(case, was.dispute, now.dispute)
        if not _differ(was, now):
            return False
        more = unheard.note(was.events, now.events)
        outcome = outcome_of(was.events)
        what = differences(outcome, outcome_of(now.events))
        if not what:
            return more
        alone: list[str] = []
        for name, single, missed in self._singles:
            life = simulation.under(single, missed.of(inputs))
            more |= missed.note(was.events, life.events)
            if outcome_of(life.events) != outcome:
                alone.append(name)
        day, channel = business_day(case.dispute.registered_at), case.dispute.dimensions.channel
        gathered.differing.append(
            CaseDifference(dispute_id, channel.value, day.isoformat(), what, tuple(alone) or (TOGETHER,))
        )
        return more


def _differ(was: SimulatedCase, now: SimulatedCase) -> bool:
    """Tell whether two lives are not one and the same, event by event."""
    return len(was.events) != len(now.events) or any(
        one is not other for one, other in zip(was.events, now.events, strict=True)
    )


def _name(change: RuleChange) -> str:
    parts = (change.file.removesuffix(".yaml"), change.section, change.id)
    return ".".join(part for part in parts if part)


def _totals(gathered: _Gathered, seconds: float) -> Totals:
    return Totals(
        gathered.disputes,
        gathered.events,
        len(gathered.differing),
        round(seconds, 3),
        round(gathered.events / seconds, 1) if seconds else 0.0,
        len(gathered.not_reproduced),
        gathered.refused,
    )


def _rates(counts: Counter[str]) -> Rates:
    registered, accepted, reopened, agreed, failed = (
        counts[name] for name in ("registered", "accepted", "reopened", "agreed", "failed")
    )
    return Rates(
        registered,
        accepted,
        reopened,
        agreed,
        failed,
        _percent(accepted, registered),
        _percent(agreed, accepted + reopened),
    )


def _percent(numerator: int, denominator: int) -> float | None:
    return round(100 * numerator / denominator, 1) if denominator else None
