"""REST edge of a bridge.

Paths, statuses and their text; the rest is shared with gRPC.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, NamedTuple

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from bridge.inbound import answers
from bridge.inbound.openapi import body
from bridge.inbound.requests import BATCH_LIMIT, RequestHandler, SubmittedRecord, correlation_of, sender_of
from bridge.outbound.results import CURSOR_LIMIT
from bridge.record.codelists import CodeLists
from bridge.record.dto import Invalid, PartnerModel, read
from bridge.record.facts import Receipt, RecordT, Sender
from bridge.specification import Specification
from hub.access.gate import Gate
from hub.http.body import JsonBody
from hub.http.idempotency import HEADER, read_idempotency_key
from hub.http.query import check_query
from hub.http.quotas import shown_token
from hub.http.validation import problem_of_validation
from hub.refusals import WRONG_TYPE

CREATED: Final = 201
OK: Final = 200

_SUBMIT: Final = """报送一件 Hand over one record
先落库后回执：201；同一内容再报为 200。Stored before it is answered: 201; the same content again is 200."""
_BATCH: Final = f"""批量报送 Hand over many records
至多 {BATCH_LIMIT} 件，每件各有结果。At most {BATCH_LIMIT}, with a result for each."""
_REPORT: Final = """报告后续情况 Tell a later fact
须带幂等键：一件可有多次后续情况。The key is required: a record may have many later facts."""
_WHERE: Final = """一件的回执和结果 Where is mine
编号写法不限（全角半角、括号、组合字符），路径中须百分号编码；他方的编号与不存在的编号答复相同。
However the reference is spelt (width, brackets, composition), percent-encoded in the path. Another agency's reference
is answered like one that does not exist."""
_LOOK_UP: Final = """按参数查编号 Where is mine, by parameter
同上，编号作为查询参数。The same, for references that a path can't carry as they are."""
_RESULTS: Final = """按游标取结果 Results after a cursor
`limit` 缺省 100，至多 1000。`limit` is 100 when absent, at most 1000."""
_ACKNOWLEDGE: Final = """确认收到结果 Confirm results
可重复；游标不倒退。May be repeated; never goes back."""

Take = Callable[[Sender, SubmittedRecord, str], Awaitable[Receipt]]


class Acknowledgement(PartnerModel):
    """确认收到结果 Confirms results."""

    cursor: int = Field(ge=0, le=CURSOR_LIMIT, description="确认到此游标（含） Up to this cursor, inclusive")


class RestEdge(Generic[RecordT]):
    """Serves the bridge's paths; each path depends on `admits`."""

    def __init__(
        self,
        spec: Specification[RecordT],
        requests: RequestHandler[RecordT],
        gate: Gate,
        codes: CodeLists,
        bodies: JsonBody,
    ) -> None:
        self._field = spec.field
        self._service = spec.called.full_name
        self._requests = requests
        self._gate = gate
        self._codes = codes
        self._bodies = bodies

    def admits(self, method: str) -> list[Any]:
        """Return what a path of this call depends on: the sender passes the gate before anything else is read."""
        call = f"{self._service}/{method}"

        async def admit(request: Request) -> None:
            address = "" if request.client is None else request.client.host
            request.state.sender = sender_of(self._gate.admit(call, shown_token(request.headers), address))

        return [Depends(admit), Depends(check_query)]

    async def submit(self, request: Request) -> Response:
        """Take one record."""
        return await self._take(request, self._requests.submit)

    async def submit_batch(self, request: Request) -> Response:
        """Take many records."""
        sender = _sender(request)
        submitted = _items(await self._bodies.read(request), self._field)
        verdicts = await self._requests.submit_all(sender, submitted, _correlation(request))
        return _json(answers.BatchAnswer(results=[answers.ItemAnswer.of(verdict) for verdict in verdicts]))

    async def report(self, request: Request) -> Response:
        """Take a later fact."""
        return await self._take(request, self._requests.report)

    async def get_record(self, request: Request, ref: str) -> Response:
        """Return receipt and results of one reference."""
        receipt, found = await self._requests.get_record(_sender(request), ref)
        results = [answers.ResultAnswer.model_validate(one) for one in found]
        return _json(answers.RecordAnswer(receipt=answers.ReceiptAnswer.of(receipt), results=results))

    async def look_up(self, request: Request, reference: str = "") -> Response:
        """Return the same, with the reference as parameter."""
        return await self.get_record(request, reference)

    async def list_results(self, request: Request, after: int = 0, limit: int = 0) -> Response:
        """Return results after a cursor."""
        found, cursor = await self._requests.results_after(_sender(request), after, limit)
        results = [answers.ResultAnswer.model_validate(one) for one in found]
        return _json(answers.ResultsAnswer(results=results, next_cursor=cursor))

    async def acknowledge(self, request: Request) -> Response:
        """Confirm results."""
        sender = _sender(request)
        acknowledgement = read(Acknowledgement, await self._bodies.read(request), self._codes)
        return _json(
            answers.RemainingAnswer(remaining=await self._requests.acknowledge(sender, acknowledgement.cursor))
        )

    async def _take(self, request: Request, take: Take) -> Response:
        sender = _sender(request)
        key = read_idempotency_key(request.headers.get(HEADER))
        submitted = SubmittedRecord(await self._bodies.read(request), key or "")
        given = await take(sender, submitted, _correlation(request))
        return _json(answers.ReceiptAnswer.of(given), OK if given.repeated else CREATED)


