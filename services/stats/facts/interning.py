"""Small integers for dimension values and stream names.

An id is remembered across transactions only after it was seen to be *committed*: the transaction that created it may be
rolled back, and its number given to another value. So each transaction first reads the new ids, before it creates any
itself.
"""

from __future__ import annotations

from typing import Final
from unicodedata import category

import sqlalchemy as sa

from dispute.refusals.interfaces import BAD_DIMENSION
from hub.store.prepared import PreparedStatement, insert_into
from services.stats.facts.fields import DimensionsLike
from services.stats.facts.fold import DIMENSIONS, Ids
from services.stats.facts.tables import interned

STREAM: Final = 0
EMPTY: Final = 0
KIND_OF: Final = {name: kind for kind, name in enumerate(DIMENSIONS, start=1)}
MAX_VALUE_CHARS: Final = 128
LOCK: Final = 0x53544154
"""PostgreSQL advisory lock: workers create ids one after the other, so they can't deadlock."""


class Interning:
    """Ids known to be committed.

    Shared by all transactions of this process.

    Args:
        dialect: Of the store.
    """

    def __init__(self, dialect: str) -> None:
        new = insert_into(dialect, interned).on_conflict_do_nothing().returning(interned.c.id)
        same = (interned.c[name] == sa.bindparam(name, type_=interned.c[name].type) for name in ("kind", "value"))
        self.mint = PreparedStatement(dialect, new, "kind", "value")
        self.find = PreparedStatement(dialect, sa.select(interned.c.id).where(*same), "kind", "value")
        self.serialise = dialect == "postgresql"
        self.current: InterningSession | None = None
        self._known = tuple(_Kind(self, kind) for kind in range(len(DIMENSIONS) + 1))
        self._seen = 0

    def session(self, tx: sa.Connection) -> InterningSession:
        """Return the session of one write transaction or savepoint.

        The session before it is over.
        """
        # In the same transaction, the session before may have created ids that a savepoint rolled back: then don't
        # read.
        if self.current is None or self.current.tx is not tx:
            self._learn(tx)
        self.current = InterningSession(self, tx, self._known)
        return self.current

    def _learn(self, tx: sa.Connection) -> None:
        newer = sa.select(interned.c.id, interned.c.kind, interned.c.value).where(interned.c.id > self._seen)
        for number, kind, value in tx.execute(newer):
            self._known[kind][value] = number
            self._seen = max(self._seen, number)


class _Kind(dict[str, int]):
    """Committed ids of one kind.

    A value that is missing is looked up in the current transaction.
    """

    def __init__(self, interning: Interning, kind: int) -> None:
        super().__init__({"": EMPTY})
        self._interning = interning
        self._kind = kind

    def __missing__(self, value: str) -> int:
        session = self._interning.current
        if session is None:
            raise KeyError(value)
        return session.minted(self._kind, value)


class InterningSession:
    """Ids within one write transaction; new ones are forgotten with it."""

    def __init__(self, interning: Interning, tx: sa.Connection, known: tuple[_Kind, ...]) -> None:
        self.tx = tx
        self._interning = interning
        self._known = known
        self._minted: dict[tuple[int, str], int] = {}
        self._locked = False

    def stream(self, name: str) -> int:
        """Return the id of a stream."""
        return self._known[STREAM][name]

    def ids_of(self, dimensions: DimensionsLike) -> Ids:
        """Return the ids of all dimensions, in the order of `DIMENSIONS`.

        Written out, because a loop over names costs three times as much on the hottest line of the fold.

        Raises:
            Rejected: `bad_dimension` when a value is too long or holds control characters.
        """
        (
            _,
            channel,
            county_code,
            town_code,
            source_organ,
            village_code,
            grid_code,
            category,
            case_cause,
            regime,
            level,
            lead_department,
            organisation,
            mediation_kind,
            dispatch_mode,
            mediator_id,
            colour,
            recurrence,
            scale,
            outcome_form,
            outcome_code,
            rule_version,
        ) = self._known
        return (
            channel[dimensions.channel],
            county_code[dimensions.county_code],
            town_code[dimensions.town_code],
            source_organ[dimensions.source_organ],
            village_code[dimensions.village_code],
            grid_code[dimensions.grid_code],
            category[dimensions.category],
            case_cause[dimensions.case_cause],
            regime[dimensions.regime],
            level[dimensions.level],
            lead_department[dimensions.lead_department],
            organisation[dimensions.organisation],
            mediation_kind[dimensions.mediation_kind],
            dispatch_mode[dimensions.dispatch_mode],
            mediator_id[dimensions.mediator_id],
            colour[dimensions.colour],
            recurrence[dimensions.recurrence],
            scale[dimensions.scale],
            outcome_form[dimensions.outcome_form],
            outcome_code[dimensions.outcome_code],
            rule_version[dimensions.rule_version],
        )

    def minted(self, kind: int, value: str) -> int:
        """Return the id of a value not known to be committed.

        Creates the id when the value is new.
        """
        key = (kind, value)
        number = self._minted.get(key)
        if number is None:
            if len(value) > MAX_VALUE_CHARS or any(category(char) == "Cc" for char in value):
                raise BAD_DIMENSION.error()
            number = self._minted[key] = self._mint(kind, value)
        return number

    def _mint(self, kind: int, value: str) -> int:
        interning, values = self._interning, (kind, value)
        if interning.serialise and not self._locked:
            self._locked = True
            self.tx.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        minted = interning.mint.value(self.tx, values)
        if minted is None:  # another worker's, or created before the savepoint of the session before was rolled back
            minted = interning.find.value(self.tx, values)
        if minted is None:
            raise RuntimeError("an interned value is not there after its insert")
        return int(minted)
