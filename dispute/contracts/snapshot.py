"""Snapshot of a dispute as compact JSON.

Intake keeps it beside the events, so that it need not replay them. Deterministic: the same dispute gives the same
bytes. Forward compatible: unknown fields are ignored, missing ones take their default. Counted facts are stored newest
first; each holds only what differs from the one after it, the newest from the dispute itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final, get_type_hints

from msgspec import NODEFAULT, MsgspecError, Raw, Struct, convert, defstruct, json
from msgspec.structs import fields, replace

from dispute.lifecycle.dimensions import CohortDates, Dimensions
from dispute.lifecycle.dispute import CountedFact, CountedFacts, Dispute
from dispute.lifecycle.event_types import EventKind
from dispute.lifecycle.provisional import ProvisionalDate
from dispute.lifecycle.vocabulary import Milestone
from dispute.refusals.interfaces import SNAPSHOT_UNREADABLE
from hub.errors import Refused

PLAIN_FORMAT: Final = 1
FORMAT: Final = 2
"""Raised only when an old reader would misread a snapshot; such a reader then refuses it.

A reader of format 1 would let provisional dates expire, so a dispute that has some is written in format 2.
"""
UNREADABLE: Final = (MsgspecError, AttributeError, IndexError, KeyError, TypeError, ValueError)
OWN_FORM: Final = (
    ("dimensions", Dimensions, NODEFAULT),
    ("cohort", CohortDates | None, None),
    ("ordinals", dict[EventKind, int] | None, None),
    ("counted", list[Raw] | None, None),
    ("co_departments", tuple[str, ...], ()),
    ("milestones", tuple[Milestone, ...], ()),
    ("provisional", tuple[ProvisionalDate, ...], ()),
)
"""Fields that stand at the end of a snapshot, some in another form than in a dispute: name, type, default."""
HINTS: Final = get_type_hints(Dispute)
INSTANTS: Final = {name: str if HINTS[name] is datetime else str | None for name in ("registered_at", "sign_by")}
"""Written with their offset from UTC as a number, as the first release did."""
FIRST: Final = ("dispute_id", "state", "sequence", "registered_at", "supervision", "source_ref", "reopen_seq")
"""Begin a snapshot, in the order of the first release."""
PLAIN: Final = tuple(
    sorted(
        (entry for entry in fields(Dispute) if entry.name not in {name for name, *_ in OWN_FORM}),
        key=lambda entry: FIRST.index(entry.name) if entry.name in FIRST else len(FIRST),
    )
)
NAMES: Final = tuple(entry.name for entry in PLAIN if entry.name not in INSTANTS)
# One call for all values of a struct: asking for each by its name was a third of a snapshot's cost.
PLAIN_OF: Final = attrgetter(*NAMES)
VALUES_OF: Final[Mapping[type, attrgetter[Any]]] = {
    kind: attrgetter(*kind.__struct_fields__) for kind in (Dimensions, CohortDates)
}


def _fields() -> list[tuple[str, Any] | tuple[str, Any, Any]]:
    rows: list[tuple[str, Any, Any]] = [("v", int, NODEFAULT)]
    rows += [(entry.name, INSTANTS.get(entry.name, HINTS[entry.name]), entry.default) for entry in PLAIN]
    return [row[:2] if row[2] is NODEFAULT else row for row in (*rows, *OWN_FORM)]


SNAPSHOT: Final = defstruct("Snapshot", _fields(), frozen=True, kw_only=True, omit_defaults=True)
"""The JSON as a struct, made of the dispute's fields: what a dispute gains is in its snapshot too."""
ENCODER: Final = json.Encoder()
DECODER: Final[json.Decoder[Any]] = json.Decoder(SNAPSHOT)


def state_to_bytes(dispute: Dispute) -> bytes:
    """Return the snapshot of a dispute."""
    values = SNAPSHOT(
        v=FORMAT if dispute.provisional else PLAIN_FORMAT,
        registered_at=dispute.registered_at.isoformat(),
        sign_by=None if dispute.sign_by is None else dispute.sign_by.isoformat(),
        dimensions=dispute.dimensions,
        cohort=dispute.cohort,
        ordinals=dict(dispute.ordinals),
        counted=_rows_of(dispute),
        co_departments=dispute.co_departments,
        milestones=dispute.milestones,
        provisional=dispute.provisional,
        **dict(zip(NAMES, PLAIN_OF(dispute), strict=True)),
    )
    return ENCODER.encode(values)


