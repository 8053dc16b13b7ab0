"""The data model of a scenario file.

`load.py` reads a file; `docs/scenarios.md` explains every field.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ops.play.scenarios.codes import CIRCUMSTANCES, known, known_category
from ops.play.scenarios.days import MONTH, SHANGHAI, WHOLE_WINDOW, Day, spans
from ops.play.scenarios.terms import CONFIRMED_UNTIL, longest_mediation
from ops.play.scenarios.vocabulary import (
    CONSENT_ANSWERS,
    EXCLUDED_CATEGORIES,
    EXCLUDED_PROCEDURES,
    EXCLUDED_PURPOSES,
    EXCLUDING_CIRCUMSTANCES,
    FAILURE_REASONS,
    OUTCOME_FORMS,
    SIDES,
    WITHDRAWAL_REASONS,
    Docking,
    Fate,
)

EXPIRY_MARGIN: Final = timedelta(days=50)
"""Least time from receipt to the window's end so that a record's term can expire inside the window."""

Count = Annotated[int, Field(ge=0, le=1_000_000)]
CountyCode = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
TownCode = Annotated[str, Field(pattern=r"^[0-9]{9}$")]
Category = Annotated[str, AfterValidator(known_category)]
AgencyId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
Clarity = Literal["clear", "fairly_clear", "unclear"]
Procedure = Literal["ordinary", "summary", "small_claims", "special", "payment_order", "public_summons", "bankruptcy"]
STATEMENT: Final = "mediation_statement"
ONLY_COURTS: Final = "only a court issues a mediation_statement (调解书只能由法院出具)"


class Strict(BaseModel):
    """Base class of the parts of a scenario file.

    Unknown keys are errors; values can't be changed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(Strict):
    """A title for people."""

    zh: str
    en: str


class ScenarioWindow(Strict):
    """Business days that are counted, half-open [start, end)."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError("end is the day after the last one and must come after start")
        return self

    @property
    def opens_at(self) -> datetime:
        """First instant, Asia/Shanghai."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=SHANGHAI)

    @property
    def closes_at(self) -> datetime:
        """Instant after the last, Asia/Shanghai."""
        return datetime(self.end.year, self.end.month, self.end.day, tzinfo=SHANGHAI)

    @property
    def dates(self) -> tuple[str, str]:
        """Start and end as ISO dates."""
        return self.start.isoformat(), self.end.isoformat()

    def holds(self, day: date) -> bool:
        """Tell whether a business day is counted."""
        return self.start <= day < self.end


class Town(Strict):
    """A town and its share of the records."""

    code: TownCode
    name: str
    weight: Annotated[float, Field(gt=0)] = 1.0


def _known(given: Mapping[str, int], allowed: tuple[str, ...], what: str) -> None:
    for name in given:
        if name not in allowed:
            raise ValueError(f"unknown {what} `{name}`; known are {', '.join(allowed)}")


class Outcomes(Strict):
    """How accepted records end.

    The numbers sum to the number of accepted records.
    """

    settled: dict[str, Count] = {}
    failed: dict[str, Count] = {}
    withdrawn: dict[str, Count] = {}
    expired: Count = 0
    open: Count = 0

    @model_validator(mode="after")
    def _words(self) -> Self:
        _known(self.settled, OUTCOME_FORMS, "outcome form")
        _known(self.failed, FAILURE_REASONS, "reason of failure")
        _known(self.withdrawn, WITHDRAWAL_REASONS, "reason of withdrawal")
        return self

    @property
    def settled_total(self) -> int:
        """Number of records that are settled."""
        return sum(self.settled.values())

    @property
    def total(self) -> int:
        """Number of accepted records."""
        ended = self.settled_total + sum(self.failed.values()) + sum(self.withdrawn.values())
        return ended + self.expired + self.open


class NotAccepted(Strict):
    """Why records are not accepted.

    Each reason becomes a fact in the records, never a flag.
    """

    refused: Count = 0
    unreachable: Count = 0
    not_asked: Count = 0
    unclear_relation: Count = 0
    unclear_facts: Count = 0
    excluded: dict[str, Count] = {}

    @property
    def total(self) -> int:
        """Number of records that are not accepted."""
        consent = self.refused + self.unreachable + self.not_asked
        return consent + self.unclear_relation + self.unclear_facts + sum(self.excluded.values())


class Aftercare(Strict):
    """What happens to settled records later.

    Each number is at most the number of settled records.
    """

    confirmed: Count = 0
    performed: Count = 0
    closed: Count = 0


