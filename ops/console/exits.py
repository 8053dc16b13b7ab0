"""Exit codes and errors that end a command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the `hub` command."""

    OK = 0
    DIFFERENCE = 1
    USAGE = 2
    MISSING_TOOL = 3
    TIMED_OUT = 4
    INTERRUPTED = 130
    CLOSED = 141


class CommandError(Exception):
    """An error that ends the command.

    The command prints one clear line and ends with the exit code.
    """

    def __init__(self, exit_code: Exit, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class BrokenPromise(Exception):  # noqa: N818 - named for what happened: the other side's answer breaks its contract
    """An answer that breaks its contract.

    No caller can go on after it; the run fails with its text.
    """
