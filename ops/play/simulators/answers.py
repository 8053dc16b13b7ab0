"""What a partner gets back: a receipt, or a refusal; and how long it goes on asking."""

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
    """Proof that a record was accepted, as the agency sees it."""

    receipt_id: str
    source_ref: str
    dispute_id: str
    stream: str
    position: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not accepted, for good.

    Attributes:
        code: Stable reason code.
        field: Field at fault; may be empty.
        status: HTTP status or name of the gRPC status.
    """

    code: str
    field: str = ""
    status: str = ""


Answer = ReceivedReceipt | Refusal


@dataclass(frozen=True, slots=True)
class ReceivedResult:
    """What came of a record."""

    cursor: int
    source_ref: str
    status: str
    final: bool


class Later(Exception):  # noqa: N818 - no error: the caller repeats with the same key
    """The other side could not answer now, or nobody knows whether it did."""

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


@dataclass(slots=True)
class Patience:
    """Repeats a call until it is answered. The other side may be killed at any moment; a key makes repeating safe.

    Attributes:
        deadline_s: After this long one call counts as lost.
        repeats: How often anything was repeated so far.
    """

    deadline_s: float = 120.0
    repeats: int = 0
    _dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - jitter

    async def until_answered(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` returns once it no longer raises `Later`.

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
