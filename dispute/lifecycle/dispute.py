"""State of one dispute: what `decide` needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime

from msgspec import Struct
from typing_extensions import override

from dispute.calendar.days import last_day_before
from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.provisional import COHORT_DATES, DateName, ProvisionalDate
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import MadeBy, Milestone, Stage, Supervision


class CountedFact(Struct, frozen=True):
    """A fact as the figures count it now.

    All values are those of its event, except the dimensions and cohort dates after a correction.
    """

    type: EventKind
    business_day: date
    dimensions: Dimensions
    sequence: int
    cohort: CohortDates
    ordinal: int = 1
    conclusion_ordinal: int = 0
    reopen_seq: int = 0


class CountedFacts(Struct, frozen=True, eq=False):
    """Counted facts in order.

    The earlier ones are made only when they are needed: a dispute is loaded for every command, but its facts are read
    only when one is taken back or restated.

    Attributes:
        facts: The last facts; all of them when there are no earlier ones.
        earlier: Makes the facts before them.
    """

    facts: tuple[CountedFact, ...] = ()
    earlier: Callable[[], tuple[CountedFact, ...]] | None = None

    def plus(self, fact: CountedFact) -> CountedFacts:
        """Return these facts and one more."""
        return CountedFacts((*self.facts, fact), self.earlier)

    def __iter__(self) -> Iterator[CountedFact]:
        """Go through every fact."""
        return iter(self.facts if self.earlier is None else (*self.earlier(), *self.facts))

    @override
    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, CountedFacts) else NotImplemented

    @override
    def __hash__(self) -> int:
        return hash(tuple(self))


class Alarm(Struct, frozen=True):
    """One limit that was missed or draws near, as long as the matter does not move.

    Attributes:
        limit: Name of the limit; empty for a level that a person set.
        rung: Level of supervision that it led to.
        sequence: Its event.
        at: When it was reached.
        state: State in which it was reached.
    """

    limit: str
    rung: Supervision
    sequence: int
    at: datetime
    state: State


class Standing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a dispute stands: what an event may change and a later one may restore.

    Attributes:
        state: State, the source of rows in the transition table.
        since: Since when it is in that state; None for a dispute of an earlier release.
        dimensions: What it is counted by now.
        cohort: Cohort dates now.
        co_departments: Co-handlers; never the lead.
        sign_by: Until when the handler may sign; None without a limit.
        screen_by: Last day on which the screening waits for what it lacks; None when it does not wait.
        missing: What the screening lacks, as reason codes.
        clock_stopped_on: Day from which the term is stopped; None while it runs.
        statutory_extended: A petition's statutory limit was extended; a relapse gives no second extension.
        agreement_on: Day of the last agreement of this opening.
        confirmable: That agreement is open to judicial confirmation.
        confirm_by: Last day to apply for it.
        severable: Only a part of it is, and a reviewer decides which.
        made_by: Under whom it was made.
        partial: That agreement covers only a part of the matter.
        shared_from: Dispute of the matter whose agreement or failure its last one is; empty when it is its own.
        failed_on: Day of the last failure of this opening; None before one.
        clean_visits: Visits without a sign of relapse, in a row, since the follow-up or the tracking began.
        conclusions: Conclusions of this opening.
        ordinals: How often each kind of event happened in this opening.
        alarms: Limits that were missed or draw near, as long as the matter does not move.
        provisional: Dates counted without a holiday table: the current ones, and earlier ones of counted facts.
    """

    state: State
    dimensions: Dimensions
    cohort: CohortDates
    since: datetime | None = None
    co_departments: tuple[str, ...] = ()
    sign_by: datetime | None = None
    screen_by: date | None = None
    missing: tuple[str, ...] = ()
    clock_stopped_on: date | None = None
    statutory_extended: bool = False
    agreement_on: date | None = None
    confirmable: bool = False
    confirm_by: date | None = None
    severable: bool = False
    made_by: MadeBy = MadeBy.NONE
    partial: bool = False
    shared_from: str = ""
    failed_on: date | None = None
    clean_visits: int = 0
    conclusions: int = 0
    ordinals: tuple[tuple[EventKind, int], ...] = ()
    alarms: tuple[Alarm, ...] = ()
    provisional: tuple[ProvisionalDate, ...] = ()

    def last_day(self, name: DateName) -> date | None:
        """Return a limit's current last day.

        None without such a limit.
        """
        if name is DateName.SIGN_BY:
            return None if self.sign_by is None else last_day_before(self.sign_by)
        if name is DateName.CONFIRM_BY:
            return self.confirm_by
        if name is DateName.SCREEN_BY:
            return self.screen_by
        day: date | None = getattr(self.cohort, name.value)
        return day


