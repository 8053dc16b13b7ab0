"""Snapshot of a dispute as compact JSON.

Intake keeps it beside the events, so that it need not replay them. Deterministic: the same dispute gives the same
bytes. Forward compatible: unknown fields are ignored, missing ones take their default. Counted facts are stored newest
first; each holds only what differs from the one after it, the newest from the dispute itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_type_hints

from msgspec import NODEFAULT, DecodeError, Struct
from msgspec.json import Decoder, Encoder
from msgspec.structs import fields, replace

from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.dispute import CountedFact, CountedFacts, Dispute
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.provisional import DateName, ProvisionalDate, Span
from dispute.lifecycle.vocabulary import Milestone
from dispute.refusals.interfaces import SNAPSHOT_UNREADABLE
from hub.errors import Refused

PLAIN_FORMAT: Final = 1
FORMAT: Final = 2
"""Raised only when an old reader would misread a snapshot; such a reader then refuses it.

A reader of format 1 would let provisional dates expire, so a dispute that has some is written in format 2.
"""
OWN_FORM: Final = frozenset(
    {"dimensions", "cohort", "ordinals", "counted", "co_departments", "milestones", "provisional"}
)
ENCODER: Final = Encoder()
DECODER: Final = Decoder()
UNREADABLE: Final = (DecodeError, AttributeError, KeyError, TypeError, ValueError)
KINDS: Final = {kind.value: kind for kind in EventKind}
_numbers: Final = attrgetter("sequence", "ordinal", "conclusion_ordinal", "reopen_seq")
PLAIN: Final = tuple(entry.name for entry in fields(Dispute) if entry.name not in OWN_FORM)


def state_to_bytes(dispute: Dispute) -> bytes:
    """Return the snapshot of a dispute."""
    own = _row(Dimensions).values_of(dispute.dimensions)
    version = FORMAT if dispute.provisional else PLAIN_FORMAT
    document: dict[str, Any] = {"v": version, **_row(Dispute).values_of(dispute), "dimensions": own}
    document["cohort"] = _row(CohortDates).values_of(dispute.cohort)
    document["ordinals"] = dict(dispute.ordinals)
    document["counted"] = _fact_rows(dispute)
    if dispute.co_departments:
        document["co_departments"] = dispute.co_departments
    if dispute.milestones:
        document["milestones"] = dispute.milestones
    if dispute.provisional:
        document["provisional"] = [_mark_row(mark) for mark in dispute.provisional]
    return ENCODER.encode(document)


def state_from_bytes(snapshot: bytes) -> Dispute:
    """Return the dispute of a snapshot.

    Raises:
        Rejected: `snapshot_unreadable` when it is no snapshot of the hub, or of a later format.
    """
    try:
        document = DECODER.decode(snapshot)
        if document["v"] > FORMAT:
            raise SNAPSHOT_UNREADABLE.error(why=f"format {document['v']} > {FORMAT}")
        dimensions: Dimensions = _row(Dimensions).read(document["dimensions"])
        cohort: CohortDates = _row(CohortDates).read(document.get("cohort", {}))
        dispute: Dispute = _row(Dispute).read(
            document,
            dimensions=dimensions,
            cohort=cohort,
            ordinals=tuple((KINDS[kind], count) for kind, count in document.get("ordinals", {}).items()),
            counted=_counted(document.get("counted", ()), dimensions, cohort),
            co_departments=tuple(document.get("co_departments", ())),
            milestones=tuple(Milestone(name) for name in document.get("milestones", ())),
            provisional=tuple(_mark(*row) for row in document.get("provisional", ())),
        )
    except UNREADABLE as error:
        raise _unreadable(error) from error
    return dispute


def _mark_row(mark: ProvisionalDate) -> Sequence[Any]:
    spans = [[span.days, span.working] for span in mark.spans]
    return [mark.name, mark.day.isoformat(), mark.counted_from.isoformat(), spans, mark.missing_year]


def _mark(
    name: str, day: str, counted_from: str, spans: Sequence[tuple[int, bool]], missing_year: int, *_: object
) -> ProvisionalDate:
    steps = tuple(Span(days, working) for days, working in spans)
    return ProvisionalDate(
        DateName(name), date.fromisoformat(day), date.fromisoformat(counted_from), steps, missing_year
    )


class _StoredFacts(Struct, frozen=True):
    """A snapshot's facts, and the dispute's values at the time."""

    rows: Sequence[Sequence[Any]]
    dimensions: Dimensions
    cohort: CohortDates

    def __call__(self) -> tuple[CountedFact, ...]:
        """Return the facts.

        Raises:
            Rejected: `snapshot_unreadable`.
        """
        facts: list[CountedFact] = []
        dimensions, cohort = self.dimensions, self.cohort
        try:
            for kind, day, odd, dates, sequence, ordinal, conclusion_ordinal, reopen_seq, *_ in self.rows:
                dimensions = _row(Dimensions).patched(dimensions, odd)
                cohort = _row(CohortDates).patched(cohort, dates)
                numbers = (sequence, cohort, ordinal, conclusion_ordinal, reopen_seq)
                facts.append(CountedFact(KINDS[kind], date.fromisoformat(day), dimensions, *numbers))
        except UNREADABLE as error:
            raise _unreadable(error) from error
        return tuple(reversed(facts))

    def behind(self, dimensions: Dimensions, cohort: CohortDates) -> Iterator[Sequence[Any]]:
        """Return the rows that follow a newer fact.

        The newer fact has these values; only the first row may change by it.
        """
        try:
            kind, day, odd, dates, *numbers = self.rows[0]
            own, since = _row(Dimensions).patched(self.dimensions, odd), _row(CohortDates).patched(self.cohort, dates)
        except UNREADABLE as error:
            raise _unreadable(error) from error
        odd, dates = _row(Dimensions).difference(dimensions, own), _row(CohortDates).difference(cohort, since)
        yield [kind, day, odd, dates, *numbers]
        yield from self.rows[1:]


def _fact_rows(dispute: Dispute) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = []
    dimensions, cohort = dispute.dimensions, dispute.cohort
    earlier = dispute.counted.earlier
    for fact in reversed(dispute.counted.facts if isinstance(earlier, _StoredFacts) else tuple(dispute.counted)):
        odd = _row(Dimensions).difference(dimensions, fact.dimensions)
        dates = _row(CohortDates).difference(cohort, fact.cohort)
        rows.append([fact.type, fact.business_day.isoformat(), odd, dates, *_numbers(fact)])
        dimensions, cohort = fact.dimensions, fact.cohort
    if isinstance(earlier, _StoredFacts):
        rows += earlier.behind(dimensions, cohort)
    return rows


def _counted(rows: Sequence[Sequence[Any]], dimensions: Dimensions, cohort: CohortDates) -> CountedFacts:
    return CountedFacts(earlier=_StoredFacts(rows, dimensions, cohort)) if rows else CountedFacts()


def _unreadable(error: Exception) -> Refused:
    return SNAPSHOT_UNREADABLE.error(why=type(error).__name__)


class _Row:
    """Flat fields of one struct.

    Texts, numbers, codes, days and instants; defaults are left out.
    """

    def __init__(self, kind: type, names: tuple[str, ...]) -> None:
        self._kind = kind
        self._names = names
        self._values = attrgetter(*names)
        defaults = {entry.name: entry.default for entry in fields(kind)}
        self._defaults = tuple(None if defaults[name] is NODEFAULT else defaults[name] for name in names)
        hints = get_type_hints(kind)
        readers = {name: _reader(hints[name]) for name in names}
        self._known = frozenset(names)
        self._readers = {name: reader for name, reader in readers.items() if reader is not None}
        self._dated = frozenset(name for name in names if issubclass(_inner(hints[name]), date))

    def values_of(self, value: object) -> dict[str, Any]:
        """Return what differs from the defaults."""
        both = zip(self._names, self._values(value), self._defaults, strict=True)
        return self._plain({name: item for name, item, default in both if item != default})

    def difference(self, own: object, other: object) -> dict[str, Any]:
        """Return the fields of `other` that differ."""
        if own is other:
            return {}
        both = zip(self._names, self._values(own), self._values(other), strict=True)
        return self._plain({name: b for name, a, b in both if a != b})

    def patched(self, own: Any, odd: Mapping[str, Any]) -> Any:  # noqa: ANN401 - an instance of the row's struct
        """Return `own` with the difference `odd`."""
        return replace(own, **self._meant(odd)) if odd else own

    def read(self, given: Mapping[str, Any], **own: object) -> Any:  # noqa: ANN401 - an instance of the row's struct
        """Return the struct."""
        return self._kind(**self._meant(given), **own)

    def _plain(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return field values as JSON values."""
        for name in self._dated & values.keys():
            if values[name] is not None:
                values[name] = values[name].isoformat()
        return values

    def _meant(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return JSON values as field values.

        A field that this version does not know is left out.
        """
        values = {name: item for name, item in given.items() if name in self._known}
        for name in self._readers.keys() & values.keys():
            values[name] = self._readers[name](values[name])
        return values


def _inner(hint: Any) -> type:  # noqa: ANN401 - a type hint
    """Return a field's type, also when it may be None."""
    parts: tuple[type, ...] = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return next(part for part in parts if part is not NoneType)


def _reader(hint: Any) -> Callable[[Any], Any] | None:  # noqa: ANN401 - a type hint
    """Return how a value is read from JSON.

    None means `as it is`.
    """
    inner = _inner(hint)
    if issubclass(inner, StrEnum):
        return {member.value: member for member in inner}.__getitem__
    if not issubclass(inner, date):
        return None
    read = datetime.fromisoformat if inner is datetime else date.fromisoformat
    return read if inner is hint else lambda text: None if text is None else read(text)


@cache
def _row(kind: type) -> _Row:
    names = PLAIN if kind is Dispute else tuple(entry.name for entry in fields(kind))
    return _Row(kind, names)
