"""Configures the logs of a process.

structlog and every stdlib logger write to one redacted stream on stdout. `__main__` configures it once.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from dataclasses import dataclass
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

from hub.runtime.redaction import describe, message_of, redact

_FOREIGN: Final = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "faust",
    "mode",
    "aiokafka",
    "kafka",
    "grpc",
    "asyncio",
    "sqlalchemy",
)
# What these log at INFO is of no use to an operator, or (access lines, SQL) reveals references and parameters.
_QUIET: Final = ("uvicorn.access", "faust", "mode", "aiokafka", "kafka", "grpc", "sqlalchemy", "asyncio")

_BURST: Final = 10
_SPAN_S: Final = 60.0
_KEPT_S: Final = 3600.0
"""A message that did not occur for this long is forgotten, with the number of those that were not written."""
_NUMBERS: Final = re.compile(r"0x[0-9a-f]+|\d+")


def configure(service: str, level: str, format: str) -> None:  # noqa: A002 - the name that callers use
    """Send all logs of this process to stdout, redacted.

    This replaces what was configured before.

    Args:
        service: Name under key `service` of every line.
        level: debug, info, warning or error.
        format: `json` (one object a line), `pretty`, or `auto`: pretty on a terminal.
    """
    pretty = format == "pretty" or (format == "auto" and sys.stdout.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = (
        [_exception_as_text, structlog.dev.ConsoleRenderer()]
        if pretty
        else [structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    handler = _Stdout(sys.stdout)
    handler.addFilter(_Damped())
    handler.addFilter(_PlainArguments())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*before, structlog.stdlib.ExtraAdder()],
            processors=[
                _Named(service),
                _described_exception,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                *last,
            ],
        )
    )
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for name in _FOREIGN:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate, logger.disabled = [], True, False
        logger.setLevel(max(number, logging.WARNING) if name in _QUIET else logging.NOTSET)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class _Stdout(logging.StreamHandler[TextIO]):
    """Reports that a line was lost, without its content.

    logging's own way prints the arguments of the line to stderr.
    """

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[0]
        kind = "" if error is None else error.__qualname__
        line = json.dumps({"event": "log_line_lost", "level": "error", "logger": record.name, "error": kind})
        sys.stderr.write(f"{line}\n")


class _Named:
    """Adds the service's name."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger | None, _method: str, event: EventDict) -> EventDict:
        event["service"] = self._service
        return event


class _Damped(logging.Filter):
    """Limits how often the same warning or error is written.

    A message is written `_BURST` times in `_SPAN_S`; further ones are counted, and the next one written has the count.
    While a broker is away its clients complain dozens of times a second, for hours: that fills a disk, and hides the
    one line that matters. Only warnings and errors are damped. Two messages are the same when logger, event, code and
    reason are, or a library's text except for its numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], _Count] = {}

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        now, what = time.monotonic(), _complaint(record)
        with self._lock:
            count = self._counts.get(what)
            if count is None or now - count.since >= _SPAN_S:
                self._counts = {key: one for key, one in self._counts.items() if now - one.since < _KEPT_S}
                count = self._counts[what] = _Count(now, 0 if count is None else count.kept_back)
            count.written += 1
            if count.written > _BURST:
                count.kept_back += 1
                return False
            kept_back, count.kept_back = count.kept_back, 0
        if kept_back:
            fields: dict[str, object] = record.msg if isinstance(record.msg, dict) else record.__dict__
            fields["kept_back"] = kept_back
        return True


@dataclass
class _Count:
    since: float
    kept_back: int
    written: int = 0


def _complaint(record: logging.LogRecord) -> tuple[str, str]:
    if isinstance(record.msg, dict):
        return record.name, " ".join(str(record.msg.get(key, "")) for key in ("event", "code", "reason"))
    return record.name, _NUMBERS.sub("", str(record.msg))


class _PlainArguments(logging.Filter):
    """Rewrites the arguments of stdlib records before formatting.

    Exceptions and bytes may quote a person.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_plain(item) for item in record.args)
        elif isinstance(record.args, dict):
            record.args = {key: _plain(item) for key, item in record.args.items()}
        if record.name == "asyncio" and isinstance(record.msg, str):
            # The lines after the first print tasks and futures with the exceptions in them.
            record.msg = record.msg.partition("\n")[0]
        return True


def _plain(item: object) -> object:
    if isinstance(item, BaseException):
        return f"{type(item).__qualname__}({message_of(item)})"
    return f"<{len(item)} bytes>" if isinstance(item, bytes) else item


def _described_exception(_logger: WrappedLogger | None, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by the publishable description of the exception."""
    exc_info = event.pop("exc_info", None)
    record = event.get("_record")
    if exc_info is None and isinstance(record, logging.LogRecord):
        exc_info = record.exc_info
    error = exc_info if isinstance(exc_info, BaseException) else None
    if isinstance(exc_info, tuple):
        error = exc_info[1]
    elif exc_info is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = describe(error)
    return event


def _exception_as_text(_logger: WrappedLogger | None, _method: str, event: EventDict) -> EventDict:
    """Write an exception's description as lines, for a terminal."""
    exception = event.get("exception")
    if isinstance(exception, dict):
        event["exception"] = json.dumps(exception, ensure_ascii=False, indent=2)
    return event
