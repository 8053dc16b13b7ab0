"""pydantic's findings under our codes, and never with what was sent."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError, core_schema

from hub.http.problems import path_of
from hub.http.validation import code_of, field_errors, problem_of_validation

PERSON = "欧阳试金石"


class Party(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id_number: str

    @field_validator("id_number")
    @classmethod
    def _right(cls, value: str) -> str:
        if value.startswith("x"):
            raise PydanticCustomError("bad_checksum", "校验码不对 wrong check digit")
        if value.startswith("y"):
            raise ValueError(f"never {value}")
        return value


class Case(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    ref: Annotated[str, Field(max_length=5, min_length=2, pattern=r"^[a-z]+$")]
    kind: Literal["civil", "commercial"] = "civil"
    amount_fen: Annotated[int, Field(ge=0, le=100)] = 0
    received_on: Annotated[date, Field(strict=False)] = date(2024, 1, 1)
    parties: Annotated[list[Party], Field(max_length=2)] = []
    ok: bool = True


def found(**changes: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - anything a partner might send
    case = {"ref": "abc", **changes}
    with pytest.raises(ValidationError) as wrong:
        Case.model_validate({name: value for name, value in case.items() if value is not ...})
    errors = field_errors(wrong.value.errors())
    assert PERSON not in json.dumps([error.model_dump() for error in errors], ensure_ascii=False)
    return [(error.field, error.code) for error in errors]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ref": ...}, ("ref", "missing")),
        ({"surprise": PERSON}, ("surprise", "unknown_field")),
        ({"ref": 7}, ("ref", "wrong_type")),
        ({"ref": None}, ("ref", "wrong_type")),
        ({"amount_fen": PERSON}, ("amount_fen", "wrong_type")),
        ({"amount_fen": 1.5}, ("amount_fen", "wrong_type")),
        ({"ok": "yes"}, ("ok", "wrong_type")),
        ({"parties": PERSON}, ("parties", "wrong_type")),
        ({"parties": [PERSON]}, ("parties.0", "wrong_type")),
        ({"ref": "a" * 6}, ("ref", "too_long")),
        ({"parties": [{"id_number": "1"}] * 3}, ("parties", "too_long")),
        ({"ref": "a"}, ("ref", "too_short")),
        ({"amount_fen": -1}, ("amount_fen", "out_of_range")),
        ({"amount_fen": 10**30}, ("amount_fen", "out_of_range")),
        ({"ref": "ABC"}, ("ref", "bad_format")),
        ({"received_on": "2024-02-30"}, ("received_on", "bad_format")),
        ({"received_on": PERSON}, ("received_on", "bad_format")),
        ({"kind": PERSON}, ("kind", "not_in_list")),
        ({"parties": [{"id_number": "x" + PERSON}]}, ("parties.0.id_number", "bad_checksum")),
        ({"parties": [{"id_number": "y" + PERSON}]}, ("parties.0.id_number", "invalid_value")),
        ({"ref": "\ud800"}, ("ref", "invalid_text")),
    ],
    ids=str,
)
def test_each_finding_names_its_field_and_its_code(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert found(**changes) == [expected]


def test_all_fields_at_fault_are_named_up_to_a_bound() -> None:
    assert len(found(ref="A", amount_fen=-1, kind="x", more=1)) == 4
    assert len(found(**{f"extra{number}": 1 for number in range(200)})) == 50


def test_bounds_are_told_and_nothing_else_of_the_context() -> None:
    with pytest.raises(ValidationError) as wrong:
        Case.model_validate({"ref": "a" * 9, "amount_fen": 101})
    assert [error.detail for error in field_errors(wrong.value.errors())] == [
        "过长（too long） max_length 5",
        "超出范围（out of range） le 100",
    ]


def test_no_error_type_of_pydantic_reaches_a_client() -> None:
    ours = {code.name for kind in get_args(core_schema.ErrorType) if (code := code_of(kind))}
    assert ours == {
        "bad_format",
        "invalid_json",
        "invalid_text",
        "invalid_value",
        "missing",
        "not_in_list",
        "out_of_range",
        "too_long",
        "too_short",
        "unknown_field",
        "wrong_type",
    }


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("body", "parties", 0, "name"), "parties.0.name"),
        (("query", "limit"), "query.limit"),
        (("body",), ""),
        ((), ""),
        (("body", "13812345678"), "[redacted]"),
        (("body", "x" * 500), "x" * 200),
    ],
)
def test_paths_are_dotted_and_hold_no_person(location: tuple[int | str, ...], path: str) -> None:
    assert path_of(location) == path


def test_the_problem_has_the_code_of_the_first_finding() -> None:
    response = problem_of_validation([{"loc": ("body", "a"), "type": "missing", "msg": ""}])
    body = json.loads(bytes(response.body))
    assert (response.status_code, body["code"], body["errors"][0]["field"]) == (422, "missing", "a")
    assert problem_of_validation([{"loc": ("body", 1), "type": "json_invalid", "msg": ""}]).status_code == 400
