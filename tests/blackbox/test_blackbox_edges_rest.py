"""The REST edge at all three bridges: what is looked at first, what is refused by name, and what stays answered."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.blackbox.hubs import NOUN, RunningHub

TINY: Final = b"[" + b",".join([b"[" + b",".join([b"{}"] * 9999) + b"]"] * 106) + b"]"
"""3.2 MB of more than a million objects, none of them wide or deep."""
JSON: Final = {"content-type": "application/json"}
STRANGER: Final = {"X-API-Key": None}
FREE_S: Final = 2.0
"""Far above what health takes on a busy machine, far below the seconds that a held loop takes."""


async def code_of(hub: RunningHub, bridge: str, method: str, path: str, **how: Any) -> tuple[int, str]:  # noqa: ANN401 - httpx's
    answer = await hub.request(bridge, method, path, **how)
    told = answer.json() if answer.headers.get("content-type") == "application/problem+json" else {}
    return answer.status_code, str(told.get("code", answer.text[:80]))


async def bytes_of(url: str, sent: bytes) -> bytes:
    """Send bytes over a connection of their own; return the first answer whole."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            return head + await reader.readexactly(int(length[1]) if length else 0)
    finally:
        writer.close()


async def slowest_health(url: str, while_running: asyncio.Task[Any]) -> float:
    """Ask for health again and again until the task is done; return the longest answer time in seconds."""
    slowest = 0.0
    async with httpx2.AsyncClient(trust_env=False, timeout=120) as client:
        while not while_running.done():
            began = time.monotonic()
            assert (await client.get(f"{url}/healthz")).status_code == 200
            slowest = max(slowest, time.monotonic() - began)
    return slowest


@pytest.mark.item("8")
@pytest.mark.parametrize("path", ["/v1/nowhere", "NOUN", "NOUN:batch"])
async def test_bodies_of_strangers_do_not_hold_the_loop(hub: RunningHub, bridge: str, path: str) -> None:
    url = hub.http[f"{bridge}_bridge"]
    target = url + path.replace("NOUN", f"/v1/{NOUN[bridge]}")

    async def strangers() -> set[int]:
        async with httpx2.AsyncClient(trust_env=False, timeout=120) as client:
            posts = [client.post(target, content=TINY, headers=JSON) for _ in range(8)]
            return {answer.status_code for answer in await asyncio.gather(*posts)}

    posting = asyncio.create_task(strangers())
    slowest = await slowest_health(url, posting)
    assert slowest < FREE_S, f"health took {slowest:.1f} s"
    assert await posting == {404 if "nowhere" in path else 401}


@pytest.mark.item("8")
async def test_a_million_values_of_an_agency_do_not_hold_it_either(hub: RunningHub, bridge: str) -> None:
    posting = asyncio.create_task(code_of(hub, bridge, "POST", f"/v1/{NOUN[bridge]}:batch", content=TINY, headers=JSON))
    slowest = await slowest_health(hub.http[f"{bridge}_bridge"], posting)
    assert slowest < FREE_S, f"health took {slowest:.1f} s"
    assert await posting == (400, "too_many_values")


@pytest.mark.item("8")
async def test_the_key_goes_before_everything_else_of_a_request(hub: RunningHub, bridge: str) -> None:
    for headers in ({**STRANGER, **JSON}, {**STRANGER, "content-type": "text/plain"}):
        told = await code_of(hub, bridge, "POST", f"/v1/{NOUN[bridge]}", content=b"\xff{", headers=headers)
        assert told == (401, "unauthenticated")


@pytest.mark.item("small")
async def test_an_invalid_cursor_without_a_key_is_401(hub: RunningHub, bridge: str) -> None:
    told = await code_of(hub, bridge, "GET", "/v1/results?after=x", headers=STRANGER)
    assert told == (401, "unauthenticated")


@pytest.mark.item("9")
@pytest.mark.parametrize("beyond", [1_000_000_000, 2**60])
async def test_a_cursor_beyond_the_end_is_refused(hub: RunningHub, bridge: str, beyond: int) -> None:
    assert await code_of(hub, bridge, "GET", f"/v1/results?after={beyond}") == (409, "cursor_ahead")


@pytest.mark.item("9")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/results?cursor=5", "unknown_parameter"),
        ("/v1/results?after=0&After=5", "unknown_parameter"),
        ("/v1/results?after=0&after=5", "duplicate_parameter"),
        ("/v1/NOUN/x?full=1", "unknown_parameter"),
        ("/healthz?verbose=1", "unknown_parameter"),
        ("/metrics?name=x", "unknown_parameter"),
    ],
)
async def test_a_query_that_the_path_does_not_know_is_refused(
    hub: RunningHub, bridge: str, path: str, code: str
) -> None:
    assert await code_of(hub, bridge, "GET", path.replace("NOUN", NOUN[bridge])) == (422, code)


