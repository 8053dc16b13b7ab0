"""The figures of `make house` see what is planted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import house

Plant = Callable[[str, str], None]
ORDINARY = {
    "hub/__init__.py": '"""Rooms."""\n',
    "hub/wire/court_pb2.py": "class Generated: ...\n" + "\n" * 500,
    **{f"services/{bridge}/__init__.py": '"""One bridge."""\n' for bridge in house.BRIDGES},
}
CALLS = [f"answer_{number} = court_case.field_{number}" for number in range(12)]


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """A tree with nothing amiss, to which a test adds files."""

    def write(file: str, text: str) -> None:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    for file, text in ORDINARY.items():
        write(file, text)
    return write


@pytest.mark.usefixtures("plant")
def test_a_tree_with_nothing_amiss_is_within_every_bound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert house.main(tmp_path) == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert json.loads(told.out) == {
        "target": "house",
        "double_class_names": 0,
        "first_line_words_median": 2.0,
        "bridge_lines": dict.fromkeys(house.BRIDGES, 1),
        "shared_runs_between_bridges": 0,
        "modules_over_400": 0,
        "bounds": {
            "double_class_names": 0,
            "first_line_words_median": 8,
            "bridge_lines": 200,
            "shared_runs_between_bridges": 0,
            "modules_over_400": 0,
        },
        "ok": True,
    }


def test_one_figure_past_its_bound_is_told_with_its_places(
    tmp_path: Path, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant("bench/long.py", "\n" * 401)
    assert house.main(tmp_path) == 1
    told = capsys.readouterr()
    assert told.err == "modules_over_400: bench/long.py: 401 lines\n"
    assert json.loads(told.out)["ok"] is False
    assert json.loads(told.out)["modules_over_400"] == 1


def test_a_class_name_of_two_modules_is_double(tmp_path: Path, plant: Plant) -> None:
    plant("hub/one.py", "class Ledger: ...\nclass _Own: ...\nclass Once:\n    class Generated: ...\n")
    plant("ops/two.py", "class Ledger: ...\nclass _Own: ...\n")
    plant("tests/three.py", "class Once: ...\n")
    figure = house.double_class_names(tmp_path)
    assert (figure.value, figure.places) == (1, ("Ledger: hub/one.py, ops/two.py",))


def test_first_lines_of_what_is_public_are_counted_in_words(tmp_path: Path, plant: Plant) -> None:
    long = "One two three four five six seven eight nine."
    body = f'"""{long}"""\n\nclass A:\n    """{long}"""\n\n    def f(self):\n        """{long}\n\n        More."""\n'
    plant("hub/long.py", body + f'\ndef g():\n    """{long}"""\n\ndef h(): ...\n')
    assert house.first_line_words_median(tmp_path).places == ()  # four long ones of eight: 5.5 in the middle
    plant("hub/longer.py", f'"""{long}"""\n\ndef _own():\n    """Short."""\n\nclass _Own:\n    """Short."""\n')
    figure = house.first_line_words_median(tmp_path)
    assert figure.value == 9
    assert figure.places == (
        "hub/long.py: 4 of 4 first lines have more than 8 words, one 9",
        "hub/longer.py: 1 of 1 first lines have more than 8 words, one 9",
    )


def test_a_bridge_s_lines_are_those_of_all_its_modules_but_migrations(tmp_path: Path, plant: Plant) -> None:
    plant("services/court_bridge/wire.py", "\n" * 199)
    plant("services/police_bridge/wire.py", "\n" * 200)
    plant("services/petition_bridge/migrations/versions/one.py", "\n" * 300)
    figure = house.bridge_lines(tmp_path)
    assert figure.value == {"court_bridge": 200, "police_bridge": 201, "petition_bridge": 1}
    assert figure.places == ("services/police_bridge: 201 lines",)


def test_a_bridge_that_is_gone_is_not_a_short_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="court_bridge"):
        house.bridge_lines(tmp_path)


def test_a_renamed_copy_is_a_shared_run(tmp_path: Path, plant: Plant) -> None:
    copied = [line.replace("court_case", "incident") for line in CALLS[:10]]
    plant("services/court_bridge/rpc.py", lines("import grpc", *CALLS))
    plant("services/police_bridge/calls.py", lines("import asyncio", "", *copied[:5], "", "import this", *copied[5:]))
    figure = house.shared_runs_between_bridges(tmp_path)
    place = "10 lines: services/court_bridge/rpc.py:2 and services/police_bridge/calls.py:3"
    assert (figure.value, figure.places) == (1, (place,))


@pytest.mark.parametrize(
    "other",
    [CALLS[:9], [*CALLS[:5], "own = 1", *CALLS[5:]], [line.replace("field", "body") for line in CALLS]],
    ids=["nine lines", "broken in two", "other words"],
)
def test_what_is_short_or_differs_is_no_shared_run(tmp_path: Path, plant: Plant, other: list[str]) -> None:
    plant("services/court_bridge/rpc.py", lines(*CALLS))
    plant("services/petition_bridge/rpc.py", lines(*other))
    assert house.shared_runs_between_bridges(tmp_path).places == ()


def test_each_pair_of_bridges_has_its_run_wherever_it_stands(tmp_path: Path, plant: Plant) -> None:
    names = {"court_bridge": "court_case", "police_bridge": "incident", "petition_bridge": "petition"}
    for number, (bridge, name) in enumerate(names.items()):
        own = [f"own_{name}_{n} = {number}" for n in range(number * 4)]
        plant(f"services/{bridge}/rpc.py", lines(*own, *(line.replace("court_case", name) for line in CALLS)))
    figure = house.shared_runs_between_bridges(tmp_path)
    assert figure.value == 3
    assert all(place.startswith("12 lines: ") for place in figure.places)
