"""The input of guards and effects.

The dispute as it is, the command, and its business day.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from re import compile as pattern
from typing import Final

from msgspec import Struct

from dispute.lifecycle.commands import Command
from dispute.lifecycle.dispute import Dispute

CODE: Final = pattern(r"[a-z][a-z0-9_]{0,63}")
LONGEST_PSEUDONYM: Final = 64
PSEUDONYM: Final = pattern(rf"[A-Za-z0-9][A-Za-z0-9._:-]{{0,{LONGEST_PSEUDONYM - 1}}}")
REMEMBERED: Final = 4096
"""Pseudonyms; only such as are short enough, so that nobody fills the memory with long ones."""
PERSONAL: Final = pattern(r"\d{17}[\dXx]|1[3-9]\d{9}")
DIGEST: Final = pattern(r"[0-9a-f]{64}")
AMOUNT_LIMIT_FEN: Final = 10**15
TEXT_LIMIT: Final = 200


class Situation(Struct, frozen=True):
    """One command to be decided.

    Attributes:
        dispute: None before registration.
        command: Command; guards get its instruction as a separate argument.
        day: Business day of the command in Asia/Shanghai.
    """

    dispute: Dispute | None
    command: Command
    day: date

    @property
    def known(self) -> Dispute:
        """The dispute, for instructions only allowed after registration."""
        if self.dispute is None:
            raise LookupError("guard of a registered dispute was asked before registration")
        return self.dispute


def is_code(text: str) -> bool:
    """Tell whether `text` is a well-formed code.

    A code has lower case, digits and underscores, at most 64 characters.
    """
    return CODE.fullmatch(text) is not None


def is_pseudonym(text: str) -> bool:
    """Tell whether `text` is a valid pseudonym.

    It must be no name, identity number or phone number.
    """
    return len(text) <= LONGEST_PSEUDONYM and _is_pseudonym(text)


@lru_cache(REMEMBERED)
def _is_pseudonym(text: str) -> bool:
    """Tell the same of a text that is no longer than one may be: the same few people act again and again."""
    return PSEUDONYM.fullmatch(text) is not None and PERSONAL.fullmatch(text) is None


def is_digest(text: str) -> bool:
    """Tell whether `text` is a SHA-256 in lower-case hex."""
    return DIGEST.fullmatch(text) is not None


def is_text(text: str) -> bool:
    """Tell whether `text` is short and printable."""
    return len(text) <= TEXT_LIMIT and text.isprintable()


def are_texts(texts: Collection[str]) -> bool:
    """Tell whether all `texts` are short and printable."""
    return max(map(len, texts), default=0) <= TEXT_LIMIT and "".join(texts).isprintable()
