"""Makes request bytes from patterns.

Each request is a pattern with a new reference, so that making one costs the callers almost nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from google.protobuf import json_format

from bench.lands import land
from bench.submissions import Press
from dispute.wire.court.v1 import court_pb2
from ops.play.scenarios.vocabulary import Docking

MARK: Final = b"0000000000000000"
"""Placeholder of the number in a pattern; the reference has the same length for every number."""
PATTERNS: Final = 256
SEED: Final = 7
_ITEMS: Final = b"\x0a"
"""Tag of `SubmitBatchRequest.items`: field 1, a message."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One record, split at its reference's number."""

    head: bytes
    tail: bytes

    @classmethod
    def of(cls, pattern: bytes) -> Stamp:
        """Split a pattern at its only mark.

        Raises:
            ValueError: There is none, or more than one.
        """
        head, *tails = pattern.split(MARK)
        if len(tails) != 1:
            message = f"{len(tails)} marks in a pattern"
            raise ValueError(message)
        return cls(head, tails[0])

    def numbered(self, number: int) -> bytes:
        """Return the record with this reference number."""
        return b"%s%0*d%s" % (self.head, len(MARK), number, self.tail)


def write_patterns(folder: Path) -> None:
    """Write patterns of a county's suits.

    They are as the court sends them: each line of the file `grpc` is a SubmitRequest in hex, each line of `http` a JSON
    body.
    """
    matters = [case.matter for case in Press(land("county"), SEED).cases(Docking.COURT, range(PATTERNS))]
    requests, bodies = [], []
    for matter in matters:
        if not isinstance(matter, court_pb2.CourtCase):
            raise TypeError(type(matter).__name__)
        matter.case_number = f"CO{MARK.decode()}"
        requests.append(court_pb2.SubmitRequest(court_case=matter).SerializeToString().hex())
        plain = json_format.MessageToDict(matter, preserving_proto_field_name=True)
        # protobuf's JSON writes 64-bit numbers as text because of browsers; a court's own system sends a number.
        plain["amount_fen"] = matter.amount_fen
        bodies.append(json.dumps(plain, ensure_ascii=False))
    for name, lines in (("grpc", requests), ("http", bodies)):
        (folder / name).write_text("\n".join(lines), encoding="utf-8")


def read_patterns(folder: Path, name: str) -> list[Stamp]:
    """Read the patterns that `write_patterns` wrote."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return [Stamp.of(bytes.fromhex(line) if name == "grpc" else line.encode()) for line in lines]


def records(stamps: Sequence[Stamp], first: int) -> Iterator[bytes]:
    """Yield records without end, numbered from `first`."""
    for number in count(first):
        yield stamps[number % len(stamps)].numbered(number)


def batches(stamps: Sequence[Stamp], first: int, size: int) -> Iterator[bytes]:
    """Yield SubmitBatchRequests of `size` records each without end."""
    following = records(stamps, first)
    while True:
        yield b"".join(_item(next(following)) for _ in range(size))


def _item(record: bytes) -> bytes:
    length, prefix = len(record), bytearray()
    while length > 0x7F:  # noqa: PLR2004 - seven bits a byte, protobuf's varint
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    return _ITEMS + bytes(prefix) + record
