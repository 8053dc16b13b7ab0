from __future__ import annotations

from pathlib import Path

import pytest

from ops.console.exits import Exit
from ops.play.scenarios.load import ScenarioError, load, parse
from ops.play.scenarios.vocabulary import Docking
from tests.support.scenarios import FOLDER, TINY, tiny


def faults(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "tiny.yaml")
    assert caught.value.exit_code is Exit.USAGE
    return caught.value.faults


def test_the_smallest_example_of_the_page_is_valid() -> None:
    page = (FOLDER.parent / "docs/scenarios.md").read_text(encoding="utf-8")
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert parse(example, "page").name == "my-county"


def test_a_withdrawn_record_needs_no_reason() -> None:
    (record,) = parse(TINY.replace("fate: settled}", "fate: withdrawn}"), "tiny.yaml").records
    assert record.ended_by == "applicant_withdrew"


@pytest.mark.parametrize("name", ["shandan-2024.yaml", "small.yaml", "today.yaml"])
def test_files_of_the_repository_are_valid(name: str) -> None:
    assert load(FOLDER / name).name == name.removesuffix(".yaml")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("seed: 3", "seed: three", "tiny.yaml:3: seed: "),
        ("seed: 3", "seed: 3\nsed: 4", "tiny.yaml:4: sed: unknown key"),
        ("seed: 3", "seed: 3\nseed: 4", "tiny.yaml:4: seed: key stands twice"),
        ("settled: {agreement: 4}", "settled: {agreement: 5}", "tiny.yaml:9: channels.court: received sums to 10"),
        ("settled: {agreement: 4}", "settled: {agreemnt: 4}", "tiny.yaml:12: channels.court.outcomes: unknown"),
        ("gang_fight: 1", "gang_figth: 1", "tiny.yaml:18: channels.police.not_accepted.excluded: unknown `gang_figth`"),
        ("2024-02: 4", "february: 4", "tiny.yaml:9: channels.court: `february` is no month"),
        ("received_on: 2024-01-10", "received_on: tomorrow", "tiny.yaml:23: records.0.received_on: expected a date"),
        ("received_on: 2024-01-10", "received_on: today+1", "tiny.yaml:23: records.0.received_on: expected a date"),
        ("2024-02: 4", "2024-05: 4", "tiny.yaml:11: channels.court.received.2024-05: lies outside"),
        ('"620725101"', '"620726101"', "tiny.yaml:7: towns.0: 620726101 does not lie in county"),
        ("end: 2024-04-01", "end: 2023-04-01", "tiny.yaml:5: window: end is the day after"),
        ("expired: 1", "expired: 9", "tiny.yaml:9: channels.court: received"),
        ("agency: police-620725", "agency: court-620725", "tiny.yaml:8: channels: two channels name"),
        ("fate: settled}", "fate: setled}", "tiny.yaml:23: records.0.fate: "),
        ("fate: settled}", "reason: fled, fate: settled}", "tiny.yaml:23: records.0.reason: a record of fate settled"),
        ("fate: settled}", "consents: refused}", "tiny.yaml:23: records.0.consents: expected keys with values"),
        (
            "received_on: 2024-01-10",
            "received_on: 10.01.2024",
            "tiny.yaml:23: records.0.received_on: expected a date of the calendar",
        ),
        ("received_on: 2024-01-10", "received_on: 2024-04-10", "tiny.yaml:23: records.0: handed over"),
        ("fate: settled}", "consents: {police: given}}", "tiny.yaml:23: records.0: consents names `police`"),
        (
            "fate: settled}",
            "circumstances: [divorse]}",
            "tiny.yaml:23: records.0.circumstances: unknown code `divorse`",
        ),
        ("fate: settled}", 'category: "77"}', "tiny.yaml:23: records.0.category: unknown code `77`; known are 01, "),
        (
            "channel: court, received_on",
            "channel: police, form: mediation_statement, received_on",
            "tiny.yaml:23: records.0.form: only a court",
        ),
        (
            "received_on: 2024-01-10",
            "received_on: 2025-01-10, settled_after_days: 14",
            "tiny.yaml:23: records.0.settled_after_days: ",
        ),
        (
            "received: {2024-02: 3}",
            'received: {2024-02: 3}\n    categories: {"77": 1}',
            "tiny.yaml:17: channels.police.categories.77: unknown code",
        ),
        (
            "settled: {agreement: 2}",
            "settled: {mediation_statement: 2}",
            "tiny.yaml:17: channels.police.outcomes.settled.mediation_statement: only a court",
        ),
        ("agency: police-620725", "agency: gongan-1", "tiny.yaml:15: channels.police.agency: must begin with police-"),
        (
            "excluded: {special: 1}}",
            "excluded: {special: 1}}\n    aftercare: {confirmed: 1, closed: 4}",
            "tiny.yaml:14: channels.court.aftercare.closed: is 4",
        ),
        ('county: "620725"', 'county: "6207"', "tiny.yaml:4: county: "),
        ("name: tiny", "name: [tiny", "tiny.yaml:2: not YAML"),
    ],
)
def test_a_fault_is_named_by_file_line_and_field(old: str, new: str, fault: str) -> None:
    assert old in TINY
    assert any(line.startswith(fault) for line in faults(TINY.replace(old, new, 1))), faults(TINY.replace(old, new, 1))


def test_more_expiries_than_old_enough_records_are_refused() -> None:
    text = TINY.replace("2024-01: 6, 2024-02: 4", "2024-03: 10")
    assert any("outcomes.expired" in fault for fault in faults(text))


def test_only_what_is_sure_to_be_confirmable_is_confirmed() -> None:
    aftercare = "excluded: {special: 1}}\n    aftercare: {confirmed: 1}"
    text = TINY.replace("excluded: {special: 1}}", aftercare)
    assert tiny(text).channels[Docking.COURT].aftercare.confirmed == 1
    for old, new in (("2024-", "2025-"), ("settled: {agreement: 4}", "settled: {mediation_statement: 4}")):
        assert any("aftercare.confirmed: is 1, but only 0" in fault for fault in faults(text.replace(old, new)))


def test_every_fault_is_told_at_once() -> None:
    text = TINY.replace("seed: 3", "seed: x").replace("name: 清泉镇", "nam: 清泉镇")
    assert len(faults(text)) == 3


def test_codes_stay_text() -> None:
    scenario = tiny(TINY.replace("records:", "records:\n  - {channel: court, received_on: 2024-01-11, category: 0101}"))
    assert scenario.records[0].category == "0101"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="can't be read"):
        load(tmp_path / "none.yaml")