class ChannelPlan(Strict):
    """The records of one agency."""

    agency: AgencyId
    received: dict[str, Count]
    outcomes: Outcomes = Outcomes()
    not_accepted: NotAccepted = NotAccepted()
    categories: dict[Category, Annotated[float, Field(gt=0)]] = {"99": 1.0}
    aftercare: Aftercare = Aftercare()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for month in self.received:
            if month != WHOLE_WINDOW and not MONTH.match(month):
                raise ValueError(f"`{month}` is no month; write it as 2024-01, or `{WHOLE_WINDOW}` for all of it")
        received, made = self.total, self.outcomes.total + self.not_accepted.total
        if received != made:
            raise ValueError(
                f"received sums to {received}, but outcomes ({self.outcomes.total}) and not_accepted "
                f"({self.not_accepted.total}) sum to {made}"
            )
        for name, count in self.aftercare:
            if count > self.outcomes.settled_total:
                raise ValueError(f"aftercare.{name} is {count}, but only {self.outcomes.settled_total} are settled")
        cared, settled = self.aftercare, self.outcomes.settled_total
        closable = max(cared.performed, settled - cared.confirmed)
        if cared.closed > closable:
            raise ValueError(
                f"aftercare.closed: is {cared.closed}, but what is confirmed is closed only after performance; "
                f"{closable} at the most"
            )
        return self

    @property
    def total(self) -> int:
        """Number of records received."""
        return sum(self.received.values())


class Noise(Strict):
    """Errors of real partners.

    None of them may change a figure.
    """

    resent: Count = 0
    late: Count = 0
    changed_body: Count = 0
    malformed: Count = 0
    wrong_key: Count = 0
    shuffled: bool = True


class RecordSpec(Strict):
    """One record written in the file.

    Its facts decide whether it is accepted; `fate` decides how it ends if it is accepted.
    """

    channel: Docking
    received_on: Day
    ref: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    handed_over_on: Day | None = None
    town: TownCode | None = None
    category: Category = "99"
    relation: Clarity = "clear"
    facts: Clarity = "clear"
    consents: dict[str, str] = {}
    procedure: Procedure = "ordinary"
    circumstances: tuple[str, ...] = ()
    purpose: Literal["request", "suggestion"] = "request"
    fate: Fate = Fate.OPEN
    form: str = "agreement"
    reason: str | None = None
    settled_after_days: Annotated[int, Field(ge=1, le=25)] = 5

    @property
    def ended_by(self) -> str:
        """Reason of the end.

        It is the given one, else the most common one of the fate.
        """
        return self.reason or ("applicant_withdrew" if self.fate is Fate.WITHDRAWN else "deadlock")

    @model_validator(mode="after")
    def _words(self) -> Self:
        sides = SIDES[self.channel]
        for role, answer in self.consents.items():
            if role not in sides:
                raise ValueError(f"consents names `{role}`; sides of channel {self.channel} are {', '.join(sides)}")
            if answer not in CONSENT_ANSWERS:
                raise ValueError(f"unknown consent `{answer}`; known are {', '.join(CONSENT_ANSWERS)}")
        if self.form not in OUTCOME_FORMS:
            raise ValueError(f"unknown outcome form `{self.form}`; known are {', '.join(OUTCOME_FORMS)}")
        reasons = WITHDRAWAL_REASONS if self.fate is Fate.WITHDRAWN else FAILURE_REASONS
        if self.fate in {Fate.FAILED, Fate.WITHDRAWN} and self.ended_by not in reasons:
            raise ValueError(f"unknown reason `{self.reason}` of fate {self.fate}; known are {', '.join(reasons)}")
        if self.reason is not None and self.fate not in {Fate.FAILED, Fate.WITHDRAWN}:
            raise ValueError(f"reason: a record of fate {self.fate} has none")
        if self.handed_over_on is not None and self.handed_over_on < self.received_on:
            raise ValueError("handed_over_on lies before received_on")
        if self.channel is not Docking.COURT and self.procedure != "ordinary":
            raise ValueError("only a court record has a procedure")
        if self.channel is not Docking.PETITION and self.purpose != "request":
            raise ValueError("only a petition has a purpose")
        return self

    @model_validator(mode="after")
    def _playable(self) -> Self:
        for code in self.circumstances:
            known(code, CIRCUMSTANCES[self.channel], "circumstances")
        if self.form == STATEMENT and self.channel is not Docking.COURT:
            raise ValueError(f"form: {ONLY_COURTS}")
        longest = longest_mediation(self.channel, self.received_on, self.procedure, self.category)
        if self.settled_after_days > longest:
            raise ValueError(f"settled_after_days: the term of such a record leaves {longest} days at the most")
        return self