@pytest.mark.item("9")
@pytest.mark.parametrize("service", ["intake", "stats"])
async def test_so_is_one_at_the_other_services(hub: RunningHub, service: str) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{hub.http[service]}/healthz?verbose=1")).status_code == 422


@pytest.mark.item("small")
@pytest.mark.parametrize("service", ["court_bridge", "police_bridge", "petition_bridge", "intake", "stats"])
@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
async def test_head_is_answered(hub: RunningHub, service: str, path: str) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.head(hub.http[service] + path)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.item("small")
@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty_body"), (b"\xef\xbb\xbf{}", "byte_order_mark")], ids=["empty", "bom"]
)
async def test_a_body_that_is_none_is_named(hub: RunningHub, bridge: str, content: bytes, code: str) -> None:
    told = await code_of(hub, bridge, "POST", f"/v1/{NOUN[bridge]}", content=content, headers=JSON)
    assert told == (400, code)


@pytest.mark.item("small")
async def test_a_trailing_slash_sends_nobody_elsewhere(hub: RunningHub, bridge: str) -> None:
    answer = await hub.request(bridge, "GET", "/v1/results/", headers={"host": "elsewhere.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
    assert answer.json()["code"] == "not_found"


@pytest.mark.item("small")
async def test_a_target_in_absolute_form_is_served(hub: RunningHub, bridge: str) -> None:
    url = hub.http[f"{bridge}_bridge"]
    answer = await bytes_of(url, f"GET {url}/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]


@pytest.mark.item("small")
@pytest.mark.parametrize(("shown", "length", "status"), [("nobody's", 100, 401), ("its own", 10**9, 413)])
async def test_go_on_is_told_after_key_and_size(
    hub: RunningHub,
    bridge: str,
    shown: str,
    length: int,
    status: int,
) -> None:
    async def first_line(key: str, size: int) -> bytes:
        head = (
            f"POST /v1/{NOUN[bridge]} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {size}\r\nExpect: 100-continue\r\n\r\n"
        )
        return (await bytes_of(hub.http[f"{bridge}_bridge"], head.encode())).partition(b"\r\n")[0]

    own = hub.keys[bridge]
    refused = await first_line(own if shown == "its own" else shown, length)
    assert refused.startswith(f"HTTP/1.1 {status} ".encode()), refused
    assert (await first_line(own, 100)).startswith(b"HTTP/1.1 100 ")


@pytest.mark.item("small")
async def test_a_thousand_idle_connections_shut_nobody_out(hub: RunningHub, bridge: str) -> None:
    url = urlsplit(hub.http[f"{bridge}_bridge"])
    idle = [await asyncio.open_connection(url.hostname, url.port) for _ in range(1100)]
    try:
        assert (await hub.get(bridge, "/healthz")).status_code == 200
        assert (await hub.get(bridge, "/metrics")).status_code == 200
        answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=hub.record(bridge))
        assert answer.status_code == 201, answer.text
    finally:
        for _, writer in idle:
            writer.close()


@pytest.mark.item("7")
async def test_requests_that_wait_shut_neither_health_nor_agencies_out(hub: RunningHub, bridge: str) -> None:
    """Bodies that do not come, from one agency: what it holds is bounded, and told so with a time."""
    url = urlsplit(hub.http[f"{bridge}_bridge"])
    head = (
        f"POST /v1/{NOUN[bridge]} HTTP/1.1\r\nHost: x\r\nX-API-Key: {hub.keys[bridge]}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    )
    held = [await asyncio.open_connection(url.hostname, url.port) for _ in range(300)]
    try:
        for _, writer in held:
            writer.write(head.encode())
        answers = [answer for reader, _ in held if (answer := await _first(reader))]
        refused = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
        assert {(one["status"], one["code"]) for one in refused} == {(429, "too_many_at_once")}
        assert all(b"retry-after: 1" in answer.lower() for answer in answers)
        assert (await hub.get(bridge, "/healthz")).status_code == 200
    finally:
        for _, writer in held:
            writer.close()


async def _first(reader: asyncio.StreamReader) -> bytes:
    """Return an answer that came already, or nothing."""
    try:
        async with asyncio.timeout(0.02):
            return await reader.read(4096)
    except TimeoutError:
        return b""


def _shape(headers: Mapping[str, str]) -> str:
    return headers["content-type"].partition(";")[0]


@pytest.mark.item("small")
async def test_what_is_no_http_is_refused_as_a_problem(hub: RunningHub, bridge: str) -> None:
    answer = await bytes_of(hub.http[f"{bridge}_bridge"], b"NO\x00PE\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    pairs = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert _shape(pairs) == "application/problem+json"
    assert json.loads(body)["code"] == "bad_request"
