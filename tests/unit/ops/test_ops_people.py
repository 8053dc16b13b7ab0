from __future__ import annotations

import random
from datetime import date

import pytest

from ops.play.scenarios.people import Registry, check_character


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_check_character_of_the_standards_own_samples(number: str) -> None:
    assert check_character(number[:17]) == number[17]


def test_people_have_right_checksums_and_come_once() -> None:
    registry = Registry("620725", date(2024, 1, 1), random.Random(1))  # noqa: S311 - reproducible
    people = [registry.person() for _ in range(2000)]
    assert all(check_character(person.id_number[:17]) == person.id_number[17] for person in people)
    assert all(person.id_number.startswith("620725") for person in people)
    assert len({person.id_number for person in people}) == len(people)
    assert len({person.phone for person in people}) == len(people)
    assert all(len(person.name) == 3 for person in people)


def test_seed_decides_everybody() -> None:
    one, two, other = (Registry("620725", date(2024, 1, 1), random.Random(seed)) for seed in (5, 5, 6))  # noqa: S311 - reproducible
    assert one.person() == two.person() != other.person()


@pytest.mark.parametrize("year", [2012, 2024])
def test_everybody_is_of_age_when_a_run_begins(year: int) -> None:
    registry = Registry("620725", date(year, 4, 1), random.Random(7))  # noqa: S311 - reproducible
    born = [int(registry.person().id_number[6:10]) for _ in range(2000)]
    assert min(born) == 1950
    assert max(born) == min(year - 19, 1999)
