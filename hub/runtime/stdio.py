"""Standard output and error of a command.

Whatever they are connected to, the output arrives, or the command reports why not.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import IO, Any, Final

from typing_extensions import override

CLOSED: Final = 141
"""Exit code when the reader of standard output has gone, as `head` does; shells report SIGPIPE by it."""
_STDOUT: Final = 1
_STDERR: Final = 2


class Unwritable(Exception):  # noqa: N818 - not an error of ours: whoever reads has gone, or the device is full
    """Standard output can no longer be written.

    Attributes:
        gone: Whether the reader has closed its end.
    """

    def __init__(self, error: OSError | ValueError) -> None:
        super().__init__(f"标准输出无法写入 standard output can't be written: {getattr(error, 'strerror', error)}")
        self.gone = isinstance(error, OSError) and error.errno == errno.EPIPE


class _Output(io.TextIOWrapper):
    """Standard output whose own failures raise `Unwritable`.

    So they can be distinguished from every other `OSError`.
    """

    @override
    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except (OSError, ValueError) as error:
            raise Unwritable(error) from error

    @override
    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise Unwritable(error) from error


class _Errors(io.TextIOWrapper):
    """Standard error whose write failures are ignored.

    What can't be written is lost and ends nothing.
    """

    @override
    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    @override
    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def guard() -> None:
    """Replace both standard streams of the process.

    Letters that an encoding lacks become `?`. A stream that was closed raises no unexpected error.
    """
    sys.stdout = _Output(*_taken(sys.stdout, _STDOUT), errors="replace", line_buffering=_is_terminal(_STDOUT))
    sys.stderr = _Errors(*_taken(sys.stderr, _STDERR), errors="replace", line_buffering=True)


def soften() -> None:
    """Replace letters that a stream's encoding lacks.

    This is for services, which write little.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def abandon() -> None:
    """Discard the unwritten buffer of standard output.

    The interpreter then ends without an error.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.close(nowhere)


def takes(text: str) -> bool:
    """Return whether standard output can encode a text."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _taken(stream: Any, number: int) -> tuple[IO[bytes], str]:  # noqa: ANN401 - a stream, or None when it was closed
    """Return the bytes below a stream, and its encoding."""
    if stream is None:
        # Closed before we began. We occupy its number, so that no file of ours gets it; writing fails as it should.
        nowhere = os.open(os.devnull, os.O_RDONLY)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
        return io.BufferedWriter(io.FileIO(number, "wb", closefd=False)), "utf-8"
    stream.flush()
    return stream.detach(), stream.encoding


def _is_terminal(number: int) -> bool:
    return os.isatty(number)
