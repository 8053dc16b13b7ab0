"""Lays an old commit out beside this one, for a comparison in one run."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.machine import ROOT


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Give the tree of a commit, with the Kafka of this one; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="santiao-base-") as folder:
        tree = Path(folder) / "base"
        _git("worktree", "add", "--detach", str(tree), commit)
        try:
            (tree / ".cache").mkdir(exist_ok=True)
            (tree / ".cache" / "kafka").symlink_to((ROOT / ".cache" / "kafka").resolve())
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> None:
    command = ("git", *arguments)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - fixed words and a commit
