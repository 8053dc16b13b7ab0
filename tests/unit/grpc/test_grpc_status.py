"""Every verdict crosses gRPC and comes back the same."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped] # the package has no stubs
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import MEANINGS, Kind, Refusal
from hub.grpc.status import status_of, verdict_of

RETRIED = [kind for kind, meaning in MEANINGS.items() if meaning.kafka == "retry"]
FINAL = [kind for kind in Kind if kind not in RETRIED]
codes = st.from_regex(r"\A[a-z][a-z_]{0,30}\Z")


def details(refusal: Refusal) -> dict[str, Any]:
    """The details of a status by the name of their message."""
    status = status_of(refusal)
    found: dict[str, Any] = {}
    for item in status.details:
        name = item.type_url.rpartition(".")[2]
        found[name] = getattr(error_details_pb2, name)()
        item.Unpack(found[name])
    return found


def round_trip(refusal: Refusal) -> Refusal:
    status = status_of(refusal)
    return verdict_of(grpc.StatusCode[MEANINGS[refusal.kind].grpc], status.message, status.SerializeToString())


@given(codes, st.text(max_size=50), st.sampled_from(FINAL))
def test_a_refusal_comes_back_the_same(code: str, detail: str, kind: Kind) -> None:
    back = round_trip(Refusal(code, detail, kind))
    assert (back.code, back.kind) == (code, kind)
    assert back.detail == ("" if detail == code else detail)


@given(codes, st.sampled_from(RETRIED), st.integers(0, 3_600_000))
def test_a_put_off_comes_back_the_same(code: str, kind: Kind, after_ms: int) -> None:
    back = round_trip(Refusal(code, "later", kind, after_s=after_ms / 1000))
    assert (back.code, back.detail, back.kind, back.after_s) == (code, "later", kind, after_ms / 1000)


@pytest.mark.parametrize("kind", [Kind.MALFORMED, Kind.WRONG_STATE, Kind.STALE, Kind.NOT_FOUND, Kind.KEY_REUSED])
def test_the_field_at_fault_comes_back(kind: Kind) -> None:
    back = round_trip(Refusal("x", kind=kind, field="facts.received_on"))
    assert back.field == "facts.received_on"


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_has_its_status_and_always_an_error_info(kind: Kind) -> None:
    refusal = Refusal("some_code", kind=kind)
    info = details(refusal)["ErrorInfo"]
    assert (info.reason, info.domain, info.metadata["kind"]) == ("SOME_CODE", "santiao.hub", kind.value)
    assert grpc.StatusCode[MEANINGS[kind].grpc].value[0] == status_of(refusal).code


def test_each_kind_has_the_details_that_fit_it() -> None:
    bad = details(Refusal("too_long", "at most 3", field="brief"))["BadRequest"].field_violations[0]
    assert (bad.field, bad.description, bad.reason) == ("brief", "at most 3", "TOO_LONG")
    assert details(Refusal("x", kind=Kind.WRONG_STATE))["PreconditionFailure"].violations[0].type == "X"
    assert "ResourceInfo" in details(Refusal("x", kind=Kind.NOT_FOUND))
    assert details(Refusal("full", kind=Kind.EXHAUSTED, after_s=2.5))["RetryInfo"].retry_delay.ToMilliseconds() == 2500
    assert set(details(Refusal("x", kind=Kind.DENIED))) == {"ErrorInfo"}


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_a_bare_status_of_any_code_is_a_verdict_too(code: grpc.StatusCode) -> None:
    verdict = verdict_of(code, "text", None)
    again = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", "CANCELLED", "DEADLINE_EXCEEDED"}
    assert verdict.is_final is not (code.name in again)
    assert verdict.code == code.name.lower()


def test_an_oversized_message_is_not_worth_a_retry() -> None:
    verdict = verdict_of(grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER: Received message larger than max (5 vs. 4)", None)
    assert verdict.is_final
    assert verdict.code == "message_too_large"


@pytest.mark.parametrize("raw", [b"\xff\xff", b"", status_pb2.Status(code=3, message="x").SerializeToString()])
def test_details_that_cannot_be_read_are_left_aside(raw: bytes) -> None:
    assert verdict_of(grpc.StatusCode.NOT_FOUND, "x", raw).kind is Kind.NOT_FOUND


def test_details_of_another_domain_are_not_believed() -> None:
    status = status_of(Refusal("x", kind=Kind.DENIED))
    info = error_details_pb2.ErrorInfo(reason="FAKE", domain="elsewhere")
    status.details[0].Pack(info)
    assert verdict_of(grpc.StatusCode.PERMISSION_DENIED, "m", status.SerializeToString()).code == "permission_denied"


def test_a_kind_of_a_later_version_is_internal() -> None:
    status = status_of(Refusal("x"))
    info = error_details_pb2.ErrorInfo(reason="X", domain="santiao.hub", metadata={"kind": "brand_new"})
    status.details[0].Pack(info)
    assert verdict_of(grpc.StatusCode.UNKNOWN, "m", status.SerializeToString()).kind is Kind.INTERNAL
