"""A county's rules are read again while intake runs: sound ones hold, faulty ones change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hub.runtime.metrics import Metrics
from services.intake.inbound.rule_folder import RuleFolder
from services.intake.law.rule_files import NO_FOLDER, load_rules, read_folder
from services.intake.law.rulebook import Rules
from tests.support.county_rules import CALENDAR, WEEKS, write
from tests.support.intake import BOOK

OLD, NEW = "rules-2026.2+test-1", "rules-2026.2+test-2"


class Stand:
    """The folder of a county, and what intake makes of it; started with sound rules."""

    def __init__(self, folder: Path) -> None:
        self.folder = write(folder, deadlines=WEEKS)
        self.rules = Rules(load_rules(CALENDAR, folder).book)
        self.metrics = Metrics()
        self.part = RuleFolder(self.rules, read_folder(folder), CALENDAR, folder, self.metrics, every_s=1)

    async def look(self) -> bool:
        """Look as often as it takes to see a file that stays as it is."""
        return await self.part.look() or await self.part.look()

    def days(self) -> int:
        return self.rules.current.deadlines.terms[0].days

    def figure(self, line: str) -> str:
        (found,) = [each for each in self.metrics.render().decode().splitlines() if each.startswith(f"{line} ")]
        return found.split()[-1]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path / "county")


async def test_sound_rules_hold_from_then_on(stand: Stand) -> None:
    before = stand.rules.current
    write(stand.folder, "test-2", deadlines=WEEKS.replace("14", "10"))
    with capture_logs() as logs:
        assert await stand.look()
    assert (stand.days(), stand.rules.current.version) == (10, NEW)
    assert before.deadlines.terms[0].days == 14, "a unit of work that took the old rulebook keeps it"
    assert [(line["before"], line["after"]) for line in logs if line["event"] == "rules_changed"] == [(OLD, NEW)]
    assert stand.figure(f'hub_rules_info{{version="{OLD}"}}') == "0.0"
    assert stand.figure(f'hub_rules_info{{version="{NEW}"}}') == "1.0"
    assert not await stand.look()


async def test_faulty_rules_are_refused_whole_and_the_old_ones_stay(stand: Stand) -> None:
    write(stand.folder, "test-2", deadlines=WEEKS.replace("14", "10"), screening="exclusions: [3]")
    with capture_logs() as logs:
        assert not await stand.look()
    assert (stand.days(), stand.rules.current.version) == (14, OLD)
    assert stand.part.trouble().startswith("screening.yaml:1: exclusions[1]: 应为一组字段 / ")
    assert stand.figure("hub_rules_damaged_files") == "1.0"
    assert [line["in_force"] for line in logs if line["event"] == "rules_refused"] == [OLD]


async def test_mended_rules_hold_and_the_trouble_is_over(stand: Stand) -> None:
    write(stand.folder, "test-2", deadlines=WEEKS.replace("14", "0"))
    await stand.look()
    assert stand.part.problems
    write(stand.folder, "test-2", deadlines=WEEKS.replace("14", "10"))
    assert await stand.look()
    assert (stand.days(), stand.part.trouble()) == (10, "")
    assert stand.figure("hub_rules_damaged_files") == "0.0"


async def test_rules_that_are_put_back_as_they_were_end_the_trouble(stand: Stand) -> None:
    write(stand.folder, deadlines="terms: [")
    await stand.look()
    assert stand.part.trouble()
    write(stand.folder, deadlines=WEEKS)
    assert not await stand.look()
    assert (stand.days(), stand.part.trouble(), stand.rules.current.version) == (14, "", OLD)


async def test_a_file_that_vanishes_changes_nothing(stand: Stand) -> None:
    (stand.folder / "deadlines.yaml").unlink()
    assert not await stand.look()
    assert stand.part.trouble().startswith("county.yaml: version: 规则变了而版本没变，请改版本 / the rules changed")
    (stand.folder / "county.yaml").unlink()
    assert not await stand.look()
    assert "缺少这个文件" in stand.part.trouble()
    stand.folder.rmdir()
    assert not await stand.look()
    assert "没有这个目录" in stand.part.trouble()
    assert (stand.days(), stand.rules.current.version) == (14, OLD)


async def test_a_county_may_take_a_file_back(stand: Stand) -> None:
    (stand.folder / "deadlines.yaml").unlink()
    write(stand.folder, "test-2")
    assert await stand.look()
    assert stand.rules.current.deadlines == BOOK.deadlines


async def test_a_file_that_is_still_being_written_is_not_judged(stand: Stand) -> None:
    text = WEEKS.replace("14", "10")
    for end in (10, 40, len(text) // 2):
        write(stand.folder, "test-2", deadlines=text[:end])
        assert not await stand.part.look()
        assert stand.part.trouble() == ""
    write(stand.folder, "test-2", deadlines=text)
    assert await stand.look()
    assert stand.days() == 10


async def test_files_that_come_before_the_new_version_wait_for_it(stand: Stand) -> None:
    (stand.folder / "deadlines.yaml").write_text(WEEKS.replace("14", "10"), encoding="utf-8")
    assert not await stand.look()
    assert stand.days() == 14
    write(stand.folder, "test-2")
    assert await stand.look()
    assert (stand.days(), stand.part.trouble()) == (10, "")


async def test_a_remark_alone_is_no_change(stand: Stand) -> None:
    write(stand.folder, deadlines=f"# why\n{WEEKS}")
    assert not await stand.look()
    assert stand.part.trouble() == ""


async def test_without_a_folder_nothing_changes() -> None:
    rules = Rules(BOOK)
    part = RuleFolder(rules, NO_FOLDER, CALENDAR, None, Metrics(), every_s=1)
    assert not await part.look()
    assert not await part.look()
    assert (rules.current, await part.step()) == (BOOK, 1)
