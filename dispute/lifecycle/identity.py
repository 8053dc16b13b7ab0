"""Deterministic ids of disputes and events.

The same matter or event has the same id in every process and at every repeat.
"""

from __future__ import annotations

import hashlib
import unicodedata
from re import compile as pattern
from typing import Final
from uuid import UUID

NAMESPACE: Final = UUID("6f0d2b1e-8f5c-5d0e-9a6b-3c1f7e2a4d58")
"""Fixed for ever: every id is made with it."""

_SPACE: Final = NAMESPACE.bytes
_CANONICAL: Final = pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OF_A_NAME: Final = pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""Hex digit of the digest -> the digit with RFC 9562's two variant bits in its place."""

_WIDE: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
"""Full-width forms of ASCII; people who type with a Chinese input method write them without noticing."""
_YEAR: Final = pattern(r"[(\[〔【〖﹙﹝]([0-9]{4})[)\]〕】〗﹚﹞]")
"""The year of a case or document number; each office prints its own kind of brackets."""
_BLANKS: Final = {0x20: None, 0xA0: None, 0x3000: None}


def canonical_reference(text: str) -> str:
    """Return the canonical form of an organ's reference.

    All spellings of the reference share it; ids and comparisons use it (ADR-0011). Composed (NFC), full-width ASCII
    narrow, and a year in brackets of any kind as courts print it: （2024）. With a year like that it loses its blanks,
    which come from columns and line ends of the organ's own lists. Everything else stays different, case included: ①
    and 1, or A-1 and A1, may be two matters. Applied twice it changes nothing. Fixed for ever, as the ids are: another
    form would give old matters new ids.

    Source:
        最高人民法院关于人民法院案件案号的若干规定 (法〔2015〕137号) art. 3: （收案年度）+法院代字+类型代字+案件编号+号.
    """
    if text.isascii() and "(" not in text and "[" not in text:
        return text
    plain = unicodedata.normalize("NFC", text.translate(_WIDE))
    dense = unicodedata.normalize("NFC", plain.translate(_BLANKS))
    printed, years = _YEAR.subn("（\\1）", dense)
    return printed if years else plain


def dispute_id_of(source_organ: str, source_ref: str) -> str:
    """Return the dispute's id.

    UUIDv5 of the organ that sent it and that organ's own reference. Both are taken as they are, case included; the unit
    separator keeps `a|bc` and `ab|c` apart. A bridge gives a new matter the id of its `canonical_reference`; matters of
    earlier releases have the id of the spelling that came first.
    """
    return id_within(_SPACE, f"dispute\x1f{source_organ}\x1f{source_ref}")


def event_id_of(dispute_id: str, sequence: int) -> str:
    """Return the event's id.

    It is a UUIDv5 of the dispute and the event's number in it.
    """
    return id_within(_SPACE, f"event\x1f{dispute_id}\x1f{sequence}")


def key_owner_of(dispute_id: str) -> str:
    """Return under which name key rings know a dispute: 12 hex digits of its hash.

    Forgetting somebody would hit another dispute of the same name: among ten million there is one with a chance of
    4 in 100 million. Each further digit costs every record a key.
    """
    return hashlib.blake2s(dispute_id.encode(), digest_size=6).hexdigest()


def is_dispute_id(text: str) -> bool:
    """Tell whether `text` is a canonical UUID of version 5."""
    return _OF_A_NAME.fullmatch(text) is not None


def is_uuid(text: str) -> bool:
    """Tell whether `text` is a canonical UUID of any version.

    It is lower case, with hyphens.
    """
    return _CANONICAL.fullmatch(text) is not None


def id_within(space: bytes, name: str) -> str:
    """Return a UUIDv5 as text, fast.

    The same as `str(uuid5(UUID(bytes=space), name))` at less than half its cost: every event and hand-off needs one.
    """
    text = hashlib.sha1(space + name.encode(), usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"