class _Path(NamedTuple):
    """One row of the bridge's paths."""

    method: str
    path: str
    call: str
    serve: Callable[..., Awaitable[Response]]
    text: str
    answer: type[BaseModel]
    extra: dict[str, Any] = {}  # noqa: RUF012 - never changed
    statuses: tuple[int, ...] = (OK,)


def build_router(spec: Specification[RecordT], edge: RestEdge[RecordT]) -> APIRouter:
    """Return the bridge's paths."""
    example = dict(spec.record.example)
    given = (CREATED, OK)
    record = body(spec.record.__name__, example, keyed=True)
    batch = body("Batch", {"items": [{spec.field: example}]})
    report = body(spec.report.__name__, None, keyed=True)
    cursor = body("Acknowledgement", {"cursor": 12})
    rows = (
        _Path("POST", f"/{spec.noun}", "Submit", edge.submit, _SUBMIT, answers.ReceiptAnswer, record, given),
        _Path("POST", f"/{spec.noun}:batch", "SubmitBatch", edge.submit_batch, _BATCH, answers.BatchAnswer, batch),
        _Path("POST", "/reports", "Report", edge.report, _REPORT, answers.ReceiptAnswer, report, given),
        _Path("GET", f"/{spec.noun}", "Get", edge.look_up, _LOOK_UP, answers.RecordAnswer),
        _Path("GET", f"/{spec.noun}/{{ref:path}}", "Get", edge.get_record, _WHERE, answers.RecordAnswer),
        _Path("GET", "/results", "ListResults", edge.list_results, _RESULTS, answers.ResultsAnswer),
        _Path(
            "POST",
            "/results:acknowledge",
            "Acknowledge",
            edge.acknowledge,
            _ACKNOWLEDGE,
            answers.RemainingAnswer,
            cursor,
        ),
    )
    router = APIRouter(prefix="/v1")
    for row in rows:
        summary, _, description = row.text.partition("\n")
        router.add_api_route(
            row.path,
            row.serve,
            methods=[row.method],
            summary=summary,
            description=description,
            status_code=row.statuses[0],
            responses={status: {"model": row.answer} for status in row.statuses},
            response_model=None,
            openapi_extra=row.extra,
            dependencies=edge.admits(row.call),
        )
    return router


async def on_invalid(_request: Request, error: Exception) -> Response:
    """Tell every field at fault, not only the first."""
    if not isinstance(error, Invalid):
        raise error
    return problem_of_validation([{**one, "loc": ("body", *one["loc"])} for one in error.findings])


def _sender(request: Request) -> Sender:
    sender: Sender = request.state.sender
    return sender


def _items(plain: object, field: str) -> list[SubmittedRecord]:
    items = plain.get("items") if isinstance(plain, dict) and set(plain) == {"items"} else None
    if not isinstance(items, list):
        raise WRONG_TYPE.error(field="items", why='{"items": […]}')
    return [_submitted(item, field) for item in items]


def _submitted(item: object, field: str) -> SubmittedRecord:
    """Return one item of a batch.

    A malformed item is refused at the path of its record.
    """
    if not isinstance(item, dict) or not set(item) <= {"idempotency_key", field}:
        return SubmittedRecord(None)
    key = item.get("idempotency_key", "")
    return SubmittedRecord(item.get(field), key if isinstance(key, str) else "\x00")


def _correlation(request: Request) -> str:
    traceparent = request.headers.get("traceparent")
    bound = structlog.contextvars.get_contextvars().get("correlation_id")
    # The application bound the caller's id, or generated one; a trace id is better than a generated one.
    given = request.headers.get("x-correlation-id") or (None if traceparent else bound)
    return correlation_of(given, traceparent)


def _json(answer: BaseModel, status: int = OK) -> Response:
    return Response(answer.model_dump_json(exclude_none=True), status, media_type="application/json")
