"""What `make red` makes of its lines."""

from __future__ import annotations

import pytest

from tests.blackbox.red import summed, verdict

PROOF = {"test": "a", "item": "1", "base": "red", "now": "green"}
NEW_FIELD = {"test": "n", "item": "1", "base": "new_field", "now": "green"}
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


def test_a_test_whose_input_is_new_is_neither_a_proof_nor_unproven() -> None:
    told = summed("old", [PROOF, NEW_FIELD, NEW_FIELD | {"test": "m", "item": "2"}])
    assert told["ok"]
    assert (told["new_field"], told["unproven"]) == (["n", "m"], [])
    assert (told["red_there_green_here"], told["points_without_proof"]) == (1, [])


def test_a_point_needs_a_proof_beside_its_test_of_new_input() -> None:
    told = summed("old", [NEW_FIELD, PROOF | {"base": "green"}])
    assert told["points_without_proof"] == ["1"]


def test_an_input_that_this_tree_lacks_too_is_not_green_here() -> None:
    ended = {"test": "t", "item": "1", "outcome": "new_field", "asserted": False, "reason": "hub.no.v1.Such.field"}
    line = verdict(ended, ended)
    assert (line["base"], line["base_reason"], line["now"]) == ("new_field", "hub.no.v1.Such.field", "new_field")
    assert summed("old", [line])["not_green_here"] == ["t"]
