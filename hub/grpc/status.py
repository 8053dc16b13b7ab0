"""Converts refusals to `google.rpc.Status` and back.

Server and client both use this one translator of `hub.errors` for gRPC.
"""

from __future__ import annotations

from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped] # the package has no stubs

from hub.errors import MEANINGS, Kind, Refusal
from hub.refusals import MESSAGE_TOO_LARGE

DOMAIN: Final = "santiao.hub"
DETAILS_KEY: Final = "grpc-status-details-bin"

_AFTER_S: Final = 1.0
"""Wait before the next try, where the status states none."""
# What a bare status means to a client: statuses that no row of MEANINGS has, and those that several kinds map to.
_BARE: Final[dict[grpc.StatusCode, Kind]] = {
    grpc.StatusCode.INVALID_ARGUMENT: Kind.MALFORMED,
    grpc.StatusCode.OUT_OF_RANGE: Kind.MALFORMED,
    grpc.StatusCode.FAILED_PRECONDITION: Kind.WRONG_STATE,
    grpc.StatusCode.ALREADY_EXISTS: Kind.KEY_REUSED,
    grpc.StatusCode.NOT_FOUND: Kind.NOT_FOUND,
    grpc.StatusCode.UNAUTHENTICATED: Kind.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED: Kind.DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Kind.EXHAUSTED,
    grpc.StatusCode.UNAVAILABLE: Kind.UNAVAILABLE,
    grpc.StatusCode.ABORTED: Kind.UNAVAILABLE,
    # A server that ends within a call; what the caller itself cancels does not come here, it is CancelledError.
    grpc.StatusCode.CANCELLED: Kind.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Kind.TOO_LATE,
}


def status_of(refusal: Refusal, *, metadata: dict[str, str] | None = None) -> status_pb2.Status:
    """Return the rich status of a refusal.

    It always has an ErrorInfo, and the other details that fit its kind.

    Args:
        refusal: What was refused, and why.
        metadata: More pairs for the ErrorInfo, without personal data.
    """
    status = status_pb2.Status(
        code=code_pb2.Code.Value(MEANINGS[refusal.kind].grpc), message=refusal.detail or refusal.code
    )
    info = error_details_pb2.ErrorInfo(reason=refusal.code.upper(), domain=DOMAIN, metadata=metadata or {})
    info.metadata["kind"] = refusal.kind.value
    _attach(status, info)
    if not refusal.is_final:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(max(0, round(refusal.after_s * 1000)))
        _attach(status, error_details_pb2.RetryInfo(retry_delay=delay))
    elif refusal.kind is Kind.MALFORMED:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=refusal.field, description=refusal.detail or refusal.code, reason=refusal.code.upper()
        )
        _attach(status, error_details_pb2.BadRequest(field_violations=[violation]))
    elif refusal.kind in (Kind.WRONG_STATE, Kind.STALE):
        failure = error_details_pb2.PreconditionFailure.Violation(
            type=refusal.code.upper(), subject=refusal.field, description=refusal.detail
        )
        _attach(status, error_details_pb2.PreconditionFailure(violations=[failure]))
    elif refusal.kind in (Kind.NOT_FOUND, Kind.KEY_REUSED):
        _attach(status, error_details_pb2.ResourceInfo(resource_type=refusal.field, description=refusal.detail))
    return status


def verdict_of(code: grpc.StatusCode, message: str, details: bytes | None) -> Refusal:
    """Return the refusal that a finished call carries.

    Args:
        code: Status code of the call, not OK.
        message: Text of the status.
        details: Value of `grpc-status-details-bin`, if there was one. Only details of our domain are believed.
    """
    ours = _ours(details)
    if ours is not None:
        return ours
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in message:
        # gRPC refuses an oversized message with the status that means "retry later"; a retry would not help.
        return MESSAGE_TOO_LARGE.refusal()
    kind = _BARE.get(code, Kind.INTERNAL)
    return Refusal(code.name.lower(), message, kind, after_s=0.0 if kind.is_final else _AFTER_S)


def _ours(details: bytes | None) -> Refusal | None:
    if not details:
        return None
    try:
        status = status_pb2.Status.FromString(details)
    except DecodeError:
        return None
    info = error_details_pb2.ErrorInfo()
    if not _find(status, info) or info.domain != DOMAIN:
        return None
    kind = Kind(info.metadata["kind"]) if info.metadata["kind"] in set(Kind) else Kind.INTERNAL
    reason, detail = info.reason.lower(), "" if status.message == info.reason.lower() else status.message
    return Refusal(reason, detail, kind, _field(status), 0.0 if kind.is_final else _wait_of(status))


def _wait_of(status: status_pb2.Status) -> float:
    retry = error_details_pb2.RetryInfo()
    return retry.retry_delay.ToMilliseconds() / 1000 if _find(status, retry) else _AFTER_S


def _field(status: status_pb2.Status) -> str:
    bad, failure = error_details_pb2.BadRequest(), error_details_pb2.PreconditionFailure()
    resource = error_details_pb2.ResourceInfo()
    if _find(status, bad) and bad.field_violations:
        return str(bad.field_violations[0].field)
    if _find(status, failure) and failure.violations:
        return str(failure.violations[0].subject)
    return str(resource.resource_type) if _find(status, resource) else ""


def _find(
    status: status_pb2.Status,
    into: error_details_pb2.ErrorInfo
    | error_details_pb2.RetryInfo
    | error_details_pb2.BadRequest
    | error_details_pb2.PreconditionFailure
    | error_details_pb2.ResourceInfo,
) -> bool:
    return any(detail.Unpack(into) for detail in status.details)


def _attach(
    status: status_pb2.Status,
    detail: error_details_pb2.ErrorInfo
    | error_details_pb2.RetryInfo
    | error_details_pb2.BadRequest
    | error_details_pb2.PreconditionFailure
    | error_details_pb2.ResourceInfo,
) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
