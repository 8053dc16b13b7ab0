"""Tables of docs/roles.md: who may do what, made of `roles.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from dispute.access.roles import Holder, role_table
from dispute.lifecycle.table import TRANSITIONS
from dispute.lifecycle.vocabulary import Role

MAY = "✓"
SECOND = "✓²"


def tables() -> str:
    """Return the tables: roles, purposes, grounds, commands by transition, calls."""
    return "\n".join([*_roles(), "", *_purposes(), "", *_grounds(), "", *_commands(), "", *_calls(), ""])


def _roles() -> Iterator[str]:
    table = role_table()
    yield "| 角色 Role | 名称 | name | 持有 Held by | 示人程度 Sees persons | 停不得 Goes on |"
    yield "|---|---|---|---|---|---|"
    for role in Role:
        row = table.roles[role]
        cells = (f"`{role}`", row.zh, row.en, row.of.value, row.persons.value, MAY if row.goes_on else "")
        yield _line(cells)


def _purposes() -> Iterator[str]:
    yield "| 用途 Purpose | 名称 | name |"
    yield "|---|---|---|"
    for name, row in role_table().purposes.items():
        yield _line((f"`{name}`", row.zh, row.en))


def _grounds() -> Iterator[str]:
    yield "| 删除理由 Ground | 名称 | name |"
    yield "|---|---|---|"
    for name, row in role_table().grounds.items():
        yield _line((f"`{name}`", row.zh, row.en))


def _commands() -> Iterator[str]:
    table, roles = role_table(), _held()
    yield _line(("转换 Transition", "内容", "what", *(f"`{role}`" for role in roles)))
    yield "|---" * (3 + len(roles)) + "|"
    by_id = {row.id: row for row in TRANSITIONS}
    for name, row in table.commands.items():
        yield _line((name, by_id[name].zh, by_id[name].en, *_marks(roles, row.by, row.second)))


def _calls() -> Iterator[str]:
    roles = [role for role in Role if role_table().roles[role].of is not Holder.HUB]
    yield _line(("调用 Call", "范围 Scope", *(f"`{role}`" for role in roles)))
    yield "|---" * (2 + len(roles)) + "|"
    for call, row in role_table().calls.items():
        yield _line((f"`{call}`", row.scope, *_marks(roles, row.by, ())))


def _held() -> list[Role]:
    """Return the roles that give any command."""
    rows = role_table().commands.values()
    return [role for role in Role if any(role in row.by or role in row.second for row in rows)]


def _marks(roles: Iterable[Role], by: Collection[Role], second: Collection[Role]) -> Iterator[str]:
    for role in roles:
        marks = (MAY if role in by else "", SECOND if role in second else "")
        yield " ".join(filter(None, marks))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
