"""How every command prints: people on a console, machines one JSON document on stdout, faults one line on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, TypeVar

import structlog
from rich.console import Console

from hub.errors import Fault, Rejected, Retryable
from ops.exits import CommandError, Exit
from ops.interrupts import run
from ops.simulators.answers import BrokenPromise

T = TypeVar("T")


WIDE: Final = 110
"""Columns where there is no terminal to ask: wide enough for the table of rates on one line a channel."""


def keep_stdout_clean() -> None:
    """Send what libraries log to stderr, and only errors: stdout belongs to the command's answer."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def console() -> Console:
    """Return the console for people; rich leaves colour out when stdout is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def stderr() -> Console:
    """Return the console for faults and progress beside `--json`."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def document(value: object) -> None:
    """Print one JSON document, nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
    sys.stdout.flush()


def carry_out(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end; every way it can fail becomes an exit code and one clear text.

    Raises:
        SystemExit: With the documented code.
    """
    with failing():
        return run(work)


@contextmanager
def failing() -> Iterator[None]:
    """Turn what a command can fail with into a line on stderr and its exit code; our own bugs keep their traceback."""
    try:
        yield
    except* (CommandError, BrokenPromise, Retryable, Rejected, Fault, TimeoutError) as group:
        _leave(group)


def _leave(group: BaseExceptionGroup[BaseException]) -> NoReturn:
    first = _first(group)
    code = Exit.DIFFERENCE
    if isinstance(first, CommandError):
        code = first.exit_code
    elif isinstance(first, TimeoutError | Retryable):
        code = Exit.TIMED_OUT
    stderr().print(str(first), style="red", markup=False, soft_wrap=True)
    sys.exit(int(code))


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
