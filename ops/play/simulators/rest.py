"""A partner's REST client.

The simulated court and petition office share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import httpx2

from ops.console.exits import BrokenPromise
from ops.play.simulators.answers import Answer, Later, Patience, ReceivedReceipt, ReceivedRefusal, ReceivedResult

RETRIED: Final = frozenset({429, 502, 503, 504})
IN_FLIGHT: Final = "in_flight"
TIMEOUT_S: Final = 15.0
PAGE: Final = 500

Json = dict[str, object]


class RestPartner:
    """An HTTP client with one agency's key.

    It calls one bridge.

    Args:
        url: Bridge's HTTP address.
        api_key: Credential of the agency.
        route: Collection, for example `/v1/cases`.
        item: Name of a record in a batch, for example `court_case`.
        patience: Retries calls that get no answer.
    """

    def __init__(self, url: str, api_key: str, route: str, item: str, patience: Patience) -> None:
        self._client = httpx2.AsyncClient(base_url=url, headers={"X-API-Key": api_key}, timeout=TIMEOUT_S)
        self._route = route
        self._item = item
        self._patience = patience

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def submit(self, body: Json, key: str | None = None) -> Answer:
        """Send one record.

        Without a key the agency's own reference is the idempotency key.
        """
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self._call("POST", self._route, json=body, headers=headers)
        if isinstance(answer, ReceivedRefusal):
            return answer
        return receipt_of(answer)

    async def submit_batch(self, bodies: Sequence[Json]) -> list[Answer]:
        """Send many records; one answer each, in order."""
        answer = await self._call(
            "POST", f"{self._route}:batch", json={"items": [{self._item: body} for body in bodies]}
        )
        if isinstance(answer, ReceivedRefusal):
            return [answer] * len(bodies)
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(bodies):
            raise BrokenPromise(f"{self._route}:batch answered {len(bodies)} records with another number of results")
        return [_item(result) for result in results]

    async def raw(self, content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send bytes as they are.

        For requests that no correct client makes.
        """
        given = {"Content-Type": "application/json", **(headers or {})}
        answer = await self._call("POST", self._route, content=content, headers=given)
        return answer if isinstance(answer, ReceivedRefusal) else receipt_of(answer)

    async def results(self, after: int) -> tuple[list[ReceivedResult], int]:
        """Fetch a page of results after a cursor.

        Returns the results and the next cursor.
        """
        answer = await self._call("GET", "/v1/results", params={"after": str(after), "limit": str(PAGE)})
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"results were refused: {answer.code}")
        rows = answer.get("results")
        found = [_result(row) for row in rows] if isinstance(rows, list) else []
        return found, _int(answer.get("next_cursor", after))

    async def acknowledge(self, cursor: int) -> None:
        """Confirm results up to a cursor."""
        answer = await self._call("POST", "/v1/results:acknowledge", json={"cursor": cursor})
        if isinstance(answer, ReceivedRefusal):
            raise BrokenPromise(f"acknowledging was refused: {answer.code}")

    async def _call(
        self,
        method: str,
        path: str,
        *,
        json: Json | None = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Json | ReceivedRefusal:
        async def attempt() -> Json | ReceivedRefusal:
            try:
                response = await self._client.request(
                    method, path, json=json, content=content, params=params, headers=dict(headers or {})
                )
            except httpx2.TransportError as error:
                # Nobody knows whether the server got it: the same request is sent again, with the same key.
                raise Later(f"{type(error).__name__}") from error
            return _judge(response)

        return await self._patience.until_answered(f"{method} {path}", attempt)


def _judge(response: httpx2.Response) -> Json | ReceivedRefusal:
    plain = _object(response)
    if response.is_success:
        return plain
    code = str(plain.get("code", ""))
    if response.status_code in RETRIED or code == IN_FLIGHT:
        raise Later(f"{response.status_code} {code}", _seconds(response.headers.get("retry-after")))
    return ReceivedRefusal(code, str(plain.get("field", "")), str(response.status_code))


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isdigit() else 0.0


def _object(response: httpx2.Response) -> Json:
    try:
        plain = response.json()
    except ValueError:
        return {}
    return plain if isinstance(plain, dict) else {}


def _item(result: object) -> Answer:
    if isinstance(result, dict):
        refusal = result.get("refusal")
        if isinstance(refusal, dict):
            return ReceivedRefusal(str(refusal.get("code", "")), str(refusal.get("field", "")), "item")
        return receipt_of(result)
    raise BrokenPromise("an item of a batch answer is no object")


def receipt_of(plain: Json) -> ReceivedReceipt:
    """Read a receipt, bare or under `receipt`."""
    inner = plain.get("receipt", plain)
    if not isinstance(inner, dict):
        raise BrokenPromise("the answer holds no receipt")
    position = inner["position"]
    return ReceivedReceipt(
        receipt_id=str(inner["receipt_id"]),
        source_ref=str(inner["source_ref"]),
        dispute_id=str(inner["dispute_id"]),
        stream=str(position["stream"]),
        position=_int(position["position"]),
        repeated=bool(inner.get("repeated", False)),
    )


def _result(row: Json) -> ReceivedResult:
    return ReceivedResult(
        _int(row["cursor"]), str(row["source_ref"]), str(row["status"]), bool(row.get("final", False))
    )


def _int(value: object) -> int:
    return int(str(value))
