"""The admin API as people read it: every path of its description, with what it takes and answers, and a command."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from console.api.schema import api_document
from console.navigation import Group, Link

_MAX_DEPTH = 6


@dataclass(frozen=True, kw_only=True)
class Field:
    """A parameter or a member: where it is, what it takes, and what it is for."""

    name: str
    type: str
    is_required: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method of a path."""

    id: str
    tag: str
    method: str
    path: str
    text: str
    parameters: Sequence[Field]
    body: Sequence[Field]
    answers: Sequence[tuple[str, str, str]]
    command: str


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """All of it on one page, by subject."""
    groups = [(tag, list(found)) for tag, found in groupby(_operations(), key=lambda operation: operation.tag)]
    return render(request, "console/api_docs.html", {"groups": groups})


@cache
def _operations() -> Sequence[Operation]:
    document = api_document()
    schemas = document["components"]["schemas"]
    found = [
        _operation(address, method, described, schemas)
        for address, operations in document["paths"].items()
        for method, described in operations.items()
    ]
    return sorted(found, key=lambda operation: (operation.tag, operation.path, operation.method))


def _operation(address: str, method: str, described: Mapping[str, Any], schemas: Mapping[str, Any]) -> Operation:
    bodies: Mapping[str, Any] = described.get("requestBody", {}).get("content", {})
    media_type = next(iter(bodies), "")
    body: Mapping[str, Any] = bodies.get(media_type, {})
    shape = _resolved(body.get("schema", {}), schemas)
    if shape.get("type") == "array":
        shape = _resolved(shape["items"], schemas)
    command = f"curl {'' if method == 'get' else f'-X {method.upper()} '}{settings.SIMFRA_ENDPOINT}{address}"
    if media_type == "application/json":
        examples = [json.dumps(example["value"]) for example in body.get("examples", {}).values()]
        command += f" -H 'Content-Type: application/json' -d '{examples[0] if examples else '{}'}'"
    elif media_type:
        command += " --data-binary @FILE"
    return Operation(
        id=described["operationId"],
        tag=described["tags"][0],
        method=method.upper(),
        path=address,
        text=described.get("description", ""),
        parameters=[_parameter(parameter) for parameter in described.get("parameters", ())],
        body=list(_members(shape, schemas)),
        answers=[_answer(status, answer, schemas) for status, answer in sorted(described["responses"].items())],
        command=command,
    )


def _parameter(parameter: Mapping[str, Any]) -> Field:
    return Field(
        name=parameter["name"],
        type=_type(parameter.get("schema", {})),
        is_required=parameter.get("required", False),
        text=parameter.get("description", ""),
    )


def _members(shape: Mapping[str, Any], schemas: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Field]:
    if depth > _MAX_DEPTH:
        return
    for name, member in shape.get("properties", {}).items():
        resolved = _resolved(member, schemas)
        yield Field(
            name=prefix + name,
            type=_type(resolved),
            is_required=name in shape.get("required", ()),
            text=member.get("description", resolved.get("description", "")),
        )
        yield from _members(resolved, schemas, f"{prefix}{name}.", depth + 1)


def _answer(status: str, answer: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[str, str, str]:
    content: Mapping[str, Any] = next(iter(answer.get("content", {}).values()), {})
    shown = json.dumps(_sketch(content["schema"], schemas), indent=2) if "schema" in content else ""
    return status, answer.get("description", ""), shown


def _sketch(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int = 0) -> Any:
    """An answer's form, with types in place of values."""
    schema = _resolved(schema, schemas)
    if depth > _MAX_DEPTH:
        return "..."
    if "properties" in schema:
        return {name: _sketch(member, schemas, depth + 1) for name, member in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_sketch(schema.get("items", {}), schemas, depth + 1)]
    return _type(schema)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    for options in ("oneOf", "anyOf", "allOf"):
        if options in schema:
            schema = schema[options][0]
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema


def _type(schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type", "any")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    return f"{text}: {', '.join(map(str, schema['enum']))}" if "enum" in schema else text


urlpatterns = [path("_simfra/docs", api_docs, name="api-docs")]
NAVIGATION = [Link(group=Group.SIMFRA, title="Admin API", url_name="api-docs", order=80)]
