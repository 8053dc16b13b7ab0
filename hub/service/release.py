"""The release that runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the version of the installed hub.

    It is `checkout` for a tree that was never installed.
    """
    try:
        return version("santiao-hub")
    except PackageNotFoundError:
        return "checkout"
