"""The pages hold together: links resolve, faults have a repair, parts have a reason, both READMEs tell the same."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict

from bridge.record import codelists
from bridge.record.dto import read
from dispute.wire.court.v1 import court_pb2
from services.court_bridge.dto import CourtCaseDto
from tests.support.tree import FENCE, OURS, ROOT, anchors_of, dotted, modules, tree_of

SKIPPED = {".venv", ".cache", ".git", ".run", "build", "node_modules"}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|<img[^>]+src=\"([^\"]+)\"")
PICTURE = re.compile(r"!\[([^\]]*)\]|<img(?![^>]*alt=\"[^\"]{20,}\")[^>]*>")
PAGE_LINES = 62


def pages() -> list[Path]:
    return sorted(p for p in ROOT.rglob("*.md") if not SKIPPED & set(p.relative_to(ROOT).parts))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path) -> None:
    broken = []
    for groups in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        link = groups[0] or groups[1]
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_picture_has_a_text(page: Path) -> None:
    silent = [m.group() for m in PICTURE.finditer(page.read_text(encoding="utf-8")) if not (m.group(1) or "").strip()]
    assert silent == []


def fault_codes() -> set[str]:
    """Codes of every Fault that is raised."""
    return {
        str(node.args[0].value)
        for path in modules(*OURS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and dotted(node.func) == "Fault" and node.args
        if isinstance(node.args[0], ast.Constant)
    }


def test_every_fault_has_its_repair_in_the_runbook() -> None:
    assert {code.replace("_", "-") for code in fault_codes()} - anchors_of(ROOT / "docs" / "runbook.md") == set()


def test_every_part_has_its_reason() -> None:
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    lines = [
        line.split("#")[0].strip()
        for name in ("runtime.in", "dev.in")
        for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    ]
    parts = {re.split(r"[\[=<>~ ]", line)[0] for line in lines if line and not line.startswith("-r")}
    assert {part for part in parts if f"`{part}`" not in reasons} == set()


def test_locks_name_no_place_to_download_from() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"https?:|--index|--find-links", lock.read_text(encoding="utf-8")), lock.name


def test_both_readmes_have_the_same_parts() -> None:
    english, chinese = (FENCE.sub("", (ROOT / f"README{tail}.md").read_text(encoding="utf-8")) for tail in ("", ".zh"))
    shape = re.compile(r"^(#+) ", re.MULTILINE)
    assert shape.findall(english) == shape.findall(chinese)
    assert set(re.findall(r"docs/[\w./-]+", english)) == set(re.findall(r"docs/[\w./-]+", chinese))


def test_contributing_fits_a_page() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= PAGE_LINES


@pytest.mark.parametrize("adr", sorted((ROOT / "docs" / "adr").glob("0*.md")), ids=lambda path: path.stem)
def test_a_decision_says_what_would_change_it(adr: Path) -> None:
    text = adr.read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
        "What would make us change it",
    ]


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_partner_s_example_is_accepted(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    (body,) = re.findall(r"-d '(\{.*?\})'", text, re.DOTALL)
    codes = codelists.load(ROOT / "bridge" / "record" / "codes", ROOT / "services" / "court_bridge" / "codes")
    assert read(CourtCaseDto, json.loads(body), codes).case_number
    assert ParseDict(json.loads(body), court_pb2.CourtCase()).case_number
