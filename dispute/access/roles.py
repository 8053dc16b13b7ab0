"""The roles, and who may give which command: read from `roles.yaml`, which is the only place that says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta, Struct

from dispute.lifecycle.commands import WIRE_INSTRUCTIONS
from dispute.lifecycle.states import State
from dispute.lifecycle.table import BY_INSTRUCTION_AND_STATE, TRANSITIONS
from dispute.lifecycle.vocabulary import DOCKED, Role


class Holder(StrEnum):
    """Who can hold a role."""

    PERSON = "person"
    SYSTEM = "system"
    HUB = "hub"


class PersonView(StrEnum):
    """How much of a person a role is shown."""

    NONE = "none"
    MASKED = "masked"
    CLEAR = "clear"


class RoleRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One role.

    Attributes:
        zh: Name for county staff.
        en: The same in English.
        of: Who can hold it.
        persons: How much of a person it is shown.
        goes_on: Whether it is served while a revocation might wait behind.
    """

    zh: str
    en: str
    of: Holder
    persons: PersonView
    goes_on: bool = False


class PurposeRow(Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody may look at persons for, or on which ground a person is forgotten."""

    zh: str
    en: str


class CommandRow(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may give the command of one transition.

    Attributes:
        by: Roles that may give it.
        second: Roles of the other person who has to approve it before; empty where one person is enough.
    """

    by: Annotated[frozenset[Role], Meta(min_length=1)]
    second: frozenset[Role] = frozenset()


class CallRow(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may make one call.

    Attributes:
        by: Roles that may make it.
        scope: What a credential has to be for that is not for all of its role; empty where only such a one will do.
    """

    by: Annotated[frozenset[Role], Meta(min_length=1)]
    scope: str = ""


class RoleTable(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may do what.

    Attributes:
        roles: Every role.
        purposes: Of looks at persons.
        grounds: On which a person is forgotten.
        commands: By id of the transition.
        calls: By RPC, `package.Service/Method`; those that every bridge has by `BridgeService/Method`.
    """

    roles: Mapping[Role, RoleRow]
    purposes: Mapping[str, PurposeRow]
    grounds: Mapping[str, PurposeRow]
    commands: Mapping[str, CommandRow]
    calls: Mapping[str, CallRow]

    def may_give(self, role: Role, transition: str) -> bool:
        """Tell whether a role may give the command of a transition; one without a row may be given by nobody."""
        row = self.commands.get(transition)
        return row is not None and role in row.by

    def may_begin(self, role: Role, instruction: type, state: State) -> bool:
        """Tell whether a role may give an instruction in a state by one of its transitions at least.

        Where the instruction has no place in the state, whether it may give it in any.
        """
        rows = BY_INSTRUCTION_AND_STATE.get((instruction, state)) or BY_INSTRUCTION[instruction]
        return any(self.may_give(role, row.id) for row in rows)

    def second_of(self, instruction: type) -> frozenset[Role]:
        """Return the roles that may approve an instruction; empty where nobody has to."""
        rows = (self.commands[row.id] for row in BY_INSTRUCTION[instruction])
        return frozenset(role for row in rows for role in row.second)

    def may_call(self, role: str, scopes: frozenset[str], call: str) -> bool:
        """Tell whether a role may make a call in these scopes; one without a row may be made by nobody."""
        row = self.call_row(call)
        return row is not None and role in row.by and (not scopes or row.scope in scopes)

    def call_row(self, call: str) -> CallRow | None:
        """Return the row of an RPC; None when it has none."""
        of, _, method = call.rpartition("/")
        return self.calls.get(call) or (self.calls.get(f"{BRIDGE}/{method}") if of.endswith(BRIDGE) else None)

    def is_person(self, role: str) -> bool:
        """Tell whether people hold a role."""
        row = self._row(role)
        return row is not None and row.of is Holder.PERSON

    def view_of(self, role: str) -> PersonView:
        """Return how much of a person a role is shown."""
        row = self._row(role)
        return PersonView.NONE if row is None else row.persons

    def goes_on(self, role: str) -> bool:
        """Tell whether a role is served while a revocation might wait behind."""
        row = self._row(role)
        return row is not None and row.goes_on

    def may_hold(self, role: str, holder: str, area: str) -> bool:
        """Tell whether a holder can have a role in an area; nobody has the hub's own, and agencies are of a channel."""
        row = self._row(role)
        if row is None or row.of is Holder.HUB:
            return False
        return role != Role.AGENCY or (_AGENCY.fullmatch(holder) is not None and area != "")

    def _row(self, role: str) -> RoleRow | None:
        return self.roles.get(role)  # type: ignore[call-overload,no-any-return] # a role is equal to its text


_AGENCY = re.compile(rf"({'|'.join(DOCKED)})-[a-z0-9][a-z0-9-]{{0,50}}")
BRIDGE = "BridgeService"
"""Ends the name of every bridge's service."""
BY_INSTRUCTION = {kind: [row for row in TRANSITIONS if row.instruction is kind] for kind in WIRE_INSTRUCTIONS}
GIVEN = frozenset(row.id for row in TRANSITIONS if row.instruction in WIRE_INSTRUCTIONS)
"""Transitions whose command comes from outside; the others are the hub's own."""


def parse_roles(text: str) -> RoleTable:
    """Return the table of a text.

    Raises:
        ValueError: It is no table, or it lacks a role or a transition, or names one that does not exist; the message
            names them.
    """
    table = msgspec.convert(yaml.safe_load(text), RoleTable)
    odd = {
        "roles": set(Role) ^ table.roles.keys(),
        "commands": GIVEN ^ table.commands.keys(),
        "calls": {of for of, by in table.calls.items() for role in by.by if table.roles[role].of is Holder.HUB},
        "by": {of for of, row in table.commands.items() for role in row.by if table.roles[role].of is Holder.HUB},
        "second": {
            of for of, row in table.commands.items() for role in row.second if table.roles[role].of is not Holder.PERSON
        },
    }
    faults = [f"{what}: {', '.join(sorted(map(str, names)))}" for what, names in odd.items() if names]
    if faults:
        raise ValueError("; ".join(faults))
    return table


@cache
def role_table() -> RoleTable:
    """Return the table in force."""
    return parse_roles(files(__package__).joinpath("roles.yaml").read_text(encoding="utf-8"))
