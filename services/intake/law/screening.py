"""Screening: decides whether a case is mediable.

A pure function of recorded facts and versioned rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from typing_extensions import override

from dispute.lifecycle import Channel
from dispute.refusals.cases import (
    CATEGORY_UNKNOWN,
    CONSENT_REFUSED,
    GUARDIAN_CONSENT_MISSING,
    PARTY_UNREACHABLE,
    PROCEDURE_UNKNOWN,
    REPEATED_DOMESTIC_VIOLENCE,
    TOO_MANY_REPRESENTATIVES,
)
from dispute.refusals.commands import CONSENT_MISSING, FACTS_UNCLEAR, RELATION_UNCLEAR
from services.intake.law.facts import ANSWERING_ROLES, CLAIMING_ROLES, Consent, Facts
from services.intake.law.rule_rows import (
    ANY_CHANNEL,
    ANY_MAKER,
    ANY_REGIME,
    CHANNELS,
    REASONS,
    REGIMES,
    Clause,
    Code,
    DatedRow,
    Gap,
    RuleFile,
    RuleRow,
)

FactName = Literal["circumstances", "procedure", "suit_kind", "category", "case_cause", "purpose"]
VIOLENCE: Final = "domestic_violence"
CLEAR_ENOUGH: Final = frozenset({"clear", "fairly_clear"})
UNCLEAR: Final = frozenset({RELATION_UNCLEAR.name, FACTS_UNCLEAR.name, CATEGORY_UNKNOWN.name, PROCEDURE_UNKNOWN.name})
"""What is lacking by the clause on clarity: a legal relation is none without its kind."""


class Exclusion(DatedRow, frozen=True, kw_only=True):
    """One reason why a case is not mediable.

    Attributes:
        reason_code: Stable code of the refusal.
        clause: Clause it is based on.
        fact: Fact that is checked.
        values: Values of the fact that exclude; a category excludes its sub-categories too.
        channels: Channels it applies to; empty is all.
        unless: Circumstances that lift it.
        undocked: The matter is none for docking at all: it is not counted.
    """

    reason_code: Annotated[str, REASONS]
    clause: Clause
    fact: FactName
    values: Annotated[frozenset[str], Meta(min_length=1)]
    channels: frozenset[Annotated[str, CHANNELS]] = frozenset()
    unless: frozenset[Code] = frozenset()
    undocked: bool = False

    def holds_for(self, facts: Facts) -> bool:
        """Tell whether recorded facts that have one of its values fulfil it."""
        if self.channels and facts.channel not in self.channels:
            return False
        if not within(facts.received_on, self.valid_from, self.valid_until):
            return False
        return self.unless.isdisjoint(facts.circumstances)


class ConfirmationBar(RuleRow, frozen=True, kw_only=True):
    """One reason why a court does not confirm an agreement.

    Attributes:
        fact: What is looked at: circumstances, procedure or category of the case, or what the agreement is about.
        values: Values that bar it.
        clause: Clause it is based on.
    """

    fact: Literal["circumstances", "procedure", "category", "subject"]
    values: Annotated[frozenset[str], Meta(min_length=1)]
    clause: Clause

    def applies_to(self, category: str, procedure: str, circumstances: frozenset[str]) -> bool:
        """Tell whether it bars every agreement of a case."""
        match self.fact:
            case "circumstances":
                return not self.values.isdisjoint(circumstances)
            case "procedure":
                return procedure in self.values
            case "category":
                return any(category.startswith(value) for value in self.values)
            case "subject":
                return False

    def touches(self, subjects: frozenset[str]) -> frozenset[str]:
        """Return the subjects of an agreement that it bars."""
        return subjects & self.values if self.fact == "subject" else frozenset()


class PenaltyRule(DatedRow, frozen=True, kw_only=True):
    """When performance of an agreement lifts the penalty of a police matter.

    Attributes:
        made_by: Under whom the agreement was made; empty fits the parties' own settlement too.
        needs: What has to come with the performance.
        clause: Clause it is based on.
    """

    made_by: Annotated[str, ANY_MAKER]
    needs: frozenset[Literal["written_request", "police_approved"]]
    clause: Clause


class RegimeRule(DatedRow, frozen=True, kw_only=True):
    """Court regime that holds for suits received on certain days.

    Attributes:
        code: A | B.
        channel: Channel it exists in.
    """

    code: Annotated[str, REGIMES]
    channel: Annotated[str, CHANNELS]


class Ground(RuleRow, frozen=True, kw_only=True):
    """Clause of an acceptance, by channel and regime (empty: any)."""

    channel: Annotated[str, ANY_CHANNEL]
    regime: Annotated[str, ANY_REGIME]
    clause: Clause


class ScreeningRules(RuleFile, frozen=True, kw_only=True, dict=True):
    """One complete and validated version of the rules.

    Attributes:
        exclusions: In the order in which they are tried; the first that applies gives the reason.
        consent_clause: Clause of refusals for want of consent.
        clarity_clause: Clause of refusals for want of clarity.
        guardian_needed: Circumstances in which a guardian's consent is needed too.
        regimes: Court regimes by day of receipt.
        grounds: Clauses of acceptances, first match wins; the last one matches everything.
        confirmation_bars: Agreements that no court confirms.
        penalties: When performance lifts the penalty of a police matter.
        representatives: Most people who may bring a petition in person.
        representatives_clause: Clause of that.
        repeated_violence: Reports of violence at home from which the matter is not handed to mediation.
        repeated_violence_clause: Clause of that.
    """

    regimes: Annotated[tuple[RegimeRule, ...], Meta(title="诉讼阶段规则 Court regimes")]
    exclusions: Annotated[tuple[Exclusion, ...], Meta(title="不予调解 Exclusions")]
    consent_clause: Annotated[
        Clause, Meta(title="当事人不同意或者联系不上：条款 Clause of refusals for want of consent")
    ]
    clarity_clause: Annotated[Clause, Meta(title="关系、事实不清：条款 Clause of refusals for want of clarity")]
    guardian_needed: Annotated[frozenset[Code], Meta(title="须监护人同意的情形 A guardian has to consent in these")]
    grounds: Annotated[tuple[Ground, ...], Meta(title="受理依据 Grounds of an acceptance")]
    confirmation_bars: Annotated[tuple[ConfirmationBar, ...], Meta(title="不予司法确认 Barred from confirmation")]
    penalties: Annotated[tuple[PenaltyRule, ...], Meta(title="履行后不予处罚 Penalties lifted by performance")]
    representatives: Annotated[int, Meta(ge=1, title="走访代表人数上限 Most people who petition in person")]
    representatives_clause: Annotated[Clause, Meta(title="代表人数：条款 Clause of that")]
    repeated_violence: Annotated[
        int, Meta(ge=1, title="家庭暴力第几次报警起不移交 Reports of violence at home until no hand-off")
    ]
    repeated_violence_clause: Annotated[Clause, Meta(title="多次家庭暴力：条款 Clause of that")]

    @cached_property
    def excluded_by(self) -> Mapping[tuple[str, str], tuple[int, ...]]:
        """A fact with a value -> places of the exclusions that look for it."""
        found: dict[tuple[str, str], tuple[int, ...]] = {}
        for place, row in enumerate(self.exclusions):
            for value in row.values:
                found[row.fact, value] = (*found.get((row.fact, value), ()), place)
        return found

    def clause_of(self, reason_code: str) -> str:
        """Return the clause of a refusal for want of something."""
        if reason_code in UNCLEAR:
            return self.clarity_clause
        return self.representatives_clause if reason_code == TOO_MANY_REPRESENTATIVES.name else self.consent_clause

    @override
    def gaps(self) -> Iterator[Gap]:
        if not self.grounds or self.grounds[-1].channel or self.grounds[-1].regime:
            yield Gap("grounds", "最后一行须适用于所有渠道", "the last row has to match every channel and regime")


class ScreeningVerdict(Struct, frozen=True):
    """Result of the screening.

    Attributes:
        reason_code: Why the case can't be mediated; empty when it can, or when that is still open.
        clause: Of the refusal or of the acceptance.
        regime: Of the court.
        transitional: The rules changed between receipt and decision.
        missing: What is lacking for a decision, the weightiest first; the screening waits for it.
        undocked: The matter is none for docking.
    """

    reason_code: str
    clause: str
    regime: str
    transitional: bool
    missing: tuple[str, ...] = ()
    undocked: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the case goes to mediation."""
        return not self.reason_code and not self.missing


