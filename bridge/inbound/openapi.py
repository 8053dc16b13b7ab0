"""Completes the OpenAPI document of a bridge.

Adds request bodies with their code lists, the credential and examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from bridge.record.codelists import CodeList, CodeLists
from hub.http.idempotency import HEADER

_REF: Final = "#/components/schemas/{model}"
_KEY_PARAMETER: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 128},
    "description": "幂等键；缺省为来件编号，第二轮起为“编号#轮次” "
    "Key of repetition; the agency's own reference when absent, with # and the round from the second round on",
}


def body(name: str, example: Mapping[str, object] | None, *, keyed: bool = False) -> dict[str, Any]:
    """Return the OpenAPI part of a body.

    FastAPI needs it because the bridge reads the body itself.
    """
    content: dict[str, Any] = {"schema": {"$ref": _REF.format(model=name)}}
    if example is not None:
        content["example"] = dict(example)
    extra: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": content}}}
    return {**extra, "parameters": [_KEY_PARAMETER]} if keyed else extra


def complete(document: dict[str, Any], models: Sequence[type[BaseModel]], field: str, codes: CodeLists) -> None:
    """Add the bodies' schemas, code lists, batch and credential.

    Args:
        document: Changed in place.
        models: Bodies; the first is the agency's record.
        field: Name of the record in an item of a batch.
        codes: Lists that replace the name of each list.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in models:
        schema = model.model_json_schema(ref_template=_REF, mode="validation")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    item = {
        "type": "object",
        "required": [field],
        "additionalProperties": False,
        "properties": {
            "idempotency_key": {"type": "string", "maxLength": 128},
            field: {"$ref": _REF.format(model=models[0].__name__)},
        },
    }
    schemas["Batch"] = {
        "type": "object",
        "required": ["items"],
        "additionalProperties": False,
        "properties": {"items": {"type": "array", "maxItems": 1000, "items": item}},
    }
    _fill_lists(schemas, codes)
    schemes = document["components"].setdefault("securitySchemes", {})
    schemes["ApiKey"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    document["security"] = [{"ApiKey": []}]


def _fill_lists(node: object, codes: CodeLists) -> None:
    if isinstance(node, dict):
        name = node.pop("x-code-list", None)
        if name is not None:
            _describe(node, codes[name])
        for value in node.values():
            _fill_lists(value, codes)
    elif isinstance(node, list):
        for value in node:
            _fill_lists(value, codes)


def _describe(node: dict[str, Any], known: CodeList) -> None:
    terms = "；".join(f"`{code}` {zh} {en}" for code, (zh, en) in known.codes.items())
    terms += "".join(f"；`{sent}` = `{code}`" for sent, code in known.maps.items())
    description = node.get("description", "")
    node["description"] = f"{description}。{terms}。（{known.source}，{known.version}）"
    if not known.subdivided and "default" not in node:
        node["enum"] = [*known.codes, *known.maps]
