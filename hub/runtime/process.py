"""Runs the parts of a service.

Parts start in order and stop in reverse order, in bounded time. Every `__main__` ends in this module.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Final, NoReturn, Protocol

import structlog

from hub.errors import Fault, Refused
from hub.refusals import BUG
from hub.runtime import heap, stdio

EXIT_OK: Final = 0
EXIT_FAULT: Final = 70
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_CANCEL_GRACE_S: Final = 1.0
_STOP_MARGIN_S: Final = 5.0
"""Time after the grace, for parts that are abandoned one after the other; after that the loop itself hangs."""
_LEAVE_S: Final = 3.0
"""Time for the loop's own end and for what is closed after it; what is not closed by then is abandoned."""
_FLUSH_S: Final = 1.0

_log = structlog.stdlib.get_logger(__name__)


class Part(Protocol):
    """One component that runs as long as the process.

    Examples are a server, a relay and a reader.

    Attributes:
        name: For the log; lower case, no spaces.
    """

    @property
    def name(self) -> str:
        """Name for the log."""

    async def start(self) -> None:
        """Verify, then serve; return when the part works.

        A raised error ends the process.
        """

    async def stop(self) -> None:
        """Finish the accepted work, flush and close.

        Nothing new is accepted. Also called after a failure.
        """

    async def failed(self) -> None:
        """Wait for ever, or raise the part's fatal error."""


def end(work: Callable[[], int]) -> NoReturn:
    """Do the work, then end the process.

    The exit code is what `work` returned, whatever threads are left. The interpreter's own end waits for every thread,
    without a bound: a process that has stopped would stay, and its parent would still see a running child.

    Raises:
        SystemExit: Arguments or settings were refused, and nothing runs yet.
    """
    stdio.soften()
    try:
        code = work()
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001 - printed as the interpreter prints it, and then the process ends
        sys.excepthook(*sys.exc_info())
        code = EXIT_FAULT
    _leave(code)


def serve(parts: Sequence[Part], *, grace_s: float) -> int:
    """Run the parts on a new event loop.

    It works as `run`, and the process ends even when a stop blocks the loop.
    """

    async def work() -> int:
        code = await run(parts, grace_s=grace_s, stopping=lambda: _leave_after(grace_s + _STOP_MARGIN_S, EXIT_FAULT))
        # asyncio waits without a bound for tasks that ignore their cancellation, and for its executor's threads.
        _leave_after(_LEAVE_S, code)
        return code

    return asyncio.run(work())


def _leave_after(seconds: float, code: int) -> None:
    timer = threading.Timer(seconds, _leave, (code,))
    timer.daemon = True
    timer.start()


def _leave(code: int) -> NoReturn:
    # Writing to a pipe that nobody reads could block: the timer ends the process all the same.
    silent = threading.Timer(_FLUSH_S, os._exit, (code,))
    silent.daemon = True
    silent.start()
    own = {threading.main_thread(), threading.current_thread()}
    left = sorted(thread.name for thread in threading.enumerate() if thread not in own and not thread.daemon)
    if left:
        _log.warning("threads_left", threads=left, exit_code=code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _nothing() -> None:
    pass


async def run(parts: Sequence[Part], *, grace_s: float = 20.0, stopping: Callable[[], None] = _nothing) -> int:
    """Run the parts until a signal or fatal error.

    It stops at SIGTERM, SIGINT or the first fatal error.

    Args:
        parts: Started in this order, stopped in reverse.
        grace_s: Time for all stops together; a second signal ends it at once.
        stopping: Called when the stops begin.

    Returns:
        Exit code: 0 after a signal and a clean stop; 70 after a fatal error or a stop that did not finish.
    """
    asked, hurried = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurried if asked.is_set() else asked).set()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    started: list[Part] = []
    watches: list[asyncio.Task[None]] = []
    try:
        code = await _serve(parts, started, watches, asked)
        stopping()
        _log.info("process_stopping", exit_code=code)
        clean = await _stop_all(started, hurried, grace_s)
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    code = code if clean else EXIT_FAULT
    _log.info("process_stopped", exit_code=code)
    return code


async def _serve(
    parts: Sequence[Part], started: list[Part], watches: list[asyncio.Task[None]], asked: asyncio.Event
) -> int:
    """Start the parts and wait.

    `started` and `watches` grow so that the caller can undo what was done.
    """
    stop_wanted = _task(asked.wait(), "signal")
    try:
        for part in parts:
            # A part that failed half-way through its start still gets its `stop`.
            started.append(part)
            starting = _task(part.start(), f"start {part.name}")
            await asyncio.wait({starting, stop_wanted, *watches}, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                await _abandon(starting)
                break
            if not _succeeded(starting, part):
                return EXIT_FAULT
            _log.info("part_started", part=part.name)
            watches.append(_task(part.failed(), part.name))
        else:
            heap.settle()
            _log.info("process_ready")
            await asyncio.wait({stop_wanted, *watches}, return_when=asyncio.FIRST_COMPLETED)
        return EXIT_FAULT if _report_ended(watches) else EXIT_OK
    finally:
        stop_wanted.cancel()


async def _stop_all(started: Sequence[Part], hurried: asyncio.Event, grace_s: float) -> bool:
    """Stop in reverse order.

    Returns whether every part stopped by itself.
    """
    loop = asyncio.get_running_loop()
    end, clean = loop.time() + grace_s, True
    hurry = _task(hurried.wait(), "second signal")
    for part in reversed(started):
        stopping = _task(part.stop(), f"stop {part.name}")
        await asyncio.wait({stopping, hurry}, timeout=max(0.0, end - loop.time()), return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            _log.error("part_abandoned", part=part.name, grace_s=grace_s)
            await _abandon(stopping)
            clean = False
        else:
            clean = _succeeded(stopping, part) and clean
    hurry.cancel()
    return clean


def _report_ended(watches: Sequence[asyncio.Task[None]]) -> bool:
    ended = [watch for watch in watches if watch.done()]
    for watch in ended:
        error = (None if watch.cancelled() else watch.exception()) or Fault(
            "part_ended", f"part {watch.get_name()} ended by itself"
        )
        _report(watch.get_name(), error)
    return bool(ended)


def _succeeded(task: asyncio.Task[None], part: Part) -> bool:
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is not None:
        _report(part.name, error)
    return error is None


def _report(part: str, error: BaseException) -> None:
    code = error.code if isinstance(error, Fault | Refused) else BUG.name
    heading = f"docs/runbook.md#{code.replace('_', '-')}"
    _log.critical("process_failed", part=part, code=code, runbook=heading, exc_info=error)


async def _abandon(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait a bounded time.

    A task that ignores its cancellation is left: the process ends anyway.
    """
    task.cancel()
    await asyncio.wait({task}, timeout=_CANCEL_GRACE_S)


def _task(work: Coroutine[object, object, object], name: str) -> asyncio.Task[None]:
    async def discard() -> None:
        await work

    return asyncio.get_running_loop().create_task(discard(), name=name)
