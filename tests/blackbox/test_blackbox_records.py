"""The small points of a record's data: phones, letters, blank names, days that can't be."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from tests.blackbox.hubs import NOUN, SIDES, ZONE, RunningHub

pytestmark = pytest.mark.item("small")

PHONES: Final = ("+86 936 2721234", "+86-936-2721234", "0086 10 12345678", "400-812-3123", "95588", "10086", "12345")
NO_PHONES: Final = ("936 2721234", "+86 1380013800", "94588", "13456")
FIELD: Final = {"court": "court_case", "police": "incident", "petition": "petition"}
LETTERS: Final = {
    "vowel separator": "\u180e",
    "non-joiner": "\u200c",
    "joiner": "\u200d",
    "narrow no-break space": "\u202f",
}
BLANKS: Final = {"blank": " ", "ideographic space": "\u3000", "joiners": "\u200d\u200c", "filler": "\u3164"}


def with_party(hub: RunningHub, bridge: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a record whose first party is changed."""
    record = hub.record(bridge)
    record["parties"][0] |= changes
    return record


async def refusal(hub: RunningHub, bridge: str, record: dict[str, Any]) -> tuple[int, str, str]:
    """Return status, field and code of the answer to a record."""
    answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=record)
    told = answer.json()
    field = told["errors"][0]["field"] if told.get("errors") else ""
    return answer.status_code, field, str(told.get("code"))


async def codes(hub: RunningHub, bridge: str, records: list[dict[str, Any]]) -> list[str]:
    """Hand records over in one batch; return the code that refuses each, `receipt` for one that is accepted."""
    items = [{FIELD[bridge]: record} for record in records]
    answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}:batch", json={"items": items})
    return [result.get("refusal", {}).get("code", "receipt") for result in answer.json()["results"]]


async def test_numbers_of_companies_and_from_abroad_are_phones(hub: RunningHub, bridge: str) -> None:
    told = await codes(hub, bridge, [with_party(hub, bridge, phone=phone) for phone in PHONES + NO_PHONES])
    expected = ["receipt"] * len(PHONES) + ["phone_format"] * len(NO_PHONES)
    assert dict(zip(PHONES + NO_PHONES, told, strict=True)) == dict(zip(PHONES + NO_PHONES, expected, strict=True))


async def test_what_a_script_needs_may_stand_in_names_and_texts(hub: RunningHub, bridge: str) -> None:
    texts = {letter: f"ᠠᠯᠲᠠ{sign}ᠨ" for letter, sign in LETTERS.items()}
    records = [
        with_party(hub, bridge, name=text, address=text) | {"brief": f"{text}\n{text}"} for text in texts.values()
    ]
    told = await codes(hub, bridge, records)
    assert dict(zip(texts, told, strict=True)) == dict.fromkeys(texts, "receipt")


async def test_a_letter_of_a_script_reaches_the_register(hub: RunningHub, bridge: str) -> None:
    answer = await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=with_party(hub, bridge, name="ᠠᠯᠲᠠ\u180eᠨ"))
    assert answer.status_code == 201, answer.text
    (first, *_) = await hub.result_of(bridge, answer.json()["dispute_id"])
    assert first["status"] == "accepted", first


async def test_a_blank_name_is_none(hub: RunningHub, bridge: str) -> None:
    records = [with_party(hub, bridge, name=name) for name in BLANKS.values()]
    records.append(with_party(hub, bridge, id_type="other", id_number=" "))
    assert await codes(hub, bridge, records) == ["blank"] * len(records)
    assert (await refusal(hub, bridge, records[0]))[1] == "parties.0.name"
    assert (await refusal(hub, bridge, records[-1]))[1] == "parties.0.id_number"


async def test_nobody_is_born_in_2099(hub: RunningHub, bridge: str) -> None:
    record = with_party(hub, bridge, id_type="citizen_id", id_number=_citizen("20990101"))
    assert await refusal(hub, bridge, record) == (422, "parties.0.id_number", "id_birth_date")
    alive = with_party(hub, bridge, id_type="citizen_id", id_number=_citizen("19900101"))
    assert (await hub.post(bridge, f"/v1/{NOUN[bridge]}", json=alive)).status_code == 201


def _citizen(born: str) -> str:
    """A sound number: ISO 7064 MOD 11-2 from the left."""
    first17 = f"620725{born}001"
    remainder = 0
    for digit in first17:
        remainder = (remainder + int(digit)) * 2 % 11
    return first17 + "0123456789X"[(12 - remainder) % 11]


async def test_no_answer_is_later_than_the_hand_over(hub: RunningHub, bridge: str) -> None:
    now = datetime.now(ZONE)
    yesterday = (now - timedelta(days=1)).isoformat(timespec="seconds")
    record = hub.record(bridge, handed_over_at=yesterday)
    if bridge == "police":
        record["called_at"] = (now - timedelta(days=1, hours=1)).isoformat(timespec="seconds")
    role = SIDES[bridge][0]
    record["consents"] = [{"role": role, "answer": "given", "answered_on": yesterday[:10]}]
    await hub.submit(bridge, record)
    late = record | {"consents": [{"role": role, "answer": "given", "answered_on": now.date().isoformat()}]}
    assert await refusal(hub, bridge, late) == (422, "consents.0.answered_on", "date_order")


async def test_no_answer_is_later_than_the_fact_that_tells_it(hub: RunningHub, bridge: str) -> None:
    record = hub.record(bridge)
    await hub.submit(bridge, record)
    now = datetime.now(ZONE)
    consent = {"role": SIDES[bridge][0], "answer": "given", "answered_on": now.date().isoformat()}
    told = {
        "source_ref": hub.ref(bridge, record),
        "occurred_at": (now - timedelta(days=1)).isoformat(timespec="seconds"),
        "later_fact": {"kind": "consent_given", "consent": consent},
    }
    answer = await hub.post(bridge, "/v1/reports", json=told, headers={"Idempotency-Key": f"k-{now.timestamp()}"})
    assert (answer.status_code, answer.json().get("code")) == (422, "date_order"), answer.text
