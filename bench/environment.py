"""Builds the environment of the peers.

That is a virtual environment of their own and the jar of Kafka Streams' counter. They are built again only after a
change.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bench.machine import ROOT
from bench.measure import Say
from ops.console.exits import CommandError, Exit

CACHE: Final = ROOT / ".cache" / "bench"
PEERS: Final = ROOT / "bench" / "peers"
REQUIREMENTS: Final = PEERS / "requirements.txt"
STREAMS: Final = PEERS / "kafka-streams"
PROTOS: Final = ROOT / "protos"
SAID_EVERY_S: Final = 15.0
CAUSES: Final = ("ERROR", "error:")


def python(say: Say) -> Path:
    """Return the Python interpreter of the peers.

    Their environment is built when its lock file changed.

    Raises:
        CommandError: One line with the cause and the log.
    """
    folder = CACHE / "venv"
    interpreter = folder / "bin" / "python"
    wanted = _digest([REQUIREMENTS])
    if not _is_current(folder, wanted):
        shutil.rmtree(folder, ignore_errors=True)
        say("first run: the peers' environment, .cache/bench/venv (about 50 packages, a minute or two)")
        _run([sys.executable, "-m", "venv", str(folder)], "venv", say)
        pip = [str(interpreter), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        _run([*pip, "--progress-bar", "off", "--require-hashes", "-r", str(REQUIREMENTS)], "venv", say)
        _stamp(folder, wanted)
    return interpreter


def kafka_streams(say: Say) -> Sequence[str]:
    """Return the command of Kafka Streams' counter.

    The jar is built when its sources changed.

    Raises:
        CommandError: As above.
    """
    folder = CACHE / "kafka-streams"
    wanted = _digest([STREAMS / "pom.xml", *sorted(STREAMS.rglob("*.java")), *sorted(PROTOS.rglob("*.proto"))])
    if not _is_current(folder, wanted):
        if shutil.which("mvn") is None:
            raise CommandError(
                Exit.MISSING_TOOL, "Maven is needed to build the Kafka Streams peer (no mvn on the PATH)"
            )
        shutil.rmtree(folder, ignore_errors=True)
        say("first run: building the Kafka Streams peer with Maven (about 90 MB of jars, a minute or two)")
        _run(["mvn", "-q", "-B", "-f", str(STREAMS / "pom.xml"), "package", f"-Dtarget={folder}"], "kafka-streams", say)
        _stamp(folder, wanted)
    heap = ("-Xms256m", "-Xmx1g")
    return ("java", *heap, "-cp", f"{folder / 'count.jar'}:{folder / 'libs'}/*", "CountEvents")


def version_of(interpreter: Path, package: str) -> str:
    """Return the version of a peer's package."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.check_output([str(interpreter), "-c", code], text=True).strip()  # noqa: S603 - our own words


def _digest(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _is_current(folder: Path, wanted: str) -> bool:
    stamp = folder / ".made"
    return stamp.is_file() and stamp.read_text() == wanted


def _stamp(folder: Path, wanted: str) -> None:
    # Written last: a folder without its stamp is incomplete and is built again.
    (folder / ".made").write_text(wanted)


def _run(command: list[str], name: str, say: Say) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    log = CACHE / f"{name}.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT)  # noqa: S603 - fixed programs
        seconds = 0.0
        try:
            while True:
                try:
                    code = process.wait(SAID_EVERY_S)
                    break
                except subprocess.TimeoutExpired:
                    seconds += SAID_EVERY_S
                    say(f"… {name} {seconds:.0f} s")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if code != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if any(mark in line for mark in CAUSES)]
        cause = lines[-1].strip()[:300] if lines else f"exit code {code}"
        raise CommandError(Exit.MISSING_TOOL, f"making {name} failed, check the network and its mirror: {cause}; {log}")
