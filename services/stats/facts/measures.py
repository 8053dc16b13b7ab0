"""Fact types, base counts and measures.

The closed list of fact types, the base counts kept in cells, and the measures derived on read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.vocabulary import Channel


class FactType(IntEnum):
    """Code of a counted event type, stored in `fact.type`.

    Codes are never renumbered and never used again.
    """

    REGISTERED = 1
    ACCEPTED = 2
    MEDIATION_REFUSED = 3
    DISPATCHED = 4
    BOUNCED = 5
    AGREED = 6
    FAILED = 7
    WITHDRAWN = 8
    CONFIRMATION_APPLIED = 9
    CONFIRMED = 10
    CONFIRMATION_REFUSED = 11
    PERFORMED = 12
    NOT_PERFORMED = 13
    RETURNED = 14
    REFERRED = 15
    CLOSED = 16
    REOPENED = 17
    RATED = 18
    VISITED = 19
    DUPLICATE_LINKED = 20
    LINKED = 21
    RESUBMITTED = 22


COUNTED: Final[dict[str, FactType]] = {member.name.lower(): member for member in FactType}
"""Event type as the journal spells it -> fact type."""

CODES: Final[dict[str, int]] = {name: int(fact) for name, fact in COUNTED.items()}
"""The same with plain integers, for the fold."""

UNCOUNTED: Final[frozenset[str]] = frozenset(EventKind) - COUNTED.keys()
"""Event types that no measure needs yet. Some are retracted like facts, and a correction takes facts back."""

CONCLUSIONS: Final = frozenset({int(FactType.AGREED), int(FactType.FAILED), int(FactType.WITHDRAWN)})
"""Facts that end an opening; the first of them has `conclusion_ordinal` 1."""

DECISIONS: Final = frozenset({int(FactType.ACCEPTED), int(FactType.MEDIATION_REFUSED)})
"""Facts that end screening."""

FIRST: Final = 1
CONCLUDING: Final = 2
FLAGS: Final = 4


class CohortCount(IntEnum):
    """Base counts under the day of an earlier fact.

    So `open` is exact for every window.
    """

    DECIDED = 1001
    """Rounds that were accepted, refused, or withdrawn before either; under the day on which the round was received."""
    CONCLUDED = 1002
    """Openings that were concluded; under the day on which the opening began, by acceptance or by a relapse."""


def base_count(fact: FactType, *, first: bool, concluding: bool) -> int:
    """Return the code of a fact's base count.

    A fact is summed under it in `cell.measure`: one row per counted fact.

    Args:
        fact: Which fact.
        first: The first of its type in its opening; only for conclusions.
        concluding: The first conclusion of its opening.
    """
    return fact * FLAGS + FIRST * first + CONCLUDING * concluding


class FactFilter(StrEnum):
    """Facts of a type that a measure takes."""

    ALL = "all"
    FIRST = "first"
    """The first of its type in its opening."""
    CONCLUDING = "concluding"
    """The first conclusion of its opening."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One named count.

    A sum of base counts, and the same set as a predicate on facts.

    Attributes:
        name: As in the `measure` label of `hub_stats_disputes`.
        zh: Chinese term.
        en: English term.
        fact: Which facts.
        only: Which of them.
        less: Facts that are taken off; None when the measure only adds.
    """

    name: str
    zh: str
    en: str
    fact: FactType
    only: FactFilter = FactFilter.ALL
    less: FactType | None = None

    @property
    def weights(self) -> Mapping[int, int]:
        """Base counts that it sums, each with the sign that it has in the sum."""
        added = dict.fromkeys(_codes_of(self.fact, self.only), 1)
        return added if self.less is None else added | dict.fromkeys(_codes_of(self.less, FactFilter.ALL), -1)


def _codes_of(fact: FactType, only: FactFilter) -> Iterator[int]:
    for first in (False, True):
        for concluding in (False, True):
            if (only is not FactFilter.FIRST or first) and (only is not FactFilter.CONCLUDING or concluding):
                yield base_count(fact, first=first, concluding=concluding)


MEASURES: Final[tuple[Measure, ...]] = (
    Measure("registered", "登记数", "registered", FactType.REGISTERED),
    Measure("matters", "事项数", "matters, a linked group once", FactType.REGISTERED, less=FactType.LINKED),
    Measure("linked", "关联数", "linked to the first record of their matter", FactType.LINKED),
    Measure("resubmitted", "再次移交数", "handed over anew by the source", FactType.RESUBMITTED),
    Measure("accepted", "受理调解数", "accepted for mediation", FactType.ACCEPTED),
    Measure("refused", "不予调解数", "found not mediable, or a side declined", FactType.MEDIATION_REFUSED),
    Measure("agreed", "调解成功数", "first agreements, one per opening", FactType.AGREED, FactFilter.FIRST),
    Measure(
        "agreed_concluding",
        "以成功办结数",
        "openings first concluded by agreement",
        FactType.AGREED,
        FactFilter.CONCLUDING,
    ),
    Measure(
        "failed_concluding",
        "以失败办结数",
        "openings first concluded by failure",
        FactType.FAILED,
        FactFilter.CONCLUDING,
    ),
    Measure(
        "withdrawn_concluding",
        "以撤回办结数",
        "openings first concluded by withdrawal",
        FactType.WITHDRAWN,
        FactFilter.CONCLUDING,
    ),
    Measure(
        "duplicates", "重复登记数", "merged into a master dispute by an earlier release", FactType.DUPLICATE_LINKED
    ),
    Measure("returned", "回流数", "returned to the source", FactType.RETURNED),
    Measure("referred", "移送数", "referred to another route", FactType.REFERRED),
    Measure("performed", "履行数", "agreements performed", FactType.PERFORMED),
    Measure("confirmed", "司法确认数", "agreements confirmed by a court", FactType.CONFIRMED),
    Measure("closed", "销号数", "struck off the ledger", FactType.CLOSED),
    Measure("reopened", "反弹数", "reopened (relapses)", FactType.REOPENED),
)
SUMMED: Final = frozenset(int(fact) for measure in MEASURES for fact in (measure.fact, measure.less) if fact)
"""Fact types with cells; the others are only kept in `fact` until a measure needs them, and then a rebuild."""
BY_NAME: Final[dict[str, Measure]] = {measure.name: measure for measure in MEASURES}

CHANNELS: Final = tuple(str(channel) for channel in Channel)
"""Every channel by which a dispute can come in."""

ALL: Final = "all"
"""The sum over every channel, also those not in the query."""
DOCKED: Final = (*(str(channel) for channel in Channel if channel.docked), ALL)
"""Channels of a query that names none."""
