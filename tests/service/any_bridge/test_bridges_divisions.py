"""A bridge knows its county's towns and villages, takes a file of the county's own, and tells how old its lists are."""

from __future__ import annotations

import pytest

from hub.errors import Rejected
from tests.support.bridges import RunningBridge, Workshop

FILE = 'source: "县民政局"\nversion: "1"\nas_of: 2026-01-01\ndivisions:\n  "620725107": {name: "新设镇"}\n'
MAPS = 'maps:\n  - {from: "620725204", to: "620725107"}\n'


async def test_an_unknown_town_is_refused_at_every_bridge(any_bridge: RunningBridge) -> None:
    answer = await any_bridge.post(any_bridge.noun, any_bridge.record(town_code="620725999"))
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["errors"][0]["field"]) == ("unknown_division", "town_code")


async def test_a_repeat_after_a_new_mapping_is_the_same_record(sqlite_workshop: Workshop) -> None:
    path = sqlite_workshop.folder / "divisions.yaml"
    path.write_text(FILE, "utf-8")
    async with sqlite_workshop.running(divisions_file=path) as before:
        assert (await before.post("cases", before.numbered(1, town_code="620725204"))).status_code == 201
        assert (await before.post("cases", before.numbered(2, town_code="620725107"))).status_code == 201
        await before.relayed()
    path.write_text(FILE + MAPS, "utf-8")
    async with sqlite_workshop.running(divisions_file=path) as after:
        assert (await after.post("cases", after.numbered(1, town_code="620725204"))).json()["repeated"]
        assert (await after.post("cases", after.numbered(3, town_code="620725204"))).status_code == 201
        await after.relayed()
        towns = {one.source_ref: one.case_received.town_code for one in after.handoffs()}
    assert towns == {"T-00001": "620725204", "T-00002": "620725107", "T-00003": "620725107"}


async def test_every_list_shows_its_age(sqlite_workshop: Workshop) -> None:
    path = sqlite_workshop.folder / "divisions.yaml"
    path.write_text(FILE, "utf-8")
    async with sqlite_workshop.running(divisions_file=path) as running:
        scrape = (await running.client.get("/metrics")).text
    ages = {
        line.split('list="')[1].split('"')[0]: float(line.split()[-1])
        for line in scrape.splitlines()
        if line.startswith("hub_codelist_as_of_timestamp_seconds{")
    }
    assert {"category", "circumstance", "suit_kind", "divisions"} <= set(ages)
    assert ages["divisions_file"] == 1_767_196_800  # 2026-01-01T00:00:00+08:00


def test_a_bridge_does_not_start_on_half_a_list(sqlite_workshop: Workshop) -> None:
    path = sqlite_workshop.folder / "divisions.yaml"
    path.write_text(FILE + 'maps:\n  - {from: "620725204", to: "620725999"}\n', "utf-8")
    with pytest.raises(Rejected, match="bad_code_list"):
        sqlite_workshop.build("court", divisions_file=path)
