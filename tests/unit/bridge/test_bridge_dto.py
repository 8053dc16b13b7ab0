from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.accepting import handoff_messages
from bridge.record import codelists
from bridge.record.codelists import CodeLists
from bridge.record.dto import Invalid, MatterDto, ReportDto, read
from dispute.lifecycle import business_day, is_plausible_day
from dispute.wire.handoff.v1 import handoff_pb2
from services.intake.inbound.messages import plausible
from tests.support.lifecycle import REGISTER, command, decided

ADAPTERS = Path(__file__).parents[3] / "services/court_bridge"
GIVEN = {"role": "plaintiff", "answer": "given"}
SOUND: dict[str, Any] = {
    "handed_over_at": "2024-03-04T09:30:00+08:00",
    "category": "0503",
    "county_code": "620725",
    "town_code": "620725101",
    "village_code": "620725101201",
    "relation_clarity": "clear",
    "facts_clarity": "fairly_clear",
    "consents": [{"role": "plaintiff", "answer": "given", "answered_on": "2024-03-02"}],
    "circumstances": ["divorce"],
    "persons": 2,
    "parties": [{"role": "plaintiff", "name": "甲", "id_type": "citizen_id", "id_number": "11010519491231002x"}],
    "brief": "一\n二",
}


@pytest.fixture(scope="module")
def codes() -> CodeLists:
    return codelists.load(codelists.OWN, ADAPTERS / "codes")


def party(id_type: str, id_number: str) -> dict[str, str]:
    return {"role": "plaintiff", "name": "甲", "id_type": id_type, "id_number": id_number}


def fault(codes: CodeLists, **changes: object) -> tuple[str, str]:
    with pytest.raises(Invalid) as refused:
        read(MatterDto, {**SOUND, **changes}, codes)
    return refused.value.field, refused.value.code


def test_a_sound_record_becomes_the_inside_shape(codes: CodeLists) -> None:
    matter = read(MatterDto, SOUND, codes).matter("某处")
    assert matter.handed_over_at.isoformat() == "2024-03-04T01:30:00+00:00"
    assert matter.confidential.parties[0].id_number == "11010519491231002X"
    assert (matter.confidential.place, matter.scale, matter.headcount) == ("某处", "individual", 2)
    assert "11010519491231002X" not in repr(matter)
    assert "甲" not in repr(matter)


@pytest.mark.parametrize(
    ("field", "value", "place", "code"),
    [
        ("surprise", 1, "surprise", "unknown_field"),
        ("张三", 1, "?", "unknown_field"),
        ("11010519491231002X", 1, "?", "unknown_field"),
        ("persons", "2", "persons", "wrong_type"),
        ("persons", 2.0, "persons", "wrong_type"),
        ("persons", True, "persons", "wrong_type"),
        ("persons", -1, "persons", "out_of_range"),
        ("persons", 10**30, "persons", "out_of_range"),
        ("category", None, "category", "wrong_type"),
        ("category", "0500", "category", "unknown_code"),
        ("category", "1801", "category", "unknown_code"),
        ("category", "05030", "category", "unknown_code"),
        ("relation_clarity", "?", "relation_clarity", "unknown_code"),
        ("round", 0, "round", "out_of_range"),
        ("round", 100, "round", "out_of_range"),
        ("round", "2", "round", "wrong_type"),
        ("circumstances", ["hired_attack"], "circumstances.0", "unknown_code"),
        ("circumstances", "divorce", "circumstances", "wrong_type"),
        ("circumstances", ["divorce"] * 33, "circumstances", "too_long"),
        ("county_code", "62072", "county_code", "division_format"),
        ("county_code", "６20725", "county_code", "division_format"),
        ("town_code", "620724101", "town_code", "division_mismatch"),
        ("village_code", "620725102201", "village_code", "division_mismatch"),
        ("grid_code", "网格", "grid_code", "grid_format"),
        ("brief", "x" * 4001, "brief", "too_long"),
        ("brief", "a\x00", "brief", "forbidden_character"),
        ("handed_over_at", "2024-03-04", "handed_over_at", "time_format"),
        ("handed_over_at", "2024-03-04T09:30:00", "handed_over_at", "time_format"),
        ("handed_over_at", "2024-02-30T09:30:00Z", "handed_over_at", "time_format"),
        ("handed_over_at", "2024-03-04T09:30:00+25:00", "handed_over_at", "time_format"),
        ("handed_over_at", "0001-01-01T00:00:00+08:00", "handed_over_at", "time_format"),
        ("handed_over_at", "1900-01-01T00:00:00Z", "handed_over_at", "date_out_of_range"),
        ("handed_over_at", "1989-12-31T15:59:59Z", "handed_over_at", "date_out_of_range"),
        ("handed_over_at", "2199-12-31T16:00:00Z", "handed_over_at", "date_out_of_range"),
        ("consents", [{**GIVEN, "answered_on": "1989-12-31"}], "consents.0.answered_on", "date_out_of_range"),
        ("consents", [{**GIVEN, "answered_on": "2200-01-01"}], "consents.0.answered_on", "date_out_of_range"),
        ("handed_over_at", 1709515800, "handed_over_at", "wrong_type"),
        ("consents", [{"role": "plaintiff", "answer": "yes"}], "consents.0.answer", "unknown_code"),
        ("consents", [{**GIVEN, "answered_on": "2023-02-29"}], "consents.0.answered_on", "date_format"),
        ("consents", [[]], "consents.0", "wrong_type"),
        ("parties", [{"role": "plaintiff", "name": ""}], "parties.0.name", "too_short"),
        ("parties", [{"role": "plaintiff", "name": "\u3000"}], "parties.0.name", "blank"),
        ("parties", [party("other", " ")], "parties.0.id_number", "blank"),
        ("parties", [party("other", "1\u200c2")], "parties.0.id_number", "forbidden_character"),
        ("parties", [{"role": "plaintiff", "name": "甲", "id_number": "1"}], "parties.0.id_number", "id_type_missing"),
        ("parties", [party("uscc", "1")], "parties.0.id_number", "id_format"),
        ("parties", [party("passport", "E-1")], "parties.0.id_number", "id_format"),
        ("parties", [party("other", "\u202e1")], "parties.0.id_number", "forbidden_character"),
        ("parties", [{"role": "plaintiff", "name": "甲"}] * 201, "parties", "too_long"),
    ],
)  # fmt: skip
def test_each_fault_names_field_and_code(codes: CodeLists, field: str, value: object, place: str, code: str) -> None:
    assert fault(codes, **{field: value}) == (place, code)


