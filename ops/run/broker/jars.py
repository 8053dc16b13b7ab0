"""Fetches Apache Kafka's jars once.

Maven puts them into a folder that Git ignores, either all of them or none.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ops.console.refusals import KAFKA_FETCH_FAILED

ROOT: Final = Path(__file__).resolve().parents[3]
POM: Final = ROOT / "deploy" / "kafka" / "pom.xml"

Say = Callable[[str], None]


def libs_folder() -> Path:
    """Return the folder of the jars.

    It is in the checkout, or in the user's cache when the hub is installed as a wheel.
    """
    return (ROOT / ".cache" if POM.is_file() else Path.home() / ".cache" / "santiao-hub") / "kafka" / "libs"


def present(libs: Path) -> bool:
    """Tell whether the jars are there.

    The folder is made by a rename, so it is never half full.
    """
    return any(libs.glob("kafka_2*.jar")) and any(libs.glob("kafka-clients-*.jar"))


def version_of(libs: Path) -> str:
    """Return the version that the jar states.

    `unknown` when it states none.
    """
    for jar in sorted(libs.glob("kafka-clients-*.jar")):
        with zipfile.ZipFile(jar) as archive:
            text = archive.read("kafka/kafka-version.properties").decode()
        stated = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return stated.get("version", "unknown").strip()
    return "unknown"


def fetch(libs: Path, say: Say, *, maven: str = "mvn", pom: Path = POM) -> None:
    """Fetch the jars if they are missing.

    Args:
        libs: Target folder; another process may be filling it at the same time.
        say: Gets a progress line at the start, every few seconds, and at the end.
        maven: Program.
        pom: Maven project that names what to fetch.

    Raises:
        Rejected: `kafka_fetch_failed`, with the remedy.
    """
    if present(libs):
        return
    libs.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    say("首次运行：用 Maven 取 Apache Kafka（约 40 MB） / first run: fetching Apache Kafka through Maven (about 40 MB)")
    staging = Path(tempfile.mkdtemp(prefix="libs-", dir=libs.parent))
    try:
        _run_maven([maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"], staging, say)
        if not present(staging):
            raise KAFKA_FETCH_FAILED.error(why="no jars")
        try:
            staging.rename(libs)
        except OSError:
            # another process was faster: its folder is as complete as ours
            if not present(libs):
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    jars = len(list(libs.glob("*.jar")))
    say(f"Kafka {version_of(libs)}：{jars} 个 jar / {jars} jars, {time.monotonic() - started:.0f} s")


def _run_maven(command: list[str], staging: Path, say: Say) -> None:
    log = staging / "maven.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - the program is the one the choice found on the PATH
            [*command, f"-DoutputDirectory={staging}"],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                try:
                    code = process.wait(5)
                    break
                except subprocess.TimeoutExpired:
                    say(f"… {len(list(staging.glob('*.jar')))} jars")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if code != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line]
        cause = lines[0].replace("[ERROR]", "").strip()[:300] if lines else f"exit code {code}"
        raise KAFKA_FETCH_FAILED.error(why=cause)
    log.unlink()
