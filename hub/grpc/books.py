"""Serves the books of one service over gRPC.

All services use this servicer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc
from typing_extensions import override

from hub.wire.books.v1 import books_pb2, books_pb2_grpc


class BooksServicer(books_pb2_grpc.BooksServiceServicer):
    """Answers `GetBooks` with the service's own counts.

    `read` counts them in one snapshot; the servicer adds the service's name.
    """

    def __init__(self, service: str, read: Callable[[], Awaitable[books_pb2.GetBooksResponse]]) -> None:
        self._service = service
        self._read = read

    @override
    async def GetBooks(
        self,
        request: books_pb2.GetBooksRequest,
        context: grpc.aio.ServicerContext[books_pb2.GetBooksRequest, books_pb2.GetBooksResponse],
    ) -> books_pb2.GetBooksResponse:
        """Return the books."""
        books = await self._read()
        books.service = self._service
        return books
