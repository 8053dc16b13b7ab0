"""Prepared statements for frequent operations.

Their text is compiled once, and rows are passed to the driver unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.default import DefaultDialect

from hub.store.store import Transaction

# Positional placeholders: naming and converting every value of every row costs more than SQLite's own work.
_DIALECTS: Final[Mapping[str, DefaultDialect]] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call] # as it is
}

Key = TypeVar("Key", str, int)
AT_ONCE: Final = 1000
"""Keys of one `IN`; larger sets are queried in parts."""


class PreparedStatement:
    """One statement that is run for many rows.

    Args:
        dialect: `sqlite` or `postgresql`.
        statement: Insert, update, delete, or a query for one value.
        names: Columns of an insert, bound parameters of any other statement: the order of a row's values.

    Raises:
        AssertionError: The statement wants its values in another order.
    """

    def __init__(self, dialect: str, statement: sa.UpdateBase | sa.Select[Any], *names: str) -> None:
        columns = names if isinstance(statement, sa.Insert) else None
        compiled: Any = statement.compile(dialect=_DIALECTS[dialect], column_keys=columns)
        if tuple(compiled.positiontup) != names:
            message = f"the order of values is {compiled.positiontup}, not {names}"
            raise AssertionError(message)
        self._text = str(compiled)

    def run(self, tx: Transaction, rows: Sequence[tuple[object, ...]]) -> None:
        """Run the statement for each row, in order.

        Texts and bytes are passed as they are; enum members are not allowed. Without rows nothing happens.
        """
        if rows:
            tx.exec_driver_sql(self._text, list(rows))

    def value(self, tx: Transaction, row: tuple[object, ...]) -> Any:  # noqa: ANN401 - whatever the statement returns
        """Run it once and return the first value.

        That is the first column of the result; None when the result is empty.
        """
        return tx.exec_driver_sql(self._text, row).scalar()

    def first(self, tx: Transaction, row: tuple[object, ...]) -> Any:  # noqa: ANN401 - a row of the statement
        """Run it once and return the first row; None when the result is empty."""
        return tx.exec_driver_sql(self._text, row).first()


class LookupStatement:
    """One query for the rows of many keys.

    All keys are one value, JSON on SQLite and an array on PostgreSQL, so that the text stays the same however many
    there are. Values come as the driver returns them.

    Args:
        dialect: `sqlite` or `postgresql`.
        query: Its only parameter is the list of keys, as `among` has it.
    """

    def __init__(self, dialect: str, query: sa.Select[Any]) -> None:
        self._of_json = dialect == "sqlite"
        self._text = str(query.compile(dialect=_DIALECTS[dialect]))

    def rows(self, tx: Transaction, keys: Iterable[Key]) -> Sequence[sa.Row[Any]]:
        """Return the rows of the keys, which are asked in ascending order; without keys nothing is asked."""
        wanted = sorted(set(keys))
        if not wanted:
            return ()
        return tx.exec_driver_sql(self._text, (json.dumps(wanted) if self._of_json else wanted,)).all()


def among(dialect: str, column: sa.Column[Key], name: str = "keys") -> sa.ColumnElement[bool]:
    """Return the condition that a column is in a list.

    The list is bound under `name`: JSON on SQLite, an array on PostgreSQL.
    """
    if dialect == "sqlite":
        listed = sa.func.json_each(sa.bindparam(name, type_=sa.JSON)).table_valued("value")
        return column.in_(sa.select(listed.c.value))
    return column == sa.any_(sa.bindparam(name, type_=sa.ARRAY(column.type)))


def insert_into(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that supports `on_conflict_…`."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def parts(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Return keys for one `IN` each, all of them in ascending order."""
    ordered = sorted(set(keys))
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
