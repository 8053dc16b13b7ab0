"""The REST edge from outside: every refusal has one form, and no body gets past its limits."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from structlog.testing import capture_logs

from hub.errors import MEANINGS, Kind, Refusal
from hub.http.app import build_app
from hub.http.body import BodyLimits, JsonBody
from hub.http.idempotency import IdempotencyKey
from hub.http.query import check_query
from hub.http.quotas import RequestQuotas
from hub.runtime.health import Finding, HealthReport, HealthStatus
from hub.runtime.metrics import Metrics

PERSON = "欧阳试金石"
MAX = 1000


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ref: Annotated[str, Field(max_length=10)]


class Site:
    """An application, what it raises, and a client."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.health = HealthReport(HealthStatus.OK)
        self.keys: list[str | None] = []
        self.seen: list[Any] = []
        self.metrics = Metrics()
        bodies = JsonBody(BodyLimits(max_bytes=MAX))
        router = APIRouter(dependencies=[Depends(check_query)])

        @router.post("/cases/{agency}")
        async def submit(agency: str, request: Request, key: IdempotencyKey) -> dict[str, str]:
            try:
                case = Case.model_validate(await bodies.read(request))
            except ValidationError as found:
                raise RequestValidationError(
                    [{**one, "loc": ("body", *one["loc"])} for one in found.errors()]
                ) from None
            self.keys.append(key)
            self.seen.append((agency, case, structlog.contextvars.get_contextvars().get("correlation_id")))
            if self.error is not None:
                raise self.error
            return {"ref": case.ref}

        @router.get("/cases")
        async def find(limit: Annotated[int, Query(le=5)] = 3) -> int:
            return limit

        self.app = build_app(
            "试验 Trial",
            metrics=self.metrics,
            healthy=lambda: self.health,
            routers=[router],
            quotas=RequestQuotas({"good": "court-1"}.get, requests=(4, 3), operations=(2, 2)),
        )

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app), base_url="http://hub")

    async def post(self, raw: bytes | AsyncIterator[bytes], **headers: str) -> httpx2.Response:
        sent = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        async with self.client() as client:
            return await client.post("/cases/court-1", content=raw, headers=sent)

    async def get(self, path: str) -> httpx2.Response:
        async with self.client() as client:
            return await client.get(path)


GOOD = json.dumps({"ref": "A1"}).encode()


@pytest.fixture
def site() -> Site:
    return Site()


def problem(response: httpx2.Response) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:santiao:problem:{body['code']}"
    assert " / " in body["title"]
    assert body["correlation_id"] == response.headers["x-correlation-id"]
    assert PERSON not in response.text
    return body


def fields(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in body["errors"]]


async def test_a_good_request_passes(site: Site) -> None:
    response = await site.post(GOOD, x_correlation_id="req-7")
    assert (response.status_code, response.json()) == (200, {"ref": "A1"})
    assert site.seen == [("court-1", Case(ref="A1"), "req-7")]
    assert response.headers["x-correlation-id"] == "req-7"


@pytest.mark.parametrize("told", ["", "x" * 65, "a b", PERSON.encode().hex() + "!"])
async def test_a_correlation_id_that_is_none_is_replaced(site: Site, told: str) -> None:
    await site.post(GOOD, x_correlation_id=told)
    assert len(site.seen[0][2]) == 32


@pytest.mark.parametrize("kind", Kind)
async def test_each_kind_of_verdict_has_its_status(site: Site, kind: Kind) -> None:
    retried = MEANINGS[kind].kafka == "retry"
    site.error = Refusal("some_code", "why", kind, after_s=1.2).error()
    response = await site.post(GOOD)
    body = problem(response)
    assert (response.status_code, body["code"], body["detail"]) == (MEANINGS[kind].http, "some_code", "why")
    assert response.headers.get("retry-after") == ("2" if retried else None)
    assert ("www-authenticate" in response.headers) == (response.status_code == 401)


async def test_a_verdict_names_its_field(site: Site) -> None:
    site.error = Refusal("consent_missing", "no", field="consents.0.answer").error()
    body = problem(await site.post(GOOD))
    assert body["errors"] == [{"field": "consents.0.answer", "code": "consent_missing", "detail": "no"}]


async def test_a_bug_answers_500_without_a_word_of_it(site: Site) -> None:
    site.error = ValueError(PERSON)
    with capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        body = problem(await site.post(GOOD))
    assert (body["status"], body["code"]) == (500, "internal")
    (line,) = [line for line in logs if line["event"] == "http_failed"]
    assert line["correlation_id"] == body["correlation_id"]
    assert line["route"] == "/cases/{agency}"


