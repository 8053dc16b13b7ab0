"""Answers that a partner gets, and retries.

An answer is a receipt or a refusal; `Patience` limits how long a call is retried.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

T = TypeVar("T")
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.5


@dataclass(frozen=True, slots=True)
class ReceivedReceipt:
    """A receipt as the agency sees it.

    It proves that the record was accepted.
    """

    receipt_id: str
    source_ref: str
    dispute_id: str
    stream: str
    position: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class ReceivedRefusal:
    """A final refusal.

    Attributes:
        code: Stable reason code.
        field: Field at fault; may be empty.
        status: HTTP status or name of the gRPC status.
    """

    code: str
    field: str = ""
    status: str = ""


Answer = ReceivedReceipt | ReceivedRefusal


@dataclass(frozen=True, slots=True)
class ReceivedResult:
    """A record's result as its agency gets it."""

    cursor: int
    source_ref: str
    status: str
    final: bool


class Later(Exception):  # noqa: N818 - no error: the caller repeats with the same key
    """No answer now, or an unknown outcome.

    The caller repeats the call with the same key.
    """

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


@dataclass(slots=True)
class Patience:
    """Retries a call until it is answered.

    The server may be killed at any moment; the idempotency key makes repeating safe.

    Attributes:
        deadline_s: Time limit of one call; after it the call has failed.
        repeats: Number of repeats of all calls so far.
    """

    deadline_s: float = 120.0
    repeats: int = 0
    _dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - jitter

    async def until_answered(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Call `attempt` until it no longer raises `Later`.

        Returns the answer of `attempt`.

        Raises:
            TimeoutError: Names the call and the last reason.
        """
        end, pause = time.monotonic() + self.deadline_s, FIRST_PAUSE_S
        while True:
            try:
                return await attempt()
            except Later as later:
                if time.monotonic() > end:
                    raise TimeoutError(f"{what}: no answer within {self.deadline_s:.0f} s: {later}") from later
                self.repeats += 1
                await asyncio.sleep(max(later.after_s, self._dice.uniform(pause / 2, pause)))
                pause = min(pause * 2, LONGEST_PAUSE_S)
