"""The driver's own lists against the bridges' and the screening's, so that no file passes that a run would refuse."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ops.play.scenarios.codes import CATEGORIES, CIRCUMSTANCES, known_category
from ops.play.scenarios.vocabulary import EXCLUDED_CATEGORIES, EXCLUDING_CIRCUMSTANCES, LIFTED, LIFTING, Docking
from tests.support.tree import ROOT


def data(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("channel", Docking)
def test_circumstances_are_those_of_the_bridge(channel: Docking) -> None:
    codes = data(f"services/{channel}_bridge/codes/circumstance.yaml")["codes"]
    assert set(CIRCUMSTANCES[channel]) == set(codes)


def test_categories_are_those_of_the_bridges() -> None:
    assert set(CATEGORIES) == set(data("bridge/record/codes/category.yaml")["codes"])


@pytest.mark.parametrize("code", ["0101", "99", "1600"])
def test_a_category_may_be_divided(code: str) -> None:
    assert known_category(code) == code


@pytest.mark.parametrize("code", ["77", "7", "771", "010101", "０１"])
def test_another_category_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="unknown code"):
        known_category(code)


@pytest.mark.parametrize("channel", Docking)
def test_circumstances_exclude_what_the_screening_excludes(channel: Docking) -> None:
    excluded: set[str] = set()
    for rule in data("services/intake/law/rules/screening.yaml")["exclusions"]:
        if rule["fact"] == "circumstances" and channel in rule.get("channels", [channel]):
            excluded.update(rule["values"])
            assert set(rule.get("unless", ())) in ([set(LIFTING)] if LIFTED in rule["values"] else [set()])
    sendable = set(CIRCUMSTANCES[channel])
    assert EXCLUDING_CIRCUMSTANCES[channel] & sendable == excluded & sendable


def test_categories_exclude_what_the_screening_excludes_of_petitions() -> None:
    rules = [
        rule for rule in data("services/intake/law/rules/screening.yaml")["exclusions"] if rule["fact"] == "category"
    ]
    assert all(Docking.PETITION in rule["channels"] for rule in rules)
    assert sorted(EXCLUDED_CATEGORIES) == sorted(value for rule in rules for value in rule["values"])


def test_pages_name_every_code() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    codes = {code for codes in CIRCUMSTANCES.values() for code in codes} | set(CATEGORIES)
    assert {code for code in codes if f"`{code}`" not in page} == set()