async def test_what_the_model_refuses_is_named_by_field(site: Site) -> None:
    body = problem(await site.post(json.dumps({"ref": PERSON * 9, "name": PERSON}).encode()))
    assert body["status"] == 422
    assert fields(body) == [
        ("ref", "too_long"),
        ("name", "unknown_field"),
    ]
    body = problem(await site.get("/cases?limit=6"))
    assert fields(body) == [("query.limit", "out_of_range")]
    assert site.seen == []


@pytest.mark.parametrize("content_type", ["application/json", ""])
async def test_an_empty_body_is_named(site: Site, content_type: str) -> None:
    body = problem(await site.post(b"", content_type=content_type))
    assert (body["status"], body["code"]) == (400, "empty_body")


async def nothing() -> AsyncIterator[bytes]:
    yield b""


async def test_an_empty_body_without_a_length_is_empty_too(site: Site) -> None:
    body = problem(await site.post(nothing()))
    assert (body["status"], body["code"]) == (400, "empty_body")


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/nowhere", 404, "not_found"),
    ("PUT", "/healthz", 405, "method_not_allowed"),
    ("GET", "/redoc", 404, "not_found"),
    ("GET", "/docs/redoc.standalone.js", 404, "not_found"),
])  # fmt: skip
async def test_unknown_paths_and_methods(site: Site, method: str, path: str, status: int, code: str) -> None:
    async with site.client() as client:
        response = await client.request(method, path)
    assert (response.status_code, problem(response)["code"]) == (status, code)
    assert ("allow" in response.headers) == (status == 405)