def screen(facts: Facts, rules: ScreeningRules) -> ScreeningVerdict:
    """Decide whether a case is mediable.

    Exclusions come first, then a side's refusal, so that a case has exactly one reason. What nobody asked or judged yet
    is no refusal: the screening waits for it.

    Source:
        The clause of each rule in `rules/screening.yaml`; 001-19 for clarity and consent.
    """
    regime = regime_of(facts.channel, facts.received_on, rules.regimes)
    transitional = regime != "" and any(
        regime_of(facts.channel, day, rules.regimes) != regime for day in _days_of_handling(facts)
    )
    exclusion = exclusion_of(facts, rules)
    reason = exclusion.reason_code if exclusion is not None else refusal_of(facts.consents)
    missing = () if reason else lacking(facts, rules)
    clause = exclusion.clause if exclusion is not None else ""
    if exclusion is None and (reason or missing):
        clause = rules.clause_of(reason or missing[0])
    return ScreeningVerdict(
        reason_code=reason,
        clause=clause or _ground_of(facts.channel, regime, rules.grounds),
        regime=regime,
        transitional=transitional,
        missing=missing,
        undocked=exclusion is not None and exclusion.undocked,
    )


def regime_of(channel: str, received_on: date, regimes: Iterable[RegimeRule]) -> str:
    """Return the regime by the court's receipt date.

    Empty outside the court channel.

    Source:
        最高法《关于严格依法规范民事案件立案与调解工作的意见》, in force 2025-01-01.
    """
    for regime in regimes:
        if regime.channel == channel and within(received_on, regime.valid_from, regime.valid_until):
            return regime.code
    return ""


