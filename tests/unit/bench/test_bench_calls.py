"""What a call costs is compared turn by turn."""

from __future__ import annotations

from bench.calls import paired

BASE = [{"Submit": 1000.0 * slow} for slow in (1, 1, 2, 3, 1, 1, 4, 1)]


def test_what_slows_down_a_turn_slows_down_both() -> None:
    told = paired(BASE, [{"Submit": turn["Submit"] * 1.02} for turn in BASE], 1.05)["Submit"]
    assert (told["ratio"], told["quartiles"], told["ok"]) == (1.02, [1.02, 1.02], True)


def test_a_dearer_call_is_above_its_bound() -> None:
    told = paired(BASE, [{"Submit": turn["Submit"] * 1.06} for turn in BASE], 1.05)["Submit"]
    assert (told["ratio"], told["ok"]) == (1.06, False)
