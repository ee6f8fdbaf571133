"""DynamoDB items as people write them: plain JSON that keeps each value's type, or DynamoDB JSON. Pure.

Items here are as on the wire, ``{"id": {"S": "a"}}`` with binary values in base64. Plain JSON cannot say whether a list
is a set or a text is binary, so what is read is given the type that the value at the same place had.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

Value = Mapping[str, Any]
Item = Mapping[str, Value]

TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})
MAX_DEPTH = 40


class NotAnItem(ValueError):
    """What was written is no item; the message says what is wrong, and where."""


class _Number(str):
    """A number as it was written."""


def plain_text(item: Item) -> str:
    """An item as plain JSON, its numbers to the last digit."""
    plain = {name: _plain(value) for name, value in item.items()}
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode()


def wire_text(item: Item) -> str:
    """An item as DynamoDB JSON."""
    return orjson.dumps(item, option=orjson.OPT_INDENT_2).decode()


def short_text(value: Value) -> str:
    """A value in one line; a text without quotes."""
    plain = _plain(value)
    return plain if isinstance(plain, str) else orjson.dumps(plain).decode()


def read_plain(text: str, like: Item | None = None) -> dict[str, Any]:
    """The item of plain JSON. Raises NotAnItem."""
    return {name: _typed(value, (like or {}).get(name), name, 0) for name, value in _object(text).items()}


def read_wire(text: str) -> dict[str, Any]:
    """The item of DynamoDB JSON. Raises NotAnItem."""
    return {name: _checked(value, name, 0) for name, value in _object(text).items()}


def read_values(text: str) -> dict[str, Any]:
    """The values of an expression, each plain or DynamoDB JSON. Raises NotAnItem."""
    return {
        name: _checked(value, name, 0) if _looks_typed(value) else _typed(value, None, name, 0)
        for name, value in _object(text).items()
    }


def to_shape(item: Item) -> dict[str, Any]:
    """The item as operations take it: binary values as bytes. For what was read here."""
    return {name: _to_shape(value) for name, value in item.items()}


def from_shape(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item that an operation answered."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(item, default=lambda blob: base64.b64encode(blob).decode()))
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotAnItem(f"This is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotAnItem("This is no JSON object: {...}.")
    return found


def _refuse(name: str) -> Any:
    raise NotAnItem(f"{name} is no number that DynamoDB knows.")


def _plain(value: Value) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return orjson.Fragment(content)
        case "NS":
            return [orjson.Fragment(number) for number in content]
        case "M":
            return {name: _plain(member) for name, member in content.items()}
        case "L":
            return [_plain(element) for element in content]
        case "NULL":
            return None
    return content


def _typed(value: Any, like: Value | None, where: str, depth: int) -> dict[str, Any]:
    """A plain value with the type of what was there where that fits, else with its natural one."""
    if depth > MAX_DEPTH:
        raise NotAnItem(f"{where} lies too deep.")
    kind, before = next(iter(like.items())) if like else ("", {})
    if isinstance(value, _Number):
        return {"N": _number(value, where)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, str):
        return {"B": _binary(value, where)} if kind == "B" else {"S": value}
    if isinstance(value, dict):
        members = before if kind == "M" else {}
        return {
            "M": {name: _typed(each, members.get(name), f"{where}.{name}", depth + 1) for name, each in value.items()}
        }
    if kind in ("SS", "NS", "BS") and all(isinstance(each, _Number) == (kind == "NS") for each in value):
        return _checked({kind: value}, where, depth)
    known = before if kind == "L" else []
    return {
        "L": [
            _typed(each, known[place] if place < len(known) else None, f"{where}[{place}]", depth + 1)
            for place, each in enumerate(value)
        ]
    }


def _checked(value: Any, where: str, depth: int) -> dict[str, Any]:
    """A value of DynamoDB JSON, if it is one."""
    if not _looks_typed(value) or depth > MAX_DEPTH:
        raise NotAnItem(f'{where} is no value as {{"S": "text"}} or {{"N": "1"}}.')
    ((kind, content),) = value.items()
    is_right = {
        "S": isinstance(content, str) and not isinstance(content, _Number),
        "N": isinstance(content, str),
        "B": isinstance(content, str),
        "BOOL": isinstance(content, bool),
        "NULL": content is True,
        "M": isinstance(content, dict),
    }.get(kind, isinstance(content, list))
    if is_right and kind in ("SS", "NS", "BS"):
        is_right = all(isinstance(each, str) and (kind == "NS" or not isinstance(each, _Number)) for each in content)
    if not is_right:
        raise NotAnItem(f"{where}: what {kind} holds here is of another type.")
    match kind:
        case "S":
            return {"S": content}
        case "N":
            return {"N": _number(content, where)}
        case "B":
            return {"B": _binary(content, where)}
        case "SS":
            return {"SS": [str(each) for each in content]}
        case "NS":
            return {"NS": [_number(each, where) for each in content]}
        case "BS":
            return {"BS": [_binary(each, where) for each in content]}
        case "M":
            return {"M": {name: _checked(each, f"{where}.{name}", depth + 1) for name, each in content.items()}}
        case "L":
            return {"L": [_checked(each, f"{where}[{place}]", depth + 1) for place, each in enumerate(content)]}
    return {kind: content}


def _looks_typed(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in TYPES


def _number(text: str, where: str) -> str:
    try:
        return str(text) if Decimal(text).is_finite() else _refuse(text)
    except InvalidOperation as error:
        raise NotAnItem(f"{where}: {text!r} is no number.") from error


def _binary(text: str, where: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAnItem(f"{where} is binary, which is written in base64: {error}.") from error
    return text


def _to_shape(value: Value) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {"B": base64.b64decode(content)}
        case "BS":
            return {"BS": [base64.b64decode(each) for each in content]}
        case "M":
            return {"M": {name: _to_shape(each) for name, each in content.items()}}
        case "L":
            return {"L": [_to_shape(each) for each in content]}
    return dict(value)
