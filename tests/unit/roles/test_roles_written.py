"""The table of roles against what people wrote down: each of its rows, changed, is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from dispute.access.roles import CallRow, CommandRow, RoleTable, role_table
from dispute.lifecycle.vocabulary import Role
from tests.roles import written
from tests.roles.__main__ import Tried, verdict
from tests.roles.written import of_commands

TABLE = role_table()
WRITTEN = written.read()


def of_calls(table: RoleTable) -> Mapping[str, frozenset[str]]:
    """Return what a table says of each RPC that is written down."""
    rpcs = [call for call in WRITTEN if "/" in call and " " not in call]
    return {call: frozenset(str(r) for r in Role if table.may_call(r, frozenset(), call)) for call in rpcs}


def changed(row: Any) -> Any:  # noqa: ANN401 - a row of either kind
    """Return a row with one role more."""
    (more, *_) = [role for role in Role if role not in row.by]
    return replace(row, by=row.by | {more})


def test_the_table_says_what_is_written() -> None:
    for call, roles in {**of_calls(TABLE), **of_commands(TABLE)}.items():
        assert roles == WRITTEN[call], call


@pytest.mark.parametrize("name", TABLE.commands)
def test_a_changed_row_of_a_command_is_noticed(name: str) -> None:
    row: CommandRow = changed(TABLE.commands[name])
    table = replace(TABLE, commands={**TABLE.commands, name: row})
    assert any(roles != WRITTEN[call] for call, roles in of_commands(table).items())


@pytest.mark.parametrize("name", TABLE.calls)
def test_a_changed_row_of_a_call_is_noticed(name: str) -> None:
    row: CallRow = changed(TABLE.calls[name])
    table = replace(TABLE, calls={**TABLE.calls, name: row})
    assert any(roles != WRITTEN[call] for call, roles in of_calls(table).items())


CLERK, NOBODY = frozenset({"clerk"}), frozenset[str]()
WANTED = {"a": CLERK, "b @ closed": CLERK}


@pytest.mark.parametrize(
    ("tried", "names", "wrong"),
    [
        (Tried({"a": CLERK}, {"b @ closed": CLERK}, {"b @ closed": CLERK}), [], []),
        (Tried({"a": NOBODY}, {"b @ closed": CLERK}, {"b @ closed": CLERK}), [], ["a: clerk was denied"]),
        (
            Tried({"a": CLERK | {"party"}}, {"b @ closed": CLERK}, {"b @ closed": CLERK}),
            [],
            ["a: party was allowed"],
        ),
        (
            Tried({"a": CLERK}, {"b @ closed": CLERK}, {"b @ closed": NOBODY}),
            [],
            ["b @ closed, together: clerk was denied"],
        ),
        (Tried({}, {"b @ closed": CLERK}, {"b @ closed": CLERK}), ["a"], []),
        (Tried({"a": CLERK, "new": CLERK}, {"b @ closed": CLERK}, {"b @ closed": CLERK}), ["new"], []),
        (Tried({"a": CLERK}, {"b @ closed": CLERK}, {}), ["b @ closed"], []),
    ],
)
def test_the_verdict_names_what_differs(tried: Tried, names: list[str], wrong: list[str]) -> None:
    told = verdict(tried, WANTED, {})
    assert (told["names"], told["wrong"]) == (names, wrong)
    assert told["ok"] is not bool(names or wrong)
    assert told["missing"] == len(names)
