"""Bounds how much runs at once.

There is a bound in total and one for each caller. The REST and the gRPC server ask before they begin anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from hub.refusals import TOO_MANY_AT_ONCE

COME_BACK_S: Final = 1.0
"""How long a refused caller is asked to wait."""

Identify: TypeAlias = Callable[[str], str | None]
"""Maps a token to its holder, at once and from memory; None for an unknown caller, and for an empty token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The origin of a call.

    Attributes:
        name: Of an agency, or an address.
        known: Whether it presented a valid credential.
    """

    name: str
    known: bool = False


def caller_of(who: str | None, address: str) -> Caller:
    """Return the caller of a call.

    It is identified by its name when it is known, else by its address.
    """
    return Caller(address) if who is None else Caller(who, known=True)


class Quota:
    """Counts the calls in progress.

    Nothing is kept of a caller that has no call in progress.

    Args:
        total: Most at once.
        per_caller: Most of one caller.
        reserved: How many of the total only known callers may take: unknown callers never shut out an agency.
    """

    def __init__(self, total: int, per_caller: int, *, reserved: int = 0) -> None:
        self._total = total
        self._per_caller = per_caller
        self._for_strangers = total - reserved
        self._strangers = 0
        self._by_caller: Counter[Caller] = Counter()
        self._under_way = 0

    @property
    def callers(self) -> int:
        """The number of callers with calls in progress."""
        return len(self._by_caller)

    @contextmanager
    def hold(self, caller: Caller) -> Iterator[None]:
        """Count the `with` body as a call in progress.

        Raises:
            Retryable: `too_many_at_once` when one of the bounds is reached; nothing was begun.
        """
        if (
            self._under_way >= self._total
            or self._by_caller[caller] >= self._per_caller
            or (not caller.known and self._strangers >= self._for_strangers)
        ):
            self._forget(caller)
            raise TOO_MANY_AT_ONCE.error(after_s=COME_BACK_S)
        self._count(caller, 1)
        try:
            yield
        finally:
            self._count(caller, -1)
            self._forget(caller)

    def _count(self, caller: Caller, by: int) -> None:
        self._under_way += by
        self._by_caller[caller] += by
        self._strangers += 0 if caller.known else by

    def _forget(self, caller: Caller) -> None:
        if self._by_caller[caller] <= 0:
            del self._by_caller[caller]
