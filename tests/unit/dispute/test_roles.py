"""The table of roles: complete, and a fault is named."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from pkgutil import walk_packages

import pytest

import dispute.wire
import hub.wire
from dispute.access.roles import GIVEN, Holder, parse_roles, role_table
from dispute.contracts.codec import event_from_wire, event_to_wire
from dispute.lifecycle.states import State
from dispute.lifecycle.vocabulary import Role
from tests.support.lifecycle import reach

WIRES = [
    module.name
    for package in (hub.wire, dispute.wire)
    for module in walk_packages(package.__path__, f"{package.__name__}.")
    if module.name.endswith("_pb2")
]
TEXT = files("dispute.access").joinpath("roles.yaml").read_text(encoding="utf-8")


def test_every_role_and_every_command_has_a_row() -> None:
    table = role_table()
    assert set(table.roles) == set(Role)
    assert set(table.commands) == GIVEN


def test_a_party_may_give_nothing_and_a_court_only_its_ruling() -> None:
    table = role_table()
    given = {role: {of for of in GIVEN if table.may_give(role, of)} for role in Role}
    assert given[Role.PARTY] == given[Role.PUBLIC] == given[Role.AUDITOR] == given[Role.OPERATOR] == set()
    assert given[Role.SYSTEM] == given[Role.AGENCY] == set(), "what they do comes by another way"
    assert given[Role.COURT] == {"T18a", "T18b"}
    assert [role for role in Role if table.may_give(role, "T18a")] == [Role.COURT]
    assert not table.may_give(Role.CLERK, "T1"), "no row, no right"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  T9:   {by: [handler]}\n", "", "commands: T9"),
        ("  T9:   {by", "  T99:  {by", "commands: T9, T99"),
        ("T9:   {by: [handler]}", "T9:   {by: [system]}", "by: T9"),
        ("second: [reviewer]}\n  T25", "second: [court]}\n  T25", "second: T24"),
        ("T9:   {by: [handler]}", "T9:   {by: []}", "length >= 1"),
        ("T9:   {by: [handler]}", "T9:   {by: [chief]}", "chief"),
        ("T9:   {by: [handler]}", "T9:   {from: [handler]}", "from"),
        ("  party:      {zh: 当事人,     en: party,             of: person, persons: none}\n", "", "roles: party"),
    ],
)
def test_a_fault_of_the_table_is_named(old: str, new: str, fault: str) -> None:
    assert old in TEXT
    with pytest.raises(ValueError, match=fault):
        parse_roles(TEXT.replace(old, new))


def test_every_rpc_has_a_row() -> None:
    found = set()
    for each in map(import_module, WIRES):
        for service in each.DESCRIPTOR.services_by_name.values():
            found |= {f"{service.full_name}/{method.name}" for method in service.methods}
    table, rows = role_table(), role_table().calls.values()
    assert {call for call in found if table.call_row(call) is None} == set()
    used = [row for row in rows if any(table.call_row(call) is row for call in found)]
    assert len(used) == len(rows), "a row of no call"
    assert not table.may_call("agency", frozenset(), "hub.court.v1.CourtBridgeService/Erase")


def test_a_scope_narrows_a_credential_and_never_widens_it() -> None:
    table, submit = role_table(), "hub.court.v1.CourtBridgeService/SubmitBatch"
    assert table.may_call("agency", frozenset(), submit)
    assert table.may_call("agency", frozenset({"submit", "read"}), submit)
    assert not table.may_call("agency", frozenset({"read"}), submit)
    assert not table.may_call("clerk", frozenset({"submit"}), submit)
    assert not table.may_call("operator", frozenset({"submit"}), "hub.intake.v1.IntakeService/AdvanceClock")


def test_an_agency_is_of_a_channel_and_of_a_county() -> None:
    table = role_table()
    assert table.may_hold("agency", "court-620725", "620725")
    for holder, area in (("court-620725", ""), ("court", "620725"), ("window-620725", "620725")):
        assert not table.may_hold("agency", holder, area)
    assert not table.may_hold("system", "timers", "")
    assert not table.may_hold("chief", "chief-1", "")


def test_only_the_hub_has_the_role_of_its_timers() -> None:
    assert [role for role, row in role_table().roles.items() if row.of is Holder.HUB] == [Role.SYSTEM]


def test_an_event_of_before_by_a_bridge_is_read_as_of_an_agency() -> None:
    message = event_to_wire(reach(State.ACCEPTED).events[0])
    message.actor_role = "bridge"
    assert event_from_wire(message).actor_role is Role.AGENCY
    message.actor_role = "nobody"
    with pytest.raises(Exception, match="Role"):
        event_from_wire(message)
