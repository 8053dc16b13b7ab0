"""Closed lists of codes as data.

Loaded from YAML in the packages, never written into code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import override

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
    """

    name: str
    source: str
    version: str
    as_of: date
    codes: Mapping[str, tuple[str, str]]
    subdivided: bool = False

    def has(self, code: str) -> bool:
        """Tell whether the list knows the code."""
        if code in self.codes:
            return True
        return self.subdivided and _SECOND_LEVEL.fullmatch(code) is not None and code[:2] in self.codes


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


class CodeLists(Mapping[str, CodeList]):
    """All code lists of one bridge, by name."""

    def __init__(self, lists: Mapping[str, CodeList]) -> None:
        self._lists = MappingProxyType(dict(lists))
        # A record has a dozen coded fields: one look-up each instead of three.
        self._plain = frozenset((name, code) for name, known in lists.items() for code in known.codes)

    def has(self, name: str, code: str) -> bool:
        """Tell whether a list knows the code.

        `KeyError` when there is no such list.
        """
        return (name, code) in self._plain or self._lists[name].has(code)

    @override
    def __getitem__(self, name: str) -> CodeList:
        return self._lists[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._lists)

    @override
    def __len__(self) -> int:
        return len(self._lists)


def load(*folders: Path) -> CodeLists:
    """Read every `<name>.yaml` of the folders.

    A later folder adds lists, it never replaces one.

    Raises:
        Rejected: `bad_code_list` naming the file: unreadable, misspelt key, or a name that exists already.
    """
    lists: dict[str, CodeList] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            if path.stem in lists:
                raise BAD_CODE_LIST.error(why=f"{path.name}: the list exists already")
            lists[path.stem] = _read(path)
    return CodeLists(lists)


def _read(path: Path) -> CodeList:
    try:
        file = _File.model_validate(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader))
    except (yaml.YAMLError, ValidationError) as error:
        raise BAD_CODE_LIST.error(why=f"{path.name}: {error}") from error
    return CodeList(
        name=path.stem,
        source=file.source,
        version=file.version,
        as_of=file.as_of,
        codes=MappingProxyType({code: (term.zh, term.en) for code, term in file.codes.items()}),
        subdivided=file.subdivided,
    )
