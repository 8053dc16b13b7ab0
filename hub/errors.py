"""Kinds of failure and their meaning on each transport.

`MEANINGS` states it; a row of a catalogue may name a closer HTTP status.
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

    @property
    def is_final(self) -> bool:
        """The same request is never accepted later."""
        return MEANINGS[self].kafka != "retry"


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was refused: the value that the hub passes inside; `error` is its form for raising.

    Attributes:
        code: Stable lower-case string, for example `consent_missing`.
        detail: Text for people, Chinese first. Never contains personal data or the offending value.
        kind: Row of `MEANINGS`.
        field: Dotted path of the field at fault; empty when no single field is.
        after_s: Seconds to wait before the next try; 0 when it is final.
    """

    code: str
    detail: str = ""
    kind: Kind = Kind.MALFORMED
    field: str = ""
    after_s: float = 0.0

    @property
    def is_final(self) -> bool:
        """The same request is never accepted later."""
        return self.kind.is_final

    def error(self) -> Refused:
        """Return the exception that carries it: `Rejected` when it is final, else `Retryable`."""
        return (Rejected if self.is_final else Retryable)(self)


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the catalogue of codes.

    Attributes:
        name: The code.
        kind: Row of `MEANINGS`.
        zh: Text for county staff; `{name}` stands for a value given with the refusal.
        en: The same in English.
        field: Field at fault, when it is always the same one.
        clause: Clause that the refusal rests on, where a law gives one.
        http: HTTP status, where HTTP has a closer one than its kind.
    """

    name: str
    kind: Kind
    zh: str
    en: str
    field: str = ""
    clause: str = ""
    http: int = 0

    def refusal(self, *, field: str = "", after_s: float = 1.0, why: object = "", **values: object) -> Refusal:
        """Return the refusal with this code.

        Args:
            field: Dotted path of the field at fault; the row's own when left out.
            after_s: Seconds to wait before the next try; passed over when the kind is final.
            why: What was seen, put after the text; no personal data.
            values: Values that the texts name; no personal data.
        """
        detail = f"{self.zh}（{self.en}）"
        if values:
            detail = detail.format(**values)
        text = f"{detail}: {why}" if why else detail
        return Refusal(self.name, text, self.kind, field or self.field, 0.0 if self.kind.is_final else after_s)

    def error(self, *, field: str = "", after_s: float = 1.0, why: object = "", **values: object) -> Refused:
        """Return the exception with this code, for raising; arguments as of `refusal`."""
        return self.refusal(field=field, after_s=after_s, why=why, **values).error()


@dataclass(frozen=True, slots=True)
class Bug:
    """Failure that is no refusal, our own mistake or a `Fault`, as a value beside `Refusal`."""

    exception: Exception

    def error(self) -> Exception:
        """Return the exception."""
        return self.exception


class Refused(Exception):  # noqa: N818 - a domain verdict, named as in the glossary, not a programming error
    """A refusal, raised.

    Attributes:
        refusal: The value.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.detail}" if refusal.detail else refusal.code)
        self.refusal = refusal

    @property
    def code(self) -> str:
        """Code of the refusal."""
        return self.refusal.code

    @property
    def detail(self) -> str:
        """Text for people."""
        return self.refusal.detail

    @property
    def kind(self) -> Kind:
        """Row of `MEANINGS`."""
        return self.refusal.kind

    @property
    def field(self) -> str:
        """Dotted path of the field at fault."""
        return self.refusal.field

    @property
    def after_s(self) -> float:
        """Seconds to wait before the next try."""
        return self.refusal.after_s


class Rejected(Refused):
    """A final refusal, which is never retried: it goes back to the caller or becomes a dead letter."""


class Retryable(Refused):
    """A temporary refusal: the same request may succeed after `after_s` seconds."""


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
