"""What `make red` makes of its lines."""

from __future__ import annotations

import pytest

from tests.blackbox.red import summed

PROOF = {"test": "a", "item": "1", "base": "red", "now": "green"}
WITHOUT_POINT = {"test": "b", "item": "", "base": "red", "now": "green"}


def test_a_proof_for_every_point_is_enough() -> None:
    told = summed("old", [PROOF, WITHOUT_POINT])
    assert told["ok"]
    assert (told["red_there_green_here"], told["points_without_proof"]) == (2, [])


@pytest.mark.parametrize(
    "more",
    [
        {"test": "c", "item": "2", "base": "green", "now": "green"},
        {"test": "c", "item": "2", "base": "unproven", "now": "green"},
        {"test": "c", "item": "1", "base": "red", "now": "failed"},
    ],
)
def test_a_point_without_proof_or_a_red_test_here_is_told(more: dict[str, str]) -> None:
    assert not summed("old", [PROOF, more])["ok"]


def test_no_lines_prove_nothing() -> None:
    assert not summed("old", [])["ok"]
