"""What the matrix asks of health: a wrong word, a wrong status or a dead loop is a problem, and only these."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ops.run.launcher import SERVICES
from tests.faults import healths, scene
from tests.faults.health_table import BRIDGE, DOWN, EXPECTED, INTAKE, STATS, role_of
from tests.faults.healths import Said, differing, right
from tests.faults.kinds import BY_NAME
from tests.faults.scene import Scene


def test_the_table_names_kinds_and_tells_every_role() -> None:
    assert EXPECTED.keys() <= BY_NAME.keys()
    assert {role_of(service) for service in SERVICES} == {BRIDGE, INTAKE, STATS}
    assert all(row.keys() == {BRIDGE, INTAKE, STATS} for row in EXPECTED.values())


@pytest.mark.parametrize(
    ("said", "status", "is_right"),
    [
        (Said(200, "ok", alive=True, serving=True), "ok", True),
        (Said(200, "degraded", alive=True, serving=True), "degraded", True),
        (Said(503, "down", alive=True, serving=False), "down", True),
        (Said(200, "ok", alive=True, serving=True), "down", False),
        (Said(200, "down", alive=True, serving=False), "down", False),
        (Said(503, "down", alive=False, serving=False), "down", False),
        (Said(0, "", alive=False, serving=False), "ok", False),
    ],
)
def test_an_answer_is_right_by_its_word_and_its_status_while_the_loop_lives(
    said: Said, status: str, *, is_right: bool
) -> None:
    assert right(said, status) is is_right


class Rig:
    """A rig whose processes are their own labels."""

    def child(self, label: str) -> Any:  # noqa: ANN401 - a stand-in
        return type("Named", (), {"name": label, "label": label})


async def test_each_process_that_does_not_come_to_say_so_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"intake": iter(["ok", "down"]), "stats": iter(["ok"] * 1000)}

    async def ask(child: Any) -> Said:  # noqa: ANN401 - a stand-in
        status = next(answers[child.label])
        return Said(healths.CODES[status], status, alive=True, serving=True)

    monkeypatch.setattr(healths, "ask", ask)
    rig: Any = Rig()
    told = await differing(rig, {"intake": DOWN}, 5.0)
    assert told == []
    told = await differing(rig, {"stats": DOWN}, 0.3)
    assert len(told) == 1
    assert "stats" in told[0]


async def test_a_fault_that_nobody_has_a_row_for_only_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []

    async def note(_rig: object, expected: dict[str, str], _deadline_s: float) -> list[str]:
        asked.append(expected)
        return ["wrong"]

    monkeypatch.setattr(scene, "differing", note)
    monkeypatch.setattr(scene, "DOWN_AFTER_S", 0.0)
    rig: Any = Rig()
    dice = random.Random(1)  # noqa: S311 - reproducible, no secret
    load: Any = None
    quiet, known = Scene(rig, load, dice), Scene(rig, load, dice, health=EXPECTED["store-read-only"])
    await quiet.lasts(["intake"], 0.0)
    assert (asked, quiet.problems) == ([], [])
    await known.lasts(["intake", "court_bridge"], 0.0)
    assert asked == [{"intake": DOWN, "court_bridge": DOWN}]
    assert known.problems == ["wrong"]
