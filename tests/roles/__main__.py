"""Runs `make roles`; see the package. `--write` keeps what was found, for people to read."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from dispute.access.roles import GIVEN, role_table
from tests.roles import written
from tests.roles.hub_of_roles import hub_of_roles
from tests.roles.trying import ROLES, try_calls, try_commands
from tests.roles.written import Allowed, of_commands


@dataclass(frozen=True)
class Tried:
    """Who was let pass.

    Attributes:
        calls: By RPC and REST route.
        commands: By command and state, given one by one.
        together: The same, given in batches.
    """

    calls: Allowed
    commands: Allowed
    together: Allowed


async def try_all() -> Tried:
    """Try everything on a hub of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with hub_of_roles(Path(folder)) as hub:
            return Tried(await try_calls(hub), *await try_commands(hub))


def verdict(tried: Tried, wanted: Allowed, by_table: Allowed) -> dict[str, Any]:
    """Compare what was tried with what is written, and what the table says of transitions with that too."""
    transitions = {name: roles for name, roles in by_table.items() if name in GIVEN}
    found = {**tried.calls, **tried.commands, **transitions}
    missing = sorted(found.keys() ^ wanted.keys()) + sorted(tried.commands.keys() ^ tried.together.keys())
    pairs = [(call, roles, wanted.get(call)) for call, roles in found.items()]
    pairs += [(f"{call}, together", roles, wanted.get(call)) for call, roles in tried.together.items()]
    wrong = [
        f"{call}: {role} was {'allowed' if role in roles else 'denied'}"
        for call, roles, should in pairs
        if should is not None
        for role in sorted(roles ^ should)
    ]
    cells = [*tried.calls.values(), *tried.commands.values(), *tried.together.values()]
    allowed = sum(map(len, cells))
    return {
        "calls": len(cells),
        "roles": len(ROLES),
        "allowed": allowed,
        "denied": len(cells) * len(ROLES) - allowed,
        "missing": len(missing),
        "names": missing[:10],
        "wrong": wrong[:10],
        "ok": not missing and not wrong and allowed > 0,
    }


def main(arguments: list[str]) -> int:
    """Try, and print the verdict as a JSON line; 1 when anything is not as it is written."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    tried, by_table = asyncio.run(try_all()), of_commands(role_table())
    if arguments == ["--write"]:
        transitions = {name: by_table[name] for name in role_table().commands}
        written.write({**tried.calls, **transitions, **tried.commands})
    told = verdict(tried, written.read(), by_table)
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
