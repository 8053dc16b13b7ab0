"""Builds the HTTP application of a service.

It serves health, metrics and the service's routers, and gives every refusal the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from hub.errors import Refused
from hub.http.edge import ANSWER_S, AnswerBound, Edge
from hub.http.json_guard import Unacceptable
from hub.http.problems import MEDIA_TYPE, Problem, problem_of, problem_of_status
from hub.http.query import check_query
from hub.http.quotas import RequestQuotas
from hub.http.validation import problem_of_validation
from hub.refusals import NOT_FOUND
from hub.runtime.health import HealthReport, HealthStatus
from hub.runtime.metrics import CONTENT_TYPE, Metrics

_TIMEOUT: Final = 408
_SWAGGER: Final = Path(str(files("fastapi_offline"))) / "static"
ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
"""Files of the page, with their media types."""

Healthy = Callable[[], HealthReport]


def build_app(
    title: str,
    *,
    metrics: Metrics,
    healthy: Healthy,
    routers: Sequence[APIRouter] = (),
    quotas: RequestQuotas | None = None,
    answer_s: float = ANSWER_S,
    operations: bool = True,
) -> FastAPI:
    """Return the HTTP application.

    Args:
        title: Name in the OpenAPI document.
        metrics: Served at `/metrics`; requests are counted there.
        healthy: Asked at each `/healthz`.
        routers: The service's own paths. They raise `Refused` and know nothing of statuses. They depend on
            `check_query`, and read bodies with `JsonBody`, after they have checked the credential.
        quotas: How many requests may be under way.
        answer_s: Time from a request's last byte to its answer; then 504.
        operations: Serve health and metrics here; else they have a port of their own.
    """
    # FastAPI's own /docs and /redoc load scripts from a CDN, and a county's network may have none: ours are served from
    # here. No redirects of a trailing slash: they send the caller to whatever host it named.
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    if operations:
        app.include_router(_operations(metrics, healthy))
    app.include_router(_document(app))
    if routers:
        app.include_router(_pages(title))
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Unacceptable, _on_unacceptable)
    app.add_middleware(AnswerBound, answer_s=answer_s)
    app.add_middleware(Edge, metrics=metrics, quotas=quotas or RequestQuotas())
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign] # FastAPI's documented way to extend the document
    return app


def _operations(metrics: Metrics, healthy: Healthy) -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(check_query)])

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        report = healthy()
        parts = {
            name: {"state": "failing" if found.reason else "ok", "for_s": round(found.for_s, 1), "reason": found.reason}
            for name, found in report.parts.items()
        }
        body = {"status": report.status.value, "detail": report.detail, "parts": parts}
        return JSONResponse(body, status_code=503 if report.status is HealthStatus.DOWN else 200)

    @router.get("/livez")
    async def livez() -> JSONResponse:
        # An answer alone proves that the loop runs. /healthz says whether the service does its job.
        return JSONResponse({"status": "alive"})

    @router.get("/metrics")
    async def scrape() -> Response:
        return Response(metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return router


def _document(app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[Depends(check_query)])

    @router.get("/openapi.json")
    async def openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    return router


def _pages(title: str) -> APIRouter:
    """Return the OpenAPI document as a page to read and to try calls on (Swagger UI), open as the document is."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(check_query)])

    @router.get("/docs")
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=title,
            swagger_js_url="/docs/swagger-ui-bundle.js",
            swagger_css_url="/docs/swagger-ui.css",
            swagger_favicon_url="/docs/favicon.png",
            # It would show the document's address to a server on the internet.
            swagger_ui_parameters={"validatorUrl": None, "persistAuthorization": False},
        )

    @router.get("/docs/{name}")
    async def asset(name: str) -> FileResponse:
        if name not in ASSETS:
            raise NOT_FOUND.error()
        return FileResponse(_SWAGGER / name, media_type=ASSETS[name], headers={"Cache-Control": "max-age=86400"})

    return router


async def _on_refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return problem_of(error.refusal)


async def _on_validation(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem_of_validation(error.errors())


async def _on_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if "GET" in (allowed := headers.get("Allow", "").split(", ")):
        headers["Allow"] = ", ".join([*allowed, "HEAD"])
    return problem_of_status(error.status_code, headers)


async def _on_unacceptable(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Unacceptable):
        raise error
    headers = {"Connection": "close"} if error.status == _TIMEOUT else {}
    return problem_of(error.refusal, status=error.status, headers=headers)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document with our problem schema.

    It replaces FastAPI's own validation error.
    """
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= model.pop("$defs", {})
        schemas["Problem"] = model
        answer = {
            "description": "拒绝或故障 Refused or failed",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for path in document.get("paths", {}).values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = answer
        app.openapi_schema = document
    return app.openapi_schema