async def test_the_page_to_read_and_try_calls_on_needs_nothing_but_this_service(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/docs")
        assert page.headers["content-type"].startswith("text/html")
        named = re.findall(r"""(?:src|href|url)["']?[=:] *["']([^"']+)["']""", page.text)
        assert "/openapi.json" in named
        for name in named:
            assert re.fullmatch(r"/[^/].*", name), "of this service"
            assert (await client.get(name)).status_code == 200, name
        assert '"validatorUrl": null' in page.text, "it would show the address to a server on the internet"
        script = await client.get("/docs/swagger-ui-bundle.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert b"SwaggerUIBundle" in script.content


@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        (b"\xff", {}, 400, "invalid_utf8"),
        (b"\xef\xbb\xbf" + GOOD, {}, 400, "byte_order_mark"),
        (b"{", {}, 400, "invalid_json"),
        (b"[" * 25 + b"]" * 25, {}, 400, "too_deep"),
        (b'{"ref":"a","ref":"b"}', {}, 400, "duplicate_key"),
        (b"ref=A1", {"content_type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        (GOOD, {"content_type": "text/plain"}, 415, "unsupported_media_type"),
        (GOOD, {"content_type": ""}, 415, "unsupported_media_type"),
        (GOOD, {"content_encoding": "gzip"}, 415, "unsupported_encoding"),
        (b"x" * (MAX + 1), {}, 413, "too_large"),
    ],
)
async def test_a_body_that_is_none_never_reaches_a_route(
    site: Site, raw: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = await site.post(raw, **headers)
    assert (response.status_code, problem(response)["code"]) == (status, code)
    assert site.seen == []


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"])
async def test_json_by_another_name_is_json(site: Site, media_type: str) -> None:
    assert (await site.post(GOOD, content_type=media_type)).status_code == 200


async def test_a_body_without_a_length_is_cut_off_too(site: Site) -> None:
    given = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(10**6):
            given += 1
            yield b"x" * 100_000

    response = await site.post(parts())
    assert (response.status_code, problem(response)["code"]) == (413, "too_large")
    assert given == 1  # the rest is the connection's


@pytest.mark.parametrize("size", [MAX - 1, MAX, MAX + 1])
async def test_the_limit_is_the_last_size_that_passes(site: Site, size: int) -> None:
    raw = GOOD + b" " * (size - len(GOOD))
    assert (await site.post(raw)).status_code == (200 if size <= MAX else 413)


@pytest.mark.parametrize(
    ("sent", "seen"), [("abc", "abc"), ('"abc"', "abc"), ("  abc ", "abc"), ('"', '"'), ("x" * 128, "x" * 128)]
)
async def test_an_idempotency_key_is_read(site: Site, sent: str, seen: str) -> None:
    await site.post(GOOD, idempotency_key=sent)
    assert site.keys == [seen]


async def test_no_idempotency_key_is_none(site: Site) -> None:
    await site.post(GOOD)
    assert site.keys == [None]


@pytest.mark.parametrize("sent", ["", '""', "x" * 129, "a b", "a\tb"])
async def test_a_bad_idempotency_key_is_refused(site: Site, sent: str) -> None:
    body = problem(await site.post(GOOD, idempotency_key=sent))
    assert (body["code"], body["errors"][0]["field"]) == ("bad_idempotency_key", "header.Idempotency-Key")
    assert site.seen == []


@pytest.mark.parametrize(
    ("status", "answer"), [(HealthStatus.OK, 200), (HealthStatus.DEGRADED, 200), (HealthStatus.DOWN, 503)], ids=str
)
async def test_health_tells_the_state_of_each_part(site: Site, status: HealthStatus, answer: int) -> None:
    found = {"writes": Finding("store_locked", 12.34), "reads": Finding("", 99.0)}
    site.health = HealthReport(status, "不能受理 nothing can be accepted", found)
    response = await site.get("/healthz")
    assert (response.status_code, response.json()) == (
        answer,
        {
            "status": status.value,
            "detail": "不能受理 nothing can be accepted",
            "parts": {
                "writes": {"state": "failing", "for_s": 12.3, "reason": "store_locked"},
                "reads": {"state": "ok", "for_s": 99.0, "reason": ""},
            },
        },
    )


async def test_who_is_down_is_alive_all_the_same(site: Site) -> None:
    site.health = HealthReport(HealthStatus.DOWN, "受理不了")
    response = await site.get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_metrics_are_served_and_requests_counted_by_route(site: Site) -> None:
    await site.post(GOOD)
    await site.post(GOOD)
    await site.get("/cases/secret-ref-77")
    async with site.client() as client:
        await client.request("BREW", "/cases")
    response = await site.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'hub_http_requests_total{method="POST",route="/cases/{agency}",status="200"} 2.0' in response.text
    assert "secret-ref-77" not in response.text
    assert 'method="other"' in response.text
    assert "BREW" not in response.text


async def test_openapi_describes_problems_and_not_the_frameworks_errors(site: Site) -> None:
    document = (await site.get("/openapi.json")).json()
    answers = document["paths"]["/cases/{agency}"]["post"]["responses"]
    assert "422" not in answers
    assert answers["default"]["content"]["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/Problem"
    assert "Problem" in document["components"]["schemas"]
    assert "FieldError" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "/healthz" not in document["paths"]
    assert (await site.get("/openapi.json")).json() == document


async def test_a_cancellation_from_within_may_be_asked_again(site: Site) -> None:
    site.error = asyncio.CancelledError()
    with capture_logs() as logs:
        body = problem(response := await site.post(GOOD))
    assert (body["status"], body["code"], response.headers["retry-after"]) == (503, "interrupted", "1")
    assert [line["log_level"] for line in logs if line["event"] == "http_failed"] == ["error"]


@pytest.mark.parametrize(
    ("query", "status", "code", "field"),
    [
        ("", 200, "", ""),
        ("?limit=5", 200, "", ""),
        ("?cursor=5", 422, "unknown_parameter", "query.cursor"),
        ("?limit=5&limit=4", 422, "duplicate_parameter", "query.limit"),
        ("?limit=5&%E5%BC%A0=1", 422, "unknown_parameter", "query.?"),
        ("?=", 422, "unknown_parameter", "query.?"),
        ("?limit", 422, "wrong_type", "query.limit"),
    ],
)
async def test_a_query_that_is_not_the_paths_is_refused(
    site: Site, query: str, status: int, code: str, field: str
) -> None:
    response = await site.get(f"/cases{query}")
    assert response.status_code == status
    if code:
        assert fields(problem(response)) == [(field, code)]


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json"])
async def test_every_path_of_every_service_looks_at_its_query(site: Site, path: str) -> None:
    assert problem(await site.get(f"{path}?verbose=1"))["code"] == "unknown_parameter"


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", "/cases", "/cases?limit=6"])
async def test_head_is_answered_like_get(site: Site, path: str) -> None:
    async with site.client() as client:
        head = await client.head(path)
    get = await site.get(path)
    assert (head.status_code, head.headers["content-type"]) == (get.status_code, get.headers["content-type"])


async def test_what_is_allowed_names_head_too(site: Site) -> None:
    async with site.client() as client:
        assert (await client.put("/healthz")).headers["allow"] == "GET, HEAD"
        head = await client.head("/cases/court-1")
    assert (head.status_code, head.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/healthz/", "/cases/court-1/", "/cases/"])
async def test_a_trailing_slash_sends_nobody_elsewhere(site: Site, path: str) -> None:
    response = await site.get(path)
    assert (response.status_code, problem(response)["code"]) == (404, "not_found")
    assert "location" not in response.headers
