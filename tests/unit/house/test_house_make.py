"""`make` explains itself, missing means are told in one line and at once, wheels are whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.support.tree import OURS, ROOT

BASH = shutil.which("bash") or "/bin/bash"


def preflight(tmp_path: Path, *mode: str, java: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """Run .ci/preflight where nothing but bash (and a java that prints `java`) can be found."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    (bin_dir / "bash").symlink_to(BASH)
    if java:
        (bin_dir / "java").write_text(f"#!{BASH}\necho 'openjdk version \"{java}\"' >&2\n", encoding="utf-8")
        (bin_dir / "java").chmod(0o755)
    ci = tmp_path / ".ci"
    ci.mkdir()
    shutil.copy2(ROOT / ".ci" / "preflight", ci / "preflight")
    return subprocess.run(
        [BASH, str(ci / "preflight"), *mode],
        env={"PATH": str(bin_dir), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_without_java_one_line_says_what_to_install(tmp_path: Path) -> None:
    done = preflight(tmp_path, HUB_KAFKA="native")
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "install Java 17" in done.stderr


def test_make_demo_stops_before_it_installs_anything(tmp_path: Path) -> None:
    for name in ("Makefile", ".ci"):
        source = ROOT / name
        shutil.copytree(source, tmp_path / name) if source.is_dir() else shutil.copy2(source, tmp_path / name)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "make"):
        (tools / tool).symlink_to(shutil.which(tool) or "")
    started = time.monotonic()
    done = subprocess.run(
        [str(tools / "make"), "demo"],
        cwd=tmp_path,
        env={"PATH": str(tools), "HUB_KAFKA": "native"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode != 0
    assert time.monotonic() - started < 5
    assert not (tmp_path / ".venv").exists()
    said = [line for line in done.stderr.splitlines() if not line.startswith("make:")]
    assert len(said) == 1
    assert "install Java 17" in said[0]


@pytest.mark.parametrize(
    ("java", "env", "says", "code"),
    [
        ("", {"HUB_KAFKA": "auto"}, "install Java 17", 1),
        ("11.0.2", {"HUB_KAFKA": "native"}, "Java 11 is too old", 1),
        ("1.8.0_392", {"HUB_KAFKA": "native"}, "Java 8 is too old", 1),
        ("17.0.15", {"HUB_KAFKA": "native"}, "Maven", 1),
        ("", {"HUB_KAFKA": "docker"}, "no container engine", 1),
        ("", {"HUB_KAFKA": "external"}, "HUB_KAFKA_BOOTSTRAP", 1),
        ("", {"HUB_KAFKA": "rabbit"}, "auto | native | docker | external", 2),
        ("", {"HUB_KAFKA_BOOTSTRAP": "127.0.0.1:9092"}, "external", 0),
    ],
)
def test_each_choice_says_what_it_lacks(tmp_path: Path, java: str, env: dict[str, str], says: str, code: int) -> None:
    done = preflight(tmp_path, java=java, **env)
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(("env", "code"), [({}, 0), ({"CI": "true"}, 1), ({"HUB_REQUIRE_KAFKA": "1"}, 1)])
def test_tests_may_lack_a_broker_at_home_only(tmp_path: Path, env: dict[str, str], code: int) -> None:
    done = preflight(tmp_path, "optional", **env)
    assert (done.returncode, done.stdout.strip()) == (code, "" if code else "none")


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(" ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split()) - {"ready"}
    assert {line.split()[1] for line in listed.splitlines()} == targets


def timed(tmp_path: Path, target: str, says: str, code: int, bound: str) -> tuple[int, dict[str, object]]:
    """Run .ci/timed where the target's command prints `says` and ends with `code`."""
    ci = tmp_path / ".ci"
    ci.mkdir()
    text = (ROOT / ".ci" / "timed").read_text(encoding="utf-8")
    assert f"bound_s={bound} " in text
    (ci / "timed").write_text(text.replace(f"bound_s={bound} ", "bound_s=-1 ") if code < 0 else text, encoding="utf-8")
    (ci / "check").write_text(f"#!{BASH}\nprintf '{says}'\nexit {max(code, 0)}\n", encoding="utf-8")
    (ci / "check").chmod(0o755)
    (tmp_path / "Makefile").write_text("test:\n\t@.ci/check\n", encoding="utf-8")
    command = [BASH, str(ci / "timed"), target]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("target", "bound"), [("quick", "20"), ("test", "600")])
@pytest.mark.parametrize(
    ("code", "ok"), [(0, True), (1, False), (-1, False)], ids=["in time", "a step fails", "too late"]
)
def test_a_timed_target_ends_with_its_verdict(tmp_path: Path, target: str, bound: str, code: int, ok: bool) -> None:  # noqa: FBT001 - a table
    says = "ok    format         2 s\\n1482 passed in 21.99s\\nFAILS domain_tests   7 s\\n"
    returned, told = timed(tmp_path, target, says, code, bound)
    assert returned == (0 if ok else 1)
    assert told["ok"] is ok
    assert (told["target"], told["exit_code"]) == (target, max(code, 0) and (2 if target == "test" else 1))
    assert told["steps"] == {"format": 2, "domain_tests": 7}
    assert told["pytest"] == "1482 passed in 21.99s"


def test_the_wheel_is_whole(tmp_path: Path) -> None:
    source = tmp_path / "source"
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in OURS:
        shutil.copytree(ROOT / folder, source / folder, ignore=ignore)
    shutil.copytree(ROOT / "tests", source / "tests", ignore=ignore)
    (source / "requirements").mkdir()
    for name in ("pyproject.toml", "README.md", "requirements/runtime.in"):
        shutil.copy2(ROOT / name, source / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        ".",
    ]
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(command, cwd=source, check=True, capture_output=True, env=env)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        (entry,) = (name for name in inside if name.endswith("entry_points.txt"))
        assert "hub = ops.cli.main:main" in archive.read(entry).decode()
    expected = {
        str(path.relative_to(ROOT))
        for folder in OURS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".pyi", ".pyc", ".md"}
    }
    assert expected - inside == set()
    assert {name.split("/")[0] for name in inside if ".dist-info" not in name} == set(OURS)
