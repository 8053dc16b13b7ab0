"""Black box: the `hub` command as a process, against the real broker. Imports nothing of ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HUB = (sys.executable, "-m", "ops")
KEYS = {"broker", "rates", "books", "events", "kills", "pauses", "repeats_dropped", "gaps_fetched", "seconds", "ok"}


def hub(*arguments: str, timeout_s: float = 150) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HUB, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)


def rate(document: dict[str, list[dict[str, object]]], channel: str, metric: str) -> tuple[object, object, object]:
    (found,) = [r for r in document["rates"] if (r["channel"], r["metric"]) == (channel, metric)]
    return found["numerator"], found["denominator"], found["percent"]


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka_choice")
@pytest.mark.long
@pytest.mark.timeout(200)
def test_one_refused_consent_moves_exactly_its_counts(tmp_path: Path) -> None:
    """Beside the figures of the next test, which are the scenario's own."""
    text = (ROOT / "scenarios" / "small.yaml").read_text(encoding="utf-8")
    given, refused = "fate: settled, consents: {plaintiff: given, defendant: given}", "defendant: refused}"
    assert given in text
    changed = tmp_path / "changed.yaml"
    changed.write_text(text.replace(given, given.replace("defendant: given}", refused)), encoding="utf-8")
    done = hub("demo", "--scenario", str(changed), "--folder", str(tmp_path / "run"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert set(document) == KEYS
    assert document["ok"] is True
    assert document["broker"]["version"].startswith("4.")
    assert document["books"]["balanced"] is True
    assert document["kills"] == []
    assert rate(document, "court", "diversion") == (27, 36, "75.0")
    assert rate(document, "court", "success") == (17, 27, "63.0")
    assert rate(document, "police", "success") == (10, 14, "71.4")


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka_choice")
@pytest.mark.long
@pytest.mark.timeout(200)
def test_the_figures_agree_where_each_service_logs_in_over_tls(tmp_path: Path) -> None:
    """What each may do there, and what it may not: `make secured`."""
    arguments = ("demo", "--secured", "--scenario", "scenarios/small.yaml", "--folder", str(tmp_path / "run"), "--json")
    done = hub(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert rate(document, "all", "resolution") == (33, 47, "70.2")
    for path in (tmp_path / "run" / "kafka-logins").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() not in "".join(log.read_text() for log in (tmp_path / "run" / "logs").iterdir())


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka_choice")
@pytest.mark.timeout(300)
def test_the_same_figures_come_out_under_kill_9(tmp_path: Path) -> None:
    """Seed 7."""
    arguments = ("demo", "--scenario", "scenarios/small.yaml", "--folder", str(tmp_path / "run"), "--json")
    done = hub(*arguments, "--chaos", "7", timeout_s=280)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert len(document["kills"]) >= 8
    assert len({kill["service"] for kill in document["kills"]}) == 5
    assert sum(kill["outbox_rows"] + kill["unread"] > 0 for kill in document["kills"]) >= 5
    assert rate(document, "court", "diversion") == (28, 36, "77.8")
    assert rate(document, "court", "success") == (18, 28, "64.3")
    assert rate(document, "police", "success") == (10, 14, "71.4")
    assert rate(document, "all", "resolution") == (33, 47, "70.2")


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka_choice")
@pytest.mark.timeout(300)
def test_today_comes_out_on_the_wall_clock(tmp_path: Path) -> None:
    """On the clock that a county uses; every record is of the last two days. Under chaos: test_blackbox_demo.py."""
    arguments = ("demo", "--scenario", "scenarios/today.yaml", "--clock", "wall", "--json")
    done = hub(*arguments, "--folder", str(tmp_path / "run"), timeout_s=280)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert document["books"]["balanced"] is True
    assert rate(document, "all", "diversion") == (44, 58, "75.9")
    assert rate(document, "petition", "success") == (5, 6, "83.3")
    assert rate(document, "all", "resolution") == (30, 44, "68.2")


def test_the_wall_clock_refuses_a_scenario_of_another_time(tmp_path: Path) -> None:
    arguments = ("demo", "--scenario", "scenarios/small.yaml", "--clock", "wall", "--folder", str(tmp_path / "run"))
    done = hub(*arguments)
    assert done.returncode == 2
    assert "within the last 3 days" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.kafka
@pytest.mark.usefixtures("kafka_choice")
@pytest.mark.timeout(200)
def test_up_serves_tools_and_stops_everything_on_ctrl_c(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    held = subprocess.Popen(
        [*HUB, "up", "--folder", str(folder)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert held.stdout is not None
        said = []
        for line in held.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                break
        assert "Ctrl-C" in said[-1], "".join(said)
        run = ("--run", str(folder))
        assert all(row["serving"] for row in json.loads(hub("status", *run, "--json").stdout))
        assert json.loads(hub("books", *run, "--json").stdout)["balanced"] is True
        assert json.loads(hub("dlq", "list", "handoffs", *run, "--json").stdout) == []
        assert len(json.loads(hub("stats", "rates", *run, "--json").stdout)["rates"]) == 20
        examined = hub("doctor", *run, "--json")
        assert examined.returncode == 0, examined.stdout
        assert hub("events", "tail", "journal", *run).stdout == ""
        pids = [int(path.read_text()) for path in (folder / "pids").glob("*.pid")]
        assert len(pids) == 5
    finally:
        held.send_signal(signal.SIGINT)
        held.communicate(timeout=60)
    assert held.returncode == 130
    assert not [pid for pid in pids if _lives(pid)]
    unreachable = hub("status", *run, "--json")
    assert unreachable.returncode == 1
    assert not any(row["serving"] for row in json.loads(unreachable.stdout))


def test_children_end_with_a_launcher_that_was_killed(tmp_path: Path) -> None:
    """Needs no broker: the leash alone is looked at."""
    script = (
        "import sys; from pathlib import Path; from ops.run.children import Child\n"
        "child = Child('nobody', 1, {'HUB_GRPC_PORT': '1', 'HUB_HTTP_PORT': '2'}, Path(sys.argv[1]))\n"
        "child.command = ('/bin/sleep', '600')\n"
        "child.start()\n"
        "while child.pid() is None: pass\n"
        "print(child.pid(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout is not None
    pid = int(launcher.stdout.readline())
    assert _lives(pid)
    launcher.kill()
    launcher.communicate()
    end = time.monotonic() + 30
    while _lives(pid):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_without_java_one_line_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [*HUB, "demo", "--scenario", "scenarios/small.yaml", "--folder", str(tmp_path / "run")],
        cwd=ROOT,
        env={**os.environ, "HUB_KAFKA": "native", "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Java 17" in done.stderr


def test_a_faulty_scenario_is_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("name: x\nsed: 3\n", encoding="utf-8")
    done = hub("demo", "--scenario", str(file), "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{file}:2: sed: " in done.stderr


def test_help_is_plain_text() -> None:
    done = hub("--help", timeout_s=30)
    assert done.returncode == 0
    assert "credentials" in done.stdout
    assert "\x1b[" not in done.stdout


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
