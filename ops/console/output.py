"""How every command prints: people on a console, machines one JSON document on stdout, faults one line on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn, TypeVar

import structlog
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from hub.errors import Fault, Rejected, Retryable
from hub.runtime import stdio
from ops.console.exits import BrokenPromise, CommandError, Exit
from ops.console.interrupts import run

T = TypeVar("T")


WIDE: Final = 110
"""Columns where there is no terminal to ask: wide enough for the table of rates on one line a channel."""
UNBOUNDED: Final = 10_000
FRAME: Final = 3
"""A column's frame and the space on both of its sides."""


def keep_stdout_clean() -> None:
    """Send what libraries log to stderr, and only errors: stdout belongs to the command's answer."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def printing() -> Iterator[None]:
    """Run the command line, whatever stdout is: letters that its encoding lacks become `?`.

    A reader of stdout that has gone ends the command quietly; a full device is one line on stderr.

    Raises:
        SystemExit: With the documented code.
    """
    stdio.guard()
    keep_stdout_clean()
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BaseException as error:
        unwritable = _unwritable(error)
        if unwritable is None:
            raise
        stdio.abandon()
        if unwritable.gone:
            sys.exit(int(Exit.CLOSED))
        sys.stderr.write(f"{unwritable}\n")
        sys.exit(int(Exit.DIFFERENCE))


def console() -> Console:
    """Return the console for people; rich leaves colour out when stdout is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def stderr() -> Console:
    """Return the console for faults and progress beside `--json`."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else WIDE)


def teller() -> Callable[[str], None]:
    """Return how a command that goes on tells its lines: one that can't be written stops nothing."""
    shown = console()

    def tell(line: str) -> None:
        with suppress(stdio.Unwritable):
            shown.print(line, markup=False, soft_wrap=True)

    return tell


def show(table: Table) -> None:
    """Print a table and cut nothing: what a cell holds in one word (an address, a place) stays on one line.

    Where it doesn't fit, headings take two lines, then the frame goes; at last each row is a list of lines of its own.
    """
    shown = console()
    natural = Measurement.get(shown, shown.options.update(width=UNBOUNDED), table).maximum
    if natural > shown.width:
        content, count = _narrowest(table), len(table.columns)
        if content + count > shown.width:
            _list(shown, table)
            return
        if content + FRAME * count >= shown.width:
            table.box, table.padding = None, (0, 1, 0, 0)
    shown.print(table)


def _narrowest(table: Table) -> int:
    """Put headings on two lines, Chinese above English; returns the width that all cells need at least."""
    needed = 0
    for column in table.columns:
        column.header = str(column.header).replace(" ", "\n", 1)
        cells = [Text.from_markup(str(cell)).plain for cell in column.cells]
        column.no_wrap = not any(" " in cell for cell in cells)
        words = [column.header, *cells] if column.no_wrap else " ".join([column.header, *cells]).split()
        needed += max(cell_len(line) for word in words for line in word.split("\n"))
    return needed


def _list(shown: Console, table: Table) -> None:
    if table.title:
        shown.print(table.title, soft_wrap=True)
    heads = [str(column.header).replace("\n", " ") for column in table.columns]
    for cells in zip(*(column.cells for column in table.columns), strict=True):
        shown.print()
        for head, cell in zip(heads, cells, strict=True):
            shown.print(f"  {head}: {cell}" if head else f"  {cell}", soft_wrap=True)


def document(value: object) -> None:
    """Print one JSON document, nothing else."""
    sys.stdout.write(as_json(value, indent=1) + "\n")
    sys.stdout.flush()


def as_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON, with escapes where the encoding of stdout lacks a letter."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if stdio.takes(text) else json.dumps(value, indent=indent)


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


def _unwritable(error: BaseException) -> stdio.Unwritable | None:
    if isinstance(error, stdio.Unwritable):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := _unwritable(one))), None)


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