class Scenario(Strict):
    """A whole scenario file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    title: Title
    seed: int
    county: CountyCode
    window: ScenarioWindow
    tick_days: Annotated[int, Field(ge=1, le=31)] = 7
    towns: Annotated[tuple[Town, ...], Field(min_length=1)]
    channels: dict[Docking, ChannelPlan]
    noise: Noise = Noise()
    records: tuple[RecordSpec, ...] = ()
    note: Title | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for index, town in enumerate(self.towns):
            if not town.code.startswith(self.county):
                raise ValueError(f"towns.{index}: {town.code} does not lie in county {self.county}")
        if len({town.code for town in self.towns}) < len(self.towns):
            raise ValueError("towns: a town is named twice")
        agencies = [plan.agency for plan in self.channels.values()]
        if len(set(agencies)) < len(agencies):
            raise ValueError("channels: two channels name the same agency")
        for channel, plan in self.channels.items():
            if not plan.agency.startswith(f"{channel}-") or plan.agency == f"{channel}-":
                raise ValueError(f"channels.{channel}.agency: must begin with {channel}-, like {channel}-{self.county}")
            _check_months(channel, plan, self.window)
            _check_exclusions(channel, plan)
            _check_settled(channel, plan, self.window)
        for index, spec in enumerate(self.records):
            _check_spec(f"records.{index}", spec, self)
        return self


def _check_months(channel: Docking, plan: ChannelPlan, window: ScenarioWindow) -> None:
    early = 0
    for span in spans(plan.received, window.start, window.end):
        if span.end <= window.start or span.first >= window.end:
            raise ValueError(f"channels.{channel}.received.{span.key}: lies outside the window")
        if span.end + EXPIRY_MARGIN <= window.end:
            early += span.count
    if plan.outcomes.expired > early:
        raise ValueError(
            f"channels.{channel}.outcomes.expired is {plan.outcomes.expired}, but only {early} records are received "
            f"{EXPIRY_MARGIN.days} days or more before the window's end, so that a term can run out in it"
        )
    if plan.outcomes.expired and channel is Docking.PETITION:
        raise ValueError("channels.petition.outcomes.expired: a petition's limit of 60 days is no mediation term")


def _check_settled(channel: Docking, plan: ChannelPlan, window: ScenarioWindow) -> None:
    place, confirmed = f"channels.{channel}", plan.aftercare.confirmed
    if channel is not Docking.COURT:
        if plan.outcomes.settled.get(STATEMENT):
            raise ValueError(f"{place}.outcomes.settled.{STATEMENT}: {ONLY_COURTS}")
        if confirmed:
            raise ValueError(f"{place}.aftercare.confirmed: only court records are confirmed here")
        return
    later = sum(span.count for span in spans(plan.received, window.start, window.end) if span.end > CONFIRMED_UNTIL)
    able = max(0, plan.outcomes.settled.get("agreement", 0) - later)
    if confirmed > able:
        raise ValueError(
            f"{place}.aftercare.confirmed: is {confirmed}, but only {able} are sure to be agreements received before "
            f"{CONFIRMED_UNTIL}; others are not confirmable (其余不能申请司法确认)"
        )


def _check_exclusions(channel: Docking, plan: ChannelPlan) -> None:
    # A circumstance that no agency of the channel can send is not allowed here either.
    allowed = EXCLUDING_CIRCUMSTANCES[channel] & set(CIRCUMSTANCES[channel])
    if channel is Docking.COURT:
        allowed |= EXCLUDED_PROCEDURES
    if channel is Docking.PETITION:
        allowed |= EXCLUDED_PURPOSES
    if channel is Docking.PETITION:
        for category in plan.categories:
            if category.startswith(EXCLUDED_CATEGORIES):
                raise ValueError(
                    f"channels.{channel}.categories.{category}: such petitions are never accepted; write them out"
                )
    for name in plan.not_accepted.excluded:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise ValueError(f"channels.{channel}.not_accepted.excluded: unknown `{name}`; known are {known}")


def _check_spec(place: str, spec: RecordSpec, scenario: Scenario) -> None:
    if spec.channel not in scenario.channels:
        raise ValueError(f"{place}.channel: {spec.channel} has no agency under channels")
    if spec.town is not None and spec.town not in {town.code for town in scenario.towns}:
        raise ValueError(f"{place}.town: {spec.town} is not under towns")
    handed_over = spec.handed_over_on or spec.received_on
    if not scenario.window.holds(handed_over):
        raise ValueError(f"{place}: handed over on {handed_over}, outside the window")
    if spec.fate is Fate.EXPIRED and handed_over + EXPIRY_MARGIN > scenario.window.end:
        raise ValueError(f"{place}.fate: a record handed over on {handed_over} can't expire inside the window")
    if spec.fate is Fate.EXPIRED and spec.channel is Docking.PETITION:
        raise ValueError(f"{place}.fate: a petition's limit of 60 days is no mediation term; it can't expire")
