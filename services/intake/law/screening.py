"""Screening: decides whether a case is mediable.

A pure function of recorded facts and versioned rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

from msgspec import Struct

from dispute.refusals.cases import (
    CONSENT_REFUSED,
    GUARDIAN_CONSENT_MISSING,
    PARTY_UNREACHABLE,
    REPEATED_DOMESTIC_VIOLENCE,
    TOO_MANY_REPRESENTATIVES,
)
from dispute.refusals.commands import CONSENT_MISSING, FACTS_UNCLEAR, RELATION_UNCLEAR
from services.intake.law.facts import ANSWERING_ROLES, CLAIMING_ROLES, Consent, Facts

FactName = Literal["circumstances", "procedure", "suit_kind", "category", "case_cause", "purpose"]
VIOLENCE: Final = "domestic_violence"
CLEAR_ENOUGH: Final = frozenset({"clear", "fairly_clear"})


class Exclusion(Struct, frozen=True):
    """One reason why a case is not mediable.

    Attributes:
        reason_code: Stable code of the refusal.
        clause: Clause it is based on.
        fact: Fact that is checked.
        values: Values of the fact that exclude; a category excludes its sub-categories too.
        channels: Channels it applies to; empty is all.
        unless: Circumstances that lift it.
        undocked: The matter is none for docking at all: it is not counted.
        valid_from: First day of receipt it applies to; None is always.
        valid_until: Last day of receipt it applies to; None is open.
    """

    reason_code: str
    clause: str
    fact: FactName
    values: frozenset[str]
    channels: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    undocked: bool = False
    valid_from: date | None = None
    valid_until: date | None = None

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


class ConfirmationBar(Struct, frozen=True):
    """One reason why a court does not confirm an agreement.

    Attributes:
        fact: What is looked at: circumstances and procedure of the case, or what the agreement is about.
        values: Values that bar it.
        clause: Clause it is based on.
    """

    fact: Literal["circumstances", "procedure", "category", "subject"]
    values: frozenset[str]
    clause: str

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


class PenaltyRule(Struct, frozen=True):
    """When performance of an agreement lifts the penalty of a police matter.

    Attributes:
        made_by: Under whom the agreement was made; empty fits the parties' own settlement too.
        needs: What has to come with the performance.
        clause: Clause it is based on.
        valid_from: First day of the call it applies to; None is always.
        valid_until: Last day of the call; None is open.
    """

    made_by: str
    needs: tuple[Literal["written_request", "police_approved"], ...]
    clause: str
    valid_from: date | None = None
    valid_until: date | None = None


class RegimeRule(Struct, frozen=True):
    """Court regime that holds for suits received on certain days.

    Attributes:
        code: A | B.
        channel: Channel it exists in.
        valid_from: First day of receipt; None is always.
        valid_until: Last day of receipt; None is open.
    """

    code: str
    channel: str
    valid_from: date | None
    valid_until: date | None


class Ground(Struct, frozen=True):
    """Clause of an acceptance, by channel and regime (empty: any)."""

    channel: str
    regime: str
    clause: str


class ScreeningRules(Struct, frozen=True):
    """One complete and validated version of the rules.

    Attributes:
        version: Recorded in every event that these rules caused.
        exclusions: In the order in which they are tried; the first that applies gives the reason.
        consent_clause: Clause of refusals for want of consent.
        clarity_clause: Clause of refusals for want of clarity.
        guardian_needed: Circumstances in which a guardian's consent is needed too.
        regimes: Court regimes by day of receipt.
        grounds: Clauses of acceptances, first match wins; the last one matches everything.
        penalties: When performance lifts the penalty of a police matter.
        confirmation_bars: Agreements that no court confirms.
        representatives: Most people who may bring a petition in person; 0 is no limit.
        representatives_clause: Clause of that.
        repeated_violence: Reports of violence at home from which the matter is not handed to mediation; 0 is none.
        repeated_violence_clause: Clause of that.
    """

    version: str
    exclusions: tuple[Exclusion, ...]
    consent_clause: str
    clarity_clause: str
    guardian_needed: frozenset[str]
    regimes: tuple[RegimeRule, ...]
    grounds: tuple[Ground, ...]
    penalties: tuple[PenaltyRule, ...] = ()
    confirmation_bars: tuple[ConfirmationBar, ...] = ()
    representatives: int = 0
    representatives_clause: str = ""
    repeated_violence: int = 0
    repeated_violence_clause: str = ""

    def clause_of(self, reason_code: str) -> str:
        """Return the clause of a refusal for want of something."""
        if reason_code in {RELATION_UNCLEAR.name, FACTS_UNCLEAR.name}:
            return self.clarity_clause
        return self.representatives_clause if reason_code == TOO_MANY_REPRESENTATIVES.name else self.consent_clause


class ScreeningVerdict(Struct, frozen=True):
    """Result of the screening.

    Attributes:
        reason_code: Why the case can't be mediated; empty when it can, or when that is still open.
        clause: Of the refusal or of the acceptance.
        missing: What is lacking for a decision, the weightiest first; the screening waits for it.
        undocked: The matter is none for docking.
        regime: Of the court.
        transitional: The rules changed between receipt and decision.
        rule_version: Rules that decided.
    """

    reason_code: str
    clause: str
    regime: str
    transitional: bool
    rule_version: str
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
        rule_version=rules.version,
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
    found = next((exclusion for exclusion in rules.exclusions if exclusion.applies_to(facts)), None)
    if found is None and 0 < rules.repeated_violence <= facts.earlier_reports + 1 and VIOLENCE in facts.circumstances:
        reason, clause = REPEATED_DOMESTIC_VIOLENCE.name, rules.repeated_violence_clause
        return Exclusion(reason, clause, "circumstances", frozenset({VIOLENCE}))
    return found


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
        TOO_MANY_REPRESENTATIVES.name: 0 < rules.representatives < facts.representatives,
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