def test_a_missing_field_is_named(codes: CodeLists) -> None:
    with pytest.raises(Invalid) as refused:
        read(MatterDto, {name: value for name, value in SOUND.items() if name != "county_code"}, codes)
    assert (refused.value.field, refused.value.code) == ("county_code", "missing")


@pytest.mark.parametrize("plain", [None, 7, "x", [], True])
def test_what_is_no_object_is_refused(codes: CodeLists, plain: object) -> None:
    with pytest.raises(Invalid, match="wrong_type"):
        read(MatterDto, plain, codes)


def test_faults_never_tell_the_value(codes: CodeLists) -> None:
    secret = "110105194912310021"
    with pytest.raises(Invalid) as refused:
        read(MatterDto, {**SOUND, "parties": [{**SOUND["parties"][0], "id_number": secret}], "brief": [secret]}, codes)
    told = f"{refused.value!r}{refused.value}{refused.value.findings}"
    assert secret not in told
    assert refused.value.__cause__ is None
    assert "brief" in refused.value.detail


def test_what_a_dispute_is_about_is_carried_sealed_and_its_day_in_clear(codes: CodeLists) -> None:
    matter = read(MatterDto, {**SOUND, "subject_ref": " 借字第12号 ", "happened_on": "2023-05-01"}, codes).matter()
    assert matter.confidential.subject_ref not in repr(matter)
    assert handoff_messages.confidential(matter.confidential, b"").subject_ref.strip() == "借字第12号"
    told = handoff_messages.case_received(matter)
    assert told.happened_on == "2023-05-01"
    assert "借字第12号".encode() not in told.SerializeToString()


def test_equal_content_has_one_digest_and_other_content_another(codes: CodeLists) -> None:
    def digest(**changes: object) -> bytes:
        return read(MatterDto, {**SOUND, **changes}, codes).content_sha256()

    same = digest()
    assert digest(handed_over_at="2024-03-04T01:30:00.000000Z") == same
    assert digest(grid_code="") == same  # absent and empty are one, as on gRPC
    assert digest(subject_ref="", happened_on="") == same
    assert digest(subject_ref="JK-1") != same
    assert digest(round=1) == same
    assert digest(round=2) != same
    assert digest(happened_on="2023-05-01") != same
    assert digest(circumstances=["divorce", "divorce"]) == same
    assert digest(brief="一\r\n二") == same
    assert digest(persons=3) != same
    assert digest(brief="二\n一") != same


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_digest_is_that_of_canonical_json(codes: CodeLists, brief: str, address: str) -> None:
    told = {**SOUND, "brief": brief, "parties": [{"role": "plaintiff", "name": "甲", "address": address}]}
    try:
        record = read(MatterDto, told, codes)
    except Invalid:
        return
    content = record.model_dump(mode="json", exclude_defaults=True)
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert record.content_sha256() == hashlib.sha256(canonical.encode()).digest()


def test_a_field_added_later_changes_no_old_digest(codes: CodeLists) -> None:
    class Wider(MatterDto):
        added: str = ""

    assert read(Wider, SOUND, codes).content_sha256() == read(MatterDto, SOUND, codes).content_sha256()