def within(day: date, first: date | None, last: date | None) -> bool:
    """Tell whether a day lies in [first, last].

    None is unbounded.
    """
    return (first is None or first <= day) and (last is None or day <= last)


def refusal_of(consents: Iterable[Consent]) -> str:
    """Return the reason code of a side that refuses or can't be reached.

    Empty when there is none. One refusal outweighs everything else: nobody is forced to mediate.
    """
    answers = {consent.answer for consent in consents}
    if "refused" in answers:
        return CONSENT_REFUSED.name
    return PARTY_UNREACHABLE.name if "unreachable" in answers else ""


def exclusion_of(facts: Facts, rules: ScreeningRules) -> Exclusion | None:
    """Return the first exclusion that the facts fulfil; None when there is none."""
    by = rules.excluded_by
    looked_for = {place for seen in _seen(facts) if seen in by for place in by[seen]}
    touching = (rules.exclusions[place] for place in sorted(looked_for))
    found = next((exclusion for exclusion in touching if exclusion.holds_for(facts)), None)
    if found is None and rules.repeated_violence <= facts.earlier_reports + 1 and VIOLENCE in facts.circumstances:
        return Exclusion(
            id="repeated_violence",
            zh="多次家庭暴力",
            en="repeated violence at home",
            reason_code=REPEATED_DOMESTIC_VIOLENCE.name,
            clause=rules.repeated_violence_clause,
            fact="circumstances",
            values=frozenset({VIOLENCE}),
        )
    return found


def _seen(facts: Facts) -> Iterator[tuple[FactName, str]]:
    """Yield the facts that an exclusion may look for, each with its value.

    A category with all of its beginnings: an exclusion of one is an exclusion of its sub-categories.
    """
    yield from (("circumstances", each) for each in facts.circumstances)
    yield from (("category", facts.category[:digits]) for digits in range(len(facts.category) + 1))
    yield "procedure", facts.procedure
    yield "suit_kind", facts.suit_kind
    yield "case_cause", facts.case_cause
    yield "purpose", facts.purpose


def lacking(facts: Facts, rules: ScreeningRules) -> tuple[str, ...]:
    """Return what is lacking for an acceptance, as reason codes."""
    roles = {consent.role for consent in facts.consents if consent.answer == "given"}
    asked = all(consent.answer == "given" for consent in facts.consents)
    both = not roles.isdisjoint(CLAIMING_ROLES) and not roles.isdisjoint(ANSWERING_ROLES)
    guardian_needed = not rules.guardian_needed.isdisjoint(facts.circumstances)
    gaps = {
        CONSENT_MISSING.name: not (asked and both),
        GUARDIAN_CONSENT_MISSING.name: guardian_needed and "guardian" not in roles,
        RELATION_UNCLEAR.name: facts.relation_clarity not in CLEAR_ENOUGH,
        FACTS_UNCLEAR.name: facts.facts_clarity not in CLEAR_ENOUGH,
        TOO_MANY_REPRESENTATIVES.name: rules.representatives < facts.representatives,
        # An exclusion may lie in what nobody said: none is accepted before it was looked at.
        CATEGORY_UNKNOWN.name: not facts.category,
        PROCEDURE_UNKNOWN.name: facts.channel == Channel.COURT and not (facts.procedure and facts.suit_kind),
    }
    return tuple(reason for reason, is_missing in gaps.items() if is_missing)


def _days_of_handling(facts: Facts) -> Iterable[date]:
    yield facts.sent_on
    yield from (consent.answered_on for consent in facts.consents if consent.answered_on is not None)


def _ground_of(channel: str, regime: str, grounds: Iterable[Ground]) -> str:
    for ground in grounds:
        if ground.channel in {"", channel} and ground.regime in {"", regime}:
            return ground.clause
    return ""
