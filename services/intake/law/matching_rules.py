"""Loads the rules of matching.

The file is accepted whole or refused whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import Fault
from services.intake.law.matching import MatchingRule, MatchingRules, MatchReason
from services.intake.law.rule_files import RULES_DIR

Version = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=40)]
Points = Annotated[int, Field(ge=-200, le=200)]
Text = Annotated[str, Field(min_length=1, max_length=80)]

_ALIKE: Final = (
    MatchReason.SAME_PARTIES,
    MatchReason.SAME_CATEGORY,
    MatchReason.SAME_TOWN,
    MatchReason.SAME_VILLAGE,
    MatchReason.SAME_CAUSE,
)
"""Reasons that hold for every loan between the same two people."""
_HINTS: Final = (MatchReason.SAME_AMOUNT, MatchReason.NEAR_HAPPENED_ON)
_NEVER: Final = (MatchReason.INCOMPLETE_SIDES, MatchReason.OUTSIDE_WINDOW)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _MatchingRow(_Strict):
    id: MatchReason
    points: Points
    zh: Text
    en: Text


class MatchingFile(_Strict):
    """Fields of matching.yaml."""

    version: Version
    sure: Annotated[int, Field(ge=1, le=400)]
    likely: Annotated[int, Field(ge=1, le=400)]
    window_days: Annotated[int, Field(ge=1, le=3650)]
    near_days: Annotated[int, Field(ge=0, le=30)]
    other_days: Annotated[int, Field(ge=1, le=400)]
    amount_percent: Annotated[int, Field(ge=1, le=99)]
    group_from: Annotated[int, Field(ge=2, le=1000)]
    rows: tuple[_MatchingRow, ...]


def load_matching(path: Path = RULES_DIR / "matching.yaml") -> MatchingRules:
    """Read the rules of matching.

    Raises:
        Fault: `rules_invalid`: nothing of a faulty file is used.
    """
    try:
        content: object = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    # For a date that does not exist, the YAML reader raises a bare ValueError.
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Fault("rules_invalid", f"{path.name} cannot be read: {error}") from error
    return matching_of(content, path.name)


def matching_of(content: object, name: str) -> MatchingRules:
    """Return the rules of matching of a file.

    Raises:
        Fault: `rules_invalid`.
    """
    try:
        file = MatchingFile.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise Fault("rules_invalid", f"{name}: {problems}") from error
    if problem := _problem(file):
        raise Fault("rules_invalid", f"{name}: {problem}")
    return MatchingRules(
        version=file.version,
        sure=file.sure,
        likely=file.likely,
        window_days=file.window_days,
        near_days=file.near_days,
        other_days=file.other_days,
        amount_percent=file.amount_percent,
        group_from=file.group_from,
        rows={row.id: MatchingRule(row.points, row.zh, row.en) for row in file.rows},
    )


def _problem(file: MatchingFile) -> str:
    points = {row.id: row.points for row in file.rows}
    if len(file.rows) != len(points) or points.keys() != set(MatchReason):
        return f"each of these needs one row: {', '.join(MatchReason)}"
    for_it = [reason for reason in MatchReason if reason.startswith(("same_", "near_", "some_", "group_"))]
    against_it = [reason for reason in MatchReason if reason.startswith("other_")]
    # Silently linked is only what is known to be one matter.
    hinted = sum(points[reason] for reason in _ALIKE) + max(points[reason] for reason in _HINTS)
    faults = {
        "likely may not be above sure": file.likely > file.sure,
        "near_days may not be above other_days": file.near_days > file.other_days,
        "what is the same may not speak against one matter": any(points[reason] < 0 for reason in for_it),
        "what is another may not speak for one matter": any(points[reason] > 0 for reason in against_it),
        f"{' and '.join(_NEVER)} have no points": any(points[reason] for reason in _NEVER),
        "the same people, category and place with one hint may not be sure": hinted >= file.sure,
    }
    return next((fault for fault, is_there in faults.items() if is_there), "")
