"""Cases stamped out for load: each its own, and such as the bridges take."""

from __future__ import annotations

import pytest

from bench.lands import NAMES, land
from bench.submissions import Press, citizen_id
from dispute.lifecycle.identity import dispute_id_of, is_dispute_id
from ops.play.scenarios.codes import known_category
from ops.play.scenarios.people import check_character
from ops.play.scenarios.vocabulary import Docking


@pytest.fixture(scope="module")
def press() -> Press:
    return Press(land("county"), seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_lands_have_their_size(name: str) -> None:
    found = land("county" if name == "county" else "province")
    towns = {village[:9] for village in found.villages}
    sizes = (len(found.counties), len(towns), len(set(found.villages)))
    assert sizes == {"county": (1, 20, 300), "province": (120, 1500, 15_000)}[name]
    assert len(found.weights) == len(found.villages)


def test_the_same_seed_and_numbers_give_the_same_cases(press: Press) -> None:
    again = Press(land("county"), seed=1)
    assert list(press.cases(Docking.POLICE, range(20))) == list(again.cases(Docking.POLICE, range(20)))


@pytest.mark.parametrize("channel", list(Docking))
def test_no_reference_no_command_and_no_person_comes_twice(press: Press, channel: Docking) -> None:
    cases = list(press.cases(channel, range(300)))
    assert len({case.reference for case in cases}) == len(cases)
    commands = [given.command.command_id for case in cases for given in case.commands]
    assert len(set(commands)) == len(commands)
    people = [party.id_number for case in cases for party in case.matter.parties]
    assert len(set(people)) == len(people)


def test_ids_and_codes_are_such_as_the_bridges_take(press: Press) -> None:
    for case in press.cases(Docking.COURT, range(100)):
        assert case.dispute_id == dispute_id_of(case.agency, case.reference)
        assert known_category(case.matter.category)
        assert all(is_dispute_id(given.command.command_id) for given in case.commands)


def test_ids_of_people_have_their_checksum() -> None:
    assert all(number[17] == check_character(number[:17]) for number in (citizen_id("620725", n) for n in range(50)))
