"""Converts position vectors to the wire and back.

Every answer and every `at_least` uses these functions.
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.errors import Rejected
from hub.refusals import BAD_POSITION, BAD_STREAM_NAME, DUPLICATE_STREAM
from hub.streams.envelope import StreamName
from hub.wire.stream.v1 import stream_pb2


def vector_to_wire(vector: Mapping[StreamName, int]) -> stream_pb2.PositionVector:
    """Return the message of a vector, streams sorted."""
    return stream_pb2.PositionVector(
        positions=[
            stream_pb2.StreamPosition(stream=str(stream), position=position)
            for stream, position in sorted(vector.items())
        ]
    )


def vector_from_wire(vector: stream_pb2.PositionVector, *, field: str = "at_least") -> dict[StreamName, int]:
    """Return the vector of a message.

    Args:
        vector: From a caller; not trusted.
        field: Dotted path of the vector in the request, for the refusal.

    Raises:
        Rejected: `bad_stream_name`, `bad_position` when below 0, `duplicate_stream`.
    """
    positions: dict[StreamName, int] = {}
    for index, item in enumerate(vector.positions):
        path = f"{field}.positions.{index}"
        try:
            stream = StreamName.parse(item.stream)
        except Rejected as error:
            raise BAD_STREAM_NAME.error(field=f"{path}.stream") from error
        if item.position < 0:
            raise BAD_POSITION.error(field=f"{path}.position")
        if stream in positions:
            raise DUPLICATE_STREAM.error(field=f"{path}.stream")
        positions[stream] = item.position
    return positions
