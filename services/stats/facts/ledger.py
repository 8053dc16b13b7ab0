"""Facts, cells and totals in the store.

Written together in the reader's transaction, read in one snapshot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa
from typing_extensions import override

from hub.store.prepared import PreparedStatement, insert_into
from hub.store.store import Store, Transaction
from services.stats.facts.fold import Fold
from services.stats.facts.interning import KIND_OF, STREAM
from services.stats.facts.measures import FactFilter, Measure
from services.stats.facts.ports import FactLedger, LedgerState, Page
from services.stats.facts.query import CountedDispute, Counts, Cursor, Positions, Scope, Selection, behind
from services.stats.facts.tables import cell, fact, folded, interned, total


class FactWriter:
    """Writes the fold of one transaction.

    The SQL text is made once.
    """

    def __init__(self, dialect: str) -> None:
        self._fact = PreparedStatement(dialect, sa.insert(fact), *fact.columns.keys())
        self._cell = _add_up(dialect, cell, "count")
        self._total = _add_up(dialect, total, "count")
        self._folded = _add_up(dialect, folded, "events")

    def write(self, tx: Transaction, fold: Fold, events: Mapping[int, int]) -> None:
        """Append facts and add up cells and totals.

        Also counts the events per stream id.
        """
        self._fact.run(tx, fold.facts)
        # In key order, because neighbouring cells share a page of the database.
        self._cell.run(tx, [(*key, change) for key, change in sorted(fold.cells.items()) if change])
        totals: Counter[tuple[int, int, int, int]] = Counter()
        for (_, shard, measure, channel, county, _), change in fold.cells.items():
            totals[county, channel, measure, shard] += change
        self._total.run(tx, [(*key, change) for key, change in sorted(totals.items()) if change])
        self._folded.run(tx, sorted(events.items()))


def _add_up(dialect: str, table: sa.Table, column: str) -> PreparedStatement:
    """Return an insert that adds to `column`.

    It adds where the key exists already. Values are in column order.
    """
    fresh = insert_into(dialect, table)
    total = table.c[column] + fresh.excluded[column]
    statement = fresh.on_conflict_do_update(index_elements=list(table.primary_key), set_={column: total})
    return PreparedStatement(dialect, statement, *table.columns.keys())


class StoreLedger(FactLedger):
    """Reads counts from the store.

    Every answer is one snapshot that includes the positions.
    """

    def __init__(self, store: Store, positions: Callable[[Transaction], Positions]) -> None:
        self._store = store
        self._positions = positions

    @override
    async def counts(self, where: Scope) -> tuple[Counts, LedgerState]:
        def unit(tx: Transaction) -> tuple[Counts, LedgerState]:
            return counts_in(tx, where), self._state(tx)

        return await self._store.read(unit)

    @override
    async def page(self, where: Scope, selection: Selection, cursor: Cursor | None, limit: int) -> Page:
        def unit(tx: Transaction) -> Page:
            state = self._state(tx)
            positions = state.positions
            if cursor is not None:
                behind(positions, cursor.positions)
                positions = cursor.positions
            chosen = _chosen(where, selection)
            if cursor is not None:
                chosen.append(_upto(tx, positions))
            net = sa.func.sum(_signed(selection))
            number = tx.scalar(sa.select(sa.func.coalesce(net, 0)).where(*chosen))
            if cursor is not None:
                after = (fact.c.day == cursor.day) & (fact.c.dispute > cursor.dispute)
                chosen.append((fact.c.day > cursor.day) | after)
            rows = tx.execute(
                sa.select(fact.c.dispute, net.label("net"), fact.c.day)
                .where(*chosen)
                .group_by(fact.c.day, fact.c.dispute)
                .having(net != 0)
                .order_by(fact.c.day, fact.c.dispute)
                .limit(limit)
            )
            counted = [CountedDispute(bytes(row.dispute), int(row.net), row.day) for row in rows]
            return Page(counted, int(number or 0), state)

        return await self._store.read(unit)

    @override
    async def state(self) -> LedgerState:
        return await self._store.read(self._state)

    def _state(self, tx: Transaction) -> LedgerState:
        return LedgerState(self._positions(tx), events_in(tx))


def events_in(tx: Transaction) -> int:
    """Count the events folded, from their own rows."""
    return int(tx.scalar(sa.select(sa.func.coalesce(sa.func.sum(folded.c.events), 0))) or 0)


def counts_in(tx: Transaction, where: Scope) -> Counts:
    """Return the base counts of a window and place, by channel."""
    days = _days(cell.c.day, where)
    # Totals have neither day nor town.
    c = cell.c if days or where.town else total.c
    query = sa.select(c.channel, c.measure, sa.func.sum(c.count).label("number")).where(*days)
    if where.county:
        query = query.where(c.county == _id_of("county_code", where.county))
    if where.town:
        query = query.where(c.town == _id_of("town_code", where.town))
    names = _names(tx, "channel")
    counts: dict[tuple[str, int], int] = {}
    for row in tx.execute(query.group_by(c.channel, c.measure)):
        counts[names[row.channel], row.measure] = int(row.number)
    return counts


def counts_by_county(tx: Transaction) -> Mapping[str, Counts]:
    """Return all base counts by county and channel."""
    counties, channels = _names(tx, "county_code"), _names(tx, "channel")
    keys = (total.c.county, total.c.channel, total.c.measure)
    counts: dict[str, dict[tuple[str, int], int]] = {}
    for row in tx.execute(sa.select(*keys, sa.func.sum(total.c.count).label("number")).group_by(*keys)):
        counts.setdefault(counties[row.county], {})[channels[row.channel], row.measure] = int(row.number)
    return counts


def _chosen(where: Scope, selection: Selection) -> list[sa.ColumnElement[bool]]:
    chosen = [sa.or_(*(_of_measure(measure) for measure in selection.measures)), *_days(fact.c.day, where)]
    named = {"county_code": where.county, "town_code": where.town}
    if selection.channel != "all":
        named["channel"] = selection.channel
    chosen.extend(fact.c[name] == _id_of(name, value) for name, value in named.items() if value)
    return chosen


def _signed(selection: Selection) -> sa.ColumnElement[int]:
    """Return what a fact adds to the number, so that a linked record and its link are no dispute of `matters`."""
    less = [int(measure.less) for measure in selection.measures if measure.less is not None]
    return sa.case((fact.c.type.in_(less), -fact.c.sign), else_=fact.c.sign) if less else fact.c.sign


def _of_measure(measure: Measure) -> sa.ColumnElement[bool]:
    mine = fact.c.type == int(measure.fact)
    if measure.less is not None:
        return mine | (fact.c.type == int(measure.less))
    if measure.only is FactFilter.FIRST:
        return mine & (fact.c.first == 1)
    if measure.only is FactFilter.CONCLUDING:
        return mine & (fact.c.concluding == 1)
    return mine


def _days(column: sa.Column[int], where: Scope) -> Sequence[sa.ColumnElement[bool]]:
    window = where.window
    bounds = []
    if window.start is not None:
        bounds.append(column >= window.start)
    if window.end is not None:
        bounds.append(column < window.end)
    return bounds


def _id_of(dimension: str, value: str) -> sa.ScalarSelect[int]:
    # A value never seen has no id: NULL, which equals nothing.
    kind = KIND_OF[dimension]
    return sa.select(interned.c.id).where(interned.c.kind == kind, interned.c.value == value).scalar_subquery()


def _names(tx: Transaction, dimension: str) -> dict[int, str]:
    rows = tx.execute(sa.select(interned.c.id, interned.c.value).where(interned.c.kind == KIND_OF[dimension]))
    return {0: "", **{row.id: row.value for row in rows}}


def _upto(tx: Transaction, positions: Positions) -> sa.ColumnElement[bool]:
    rows = tx.execute(sa.select(interned.c.id, interned.c.value).where(interned.c.kind == STREAM))
    ids = {row.value: row.id for row in rows}
    return sa.or_(
        sa.false(),
        *(
            (fact.c.stream_id == ids[stream]) & (fact.c.position <= position)
            for stream, position in positions.items()
            if stream in ids
        ),
    )