def test_what_nobody_judged_yet_is_unknown_and_no_fault(codes: CodeLists) -> None:
    told = {name: value for name, value in SOUND.items() if name not in {"relation_clarity", "facts_clarity"}}
    bare, empty = (read(MatterDto, {**told, **more}, codes) for more in ({}, {"facts_clarity": ""}))
    assert bare.content_sha256() == empty.content_sha256()
    message = handoff_messages.case_received(bare.matter())
    assert (message.relation_clarity, message.facts_clarity) == ("", "")


def test_each_round_has_a_default_key_of_its_own(codes: CodeLists) -> None:
    first, second = (read(MatterDto, {**SOUND, "round": number}, codes) for number in (1, 2))
    assert (first.key_under("a-1"), second.key_under("a-1")) == ("a-1", "a-1#2")
    assert handoff_messages.case_received(second.matter()).round == 2


def test_what_was_clarified_goes_to_intake(codes: CodeLists) -> None:
    fact = {"kind": "clarified", "relation_clarity": "clear", "facts_clarity": "unclear"}
    body = read(ReportDto, {**REPORT, "later_fact": fact}, codes).to_report().body
    handoff = handoff_pb2.Handoff()
    handoff_messages.put_report(handoff, body)
    assert handoff.later_fact.kind == "clarified"
    assert (handoff.later_fact.relation_clarity, handoff.later_fact.facts_clarity) == ("clear", "unclear")


REPORT: dict[str, Any] = {"source_ref": "a-1", "occurred_at": "2024-04-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "one_body"),
        ({"later_fact": {"kind": "other"}, "withdrawn": {"reason_code": "withdrawn"}}, "one_body"),
        ({"later_fact": {"kind": "consent_given"}}, "consent_mismatch"),
        ({"later_fact": {"kind": "consent_refused", "consent": GIVEN}}, "consent_mismatch"),
        ({"later_fact": {"kind": "other", "consent": GIVEN}}, "consent_mismatch"),
        ({"later_fact": {"kind": "reclassified"}}, "class_mismatch"),
        ({"later_fact": {"kind": "performed", "category": "05"}}, "class_mismatch"),
        ({"later_fact": {"kind": "reclassified", "category": "77"}}, "unknown_code"),
        ({"later_fact": {"kind": "clarified"}}, "clarity_mismatch"),
        ({"later_fact": {"kind": "other", "facts_clarity": "clear"}}, "clarity_mismatch"),
        ({"later_fact": {"kind": "clarified", "relation_clarity": "?"}}, "unknown_code"),
        ({"withdrawn": {"reason_code": "bored"}}, "unknown_code"),
    ],
)  # fmt: skip
def test_reports_say_one_thing_and_fit_their_kind(codes: CodeLists, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(ReportDto, {**REPORT, **body}, codes)
    assert refused.value.code == code


@pytest.mark.parametrize("ref", ["", "x" * 65, "a\u202eb", "a\ue815"])
def test_a_report_names_a_reference_that_some_release_could_have_accepted(codes: CodeLists, ref: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(ReportDto, {**REPORT, "source_ref": ref, "later_fact": {"kind": "other"}}, codes)
    assert refused.value.field == "source_ref"


def test_the_digest_is_one_for_every_spelling_and_the_spelling_is_kept(codes: CodeLists) -> None:
    one, other = (
        read(ReportDto, {**REPORT, "source_ref": ref, "later_fact": {"kind": "other"}}, codes)
        for ref in ("(1)", "（1）")
    )
    assert (one.reference, other.reference) == ("(1)", "（1）")
    assert one.content_sha256() != other.content_sha256()
    assert one.under("(1)").content_sha256() == other.under("(1)").content_sha256()


@pytest.mark.parametrize("field", ["handed_over_at", "happened_on"])
@pytest.mark.parametrize("value", [[], {}, [["2024-02-01"]], 0, False])
def test_a_time_that_is_no_text_is_a_named_fault(codes: CodeLists, field: str, value: object) -> None:
    """A list can't be looked up in a set of what counts as empty: that was a fault of ours, not of the sender."""
    assert fault(codes, **{field: value}) == (field, "wrong_type")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted({*SOUND, "happened_on", "round", "subject_ref"})), JSON)
def test_no_json_value_gets_anything_but_accepted_or_a_named_fault(codes: CodeLists, field: str, value: object) -> None:
    places = {field, "town_code", "village_code"}
    try:
        read(MatterDto, {**SOUND, field: value}, codes).content_sha256()
    except Invalid as refused:
        places &= {refused.field.split(".")[0]}
    assert places


@pytest.mark.parametrize("at", ["1989-12-31T16:00:00Z", "2199-12-31T15:59:59.999999Z"])
def test_what_the_bridge_takes_for_a_time_the_register_takes_too(at: str, codes: CodeLists) -> None:
    record = read(MatterDto, {**SOUND, "handed_over_at": at}, codes)
    instant = record.matter().handed_over_at
    assert plausible(instant) == instant
    assert is_plausible_day(business_day(instant))
    (event,) = decided(None, command(REGISTER, at=instant))
    assert event.occurred_at == instant