class Checkpoint(Struct, frozen=True):
    """How a dispute stood before an event that may be taken back.

    Such an event is an alarm that fired on missing paper, or an outcome shared by a link.

    Attributes:
        sequence: Number of the event.
        limit: Limit whose end the alarm reported; empty when the outcome was shared.
        at: When the event happened.
        before: How the dispute stood before it.
    """

    sequence: int
    limit: str
    at: datetime
    before: Standing


class Dispute(Standing, frozen=True, kw_only=True):
    """One dispute (一案一码).

    It has no parties.

    Attributes:
        dispute_id: Code of the dispute.
        sequence: Number of events so far.
        registered_at: When it was registered; nothing can have happened to it before.
        supervision: Level of supervision: the highest of its alarms.
        source_ref: The source's own reference.
        case_code: Printed code; empty where the county is not known, or an earlier release registered it.
        procedure: Procedure of the suit; empty elsewhere.
        stage: Of a suit.
        preserved_on: Day of a preservation taken before the suit; None without one.
        reopen_seq: Openings so far minus one.
        round: How often its source handed it over.
        master_dispute_id: First dispute of its matter; empty when it is not linked.
        proposed_links: Disputes that may be the same matter; a person decides.
        milestones: Petition milestones reached in this opening.
        counted: Facts as the figures count them now, of all openings, in order.
        checkpoints: What a later event may take back, in order.
    """

    dispute_id: str
    sequence: int
    registered_at: datetime
    supervision: Supervision = Supervision.NORMAL
    source_ref: str = ""
    case_code: str = ""
    procedure: str = ""
    stage: Stage = Stage.NONE
    preserved_on: date | None = None
    reopen_seq: int = 0
    round: int = 1
    master_dispute_id: str = ""
    proposed_links: tuple[str, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    counted: CountedFacts = CountedFacts()
    checkpoints: tuple[Checkpoint, ...] = ()

    def times(self, kind: EventKind) -> int:
        """Return how often `kind` happened in this opening."""
        for known, count in self.ordinals:
            if known is kind:
                return count
        return 0

    @property
    def term_runs(self) -> bool:
        """Whether a handler signed in this opening.

        From then on only T12 and T13 move `cohort.due_on`.
        """
        return self.times(EventKind.SIGNED) > 0

    def provisional_mark(self, name: DateName) -> ProvisionalDate | None:
        """Return how a provisional limit was counted.

        None when the limit's current last day is certain, or when there is none.
        """
        if not self.provisional:
            return None
        day = self.last_day(name)
        return next((mark for mark in self.provisional if mark.name is name and mark.day == day), None)

    def is_provisional(self, name: DateName) -> bool:
        """Tell whether a limit's last day is provisional.

        Nothing may be called late on a provisional day.
        """
        return self.provisional_mark(name) is not None

    @property
    def missing_years(self) -> frozenset[int]:
        """Missing years of the provisional dates.

        The dates wait for the holiday tables of these years.
        """
        return frozenset(mark.missing_year for mark in self.provisional)

    def holds(self, mark: ProvisionalDate) -> bool:
        """Tell whether the dispute or a fact has a marked date."""
        if self.last_day(mark.name) == mark.day:
            return True
        name = mark.name
        return name in COHORT_DATES and any(getattr(fact.cohort, name.value) == mark.day for fact in self.counted)
