"""Loads the rules of the warning colours.

The file is accepted whole or refused whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispute.lifecycle import Channel, Colour
from hub.errors import Fault
from services.intake.law.colours import ColourRule, ColourRules
from services.intake.law.rule_files import RULES_DIR, Clause, Code, Version

Text = Annotated[str, Field(min_length=1, max_length=80)]
Threshold = Annotated[int, Field(ge=0, le=10_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ColourRow(_Strict):
    id: Code
    zh: Text
    en: Text
    clause: Clause
    colour: Literal["green", "blue", "yellow", "red"]
    reason_code: Code
    circumstances: frozenset[Code] = frozenset()
    persons_at_least: Threshold = 0
    reports_at_least: Threshold = 0
    channels: frozenset[Channel] = frozenset()


class ColourFile(_Strict):
    """Fields of colours.yaml."""

    version: Version
    rows: tuple[_ColourRow, ...]


def load_colours(path: Path = RULES_DIR / "colours.yaml") -> ColourRules:
    """Read the rules of the colours.

    Raises:
        Fault: `rules_invalid`: nothing of a faulty file is used.
    """
    try:
        content: object = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    # For a date that does not exist, the YAML reader raises a bare ValueError.
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Fault("rules_invalid", f"{path.name} cannot be read: {error}") from error
    return colours_of(content, path.name)


def colours_of(content: object, name: str) -> ColourRules:
    """Return the rules of the colours of a file.

    Raises:
        Fault: `rules_invalid`.
    """
    try:
        file = ColourFile.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise Fault("rules_invalid", f"{name}: {problems}") from error
    if len({row.id for row in file.rows}) != len(file.rows):
        raise Fault("rules_invalid", f"{name}: two rows have one id")
    for row in file.rows:
        conditions = [bool(row.circumstances), bool(row.persons_at_least), bool(row.reports_at_least)]
        if sum(conditions) != 1:
            raise Fault("rules_invalid", f"{name}: row {row.id} needs one condition")
    return ColourRules(file.version, tuple(_rule_of(row) for row in file.rows))


def _rule_of(row: _ColourRow) -> ColourRule:
    return ColourRule(
        id=row.id,
        zh=row.zh,
        en=row.en,
        clause=row.clause,
        colour=Colour(row.colour),
        reason_code=row.reason_code,
        circumstances=row.circumstances,
        persons_at_least=row.persons_at_least,
        reports_at_least=row.reports_at_least,
        channels=frozenset(channel.value for channel in row.channels),
    )
