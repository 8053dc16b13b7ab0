"""Loads the files of division codes.

The package's own, and a county's beside it. A file is accepted whole or stops the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispute.codes.divisions import COUNTY, TOWN, VILLAGE, Division, DivisionMapping, Divisions, covers
from dispute.refusals.interfaces import BAD_CODE_LIST

OWN: Final = Path(__file__).parent / "divisions.yaml"
OWN_LIST: Final = "divisions"
COUNTY_LIST: Final = "divisions_file"
"""Names of the two lists in the metric of their ages."""
MOST_FAULTS: Final = 5
"""Named at once; the operator mends and starts again."""

_Code = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}([0-9]{3}){0,2}$")]
_INSIDE: Final = {TOWN: COUNTY, VILLAGE: TOWN}
"""Digits of a code -> digits of the code that it lies in."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Validity(_Strict):
    valid_from: date | None = None
    valid_until: date | None = None


class _DivisionRow(_Validity):
    name: str = Field(min_length=1, max_length=60)


class _MappingRow(_Validity):
    sent: _Code = Field(alias="from")
    to: _Code


class _File(_Strict):
    source: str = Field(min_length=1)
    version: str = Field(min_length=1)
    as_of: date
    divisions: dict[_Code, _DivisionRow] = Field(min_length=1)
    maps: list[_MappingRow] = []


def load(county_file: Path | None = None) -> Divisions:
    """Read the package's divisions, and a county's file.

    A row of the county's file stands in place of the package's row of the same code.

    Args:
        county_file: None when the county has none.

    Raises:
        Rejected: `bad_code_list` naming the file: unreadable, a misspelt key, a code outside of any listed one, a
            validity that ends before it begins, a mapping to a code that isn't valid now.
    """
    own = _read(OWN)
    divisions, mappings, as_of = _divisions(own), _mappings(own), {OWN_LIST: own.as_of}
    path = OWN
    if county_file is not None:
        path, file = county_file, _read(county_file)
        divisions |= _divisions(file)
        mappings += _mappings(file)
        as_of[COUNTY_LIST] = file.as_of
    wrong = [*_wrong_divisions(divisions), *_wrong_mappings(mappings, divisions, max(as_of.values()))]
    if wrong:
        raise BAD_CODE_LIST.error(why=f"{path.name}: {'; '.join(wrong[:MOST_FAULTS])}")
    return Divisions(list(divisions.values()), mappings, as_of)


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader))
    except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
        raise BAD_CODE_LIST.error(why=f"{path.name}: {error}") from error


def _divisions(file: _File) -> dict[str, Division]:
    return {code: Division(code, row.name, row.valid_from, row.valid_until) for code, row in file.divisions.items()}


def _mappings(file: _File) -> list[DivisionMapping]:
    return [DivisionMapping(row.sent, row.to, row.valid_from, row.valid_until) for row in file.maps]


def _wrong_divisions(divisions: Mapping[str, Division]) -> Iterator[str]:
    for code, division in divisions.items():
        outer = code[: _INSIDE.get(len(code), 0)]
        if outer and outer not in divisions:
            yield f"{code}: {outer}, which it lies in, is not listed"
        if _reversed(division):
            yield f"{code}: valid_until is before valid_from"


def _wrong_mappings(
    mappings: Sequence[DivisionMapping], divisions: Mapping[str, Division], shown_on: date
) -> Iterator[str]:
    replaced = {mapping.sent for mapping in mappings}
    for mapping in mappings:
        row = f"{mapping.sent} -> {mapping.current}"
        current = divisions.get(mapping.current)
        if len(mapping.sent) == COUNTY or len(mapping.sent) != len(mapping.current):
            yield f"{row}: a town stands for a town, a village for a village"
        if mapping.sent[:COUNTY] != mapping.current[:COUNTY]:
            yield f"{row}: both lie in one county, because credentials and figures are the county's"
        if current is None or not covers(current, shown_on):
            yield f"{row}: {mapping.current} is not valid now"
        if mapping.current in replaced:
            yield f"{row}: {mapping.current} is replaced itself"
        if _reversed(mapping):
            yield f"{row}: valid_until is before valid_from"
    for earlier, later in pairwise(sorted(mappings, key=lambda row: (row.sent, row.valid_from or date.min))):
        if earlier.sent == later.sent and (later.valid_from is None or covers(earlier, later.valid_from)):
            yield f"{later.sent}: mapped twice on one day"


def _reversed(row: Division | DivisionMapping) -> bool:
    return row.valid_from is not None and row.valid_until is not None and row.valid_until < row.valid_from
