"""Start in order, stop in reverse, never for ever; a broken part ends the process loudly."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from hub.errors import Fault
from hub.runtime.process import Part, run


class Recorded:
    """A part that writes down what happens to it."""

    def __init__(
        self,
        name: str,
        book: list[str],
        *,
        on_start: Callable[[], None] | None = None,
        start_error: Exception | None = None,
        stop_error: Exception | None = None,
        hangs_in: str = "",
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.book = book
        self.on_start = on_start
        self.start_error = start_error
        self.stop_error = stop_error
        self.hangs_in = hangs_in
        self.on_stop = on_stop
        self.broken = asyncio.Event()
        self.fatal: BaseException | None = None

    async def start(self) -> None:
        self.book.append(f"start {self.name}")
        if self.on_start is not None:
            self.on_start()
        if self.hangs_in == "start":
            await asyncio.Event().wait()
        if self.start_error is not None:
            raise self.start_error

    async def stop(self) -> None:
        self.book.append(f"stop {self.name}")
        if self.on_stop is not None:
            self.on_stop()
        if self.hangs_in == "stop":
            await asyncio.Event().wait()
        if self.stop_error is not None:
            raise self.stop_error

    async def failed(self) -> None:
        await self.broken.wait()
        if self.fatal is not None:
            raise self.fatal

    def break_with(self, error: BaseException | None) -> None:
        self.fatal = error
        self.broken.set()


def kill(number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_parts_in_reverse(number: signal.Signals) -> None:
    book: list[str] = []
    parts: list[Part] = [
        Recorded("store", book),
        Recorded("relay", book),
        Recorded("grpc", book, on_start=kill(number)),
    ]
    assert await run(parts) == 0
    assert book == ["start store", "start relay", "start grpc", "stop grpc", "stop relay", "stop store"]


async def test_handlers_of_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    await run([Recorded("a", [], on_start=kill(signal.SIGTERM))])
    assert signal.getsignal(signal.SIGTERM) == before


async def test_a_fatal_error_stops_everything_and_names_its_heading_in_the_runbook() -> None:
    book: list[str] = []
    broken = Recorded("reader", book)
    last = Recorded("grpc", book, on_start=lambda: broken.break_with(Fault("log_truncated", "offset 5 is gone")))
    with capture_logs() as logs:
        assert await run([broken, last]) == 70
    assert book[-2:] == ["stop grpc", "stop reader"]
    (line,) = [line for line in logs if line["event"] == "process_failed"]
    assert line["log_level"] == "critical"
    assert (line["part"], line["code"], line["runbook"]) == ("reader", "log_truncated", "docs/runbook.md#log-truncated")


async def test_a_bug_is_fatal_too() -> None:
    part = Recorded("reader", [])
    part.break_with(ZeroDivisionError("x"))
    with capture_logs() as logs:
        assert await run([part]) == 70
    assert [line["code"] for line in logs if line["event"] == "process_failed"] == ["bug"]


async def test_a_part_that_ends_by_itself_is_a_failure() -> None:
    part = Recorded("reader", [])
    part.break_with(None)
    with capture_logs() as logs:
        assert await run([part]) == 70
    assert [line["code"] for line in logs if line["event"] == "process_failed"] == ["part_ended"]


async def test_a_part_whose_watch_was_cancelled_is_a_failure_too() -> None:
    part = Recorded("reader", [])
    part.break_with(asyncio.CancelledError())
    with capture_logs() as logs:
        assert await run([part]) == 70
    assert [line["code"] for line in logs if line["event"] == "process_failed"] == ["part_ended"]


async def test_a_part_that_cannot_start_ends_the_process_and_what_started_is_stopped() -> None:
    book: list[str] = []
    refusing = Recorded("grpc", book, start_error=Fault("port_taken", "x"))
    assert await run([Recorded("store", book), refusing, Recorded("http", book)]) == 70
    assert book == ["start store", "start grpc", "stop grpc", "stop store"]


async def test_an_early_part_that_breaks_while_a_later_one_starts_ends_the_start() -> None:
    book: list[str] = []
    early = Recorded("relay", book)
    late = Recorded("feed", book, hangs_in="start", on_start=lambda: early.break_with(Fault("two_writers", "x")))
    assert await run([early, late, Recorded("grpc", book)]) == 70
    assert book == ["start relay", "start feed", "stop feed", "stop relay"]


async def test_a_signal_during_a_hanging_start_is_heeded() -> None:
    book: list[str] = []
    assert await run([Recorded("feed", book, hangs_in="start", on_start=kill(signal.SIGTERM))]) == 0
    assert book == ["start feed", "stop feed"]


async def test_a_stop_that_hangs_is_abandoned_and_the_others_still_stop() -> None:
    book: list[str] = []
    parts = [Recorded("store", book), Recorded("feed", book, hangs_in="stop", on_start=kill(signal.SIGTERM))]
    with capture_logs() as logs:
        assert await run(parts, grace_s=0.05) == 70
    assert book[-2:] == ["stop feed", "stop store"]
    assert [line["part"] for line in logs if line["event"] == "part_abandoned"] == ["feed"]


async def test_a_second_signal_ends_the_grace() -> None:
    part = Recorded("feed", [], hangs_in="stop", on_start=kill(signal.SIGTERM), on_stop=kill(signal.SIGTERM))
    async with asyncio.timeout(10):
        assert await run([part], grace_s=600) == 70


async def test_an_error_in_a_stop_is_loud_and_stops_nobody_else() -> None:
    book: list[str] = []
    parts = [Recorded("store", book), Recorded("relay", book, stop_error=OSError("x"), on_start=kill(signal.SIGTERM))]
    with capture_logs() as logs:
        assert await run(parts) == 70
    assert book[-1] == "stop store"
    assert [line["part"] for line in logs if line["event"] == "process_failed"] == ["relay"]
