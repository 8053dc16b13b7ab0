"""The `Idempotency-Key` header, for routers that receive records."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import Depends, Header

from hub.refusals import BAD_IDEMPOTENCY_KEY

HEADER: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[!-~]{1,128}")


def read_idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="重复键；不填则用来件编号 Key of repetition; the partner's own reference when absent",
        ),
    ] = None,
) -> str | None:
    """Return the idempotency key of a request.

    The quotes that some clients put around it are removed. None when the client sent none.

    Raises:
        Rejected: `bad_idempotency_key` when it is empty, over 128 characters, or holds anything but visible ASCII.
    """
    if idempotency_key is None:
        return None
    key = idempotency_key.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if _KEY.fullmatch(key) is None:
        raise BAD_IDEMPOTENCY_KEY.error()
    return key


IdempotencyKey = Annotated[str | None, Depends(read_idempotency_key)]
"""Type of a route's argument that receives the key."""
