"""Snapshot of a dispute as compact JSON: what intake keeps beside the events, so that it need not replay them.

Deterministic: the same dispute gives the same bytes. Forward compatible: unknown fields are ignored, missing ones
take their default. Counted facts hold only what differs from the dispute's own dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_type_hints

from hub.errors import Rejected
from hub.lifecycle.dimensions import CohortDates, Dimensions
from hub.lifecycle.dispute import CountedFact, Dispute
from hub.lifecycle.vocabulary import EventKind, Milestone

FORMAT: Final = 1
"""Raised only when an old reader would misread; such a reader refuses."""
OWN_FORM: Final = frozenset({"dimensions", "cohort", "ordinals", "counted", "co_departments", "milestones"})
ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
KINDS: Final = {kind.value: kind for kind in EventKind}
PLAIN: Final = tuple(entry.name for entry in fields(Dispute) if entry.name not in OWN_FORM)


def state_to_bytes(dispute: Dispute) -> bytes:
    """Return the snapshot."""
    own = _row(Dimensions).told(dispute.dimensions)
    told: dict[str, Any] = {"v": FORMAT, **_row(Dispute).told(dispute), "dimensions": own}
    told["cohort"] = _row(CohortDates).told(dispute.cohort)
    told["ordinals"] = dict(dispute.ordinals)
    told["counted"] = [
        [fact.type, fact.business_day.isoformat(), _difference(dispute.dimensions, fact.dimensions)]
        for fact in dispute.counted
    ]
    if dispute.co_departments:
        told["co_departments"] = dispute.co_departments
    if dispute.milestones:
        told["milestones"] = dispute.milestones
    return ENCODER.encode(told).encode()


def state_from_bytes(snapshot: bytes) -> Dispute:
    """Return the dispute.

    Raises:
        Rejected: `snapshot_unreadable` when it is not one of ours or of a later format.
    """
    try:
        told = json.loads(snapshot)
        if told["v"] > FORMAT:
            raise Rejected("snapshot_unreadable", f"format {told['v']} is later than {FORMAT}")
        dimensions: Dimensions = _row(Dimensions).read(told["dimensions"])
        dispute: Dispute = _row(Dispute).read(
            told,
            dimensions=dimensions,
            cohort=_row(CohortDates).read(told.get("cohort", {})),
            ordinals=tuple((KINDS[kind], count) for kind, count in told.get("ordinals", {}).items()),
            counted=_facts(told, dimensions),
            co_departments=tuple(told.get("co_departments", ())),
            milestones=tuple(Milestone(name) for name in told.get("milestones", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected("snapshot_unreadable", f"not a dispute's snapshot: {type(error).__name__}") from error
    return dispute


def _facts(told: Mapping[str, Any], own: Dimensions) -> tuple[CountedFact, ...]:
    """Facts that were counted one after another mostly share their dimensions: read those once."""
    facts: list[CountedFact] = []
    before: Mapping[str, str] = {}
    dimensions = own
    for kind, day, odd in told.get("counted", ()):
        if odd != before:
            dimensions, before = (_row(Dimensions).read(told["dimensions"] | odd) if odd else own), odd
        facts.append(CountedFact(KINDS[kind], date.fromisoformat(day), dimensions))
    return tuple(facts)


class _Row:
    """Flat fields of one dataclass: texts, numbers, codes, days and instants; defaults are left out."""

    def __init__(self, kind: type, names: tuple[str, ...]) -> None:
        self._kind = kind
        self._names = names
        self._values = attrgetter(*names)
        defaults = {entry.name: entry.default for entry in fields(kind)}
        self._defaults = tuple(None if defaults[name] is MISSING else defaults[name] for name in names)
        hints = get_type_hints(kind)
        self._readers: Mapping[str, Callable[[Any], Any] | None] = {name: _reader(hints[name]) for name in names}

    def told(self, value: object) -> dict[str, Any]:
        """Return what differs from the defaults."""
        return {
            name: item.isoformat() if isinstance(item, date) else item
            for name, item, default in zip(self._names, self._values(value), self._defaults, strict=True)
            if item != default
        }

    def read(self, told: Mapping[str, Any], **own: object) -> Any:  # noqa: ANN401 - an instance of the row's dataclass
        """Return the dataclass."""
        for name, item in told.items():
            reader = self._readers.get(name, _skip)
            if reader is not _skip:
                own[name] = item if reader is None else reader(item)
        return self._kind(**own)


def _skip(_: object) -> None:
    """Stands for a field that this version does not know."""


def _reader(hint: Any) -> Callable[[Any], Any] | None:  # noqa: ANN401 - a type hint
    inner = next(part for part in get_args(hint) if part is not NoneType) if isinstance(hint, UnionType) else hint
    if issubclass(inner, StrEnum):
        members = {member.value: member for member in inner}
        return members.__getitem__
    if issubclass(inner, date):
        return datetime.fromisoformat if inner is datetime else date.fromisoformat
    return None


def _difference(own: Dimensions, other: Dimensions) -> dict[str, str]:
    if own is other:
        return {}
    row = _names_and_values()
    return {name: b for name, a, b in zip(row[0], row[1](own), row[1](other), strict=True) if a != b}


@cache
def _names_and_values() -> tuple[tuple[str, ...], Callable[[Dimensions], tuple[str, ...]]]:
    names = tuple(entry.name for entry in fields(Dimensions))
    return names, attrgetter(*names)


@cache
def _row(kind: type) -> _Row:
    names = PLAIN if kind is Dispute else tuple(entry.name for entry in fields(kind))
    return _Row(kind, names)
