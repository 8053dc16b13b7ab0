"""Exit codes of the `hub` command, and the errors that end a command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a shell script can tell apart."""

    OK = 0
    DIFFERENCE = 1
    USAGE = 2
    MISSING_TOOL = 3
    TIMED_OUT = 4
    INTERRUPTED = 130
    CLOSED = 141


class CommandError(Exception):
    """Ends the command with one clear line and its exit code."""

    def __init__(self, exit_code: Exit, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class BrokenPromise(Exception):  # noqa: N818 - named for what happened: the other side's answer breaks its contract
    """An answer that no caller can live with; the run fails with its text."""
