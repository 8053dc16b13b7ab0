"""Position vectors: to the wire and back, and what is refused of a caller's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Rejected
from hub.grpc.vectors import vector_from_wire, vector_to_wire
from hub.streams.envelope import StreamName
from hub.wire.stream.v1 import stream_pb2

names = st.builds(
    StreamName, st.sampled_from(["intake", "court_bridge"]), st.integers(0, 23), st.from_regex(r"\A[0-9a-f]{8}\Z")
)


@given(st.dictionaries(names, st.integers(0, 2**62)))
def test_a_vector_comes_back_the_same(vector: dict[StreamName, int]) -> None:
    wire = vector_to_wire(vector)
    assert vector_from_wire(wire) == vector
    assert vector_to_wire(dict(reversed(vector.items()))) == wire


@pytest.mark.parametrize(
    ("items", "code", "field"),
    [
        ([("intake/1/a", 1), ("intake/1/a", 2)], "duplicate_stream", "at_least.positions.1.stream"),
        ([("intake/1/a", -1)], "bad_position", "at_least.positions.0.position"),
        ([("intake", 1)], "bad_stream_name", "at_least.positions.0.stream"),
        ([("", 1)], "bad_stream_name", "at_least.positions.0.stream"),
        ([("intake/x/a", 1)], "bad_stream_name", "at_least.positions.0.stream"),
    ],
)
def test_what_is_no_vector_is_refused_by_field(items: list[tuple[str, int]], code: str, field: str) -> None:
    wire = stream_pb2.PositionVector(
        positions=[stream_pb2.StreamPosition(stream=stream, position=position) for stream, position in items]
    )
    with pytest.raises(Rejected) as refused:
        vector_from_wire(wire)
    assert (refused.value.code, refused.value.field) == (code, field)
