"""The order in which a bridge checks a request: path, key, query, size, media type, body.

A cursor that was never given is refused.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.bridges import RunningBridge

BROKEN = b"\xef\xbb\xbf{"
BIG = {"content-length": str(10**9)}
TEXT = {"content-type": "text/plain"}


async def ask(running: RunningBridge, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    response = await running.client.request(
        method, f"/v1/{path}", content=BROKEN if method == "POST" else None, headers=headers
    )
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("verb", [":batch", ""])
async def test_what_is_looked_at_first_is_refused_first(any_bridge: RunningBridge, verb: str) -> None:
    path, key = any_bridge.noun + verb, {"x-api-key": any_bridge.key}
    everything = {**BIG, **TEXT}
    assert await ask(any_bridge, "POST", "nowhere?x=1", everything) == (404, "not_found")
    assert await ask(any_bridge, "PUT", f"{path}?x=1", everything) == (405, "method_not_allowed")
    assert await ask(any_bridge, "POST", f"{path}?x=1", everything) == (401, "unauthenticated")
    assert await ask(any_bridge, "POST", f"{path}?x=1", key | everything) == (422, "unknown_parameter")
    assert await ask(any_bridge, "POST", path, key | everything) == (413, "too_large")
    assert await ask(any_bridge, "POST", path, key | TEXT) == (415, "unsupported_media_type")
    assert await ask(any_bridge, "POST", path, key | {"content-type": "application/json"}) == (400, "byte_order_mark")


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=1001", "cursor=5", "after=1&after=2"])
async def test_the_credential_goes_before_the_query(any_bridge: RunningBridge, query: str) -> None:
    assert await ask(any_bridge, "GET", f"results?{query}", {}) == (401, "unauthenticated")
    status, _ = await ask(any_bridge, "GET", f"results?{query}", {"x-api-key": any_bridge.key})
    assert status == 422


@pytest.mark.parametrize("after", [1, 5, 2**62])
async def test_a_cursor_that_was_never_handed_out_is_refused(any_bridge: RunningBridge, after: int) -> None:
    response = await any_bridge.get(f"results?after={after}")
    assert (response.status_code, response.json()["code"]) == (409, "cursor_ahead")
    assert response.json()["errors"][0]["field"] == "after"
    assert (await any_bridge.get("results?after=0")).json() == {"results": [], "next_cursor": 0}


async def test_a_record_with_thousands_of_faults_is_refused_without_their_list(any_bridge: RunningBridge) -> None:
    wrong: dict[str, Any] = any_bridge.record(parties=[{f"k{number}": 1 for number in range(11)}] * 100)
    response = await any_bridge.post(any_bridge.noun, wrong)
    assert (response.status_code, response.json()["code"]) == (422, "too_many_faults")
