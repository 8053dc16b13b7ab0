"""SQL text of the hot path: compiled once, with positional placeholders, so that rows go to the driver as they are.

Naming 40 columns per row, or building an expression per statement, costs more than SQLite itself.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_DIALECTS: Final = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call] # as it is
}


def append(dialect: str, table: sa.Table) -> str:
    """Return the insert of one row, values in column order."""
    return _text(dialect, sa.insert(table), [column.key for column in table.columns])


def add_up(dialect: str, table: sa.Table, column: str) -> str:
    """Return the insert of one row, values in column order, that adds to `column` where the key is there already."""
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    total = table.c[column] + statement.excluded[column]
    added = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_={column: total})
    return _text(dialect, added, [key.key for key in table.columns])


def mint(dialect: str, table: sa.Table, names: list[str]) -> str:
    """Return the insert of one row with the values `names`, that returns its `id`; no row where it is there already."""
    statement = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return _text(dialect, statement.on_conflict_do_nothing().returning(table.c.id), names)


def find(dialect: str, table: sa.Table, names: list[str]) -> str:
    """Return the query for the `id` of the row with the values `names`."""
    wanted = sa.and_(*(table.c[name] == sa.bindparam(name, type_=table.c[name].type) for name in names))
    return str(sa.select(table.c.id).where(wanted).compile(dialect=_DIALECTS[dialect]))


def _text(dialect: str, statement: sa.Insert, names: list[str]) -> str:
    return str(statement.compile(dialect=_DIALECTS[dialect], column_keys=names))
