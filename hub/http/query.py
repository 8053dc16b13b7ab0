"""Checks the names of query parameters.

A name that the path does not know, or that occurs twice, is refused; none is ignored.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request
from fastapi.routing import APIRoute

from hub.refusals import DUPLICATE_PARAMETER, UNKNOWN_PARAMETER

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


async def check_query(request: Request) -> None:
    """Check the names of a request's query.

    Every router depends on it, after its check of the credential.

    Raises:
        Rejected: `unknown_parameter`, `duplicate_parameter`.
    """
    route = request.scope["route"]
    known = {one.alias for one in route.dependant.query_params} if isinstance(route, APIRoute) else set()
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        # A name that the sender made up could contain anything, also personal data.
        field = f"query.{name if _PLAIN_NAME.fullmatch(name) else '?'}"
        if name not in known:
            raise UNKNOWN_PARAMETER.error(field=field)
        if name in seen:
            raise DUPLICATE_PARAMETER.error(field=field)
        seen.add(name)
