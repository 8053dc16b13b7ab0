"""What every rule file and every row of one has.

The fields of a row are those of its type, with what they may be: loading, comparing and the page of the rules read them
there. A new field is one line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from msgspec import Meta, Struct
from msgspec.structs import fields

from dispute.lifecycle import Channel, MadeBy, MediationKind, Role, Stage, State
from dispute.refusals.cases import CASES


class Listed(Struct, frozen=True, eq=False):
    """A text of a closed list.

    Attributes:
        title: What the list is, Chinese first.
        codes: Its members.
        empty: An empty text, which fits all, is allowed too.
    """

    title: str
    codes: Collection[str]
    empty: bool = False

    def has(self, text: str) -> bool:
        """Tell whether a text may stand here."""
        return text in self.codes or (self.empty and not text)


CHANNELS: Final = Listed("渠道 channels", frozenset(map(str, Channel)))
ANY_CHANNEL: Final = Listed("渠道 channels", CHANNELS.codes, empty=True)
REGIMES: Final = Listed("诉讼阶段规则 regimes", ("A", "B"))
ANY_REGIME: Final = Listed("诉讼阶段规则 regimes", REGIMES.codes, empty=True)
ANY_STAGE: Final = Listed("诉前或诉中 stages of a suit", frozenset(map(str, Stage)) - {""}, empty=True)
ANY_MEDIATION_KIND: Final = Listed("调解种类 kinds of mediation", frozenset(map(str, MediationKind)) - {""}, empty=True)
ANY_MAKER: Final = Listed("协议主持者 makers of agreements", frozenset(map(str, MadeBy)) - {""}, empty=True)
STATES: Final = Listed("状态 states", frozenset(map(str, State)))
ROLES: Final = Listed("角色 roles", frozenset(map(str, Role)))
REASONS: Final = Listed("不予调解的原因 reasons of refused cases (docs/codes.md)", CASES)

Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Text = Annotated[str, Meta(pattern=r"\S", max_length=200)]
Clause = Annotated[str, Meta(pattern=r"\S", max_length=120)]
"""Two clauses fit into the clause of one event, because a petition has two limits."""


class RuleRow(Struct, frozen=True, kw_only=True):
    """One row of a section.

    Attributes:
        id: Its name, unique in the section: a county replaces the row by it.
        zh: Its meaning, for county staff.
        en: The same in English.
    """

    id: Code
    zh: Text
    en: Text


class DatedRow(RuleRow, frozen=True, kw_only=True):
    """A row that holds for certain days of receipt.

    Attributes:
        valid_from: First day it holds for; None is always.
        valid_until: Last day it holds for; None is open.
    """

    valid_from: date | None = None
    valid_until: date | None = None


class Gap(Struct, frozen=True):
    """What a section lacks as a whole.

    Attributes:
        section: Section or value at fault.
        zh: What is wrong, for county staff.
        en: The same in English.
        against: Other sections or values that it does not go with; the county may have changed one of those.
    """

    section: str
    zh: str
    en: str
    against: tuple[str, ...] = ()


class RuleFile(Struct, frozen=True, kw_only=True):
    """One complete rule file: values, and sections of rows."""

    def gaps(self) -> Iterator[Gap]:
        """Yield what no single row shows, such as a missing row that fits everything."""
        yield from ()


Shape = TypeVar("Shape", bound=Struct)


def row_of(kind: object) -> type[RuleRow] | None:
    """Return the row type of a section's type; None when it is a value."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    first = get_args(bare)[0] if get_origin(bare) is tuple else None
    return first if isinstance(first, type) and issubclass(first, RuleRow) else None


def sections_of(shape: type[Struct]) -> dict[str, type[RuleRow]]:
    """Return the sections of a file's type with the type of their rows."""
    found = {field.name: row_of(field.type) for field in fields(shape)}
    return {name: row for name, row in found.items() if row is not None}


def heading_of(kind: Any) -> str:  # noqa: ANN401 - any type of a field
    """Return the Chinese and English heading of a field; empty when it has none."""
    metas = [mark for mark in get_args(kind)[1:] if isinstance(mark, Meta)] if get_origin(kind) is Annotated else []
    return next((mark.title for mark in metas if mark.title), "")
