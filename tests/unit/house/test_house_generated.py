"""Pages made of code say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.support.tree import ROOT


def test_pages_are_up_to_date(subtests: pytest.Subtests) -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for name, page in generate.PAGES.items():
        with subtests.test(name):
            assert (Path(ROOT) / "docs" / name).read_text(encoding="utf-8") == page(), "run `make docs`"
