"""Ids: made by hand for speed, so they are compared with the library's."""

from __future__ import annotations

from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispute.lifecycle import dispute_id_of, event_id_of, is_dispute_id
from dispute.lifecycle.identity import NAMESPACE, is_uuid


@given(st.text(), st.text())
def test_a_disputes_id_is_the_uuid_of_its_name(organ: str, ref: str) -> None:
    made = dispute_id_of(organ, ref)
    assert made == str(uuid5(NAMESPACE, f"dispute\x1f{organ}\x1f{ref}"))
    assert is_dispute_id(made)


@given(st.uuids(), st.integers(1, 10**6))
def test_an_events_id_is_the_uuid_of_its_name(dispute: UUID, sequence: int) -> None:
    assert event_id_of(str(dispute), sequence) == str(uuid5(NAMESPACE, f"event\x1f{dispute}\x1f{sequence}"))


@given(st.uuids() | st.uuids(version=5))
def test_only_version_5_is_a_disputes_id(some: UUID) -> None:
    assert is_uuid(str(some))
    assert is_dispute_id(str(some)) == (some.version == 5)


@pytest.mark.parametrize("change", [str.upper, lambda t: t.replace("-", ""), lambda t: f"{{{t}}}", lambda t: f"{t}\n"])
def test_other_spellings_are_refused(change: object) -> None:
    text = change("fa4807d2-6dc0-59e3-b1da-c5262f7b9f4c")  # type: ignore[operator]
    assert not is_dispute_id(text)
    assert not is_uuid(text)
    assert not is_uuid(str(uuid4())[:-1] + "g")
