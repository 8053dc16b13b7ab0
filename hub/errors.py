"""Kinds of failure and their meaning on each transport.

`MEANINGS` is the only table that states it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Why something was refused.

    The kind decides the answer on Kafka, gRPC and HTTP.
    """

    MALFORMED = "malformed"
    WRONG_STATE = "wrong_state"
    KEY_REUSED = "key_reused"
    STALE = "stale"
    NOT_FOUND = "not_found"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"
    TOO_LATE = "too_late"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one kind means on each transport.

    Attributes:
        kafka: `dead_letter`, `retry` or `stop`: what a reader does with the record.
        grpc: Name of the gRPC status code.
        http: HTTP status.
        log_level: Name of the structlog method.
    """

    kafka: str
    grpc: str
    http: int
    log_level: str


MEANINGS: Final[dict[Kind, Meaning]] = {
    Kind.MALFORMED: Meaning("dead_letter", "INVALID_ARGUMENT", 422, "info"),
    Kind.WRONG_STATE: Meaning("dead_letter", "FAILED_PRECONDITION", 409, "info"),
    Kind.KEY_REUSED: Meaning("dead_letter", "ALREADY_EXISTS", 422, "info"),
    Kind.STALE: Meaning("dead_letter", "ABORTED", 409, "info"),
    Kind.NOT_FOUND: Meaning("dead_letter", "NOT_FOUND", 404, "info"),
    Kind.UNAUTHENTICATED: Meaning("dead_letter", "UNAUTHENTICATED", 401, "warning"),
    Kind.DENIED: Meaning("dead_letter", "PERMISSION_DENIED", 403, "warning"),
    Kind.EXHAUSTED: Meaning("retry", "RESOURCE_EXHAUSTED", 429, "warning"),
    Kind.UNAVAILABLE: Meaning("retry", "UNAVAILABLE", 503, "warning"),
    Kind.TOO_LATE: Meaning("retry", "DEADLINE_EXCEEDED", 504, "warning"),
    Kind.INTERNAL: Meaning("stop", "INTERNAL", 500, "error"),
}


class Rejected(Exception):  # noqa: N818 - a domain verdict, named as in the glossary, not a programming error
    """A final refusal, which is never retried.

    It goes back to the caller or becomes a dead letter.

    Attributes:
        code: Stable lower-case string, for example `consent_missing`.
        detail: Text for people. Never contains personal data or the offending value.
        kind: Row of `MEANINGS`.
        field: Dotted path of the field at fault; empty when no single field is.
    """

    def __init__(self, code: str, detail: str = "", *, kind: Kind = Kind.MALFORMED, field: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.kind = kind
        self.field = field


class Retryable(Exception):  # noqa: N818 - a domain verdict, as above
    """A temporary refusal, which may be retried later.

    The same request may succeed after `after_s` seconds.

    Attributes:
        after_s: Seconds to wait before the next try.
        code: Stable lower-case string.
        detail: Text for people, without personal data.
        kind: `UNAVAILABLE`, `EXHAUSTED` or `TOO_LATE`.
    """

    def __init__(self, code: str, detail: str = "", *, after_s: float = 1.0, kind: Kind = Kind.UNAVAILABLE) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.after_s = after_s
        self.kind = kind


class Fault(Exception):  # noqa: N818 - stops the process; carries the runbook's heading
    """A broken invariant, which stops the process.

    Examples are a hole or a fork in a stream, or a restored store. The message names the section of the runbook with
    the repair.

    Attributes:
        code: Stable lower-case string, also the anchor in docs/runbook.md.
        detail: What was seen, where.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail} (docs/runbook.md#{code.replace('_', '-')})")
        self.code = code
        self.detail = detail
