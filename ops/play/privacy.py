"""Searches a run's output for personal data.

It looks for the generated people in topics, dead letters, logs and metrics, where no personal data may be.
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ops.play.scenarios.people import InventedPerson

WINDOW: Final = 8
"""Length in bytes of the first look-up of a trace; every trace is at least that long."""

SHORTEST_BASE64: Final = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """A trace of a person.

    Attributes:
        place: Name of the dump.
        kind: What was found and how it was written, for example `phone base64`; never the value.
        offset: Offset in the dump, in bytes.
    """

    place: str
    kind: str
    offset: int


def traces(people: Iterable[InventedPerson]) -> Iterator[tuple[bytes, str]]:
    """Yield every form of each person's data.

    Each form comes with its kind, for example `phone base64`.
    """
    for person in people:
        for kind, text in (("name", person.name), ("id_number", person.id_number), ("phone", person.phone)):
            plain = text.encode()
            yield plain, f"{kind} plain"
            yield plain.hex().encode(), f"{kind} hex"
            yield plain.hex().upper().encode(), f"{kind} hex"
            yield text.encode("utf-16-le"), f"{kind} utf-16"
            yield text.encode("unicode_escape"), f"{kind} escaped"
            for shift in range(3):
                core = _base64_core(plain, shift)
                if len(core) >= SHORTEST_BASE64:
                    yield core, f"{kind} base64"
                    yield core.translate(bytes.maketrans(b"+/", b"-_")), f"{kind} base64"
            for name in ("md5", "sha1", "sha256"):
                digest = hashlib.new(name, plain, usedforsecurity=False)
                yield digest.hexdigest().encode(), f"{kind} {name}"
                yield digest.digest(), f"{kind} {name} raw"
                yield base64.b64encode(digest.digest()).rstrip(b"="), f"{kind} {name} base64"


def _base64_core(plain: bytes, shift: int) -> bytes:
    """Return the base64 characters that depend on `plain` only.

    `shift` is the number of bytes before `plain`.
    """
    whole = base64.b64encode(bytes(shift) + plain)
    first = (shift * 8 + 5) // 6
    last = (shift + len(plain)) * 8 // 6
    return whole[first:last]


def search(dumps: Mapping[str, bytes], people: Iterable[InventedPerson]) -> list[Hit]:
    """Return every trace of people in dumps."""
    # Digits look the same plain and escaped: each byte sequence is searched for only once.
    known = dict(reversed(list(traces(people))))
    # A trace is looked up by its end, because all numbers of one county begin alike; then by its whole length.
    lengths: dict[bytes, set[int]] = defaultdict(set)
    for trace in known:
        lengths[trace[-WINDOW:]].add(len(trace))
    return [hit for place, data in dumps.items() for hit in _search_one(place, data, known, lengths)]


def _search_one(
    place: str, data: bytes, known: Mapping[bytes, str], lengths: Mapping[bytes, set[int]]
) -> Iterator[Hit]:
    # One look-up per byte: tens of megabytes take seconds, for any number of people.
    for end in [at for at in range(WINDOW, len(data) + 1) if data[at - WINDOW : at] in lengths]:
        for length in lengths[data[end - WINDOW : end]]:
            kind = known.get(data[end - length : end]) if length <= end else None
            if kind is not None:
                yield Hit(place, kind, end - length)
