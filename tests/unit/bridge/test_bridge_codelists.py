from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bridge.record import codelists
from bridge.record.codelists import as_sent
from hub.errors import Rejected

SERVICES = Path(__file__).parents[3] / "services"
SOUND = 'source: "s"\nversion: "1"\nas_of: 2026-11-21\ncodes:\n  "a": {zh: "甲", en: "A"}\n'


@pytest.mark.parametrize("service", ["court_bridge", "police_bridge", "petition_bridge"])
def test_every_list_names_its_source_and_both_terms(service: str) -> None:
    lists = codelists.load(codelists.OWN, SERVICES / service / "codes")
    assert {"category", "circumstance", "clarity", "consent_answer", "role"} <= set(lists)
    for known in lists.values():
        assert known.source
        assert known.version
        assert all(zh and en for zh, en in known.codes.values())


def test_categories_have_a_second_level() -> None:
    category = codelists.load(codelists.OWN)["category"]
    assert all(category.has(code) for code in ("01", "99", "0101", "0503", "0902"))
    assert not any(category.has(code) for code in ("", "0", "1", "00", "18", "0500", "050", "05031", "05０3", "1801"))


@pytest.mark.parametrize(
    "text",
    [
        SOUND.replace("source:", "sauce:"),
        SOUND.replace('version: "1"', "version: 1"),
        SOUND.replace("as_of: 2026-11-21\n", ""),
        SOUND.replace(', en: "A"', ""),
        SOUND.replace('"甲"', '""'),
        SOUND.split("codes:", maxsplit=1)[0] + "codes: {}\n",
        SOUND + "more: 1\n",
        SOUND + 'maps: {"甲": "b"}\n',
        SOUND + 'maps: {"a": "a"}\n',
        SOUND + 'maps: {"": "a"}\n',
        SOUND.replace("codes:", "subdivided: true\ncodes:").replace('"a"', '"01"') + 'maps: {"0102": "01"}\n',
        "codes: [",
        "",
    ],
)
def test_a_misspelt_list_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    with pytest.raises(Rejected, match="bad_code_list"):
        codelists.load(tmp_path)


def test_a_list_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "category.yaml").write_text(SOUND, "utf-8")
    with pytest.raises(Rejected, match="bad_code_list"):
        codelists.load(codelists.OWN, tmp_path)


def test_a_partner_s_code_becomes_ours(tmp_path: Path) -> None:
    (tmp_path / "side.yaml").write_text(SOUND + 'maps: {"甲方": "a"}\n', "utf-8")
    lists = codelists.load(tmp_path)
    ours = lists.ours("side", "甲方")
    assert ours == "a"
    assert as_sent(ours) == "甲方"
    assert (lists.ours("side", "a"), lists.ours("side", "乙方")) == ("a", None)
    assert as_sent("a") == "a"


def test_every_list_tells_its_age(tmp_path: Path) -> None:
    (tmp_path / "side.yaml").write_text(SOUND, "utf-8")
    assert codelists.load(tmp_path).as_of() == {"side": date(2026, 11, 21), "divisions": date(2023, 6, 30)}
