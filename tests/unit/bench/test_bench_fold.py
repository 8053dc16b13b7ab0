"""What bench-fold prints: ratios that favour the peer, targets as they were reached, one JSON line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import results as saving
from bench.fold import TARGETS, document
from bench.measure import Sample
from bench.options import Options
from bench.results import finish, save

ONCE = Options(rounds=1, quick=False, save=False, json=True, folder=None)


def sample(rate: float, cpu_us: float) -> list[Sample]:
    return [{"events_s": rate, "cpu_us": cpu_us, "off_by": 0}]


FIGURES = {
    1: {
        "hub": sample(5_000, 200),
        "bare_decode": sample(200_000, 5),
        "quix": sample(16_000, 60),
        "kafka_streams": sample(50_000, 30),
    },
    500: {
        "hub": sample(120_000, 10),
        "bare_decode": sample(300_000, 3),
        "quix": sample(12_000, 80),
        "kafka_streams": sample(60_000, 40),
    },
    2000: {
        "hub": sample(128_000, 8),
        "bare_decode": sample(320_000, 3),
        "quix": sample(8_000, 120),
        "kafka_streams": sample(30_000, 60),
    },
}
JOURNALS = {n: {"events_a_value": float(n), "bytes_an_event": 440.0} for n in FIGURES}


def test_ratios_are_against_the_peer_s_faster_form_and_the_lower_of_500_and_2000() -> None:
    told = document(ONCE, FIGURES, JOURNALS)
    # Quix: an event a message is faster than its batches. Kafka Streams: batches are at 500, its natural form at 2000.
    assert told["ratios"] == {"quix": 7.5, "kafka_streams": 2.0, "bare_decode": 0.4}
    assert told["ratios_cpu"] == {"quix": 6.0, "kafka_streams": 3.0, "bare_decode": 0.3}


def test_a_missed_target_is_stated() -> None:
    targets = document(ONCE, FIGURES, JOURNALS)["targets"]
    assert isinstance(targets, dict)
    assert set(targets) == set(TARGETS)
    assert targets["quix"] == {"target": 8.0, "reached": 7.5, "met": False}
    assert targets["kafka_streams"]["met"] is True
    assert targets["bare_decode"]["met"] is True


def test_figures_have_their_spread() -> None:
    three = {500: {**FIGURES[500], "hub": sample(100, 1) + sample(300, 3) + sample(200, 2)}}
    figures = document(ONCE, three, JOURNALS)["figures"]
    assert isinstance(figures, dict)
    assert figures[500]["hub"]["events_s"] == {"median": 200, "min": 100, "max": 300, "n": 3}


def test_the_result_is_one_line_and_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(saving, "SCRATCH", tmp_path / "scratch")
    monkeypatch.setattr(saving, "PUBLISHED", tmp_path / "published")
    told = document(ONCE, FIGURES, JOURNALS)
    finish(told)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed)["ratios"] == told["ratios"]
    kept = save("fold", told, publish=False)
    assert kept == tmp_path / "scratch" / "bench-fold.json"
    assert json.loads(kept.read_text()) == json.loads(printed)
    assert save("fold", told, publish=True) == tmp_path / "published" / "bench-fold.json"
