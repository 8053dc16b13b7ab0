"""Normalises what a request asks for.

Routes know only this form (RFC 9112 3.2, RFC 9110 9.3.2).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from starlette.types import Scope

_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def normalised(scope: Scope) -> Scope:
    """Return the scope with its target in origin form.

    GET replaces HEAD; the server leaves out the body of the latter. A server must take `GET http://host/path HTTP/1.1`
    too; which host it names does not matter here.
    """
    changed: dict[str, object] = {}
    raw = scope.get("raw_path") or b""
    if (found := _ABSOLUTE.match(raw)) is not None:
        raw = raw[found.end() :] or b"/"
        changed |= {"raw_path": raw, "path": unquote(raw.decode("ascii"))}
    if scope["method"] == "HEAD":
        changed["method"] = "GET"
    return {**scope, **changed} if changed else scope
