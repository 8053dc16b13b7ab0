from __future__ import annotations

from itertools import islice
from pathlib import Path

from hub.streams.envelope import StreamName
from ops.play.chaos import LEAST_KILLS, Kill, held, required, victims
from ops.run.books import Sheet
from ops.run.children import Child
from ops.run.launcher import SERVICES

JOURNAL = StreamName("intake", 0, "e")
ENVIRONMENT = {"HUB_GRPC_PORT": "1", "HUB_HTTP_PORT": "2"}


def test_each_service_is_drawn_within_five_and_the_seed_decides() -> None:
    for seed in range(20):
        drawn = list(islice(victims(seed), 10))
        assert set(drawn[:5]) == set(drawn[5:]) == set(SERVICES)
        assert drawn == list(islice(victims(seed), 10))
    assert len({tuple(islice(victims(seed), 5)) for seed in range(20)}) > 10


def test_kills_keep_up_with_the_work() -> None:
    assert required(0.0) == 0
    assert required(0.5) == LEAST_KILLS // 2
    assert required(1.0) == required(7.0) == LEAST_KILLS


def test_what_a_service_held_is_read_from_the_books(tmp_path: Path) -> None:
    stats = Child("stats", 1, ENVIRONMENT, tmp_path)
    intake = Child("intake", 1, ENVIRONMENT, tmp_path)
    books = {
        "intake": Sheet("intake", {}, {JOURNAL: 9}, {JOURNAL: 7}, {}),
        "stats": Sheet("stats", {}, {}, {}, {JOURNAL: 4}),
    }
    assert held(stats, books) == (0, 3)
    assert held(intake, books) == (2, 0)
    assert held(stats, {}) == (0, 0)


def test_a_kill_is_loaded_by_what_it_held() -> None:
    assert Kill("stats", 1.0, 0, 3).loaded
    assert Kill("intake", 1.0, 2, 0).loaded
    assert not Kill("intake", 1.0, 0, 0).loaded
