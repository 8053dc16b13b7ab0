"""What an agency may say is what intake screens by: a code that only one side knows would never exclude anything."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCREENING = yaml.safe_load((ROOT / "services/intake/law/rules/screening.yaml").read_text(encoding="utf-8"))
LISTS = {"circumstances": "circumstance", "procedure": "procedure", "suit_kind": "suit_kind", "purpose": "purpose"}


def codes(channel: str, name: str) -> set[str]:
    own = ROOT / f"services/{channel}_bridge/codes/{name}.yaml"
    path = own if own.exists() else ROOT / f"bridge/record/codes/{name}.yaml"
    return set(yaml.safe_load(path.read_text(encoding="utf-8"))["codes"]) if path.exists() else set()


def named(exclusion: dict[str, object]) -> set[str]:
    values, unless = exclusion["values"], exclusion.get("unless", [])
    assert isinstance(values, list)
    assert isinstance(unless, list)
    return {*values, *unless} if exclusion["fact"] == "circumstances" else set(values)


@pytest.mark.parametrize("channel", ["court", "police", "petition"])
def test_every_code_that_excludes_can_be_sent_by_the_channel_it_is_for(channel: str) -> None:
    unknown = {
        code
        for exclusion in SCREENING["exclusions"]
        if exclusion["fact"] in LISTS and channel in exclusion.get("channels", [])
        for code in named(exclusion) - codes(channel, LISTS[exclusion["fact"]])
    }
    assert unknown == set()


def test_every_code_that_excludes_in_all_channels_can_be_sent_by_some() -> None:
    everywhere = set().union(*(codes(channel, "circumstance") for channel in ("court", "police", "petition")))
    unknown = {
        code
        for exclusion in SCREENING["exclusions"]
        if exclusion["fact"] == "circumstances" and "channels" not in exclusion
        for code in named(exclusion) - everywhere
    }
    assert unknown == set()


def test_police_classes_agree() -> None:
    excluded = {v for e in SCREENING["exclusions"] if e["fact"] == "case_cause" for v in e["values"]}
    assert excluded <= codes("police", "police_class")
