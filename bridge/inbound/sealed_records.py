"""Refuses queries of records that the law seals.

Nothing is looked up, so that no answer and no delay tells whether there is a record. Roles with a lawful basis do not
exist yet.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bridge.inbound.rest import RestEdge
from bridge.record.facts import Sender
from bridge.specification import SealedRecord, Specification
from hub.http.problems import Problem
from hub.runtime.metrics import Metrics

DENIED: Final = 403
_log = structlog.stdlib.get_logger(__name__)


class SealedRecords:
    """Refuses, counts and logs each query.

    Args:
        service: Whose records they are.
        metrics: Counts the queries.
    """

    def __init__(self, service: str, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics

    def refuse(self, sender: Sender, record: SealedRecord) -> NoReturn:
        """Refuse a query.

        The log tells who asked for what kind of record, never about which reference.

        Raises:
            Rejected: The record's own code.
        """
        self._metrics.inc("hub_sealed_record_queries_total", service=self._service)
        _log.warning("sealed_record_query", agency=sender.agency, record=record.path)
        raise record.code.error()


def build_sealed_router(spec: Specification[Any], edge: RestEdge[Any], records: SealedRecords) -> APIRouter:
    """Return the paths of sealed records; they come before those that take any reference."""
    router = APIRouter(prefix="/v1")
    for record in spec.sealed:
        summary, _, description = record.text.partition("\n")
        router.add_api_route(
            f"/{spec.noun}/{{ref:path}}/{record.path}",
            _refusing(records, record),
            methods=["GET"],
            summary=summary,
            description=description,
            status_code=DENIED,
            responses={DENIED: {"model": Problem}},
            response_model=None,
            dependencies=edge.admits(record.call),
        )
    return router


def _refusing(records: SealedRecords, record: SealedRecord) -> Any:  # noqa: ANN401 - what FastAPI calls
    async def refuse(request: Request, ref: str) -> Response:  # noqa: ARG001 - names the path's reference
        records.refuse(request.state.sender, record)

    return refuse
