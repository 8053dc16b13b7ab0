"""Towns, villages and partners' codes are checked and replaced when a record is read; its digest stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.inbound.openapi import complete
from bridge.record import codelists
from bridge.record.codelists import CodeLists
from bridge.record.dto import Invalid, MatterDto, read
from services.court_bridge.dto import EXAMPLE, CourtCaseDto
from services.court_bridge.wire import to_wire

CODES = Path(__file__).parents[3] / "services/court_bridge/codes"
HEAD = 'source: "县民政局"\nversion: "1"\nas_of: 2026-01-01\ndivisions:\n'
ROWS = '  "620725204": {name: "李桥乡", valid_until: 2024-03-31}\n'
MAPS = 'maps:\n  - {from: "620725101099", to: "620725102201"}\n  - {from: "620725204", to: "620725203"}\n'


def lists(folder: Path, text: str = HEAD + ROWS) -> CodeLists:
    path = folder / "divisions.yaml"
    path.write_text(text, "utf-8")
    return codelists.load(codelists.OWN, CODES, divisions_file=path)


def case(codes: CodeLists, **changes: object) -> CourtCaseDto:
    return read(CourtCaseDto, {**EXAMPLE, **changes}, codes)


def refusal(codes: CodeLists, **changes: object) -> tuple[str, str]:
    with pytest.raises(Invalid) as refused:
        case(codes, **changes)
    return refused.value.field, refused.value.code


@pytest.fixture(scope="module")
def own() -> CodeLists:
    return codelists.load(codelists.OWN, CODES)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"town_code": "620725999"}, "town_code"),
        ({"town_code": "620725101", "village_code": "620725101999"}, "village_code"),
    ],
)
def test_an_unknown_division_is_refused_with_its_field(own: CodeLists, changes: dict[str, str], place: str) -> None:
    assert refusal(own, **changes) == (place, "unknown_division")


def test_a_county_that_nobody_listed_is_not_checked(own: CodeLists) -> None:
    matter = case(own, county_code="620724", town_code="620724999", village_code="620724999999").matter()
    assert (matter.town_code, matter.village_code) == ("620724999", "620724999999")


def test_one_fault_is_named_once(own: CodeLists) -> None:
    with pytest.raises(Invalid) as refused:
        case(own, county_code="62072", town_code="620725999", village_code="620725999999")
    assert [finding["loc"] for finding in refused.value.findings] == [("county_code",)]


def test_the_day_of_the_record_decides(tmp_path: Path) -> None:
    codes = lists(tmp_path)
    ended = {"town_code": "620725204"}
    assert case(codes, handed_over_at="2024-03-31T23:59:59+08:00", **ended).matter().town_code == "620725204"
    assert refusal(codes, handed_over_at="2024-04-01T00:00:00+08:00", **ended) == ("town_code", "unknown_division")


def test_a_mapped_place_goes_out_in_our_codes(tmp_path: Path) -> None:
    codes = lists(tmp_path, HEAD + ROWS + MAPS)
    town = case(codes, town_code="620725204")
    village = case(codes, town_code="620725101", village_code="620725101099")
    assert to_wire(town.to_record()).town_code == "620725203"
    out = to_wire(village.to_record())
    assert (out.town_code, out.village_code) == ("620725102", "620725102201")


def test_a_mapping_changes_no_digest(tmp_path: Path) -> None:
    changes: dict[str, object] = {"town_code": "620725204"}
    before = case(lists(tmp_path), **changes)
    after = case(lists(tmp_path, HEAD + ROWS + MAPS), **changes)
    assert (before.town_code, after.town_code) == ("620725204", "620725203")
    assert before.content_sha256() == after.content_sha256()


def with_maps(folder: Path, name: str, maps: str) -> CodeLists:
    """Return the court's lists, one of them with mappings."""
    for path in (*codelists.OWN.glob("*.yaml"), *CODES.glob("*.yaml")):
        text = path.read_text("utf-8")
        (folder / path.name).write_text(f"{text}maps: {maps}\n" if path.stem == name else text, "utf-8")
    return codelists.load(folder)


def test_a_partner_s_code_is_read_as_ours(own: CodeLists, tmp_path: Path) -> None:
    codes = with_maps(tmp_path, "role", '{"YG": "plaintiff"}')
    sent: list[dict[str, Any]] = [{"role": "YG", "answer": "given"}]
    assert refusal(own, consents=sent) == ("consents.0.role", "unknown_code")
    dto = case(codes, consents=sent)
    assert to_wire(dto.to_record()).consents[0].role == "plaintiff"


def test_the_digest_is_made_of_the_partner_s_code(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    sent: dict[str, object] = {"circumstances": ["x9", "divorce", "a1"]}
    first = case(with_maps(one, "circumstance", '{"a1": "parentage", "x9": "adoption_status"}'), **sent)
    later = case(with_maps(other, "circumstance", '{"a1": "adoption_status", "x9": "parentage"}'), **sent)
    assert first.circumstances == ("parentage", "divorce", "adoption_status")
    assert first.content_sha256() == later.content_sha256()
    assert first.content_sha256() != case(with_maps(one, "circumstance", "{}")).content_sha256()


def test_a_mapped_kind_of_party_checks_the_number_as_ours(tmp_path: Path) -> None:
    codes = with_maps(tmp_path, "id_type", '{"1": "uscc"}')
    party = {"role": "plaintiff", "name": "乙公司", "id_type": "1", "id_number": "1"}
    assert refusal(codes, parties=[party]) == ("parties.0.id_number", "id_format")


def test_the_document_lists_the_partner_s_codes(tmp_path: Path) -> None:
    document: dict[str, Any] = {}
    complete(document, (MatterDto,), "matter", with_maps(tmp_path, "role", '{"YG": "plaintiff"}'))
    role = document["components"]["schemas"]["PartyDto"]["properties"]["role"]
    assert role["enum"][-1] == "YG"
    assert "`YG` = `plaintiff`" in role["description"]
