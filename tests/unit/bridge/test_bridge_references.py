from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.record.references import LIMIT, References, check_known, check_new
from dispute.lifecycle import canonical_reference, dispute_id_of
from hub.errors import Rejected

PRINTED = "（2024）甘0725民初1023号"
AGENCY = "court-620725"
WRITTEN = st.text(st.characters() | st.sampled_from("()（）[]〔〕【】 \u3000\u00a02024２０２４/.ＡA①"), max_size=24)


@pytest.mark.parametrize("plain", [PRINTED, "J6207252024030400017", "XF620725202403040008", "T-00001", "a/b", "①(3)"])
def test_what_is_written_as_ever_keeps_its_id(plain: str) -> None:
    assert canonical_reference(plain) == plain


@pytest.mark.parametrize(
    "spelling",
    [
        "(2024)甘0725民初1023号",
        "〔2024〕甘0725民初1023号",
        "[2024]甘0725民初1023号",
        "［2024］甘0725民初1023号",
        "【2024】甘0725民初1023号",
        "（２０２４）甘０７２５民初１０２３号",
        "（2024） 甘0725民初 1023 号",
        "\u3000（2024）甘0725民初1023号\u00a0",
        "（2024）甘0725民初1023号",  # a compatibility ideograph would compose to another letter: here there is none
    ],
)
def test_one_case_number_in_many_spellings_is_one(spelling: str) -> None:
    assert canonical_reference(spelling) == PRINTED
    assert check_new(spelling) == spelling  # kept as written


@pytest.mark.parametrize(
    ("one", "other"),
    [("A-1", "a-1"), ("A①", "A1"), ("A²", "A2"), ("A-1", "A1"), ("（2024）1", "（2025）1"), ("(3)", "3"), ("〇", "0")],
)
def test_what_may_be_two_matters_stays_two(one: str, other: str) -> None:
    assert canonical_reference(one) != canonical_reference(other)


@given(WRITTEN)
@example("（(2024)）")
@example("x（2024）e \u0301")
@example("Ａ\u0301")
def test_the_canonical_form_is_its_own(text: str) -> None:
    once = canonical_reference(text)
    assert canonical_reference(once) == once
    assert canonical_reference(unicodedata.normalize("NFD", text)) == once
    assert canonical_reference(unicodedata.normalize("NFC", text)) == once


@pytest.mark.parametrize(
    "ref",
    [
        *(f"a{sign}b" for sign in " ?#%\\\"'<>&;|`\t\u3000"),
        "a？b",  # the canonical form has the sign
        "",
        " ",
        ".",
        "..",
        "．．",
        "x/..",
        "../x",
        "x/./y",
        "x//y",
        "/x",
        "x/",
        "a\u202eb",
        "a\u200cb",
        "a\ue815",
        "\x00",
        "\ud800",
    ],
)
def test_what_could_not_be_looked_up_is_refused(ref: str) -> None:
    with pytest.raises(Rejected, match="reference_format"):
        check_new(ref)


@pytest.mark.parametrize("ref", ["x" * (LIMIT + 1), "\ufb2c" * 22])
def test_both_forms_have_a_length(ref: str) -> None:
    # One letter may become three when it is composed; the store's column has 64.
    with pytest.raises(Rejected, match="too_long"):
        check_new(ref)


@given(WRITTEN)
def test_what_is_accepted_can_be_named_again(text: str) -> None:
    try:
        check_new(text)
    except Rejected:
        return
    check_known(text)
    canonical = canonical_reference(text)
    assert canonical.isprintable()
    assert not {"", ".", ".."}.intersection(canonical.split("/"))


def test_a_spelling_of_an_earlier_release_keeps_its_id_and_takes_the_others_along() -> None:
    known = References({(AGENCY, "(2024)1"): "(2024)1", (AGENCY, "（2024）1"): "(2024)1"})
    for spelling in ("(2024)1", "（2024）1", "〔2024〕1"):
        assert known.identity(AGENCY, spelling) == "(2024)1"
        assert known.dispute_of(AGENCY, spelling) == dispute_id_of(AGENCY, "(2024)1")
    assert known.identity("court-620724", "(2024)1") == "（2024）1"
    assert known.identity(AGENCY, "(2024)2") == "（2024）2"
    with pytest.raises(Rejected, match="reference_format"):
        known.dispute_of(AGENCY, "")
