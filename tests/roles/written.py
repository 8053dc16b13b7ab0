"""Who may do what, as people wrote it down: `written.txt`, a line for each call, and for each command in each state.

It is not made of the table by which the hub decides, so that a row of that table that changes is noticed here. A
command has a line for each set of states in which the same roles may give it, and a line for each of its transitions,
because in some states the content of a command decides which one it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dispute.access.roles import BY_INSTRUCTION, GIVEN, RoleTable
from dispute.contracts.codec import TYPE_OF
from dispute.lifecycle import State
from dispute.lifecycle.vocabulary import Role

FILE: Final = Path(__file__).with_name("written.txt")
EVERY: Final = "*"

Allowed = Mapping[str, frozenset[str]]
"""Roles by call: `package.Service/Method`, `GET /v1/results`, `instruction @ state`, or id of a transition."""


def read() -> dict[str, frozenset[str]]:
    """Return what is written."""
    found: dict[str, frozenset[str]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        call, _, roles = line.partition(": ")
        name, at, states = call.partition(" @ ")
        of = list(State) if states == EVERY else states.split()
        for key in [f"{name} @ {state}" for state in of] if at else [name]:
            found[key] = frozenset(roles.split())
    return found


def write(found: Allowed) -> None:
    """Write what was found, to be read by people before it is kept."""
    FILE.write_text("\n".join(_lines(found)) + "\n", encoding="utf-8")


def of_commands(table: RoleTable) -> Allowed:
    """Return what a table says of commands in states, and of transitions."""
    found = {
        f"{TYPE_NAMES[kind]} @ {state}": frozenset(str(r) for r in Role if table.may_begin(r, kind, state))
        for kind in BY_INSTRUCTION
        if kind in TYPE_NAMES
        for state in State
    }
    return found | {of: frozenset(str(role) for role in Role if table.may_give(role, of)) for of in GIVEN}


TYPE_NAMES: Final = {kind: name for name, kind in TYPE_OF.items()}


def _lines(found: Allowed) -> Iterator[str]:
    states: dict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for call, roles in found.items():
        name, at, state = call.partition(" @ ")
        if at:
            states[name, roles].append(state)
        else:
            yield _line(call, roles)
    for (name, roles), of in states.items():
        yield _line(f"{name} @ {EVERY if len(of) == len(State) else ' '.join(of)}", roles)


def _line(call: str, roles: frozenset[str]) -> str:
    return f"{call}: {' '.join(sorted(roles))}".rstrip()