def state_from_bytes(snapshot: bytes) -> Dispute:
    """Return the dispute of a snapshot.

    Raises:
        Rejected: `snapshot_unreadable` when it is no snapshot of the hub, or of a later format.
    """
    try:
        values = DECODER.decode(snapshot)
        if values.v > FORMAT:
            raise SNAPSHOT_UNREADABLE.error(why=f"format {values.v} > {FORMAT}")
        cohort = values.cohort or CohortDates()
        return Dispute(
            registered_at=datetime.fromisoformat(values.registered_at),
            sign_by=None if values.sign_by is None else datetime.fromisoformat(values.sign_by),
            dimensions=values.dimensions,
            cohort=cohort,
            ordinals=tuple((values.ordinals or {}).items()),
            counted=CountedFacts(earlier=_Rows(values.counted, values.dimensions, cohort))
            if values.counted
            else CountedFacts(),
            co_departments=values.co_departments,
            milestones=values.milestones,
            provisional=values.provisional,
            **dict(zip(NAMES, PLAIN_OF(values), strict=True)),
        )
    except UNREADABLE as error:
        raise _unreadable(error) from error


Row = tuple[object, ...]
"""One counted fact, as it is written."""


class _Rows(Struct, frozen=True):
    """The facts of a snapshot as they were read, and the dispute's values at the time."""

    rows: Sequence[Raw]
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
            for row in self.rows:
                kind, day, odd, dates, sequence, ordinal, conclusion_ordinal, reopen_seq, *_ = json.decode(row)
                dimensions, cohort = _patched(dimensions, odd), _patched(cohort, dates)
                numbers = (sequence, cohort, ordinal, conclusion_ordinal, reopen_seq)
                facts.append(CountedFact(EventKind(kind), date.fromisoformat(day), dimensions, *numbers))
        except UNREADABLE as error:
            raise _unreadable(error) from error
        return tuple(reversed(facts))

    def behind(self, dimensions: Dimensions, cohort: CohortDates) -> Sequence[Row | Raw]:
        """Return the rows that follow a newer fact.

        The newer fact has these values; only the first row may change by it.
        """
        if dimensions is self.dimensions and cohort is self.cohort:
            return self.rows
        try:
            kind, day, odd, dates, *numbers = json.decode(self.rows[0])
            own, since = _patched(self.dimensions, odd), _patched(self.cohort, dates)
        except UNREADABLE as error:
            raise _unreadable(error) from error
        return [(kind, day, _difference(dimensions, own), _difference(cohort, since), *numbers), *self.rows[1:]]


def _rows_of(dispute: Dispute) -> list[Row | Raw]:
    rows: list[Row | Raw] = []
    dimensions, cohort = dispute.dimensions, dispute.cohort
    earlier = dispute.counted.earlier
    for fact in reversed(dispute.counted.facts if isinstance(earlier, _Rows) else tuple(dispute.counted)):
        odd, dates = _difference(dimensions, fact.dimensions), _difference(cohort, fact.cohort)
        numbers = (fact.sequence, fact.ordinal, fact.conclusion_ordinal, fact.reopen_seq)
        rows.append((fact.type, fact.business_day, odd, dates, *numbers))
        dimensions, cohort = fact.dimensions, fact.cohort
    if isinstance(earlier, _Rows):
        rows += earlier.behind(dimensions, cohort)
    return rows


def _difference(own: Struct, other: Struct) -> dict[str, Any]:
    """Return the fields of `other` that differ."""
    if own is other:
        return {}
    values_of = VALUES_OF[type(own)]
    mine, others = values_of(own), values_of(other)
    if mine == others:
        return {}
    pairs = zip(own.__struct_fields__, mine, others, strict=True)
    return {name: b for name, a, b in pairs if a is not b and a != b}


def _patched(own: Any, odd: Mapping[str, Any]) -> Any:  # noqa: ANN401 - an instance of the struct's own type
    """Return `own` with the difference `odd`; a field that this version does not know is left out."""
    if not odd:
        return own
    hints = _HINTS[type(own)]
    return replace(own, **{name: convert(value, hints[name]) for name, value in odd.items() if name in hints})


_HINTS: Final[Mapping[type, dict[str, Any]]] = {kind: get_type_hints(kind) for kind in (Dimensions, CohortDates)}


def _unreadable(error: Exception) -> Refused:
    return SNAPSHOT_UNREADABLE.error(why=type(error).__name__)
