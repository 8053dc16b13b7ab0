"""Which disputes are of one matter: stored links and those of the unit, in chains and circles."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace
from typing_extensions import override

from dispute.lifecycle import State
from services.intake.cases.membership import Membership
from services.intake.cases.ports import Case, StoredLinks
from tests.support.lifecycle import reach

DISPUTE = reach(State.ACCEPTED).state


class Stored(StoredLinks):
    """Links of a register, and how often they were asked for."""

    def __init__(self, links: Mapping[str, str]) -> None:
        self._links = links
        self.asked = 0

    @override
    def masters_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        self.asked += 1
        return {each: self._links[each] for each in dispute_ids if each in self._links}

    @override
    def members_of(self, dispute_ids: Collection[str]) -> Mapping[str, str]:
        self.asked += 1
        return {each: master for each, master in self._links.items() if master in dispute_ids}


def membership(links: Mapping[str, str], now: Mapping[str, str] | None = None) -> Membership:
    """Return the links of a register; `now` are the masters of the unit's own disputes."""
    cases = {each: Case(replace(DISPUTE, master_dispute_id=master)) for each, master in (now or {}).items()}
    made = Membership(Stored(links), cases)
    for each, master in (now or {}).items():
        made.add(each, master)
    return made


def test_an_unlinked_dispute_is_a_matter_by_itself() -> None:
    alone = membership({})
    assert alone.first_of("a") == "a"
    assert alone.others_of("a") == []


def test_every_member_finds_all_others() -> None:
    stored = {"b": "a", "c": "a", "y": "x"}
    for each in "abc":
        assert membership(stored).others_of(each) == sorted({"a", "b", "c"} - {each})


def test_matters_whose_first_disputes_are_linked_are_one() -> None:
    stored = {"b": "a", "d": "c", "c": "a"}
    links = membership(stored)
    assert links.others_of("d") == ["a", "b", "c"]
    links.follow(["d"])
    assert links.first_of("d") == "a"


def test_a_circle_of_an_earlier_release_ends() -> None:
    links = membership({"a": "b", "b": "a"})
    assert links.others_of("a") == ["b"]
    links.follow(["a"])
    assert links.first_of("a") == "b"


def test_what_the_unit_did_outweighs_what_is_stored() -> None:
    stored = {"b": "a", "c": "a"}
    assert membership(stored, {"b": ""}).others_of("a") == ["c"]
    assert membership(stored, {"b": ""}).others_of("b") == []
    assert membership(stored, {"d": "a"}).others_of("c") == ["a", "b", "d"]


def test_links_are_read_once_for_all_disputes_of_a_unit() -> None:
    register = Stored({f"m-{n}": f"f-{n}" for n in range(50)})
    links = Membership(register, {})
    links.load([f"m-{n}" for n in range(50)])
    asked = register.asked
    assert [links.others_of(f"m-{n}") for n in range(50)] == [[f"f-{n}"] for n in range(50)]
    assert register.asked == asked
