"""Equal structs have equal bytes: what msgspec leaves out has a default that it knows again.

It compares by identity (findings/msgspec-equal-structs-encode-differently.sh), so a default has to be empty, small, or
a single object.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pkgutil import walk_packages

from msgspec import Struct
from msgspec.structs import fields

from dispute.contracts.field_tables import LOCAL
from tests.support.tree import OURS

SMALL = range(-5, 257)
"""Numbers of which CPython has one object each."""


def modules() -> Iterator[str]:
    for house in OURS:
        for module in walk_packages(import_module(house).__path__, f"{house}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                yield module.name


def structs(of: type[Struct] = Struct) -> set[type[Struct]]:
    return {each for kind in of.__subclasses__() for each in (kind, *structs(kind))}


def is_known_again(default: object) -> bool:
    if default is None or isinstance(default, bool | Enum):
        return True
    if isinstance(default, int):
        return default in SMALL
    return isinstance(default, str | tuple | frozenset) and not default


def unsure(kind: type[Struct]) -> list[str]:
    """Return the fields that equal structs may write or leave out."""
    if not kind.__struct_config__.omit_defaults:
        return []
    local = LOCAL.get(kind, frozenset())
    given = [each for each in fields(kind) if not each.required and each.name not in local]
    return [f"{kind.__name__}.{each.name}" for each in given if not is_known_again(each.default)]


def test_every_default_that_is_left_out_is_known_again() -> None:
    for name in modules():
        import_module(name)
    found = {kind for kind in structs() if kind.__module__.split(".")[0] in OURS}
    assert sum(kind.__struct_config__.omit_defaults for kind in found) > 30
    assert [each for kind in found for each in unsure(kind)] == []


def test_a_default_that_is_not_is_named() -> None:
    class Planted(Struct, omit_defaults=True):
        level: str = "county"
        days: int = 365
        share: float = 0.5
        rest: tuple[str, ...] = ("sunday",)
        note: str = ""
        count: int = 256

    class Written(Struct):
        level: str = "county"

    assert unsure(Planted) == ["Planted.level", "Planted.days", "Planted.share", "Planted.rest"]
    assert unsure(Written) == []
