"""Closed lists of codes as data.

Loaded from YAML in the packages, never written into code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import override

from dispute.codes import division_files
from dispute.codes.divisions import Divisions
from dispute.refusals.interfaces import BAD_CODE_LIST

OWN: Final = Path(__file__).parent / "codes"
"""Lists that all three agencies use."""

_SECOND_LEVEL: Final = re.compile(r"[0-9]{2}(?!00)[0-9]{2}")


@dataclass(frozen=True, slots=True)
class CodeList:
    """One closed list.

    Attributes:
        name: Unique among the lists of one bridge.
        source: Statute, standard or register that it is taken from.
        version: Of that source.
        as_of: Day on which it was taken.
        codes: Code -> (Chinese term, English term), in the list's own order.
        subdivided: A code may be followed by two more digits (second level, not listed here).
        maps: A partner's code -> ours; none of the first is a code of the list.
    """

    name: str
    source: str
    version: str
    as_of: date
    codes: Mapping[str, tuple[str, str]]
    subdivided: bool = False
    maps: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def has(self, code: str) -> bool:
        """Tell whether the list knows the code."""
        if code in self.codes:
            return True
        return self.subdivided and _SECOND_LEVEL.fullmatch(code) is not None and code[:2] in self.codes


class OurCode(str):
    """A code of ours in the place of what was sent.

    Everybody reads ours; the digest of the content is made of what was sent, so that a mapping that is added or
    changed later turns no repeated record into another one.

    Attributes:
        sent: The code as the partner wrote it.
    """

    __slots__ = ("sent",)
    sent: str

    def __new__(cls, code: str, sent: str) -> Self:
        """Make the code `code` in the place of `sent`."""
        made = super().__new__(cls, code)
        made.sent = sent
        return made


def as_sent(code: str) -> str:
    """Return a code as the partner wrote it."""
    return code.sent if type(code) is OurCode else code


class _Term(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class _File(BaseModel):
    """One YAML file: one list."""

    model_config = ConfigDict(extra="forbid", strict=True)
    source: str = Field(min_length=1)
    version: str = Field(min_length=1)
    as_of: date
    subdivided: bool = False
    codes: dict[str, _Term] = Field(min_length=1)
    maps: dict[str, str] = {}


class CodeLists(Mapping[str, CodeList]):
    """All code lists of one bridge, by name.

    Attributes:
        divisions: Towns and villages of the known counties.
    """

    def __init__(self, lists: Mapping[str, CodeList], divisions: Divisions) -> None:
        self.divisions = divisions
        self._lists = MappingProxyType(dict(lists))
        # A record has a dozen coded fields: one look-up each instead of three.
        self._plain = frozenset((name, code) for name, known in lists.items() for code in known.codes)

    def has(self, name: str, code: str) -> bool:
        """Tell whether a list knows the code.

        `KeyError` when there is no such list.
        """
        return (name, code) in self._plain or self._lists[name].has(code)

    def ours(self, name: str, code: str) -> str | None:
        """Return a code as ours.

        A partner's code that the list maps becomes an `OurCode`; None when the list knows neither. `KeyError` when
        there is no such list.
        """
        if self.has(name, code):
            return code
        mapped = self._lists[name].maps.get(code)
        return None if mapped is None else OurCode(mapped, code)

    def as_of(self) -> dict[str, date]:
        """Return the day on which each list was taken, divisions too."""
        return {name: known.as_of for name, known in self._lists.items()} | dict(self.divisions.as_of)

    @override
    def __getitem__(self, name: str) -> CodeList:
        return self._lists[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._lists)

    @override
    def __len__(self) -> int:
        return len(self._lists)


def load(*folders: Path, divisions_file: Path | None = None) -> CodeLists:
    """Read every `<name>.yaml` of the folders.

    A later folder adds lists, it never replaces one.

    Args:
        folders: Of the code lists.
        divisions_file: The county's own divisions.

    Raises:
        Rejected: `bad_code_list` naming the file: unreadable, misspelt key, a name that exists already, a mapping from
            a code of the list or to none.
    """
    lists: dict[str, CodeList] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            if path.stem in lists:
                raise BAD_CODE_LIST.error(why=f"{path.name}: the list exists already")
            lists[path.stem] = _read(path)
    return CodeLists(lists, division_files.load(divisions_file))


def _read(path: Path) -> CodeList:
    try:
        file = _File.model_validate(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise BAD_CODE_LIST.error(why=f"{path.name}: {error}") from error
    known = CodeList(
        name=path.stem,
        source=file.source,
        version=file.version,
        as_of=file.as_of,
        codes=MappingProxyType({code: (term.zh, term.en) for code, term in file.codes.items()}),
        subdivided=file.subdivided,
        maps=MappingProxyType(file.maps),
    )
    for sent, ours in file.maps.items():
        if not sent or known.has(sent) or not known.has(ours):
            raise BAD_CODE_LIST.error(why=f"{path.name}: maps: {sent} -> {ours}")
    return known
