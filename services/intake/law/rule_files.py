"""Loads the rule files.

A file is accepted whole or refused whole.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dispute.lifecycle import Extension
from dispute.lifecycle.vocabulary import Channel
from dispute.refusals.cases import CASES
from hub.errors import Fault
from services.intake.law.deadlines import DeadlineRules, ExtensionRule, SignOff, Term
from services.intake.law.screening import Exclusion, FactName, Ground, RegimeRule, ScreeningRules

RULES_DIR: Final = Path(__file__).parent / "rules"


def _catalogued(code: str) -> str:
    if code not in CASES:
        raise ValueError(f"{code} is no reason of a refused case in dispute/refusals/cases.py")
    return code


Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Reason = Annotated[str, AfterValidator(_catalogued)]
Clause = Annotated[str, Field(min_length=1, max_length=120)]
"""Two clauses fit into the clause of one event, because a petition has two limits."""
Version = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=40)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Validity(_Strict):
    valid_from: date | None = None
    valid_until: date | None = None


class _ExclusionRow(_Validity):
    reason_code: Reason
    clause: Clause
    fact: FactName
    values: Annotated[frozenset[str], Field(min_length=1)]
    channels: frozenset[Channel] = frozenset()
    unless: frozenset[Code] = frozenset()


class _RegimeRow(_Validity):
    code: Literal["A", "B"]
    channel: Channel


class _GroundRow(_Strict):
    channel: Channel | Literal[""]
    regime: Literal["A", "B", ""]
    clause: Clause


class ScreeningFile(_Strict):
    """Fields of screening.yaml."""

    version: Version
    regimes: tuple[_RegimeRow, ...]
    consent_clause: Clause
    clarity_clause: Clause
    guardian_needed: frozenset[Code]
    exclusions: Annotated[tuple[_ExclusionRow, ...], Field(min_length=1)]
    grounds: Annotated[tuple[_GroundRow, ...], Field(min_length=1)]


class _TermRow(_Validity):
    kind: Literal["mediation", "statutory", "local"]
    channel: Channel | Literal[""]
    regime: Literal["A", "B", ""] = ""
    procedure: str = ""
    days: Annotated[int, Field(ge=1, le=400)]
    count: Literal["calendar", "workday"]
    clause: Clause


class _ExtensionRow(_Validity):
    limit: Literal["mediation", "statutory"]
    channels: Annotated[frozenset[Channel], Field(min_length=1)]
    regime: Literal["A", "B", ""] = ""
    days: Annotated[int, Field(ge=1, le=400)]
    count: Literal["calendar", "workday"]
    once: bool = False
    clause: Clause


class _SignOffRow(_Strict):
    channel: Channel | Literal[""]
    days: Annotated[int, Field(ge=1, le=60)]
    count: Literal["calendar", "workday"]
    clause: Clause


class DeadlineFile(_Strict):
    """Fields of deadlines.yaml."""

    reminder_percent: Annotated[int, Field(ge=1, le=99)]
    follow_up_days: Annotated[int, Field(ge=1, le=400)]
    terms: Annotated[tuple[_TermRow, ...], Field(min_length=1)]
    extensions: tuple[_ExtensionRow, ...]
    sign_off: Annotated[tuple[_SignOffRow, ...], Field(min_length=1)]


F = TypeVar("F", bound=BaseModel)


def load_screening(path: Path = RULES_DIR / "screening.yaml") -> ScreeningRules:
    """Read the screening rules.

    Raises:
        Fault: `rules_invalid`: nothing of a faulty file is used.
    """
    return screening_of(_read(path), path.name)


def screening_of(content: object, name: str) -> ScreeningRules:
    """Return the screening rules of a file.

    Raises:
        Fault: `rules_invalid`.
    """
    file = _valid(content, ScreeningFile, name)
    last = file.grounds[-1]
    if last.channel or last.regime:
        raise Fault("rules_invalid", f"{name}: the last ground has to match every channel and regime")
    return ScreeningRules(
        version=file.version,
        exclusions=tuple(
            Exclusion(
                reason_code=row.reason_code,
                clause=row.clause,
                fact=row.fact,
                values=row.values,
                channels=frozenset(row.channels),
                unless=row.unless,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
            )
            for row in file.exclusions
        ),
        consent_clause=file.consent_clause,
        clarity_clause=file.clarity_clause,
        guardian_needed=file.guardian_needed,
        regimes=tuple(RegimeRule(row.code, row.channel, row.valid_from, row.valid_until) for row in file.regimes),
        grounds=tuple(Ground(row.channel, row.regime, row.clause) for row in file.grounds),
    )


def load_deadlines(path: Path = RULES_DIR / "deadlines.yaml") -> DeadlineRules:
    """Read the time limits.

    Raises:
        Fault: `rules_invalid`: nothing of a faulty file is used.
    """
    return deadlines_of(_read(path), path.name)


def deadlines_of(content: object, name: str) -> DeadlineRules:
    """Return the time limits of a file.

    Raises:
        Fault: `rules_invalid`.
    """
    file = _valid(content, DeadlineFile, name)
    if not any(row.kind == "mediation" and not row.channel for row in file.terms) or file.sign_off[-1].channel:
        raise Fault("rules_invalid", f"{name}: a mediation term and a sign-off limit for every channel are needed")
    return DeadlineRules(
        reminder_percent=file.reminder_percent,
        follow_up_days=file.follow_up_days,
        terms=tuple(
            Term(
                kind=row.kind,
                channel=row.channel,
                regime=row.regime,
                procedure=row.procedure,
                days=row.days,
                count=row.count,
                clause=row.clause,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
            )
            for row in file.terms
        ),
        extensions=tuple(
            ExtensionRule(
                limit=row.limit,
                channels=frozenset(row.channels),
                regime=row.regime,
                count=row.count,
                grants=Extension(row.days, row.clause, row.once),
                valid_from=row.valid_from,
                valid_until=row.valid_until,
            )
            for row in file.extensions
        ),
        sign_off=tuple(SignOff(row.channel, row.days, row.count, row.clause) for row in file.sign_off),
    )


def _read(path: Path) -> object:
    try:
        content: object = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    # For a date that does not exist, the YAML reader raises a bare ValueError.
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Fault("rules_invalid", f"{path.name} cannot be read: {error}") from error
    return content


def _valid(content: object, shape: type[F], name: str) -> F:
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise Fault("rules_invalid", f"{name}: {problems}") from error
