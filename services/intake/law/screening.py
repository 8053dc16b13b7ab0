"""Screening: decides whether a case is mediable.

A pure function of recorded facts and versioned rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from typing_extensions import override

from dispute.refusals.cases import CONSENT_REFUSED, GUARDIAN_CONSENT_MISSING, PARTY_UNREACHABLE
from dispute.refusals.commands import CONSENT_MISSING, FACTS_UNCLEAR, RELATION_UNCLEAR
from services.intake.law.facts import ANSWERING_ROLES, CLAIMING_ROLES, Consent, Facts
from services.intake.law.rule_rows import (
    ANY_CHANNEL,
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
CLEAR_ENOUGH: Final = frozenset({"clear", "fairly_clear"})


class Exclusion(DatedRow, frozen=True, kw_only=True):
    """One reason why a case is not mediable.

    Attributes:
        reason_code: Stable code of the refusal.
        clause: Clause it is based on.
        fact: Fact that is checked.
        values: Values of the fact that exclude; a category excludes its sub-categories too.
        channels: Channels it applies to; empty is all.
        unless: Circumstances that lift it.
    """

    reason_code: Annotated[str, REASONS]
    clause: Clause
    fact: FactName
    values: Annotated[frozenset[str], Meta(min_length=1)]
    channels: frozenset[Annotated[str, CHANNELS]] = frozenset()
    unless: frozenset[Code] = frozenset()

    def applies_to(self, facts: Facts) -> bool:
        """Tell whether the recorded facts fulfil this exclusion."""
        if not self._touches(facts):
            return False
        if self.channels and facts.channel not in self.channels:
            return False
        if not within(facts.received_on, self.valid_from, self.valid_until):
            return False
        return self.unless.isdisjoint(facts.circumstances)

    def _touches(self, facts: Facts) -> bool:
        match self.fact:
            case "circumstances":
                return not self.values.isdisjoint(facts.circumstances)
            case "category":
                return any(facts.category.startswith(value) for value in self.values)
            case "procedure" | "suit_kind" | "case_cause" | "purpose":
                return getattr(facts, self.fact) in self.values


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


class ScreeningRules(RuleFile, frozen=True, kw_only=True):
    """One complete and validated version of the rules.

    Attributes:
        exclusions: In the order in which they are tried; the first that applies gives the reason.
        consent_clause: Clause of refusals for want of consent.
        clarity_clause: Clause of refusals for want of clarity.
        guardian_needed: Circumstances in which a guardian's consent is needed too.
        regimes: Court regimes by day of receipt.
        grounds: Clauses of acceptances, first match wins; the last one matches everything.
    """

    regimes: Annotated[tuple[RegimeRule, ...], Meta(title="诉讼阶段规则 Court regimes")]
    exclusions: Annotated[tuple[Exclusion, ...], Meta(title="不予调解 Exclusions")]
    consent_clause: Annotated[
        Clause, Meta(title="当事人不同意或者联系不上：条款 Clause of refusals for want of consent")
    ]
    clarity_clause: Annotated[Clause, Meta(title="关系、事实不清：条款 Clause of refusals for want of clarity")]
    guardian_needed: Annotated[frozenset[Code], Meta(title="须监护人同意的情形 A guardian has to consent in these")]
    grounds: Annotated[tuple[Ground, ...], Meta(title="受理依据 Grounds of an acceptance")]

    @override
    def gaps(self) -> Iterator[Gap]:
        if not self.grounds or self.grounds[-1].channel or self.grounds[-1].regime:
            yield Gap("grounds", "最后一行须适用于所有渠道", "the last row has to match every channel and regime")


class ScreeningVerdict(Struct, frozen=True):
    """Result of the screening.

    `reason_code` is empty when the case is accepted.
    """

    reason_code: str
    clause: str
    regime: str
    transitional: bool

    @property
    def accepted(self) -> bool:
        """Whether the case goes to mediation."""
        return not self.reason_code


def screen(facts: Facts, rules: ScreeningRules) -> ScreeningVerdict:
    """Decide whether a case is mediable.

    Exclusions come first, then consent, then clarity, so that a case has exactly one reason.

    Source:
        The clause of each rule in `rules/screening.yaml`; 001-19 for clarity and consent.
    """
    regime = regime_of(facts.channel, facts.received_on, rules.regimes)
    transitional = regime != "" and any(
        regime_of(facts.channel, day, rules.regimes) != regime for day in _days_of_handling(facts)
    )
    reason, clause = _reason_against(facts, rules)
    return ScreeningVerdict(
        reason_code=reason,
        clause=clause or _ground_of(facts.channel, regime, rules.grounds),
        regime=regime,
        transitional=transitional,
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


def consent_gap(consents: Iterable[Consent], *, guardian_needed: bool) -> str:
    """Return the reason code of a missing consent.

    The first one that is missing; empty when every side gave its consent. One refusal outweighs everything else: nobody
    is forced to mediate.
    """
    given = tuple(consents)
    answers = {consent.answer for consent in given}
    if "refused" in answers:
        return CONSENT_REFUSED.name
    if "unreachable" in answers:
        return PARTY_UNREACHABLE.name
    roles = {consent.role for consent in given if consent.answer == "given"}
    if answers - {"given"} or roles.isdisjoint(CLAIMING_ROLES) or roles.isdisjoint(ANSWERING_ROLES):
        return CONSENT_MISSING.name
    if guardian_needed and "guardian" not in roles:
        return GUARDIAN_CONSENT_MISSING.name
    return ""


def _reason_against(facts: Facts, rules: ScreeningRules) -> tuple[str, str]:
    for exclusion in rules.exclusions:
        if exclusion.applies_to(facts):
            return exclusion.reason_code, exclusion.clause
    guardian_needed = not rules.guardian_needed.isdisjoint(facts.circumstances)
    if gap := consent_gap(facts.consents, guardian_needed=guardian_needed):
        return gap, rules.consent_clause
    if facts.relation_clarity not in CLEAR_ENOUGH:
        return RELATION_UNCLEAR.name, rules.clarity_clause
    if facts.facts_clarity not in CLEAR_ENOUGH:
        return FACTS_UNCLEAR.name, rules.clarity_clause
    return "", ""


def _days_of_handling(facts: Facts) -> Iterable[date]:
    yield facts.sent_on
    yield from (consent.answered_on for consent in facts.consents if consent.answered_on is not None)


def _ground_of(channel: str, regime: str, grounds: Iterable[Ground]) -> str:
    for ground in grounds:
        if ground.channel in {"", channel} and ground.regime in {"", regime}:
            return ground.clause
    return ""
